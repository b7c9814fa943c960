//! The world outside the machine: carries out effects, one visible step at a time, by what their documentation says.

use std::{collections::BTreeSet, time::Duration};

use tokenward::{
    Commit, CommitFault, FaultKind, Fetch, FetchFault, Fingerprint, Input, Load, Loaded, LockFault, Note, Now, Park,
    Parked, Prepare, Response, SecretBytes, Stage, StoreFault, StoreOp, TryLock, UnixTime, Unlock,
};

use crate::{
    Disk, Fate, Provider,
    provider::numbers,
    rules::{Reply, Rules},
    sim::Setup,
};

/// When true time begins: so late that a credential of the past can be written down.
pub const START: Duration = Duration::from_secs(1_000_000);
const EPOCH_MS: u64 = 1_800_000_000_000;

/// Everything that processes share.
#[derive(Debug)]
pub struct World {
    pub disk: Disk,
    pub provider: Provider,
    pub rules: Rules,
    /// True time.
    pub time: Duration,
    /// How long the computer slept: the monotonic clocks stood still.
    pub asleep: Duration,
    /// What the wall clock is wrong by, in milliseconds.
    pub wrong_by: i64,
    /// The time a request takes.
    pub latency: Duration,
    /// What the next requests meet, oldest first; healthy when there is nothing more.
    pub fates: Vec<Fate>,
    /// The operations that fail, by name.
    pub failing: BTreeSet<&'static str>,
    /// What happened, if somebody wants to read it.
    pub trace: Option<Vec<String>>,
}

/// An effect on its way: `step` of its visible steps are done.
#[derive(Debug)]
pub struct Op {
    kind: Kind,
    step: usize,
    journal: Vec<SecretBytes>,
    flight: Option<Flight>,
    /// True time before which nothing more happens.
    pub ready_at: Duration,
}

#[derive(Debug)]
enum Kind {
    Load(Load),
    TryLock(TryLock),
    Prepare(Prepare),
    Stage(Stage),
    Commit(Commit),
    Note(Note),
    Park(Park),
    Unlock(Unlock),
    Fetch(Fetch),
}

/// A request on its way.
#[derive(Clone, Copy, Debug)]
pub struct Flight {
    pub fate: Fate,
    pub sent: usize,
}

/// On whose behalf something is done.
#[derive(Clone, Copy, Debug)]
pub struct Who {
    pub process: usize,
    /// Whether a caller asked for a refresh explicitly.
    pub explicit: bool,
    pub signs_out: bool,
    pub signs_in: bool,
}

/// What became of an effect.
pub enum Progress {
    More(Op),
    /// The answer.
    Done(Input),
}

impl World {
    pub fn new(setup: &Setup) -> Self {
        let mut world = Self {
            disk: Disk::default(),
            provider: Provider { grace: setup.grace, life: setup.life, ..Provider::default() },
            rules: Rules::default(),
            time: START,
            asleep: Duration::ZERO,
            wrong_by: 0,
            latency: setup.latency,
            fates: Vec::new(),
            failing: BTreeSet::new(),
            trace: setup.trace.then(Vec::new),
        };
        let issued = if setup.expired { START.saturating_sub(setup.life * 3) } else { START };
        if setup.signed_in {
            let number = world.provider.log_in("alice", issued);
            let bytes = world.stored_bytes(number, issued);
            world.write_as_owner(Some(bytes));
        }
        world.disk.sync_folder();
        world
    }

    /// Returns both clocks as a process reads them whose monotonic clock is ahead by `offset`.
    pub fn now(&self, offset: Duration) -> Now {
        Now { wall: self.wall(self.time), mono: self.time - START - self.asleep + offset }
    }

    /// Returns what the wall clock shows at a moment of true time.
    pub fn wall(&self, time: Duration) -> UnixTime {
        let millis = (EPOCH_MS + time.as_millis() as u64).saturating_add_signed(self.wrong_by);
        UnixTime::from_millis(millis)
    }

    /// Returns the content that the store's owner would write for a pair.
    pub fn stored_bytes(&self, number: usize, issued: Duration) -> Vec<u8> {
        let pair = &self.provider.pairs[number];
        let (issued, ends) = (moment(self.wall(issued)), moment(self.wall(pair.ends)));
        format!(
            r#"{{"version":1,"access_token":"access-token-{number}","refresh_token":"refresh-token-{number}","token_type":"Bearer","issued_at":"{issued}","expires_at":"{ends}","account":"{}","kept":"keep-1"}}"#,
            pair.account
        )
        .into_bytes()
    }

    /// The tool that owns the store refreshes by itself. It takes a lock of its own, which is held while ours is.
    pub fn rotate_as_owner(&mut self) {
        let Some(sent) = self.stored().refresh.filter(|_| self.disk.lock.is_none()) else { return };
        if let Some(number) = self.judge(sent) {
            let bytes = self.stored_bytes(number, self.time);
            self.write_as_owner(Some(bytes));
        }
    }

    /// The tool that owns the store signs out: it empties the tokens and leaves the rest.
    pub fn sign_out_as_owner(&mut self) {
        let kept = self.stored().kept.unwrap_or_default();
        let bytes = format!(r#"{{"version":1,"access_token":"","refresh_token":"","kept":"{kept}"}}"#);
        self.write_as_owner(Some(bytes.into_bytes()));
    }

    pub fn tell(&mut self, line: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            trace.push(line());
        }
    }

    /// Carries out the next visible step of an effect.
    pub fn perform(&mut self, who: Who, mut op: Op) -> Progress {
        let process = who.process;
        let step = op.step;
        op.step += 1;
        match op.kind {
            Kind::Load(load) if step == 0 && !load.journal.is_empty() => {
                op.journal = self.disk.read_journal(&load.journal).into_iter().map(SecretBytes::new).collect();
                op.kind = Kind::Load(load);
                Progress::More(op)
            }
            Kind::Load(load) => {
                let store = match (load.store, self.failing.contains("read")) {
                    (false, _) => Ok(None),
                    (true, false) => Ok(self.disk.store.clone().map(SecretBytes::new)),
                    (true, true) => Err(fault(FaultKind::Denied)),
                };
                let parked = self.disk.parked.iter().filter(|_| load.parked);
                let parked = parked
                    .map(|(name, bytes)| Parked { name: name.clone(), bytes: SecretBytes::new(bytes.clone()) })
                    .collect();
                let loaded = Loaded { journal: Ok(op.journal), store, parked };
                Progress::Done(load.answer(loaded))
            }
            Kind::TryLock(try_lock) => {
                let free = self.disk.lock.is_none();
                if free {
                    self.disk.lock = Some(process);
                    self.disk.version += 1;
                    self.rules.takes_lock();
                }
                Progress::Done(try_lock.answer(if free { Ok(()) } else { Err(LockFault::Busy) }))
            }
            Kind::Prepare(prepare) => {
                self.needs_lock(process, "Prepare");
                if self.failing.contains("prepare") {
                    self.rules.doubtful.extend(self.stored().refresh);
                    return Progress::Done(prepare.answer(Err(fault(FaultKind::NoSpace))));
                }
                let writes = &prepare.journal;
                match writes.writes.get(step) {
                    Some(write) => {
                        if step == 0 {
                            if writes.set_aside {
                                self.disk.move_journal_aside();
                            }
                            self.disk.reserve_journal(writes.reserve);
                        }
                        self.disk.write_journal(write.offset, write.bytes.expose());
                        op.kind = Kind::Prepare(prepare);
                        Progress::More(op)
                    }
                    None => {
                        self.sync_journal();
                        // A rename that a killed process left behind lasts before what it brought is spent.
                        self.disk.sync_folder();
                        self.rules.prepared = true;
                        Progress::Done(prepare.answer(Ok(())))
                    }
                }
            }
            Kind::Stage(stage) => {
                self.needs_lock(process, "Stage");
                match step {
                    0 if self.failing.contains("stage") => {
                        return Progress::Done(stage.answer(Err(fault(FaultKind::Other))));
                    }
                    0 => self.disk.write_journal(stage.frame.offset, stage.frame.bytes.expose()),
                    1 => self.sync_journal(),
                    _ => {
                        self.disk.write_journal(stage.mark.offset, stage.mark.bytes.expose());
                        return Progress::Done(stage.answer(Ok(())));
                    }
                }
                op.kind = Kind::Stage(stage);
                Progress::More(op)
            }
            Kind::Commit(commit) => {
                self.needs_lock(process, "Commit");
                if step == 1 {
                    self.disk.sync_folder();
                    return Progress::Done(commit.answer(Ok(())));
                }
                if self.failing.contains("commit") {
                    return Progress::Done(commit.answer(Err(CommitFault::Fault(fault(FaultKind::NoSpace)))));
                }
                if self.disk.store.as_deref().map(Fingerprint::of) != commit.base {
                    return Progress::Done(commit.answer(Err(CommitFault::Moved)));
                }
                let bytes = commit.bytes.as_ref().map(|bytes| bytes.expose().to_vec());
                self.commits(who, bytes.as_deref());
                self.disk.replace_store(bytes);
                op.kind = Kind::Commit(commit);
                Progress::More(op)
            }
            Kind::Note(note) => {
                self.needs_lock(process, "Note");
                if self.failing.contains("note") {
                    self.rules.note_failed = true;
                    self.rules.doubtful.extend(self.stored().refresh);
                    return Progress::Done(note.answer(Err(fault(FaultKind::NoSpace))));
                }
                if step == 0 {
                    if note.journal.set_aside {
                        self.disk.move_journal_aside();
                    }
                    self.disk.reserve_journal(note.journal.reserve);
                }
                match note.journal.writes.get(step) {
                    Some(write) => {
                        self.disk.write_journal(write.offset, write.bytes.expose());
                        self.noted();
                        op.kind = Kind::Note(note);
                        Progress::More(op)
                    }
                    None => {
                        for name in &note.unpark {
                            self.disk.unpark(name);
                        }
                        Progress::Done(note.answer(Ok(())))
                    }
                }
            }
            Kind::Park(park) => {
                let name = self.disk.park(park.bytes.expose().to_vec());
                Progress::Done(park.answer(Ok(name)))
            }
            Kind::Unlock(unlock) => {
                self.needs_lock(process, "Unlock");
                self.lets_go(false);
                self.disk.lock = None;
                self.disk.version += 1;
                Progress::Done(unlock.answer())
            }
            Kind::Fetch(fetch) => match op.flight {
                None => {
                    let fate = if self.fates.is_empty() { Fate::Healthy } else { self.fates.remove(0) };
                    let sent = numbers(fetch.request.body.expose(), "refresh-token-");
                    let [sent] = sent[..] else { panic!("a refresh request carries one refresh token") };
                    self.sends(who, sent, fate);
                    op.flight = Some(Flight { fate, sent });
                    op.ready_at = self.time + self.latency;
                    op.kind = Kind::Fetch(fetch);
                    Progress::More(op)
                }
                Some(flight) => {
                    self.rules.in_flight = None;
                    let answer = self.arrives(flight);
                    Progress::Done(fetch.answer(answer))
                }
            },
        }
    }

    /// The server, or whatever is in its place, answers.
    fn arrives(&mut self, flight: Flight) -> Result<Response, FetchFault> {
        let Flight { fate, sent } = flight;
        let lost = |detail: &str| Err(FetchFault::MaybeSent { detail: detail.into() });
        match fate {
            Fate::NotSent => {
                self.failed(None);
                Err(FetchFault::NotSent { detail: "connection refused".into() })
            }
            Fate::LostBefore => {
                self.failed(None);
                self.rules.unknown.insert(sent);
                lost("connection reset")
            }
            Fate::LostAfter => {
                self.judge(sent);
                self.failed(None);
                self.rules.unknown.insert(sent);
                lost("connection reset")
            }
            Fate::Healthy | Fate::Torn | Fate::NoAccessToken | Fate::Status(..) | Fate::Page | Fate::WrongClient => {
                let granted = if fate.is_judged() { self.judge(sent) } else { None };
                if fate == Fate::WrongClient || (fate.is_judged() && granted.is_none()) {
                    // What the server has judged asks nobody to wait: another client, or another token, may come at once.
                    self.rules.failed = Some(self.time);
                }
                if matches!(fate, Fate::Status(..) | Fate::Page | Fate::Torn) {
                    self.failed(if let Fate::Status(_, wait) = fate { wait } else { None });
                }
                let answer = self.rules.answers.len();
                let refused = fate.is_judged() && granted.is_none();
                self.rules.answers.push(Reply { sent, granted, refused });
                self.rules.in_hand = Some(sent);
                if fate == Fate::Torn && granted.is_some() {
                    self.rules.unknown.insert(sent);
                }
                Ok(self.provider.response(fate, granted, answer, self.time))
            }
        }
    }

    /// A process ended in the middle of a request; the server may have seen it all the same.
    pub fn abandon(&mut self, op: &Op, seen: bool) {
        let Some(flight) = op.flight else { return };
        self.rules.in_flight = None;
        if flight.fate != Fate::NotSent {
            self.rules.unknown.insert(flight.sent);
        }
        if seen && flight.fate.is_judged() {
            self.judge(flight.sent);
        }
    }

    fn sync_journal(&mut self) {
        for (_, bytes) in self.disk.sync_journal() {
            self.is_durable(&bytes);
        }
    }
}

impl Op {
    pub fn new(op: StoreOp) -> Self {
        Self::of(match op {
            StoreOp::Load(load) => Kind::Load(load),
            StoreOp::TryLock(try_lock) => Kind::TryLock(try_lock),
            StoreOp::Prepare(prepare) => Kind::Prepare(prepare),
            StoreOp::Stage(stage) => Kind::Stage(stage),
            StoreOp::Commit(commit) => Kind::Commit(commit),
            StoreOp::Note(note) => Kind::Note(note),
            StoreOp::Park(park) => Kind::Park(park),
            StoreOp::Unlock(unlock) => Kind::Unlock(unlock),
            other => panic!("an operation this world does not know: {other:?}"),
        })
    }

    pub fn fetch(fetch: Fetch) -> Self {
        Self::of(Kind::Fetch(fetch))
    }

    fn of(kind: Kind) -> Self {
        Self { kind, step: 0, journal: Vec::new(), flight: None, ready_at: Duration::ZERO }
    }

    /// Returns the operation's name.
    pub fn name(&self) -> &'static str {
        match self.kind {
            Kind::Load(_) => "Load",
            Kind::TryLock(_) => "TryLock",
            Kind::Prepare(_) => "Prepare",
            Kind::Stage(_) => "Stage",
            Kind::Commit(_) => "Commit",
            Kind::Note(_) => "Note",
            Kind::Park(_) => "Park",
            Kind::Unlock(_) => "Unlock",
            Kind::Fetch(_) => "Fetch",
        }
    }

    /// Returns how many of its visible steps are done.
    pub fn step(&self) -> usize {
        self.step
    }

    /// Returns what a request on its way meets.
    pub fn fate(&self) -> Option<Fate> {
        self.flight.map(|flight| flight.fate)
    }

    /// Returns whether the server could see the request although its process ends.
    pub fn is_in_flight(&self) -> bool {
        self.flight.is_some_and(|flight| flight.fate.is_judged())
    }
}

fn fault(kind: FaultKind) -> StoreFault {
    StoreFault { kind, detail: format!("{kind:?} (planned)") }
}

/// Writes a moment as RFC 3339.
fn moment(time: UnixTime) -> String {
    let millis = time.as_millis();
    let (days, rest) = (millis / 86_400_000, millis % 86_400_000);
    // Howard Hinnant, "chrono-compatible low-level date algorithms": civil_from_days.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    let (hours, minutes, seconds) = (rest / 3_600_000, rest / 60_000 % 60, rest / 1000 % 60);
    format!("{year:04}-{month:02}-{day:02}T{hours:02}:{minutes:02}:{seconds:02}.{:03}Z", rest % 1000)
}
