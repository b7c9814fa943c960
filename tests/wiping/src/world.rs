//! A host in memory: a store, a journal, a lock, a server that answers what it is told to. Its own secrets are in wiped
//! blocks, or in one that is never freed.

use std::{collections::VecDeque, ops::Range, time::Duration};

use tokenward::{
    AccessToken, CommitFault, Config, Deliver, Effect, FaultKind, FetchFault, Input, JournalWrites, Loaded, LockFault,
    Machine, Now, Parked, Response, SecretBytes, StoreFault, StoreOp, UnixTime, Write,
};

use crate::BASIC;

/// What processes share.
pub struct World {
    pub store: Option<SecretBytes>,
    /// Never freed: what the core left to the host's file is the host's.
    pub journal: &'static mut [u8],
    pub parked: Vec<Parked>,
    pub now: Now,
    /// The server's next answers.
    pub script: VecDeque<Result<Response, FetchFault>>,
    /// The requests that were sent, and those of them that proved the client by `Basic`.
    pub sent: usize,
    pub basic: usize,
    /// The operations that fail from now on, by name.
    pub broken: &'static [&'static str],
    locked: bool,
    names: u32,
}

/// One process: a machine and the effects it still has to carry out.
pub struct Process {
    pub machine: Machine,
    pub effects: VecDeque<Effect>,
    pub wake_in: Option<Duration>,
    pub delivered: Vec<Deliver>,
    /// The kinds of the events.
    pub told: Vec<&'static str>,
}

/// Returns an answer of the server.
pub fn answer(status: u16, content_type: &str, body: &str) -> Result<Response, FetchFault> {
    let headers = Vec::from([("Content-Type".into(), content_type.into())]);
    Ok(Response { status, headers, body: SecretBytes::new(body.as_bytes().to_vec()) })
}

impl Process {
    pub fn new(config: Config) -> Self {
        Self {
            machine: Machine::new(config),
            effects: VecDeque::new(),
            wake_in: None,
            delivered: Vec::new(),
            told: Vec::new(),
        }
    }

    /// Returns whether the last caller got this token.
    pub fn got(&self, text: &str) -> bool {
        let Some(Deliver { outcome: Ok(Some(token)), .. }) = self.delivered.last() else { return false };
        token.expose() == text
    }

    pub fn was_told(&self, kind: &str) -> bool {
        self.told.contains(&kind)
    }

    /// Feeds one input and keeps what follows from it. Whatever prints is printed, into blocks that are freed at once.
    pub fn feed(&mut self, now: Now, input: Input) {
        print(&input);
        let step = self.machine.step(now, input);
        print(&step);
        print(&self.machine);
        print(&self.machine.status());
        print(&self.machine.current());
        self.wake_in = step.wake_in;
        self.effects.extend(step.effects);
    }
}

fn print(value: &impl std::fmt::Debug) {
    drop(format!("{value:?} {value:#?}"));
}

impl World {
    pub fn new(store: Option<&str>) -> Self {
        Self {
            store: store.map(|text| SecretBytes::new(text.as_bytes().to_vec())),
            journal: Vec::leak(Vec::new()),
            parked: Vec::new(),
            now: Now { wall: UnixTime::from_secs(1_800_000_000), mono: Duration::from_secs(1) },
            script: VecDeque::new(),
            sent: 0,
            basic: 0,
            broken: &[],
            locked: false,
            names: 0,
        }
    }

    /// Feeds an input and carries out everything that follows.
    pub fn run(&mut self, process: &mut Process, input: Input) {
        self.run_until(process, input, |_| false);
    }

    /// Feeds an input and carries out what follows, up to the first effect that `stop` names: the process ends there,
    /// or goes on later with [`go_on`](Self::go_on).
    pub fn run_until(&mut self, process: &mut Process, input: Input, stop: impl Fn(&Effect) -> bool) {
        process.feed(self.now, input);
        self.go_on_until(process, stop);
    }

    /// Carries out what a process still has to do.
    pub fn go_on(&mut self, process: &mut Process) {
        self.go_on_until(process, |_| false);
    }

    /// Lets time pass until a process wants to be woken, and wakes it.
    pub fn wake(&mut self, process: &mut Process) {
        self.now = self.now.after(process.wake_in.expect("the machine waits for something"));
        self.run(process, Input::Tick);
    }

    /// The process that had the lock is gone.
    pub fn break_lock(&mut self) {
        self.locked = false;
    }

    /// Returns whether the store holds a text.
    pub fn holds(&self, text: &str) -> bool {
        // EXPOSE: compared.
        let store = self.store.as_ref().map(SecretBytes::expose).unwrap_or_default();
        text.is_empty() || store.windows(text.len()).any(|window| window == text.as_bytes())
    }

    /// Carries out what a process still has to do, up to the first effect that `stop` names.
    pub fn go_on_until(&mut self, process: &mut Process, stop: impl Fn(&Effect) -> bool) {
        while let Some(effect) = process.effects.pop_front() {
            if stop(&effect) {
                process.effects.push_front(effect);
                return;
            }
            let answer = match effect {
                Effect::Deliver(deliver) => {
                    print(&deliver);
                    match &deliver.outcome {
                        Ok(token) => drop(token.as_ref().map(AccessToken::authorization)),
                        Err(error) => drop(error.to_string()),
                    }
                    process.delivered.push(deliver);
                    continue;
                }
                Effect::Emit(event) => {
                    print(&event);
                    process.told.push(event.kind());
                    continue;
                }
                Effect::Fetch(fetch) => {
                    self.sent += 1;
                    let is_basic =
                        |value: &SecretBytes| value.expose().strip_prefix(b"Basic ") == Some(BASIC.as_bytes());
                    self.basic += usize::from(fetch.request.headers.iter().any(|(_, value)| is_basic(value)));
                    fetch.answer(self.script.pop_front().expect("an answer is in the script"))
                }
                Effect::Store(op) => self.perform(op),
                other => panic!("an effect that is not known here: {other:?}"),
            };
            process.feed(self.now, answer);
        }
    }

    fn perform(&mut self, op: StoreOp) -> Input {
        let works = |name| if self.broken.contains(&name) { Err(disk_full()) } else { Ok(()) };
        match op {
            StoreOp::Load(op) => {
                let journal = op.journal.iter().map(|range| self.read(range)).collect();
                let store = if op.store { self.store.clone() } else { None };
                let parked = if op.parked { self.parked.clone() } else { Vec::new() };
                op.answer(Loaded { journal: Ok(journal), store: Ok(store), parked })
            }
            StoreOp::TryLock(op) => {
                let taken = std::mem::replace(&mut self.locked, true);
                op.answer(if taken { Err(LockFault::Busy) } else { Ok(()) })
            }
            StoreOp::Prepare(op) => {
                let works = works("prepare");
                self.write(&op.journal);
                op.answer(works)
            }
            StoreOp::Stage(op) => {
                let works = works("stage");
                if works.is_ok() {
                    self.write_one(&op.frame);
                    self.write_one(&op.mark);
                }
                op.answer(works)
            }
            StoreOp::Commit(op) => {
                if let Err(fault) = works("commit") {
                    return op.answer(Err(CommitFault::Fault(fault)));
                }
                if self.store.as_ref().map(SecretBytes::fingerprint) != op.base {
                    return op.answer(Err(CommitFault::Moved));
                }
                self.store.clone_from(&op.bytes);
                op.answer(Ok(()))
            }
            StoreOp::Note(op) => {
                self.write(&op.journal);
                self.parked.retain(|parked| !op.unpark.contains(&parked.name));
                op.answer(Ok(()))
            }
            StoreOp::Park(op) => {
                self.names += 1;
                let name = format!("grant-{}", self.names);
                self.parked.push(Parked { name: name.clone(), bytes: op.bytes.clone() });
                op.answer(Ok(name))
            }
            StoreOp::Unlock(op) => {
                self.locked = false;
                op.answer()
            }
            other => panic!("an operation that is not known here: {other:?}"),
        }
    }

    fn read(&self, range: &Range<u64>) -> SecretBytes {
        let end = (range.end as usize).min(self.journal.len());
        SecretBytes::new(self.journal.get(range.start as usize..end).unwrap_or_default().to_vec())
    }

    fn write(&mut self, journal: &JournalWrites) {
        if journal.set_aside || self.journal.len() < journal.reserve as usize {
            self.journal = Vec::leak(vec![0; journal.reserve as usize]);
        }
        for write in &journal.writes {
            self.write_one(write);
        }
    }

    fn write_one(&mut self, write: &Write) {
        // EXPOSE: into a block that is never freed.
        let bytes = write.bytes.expose();
        let start = write.offset as usize;
        self.journal[start..start + bytes.len()].copy_from_slice(bytes);
    }
}

fn disk_full() -> StoreFault {
    StoreFault { kind: FaultKind::NoSpace, detail: "no space left on device".into() }
}
