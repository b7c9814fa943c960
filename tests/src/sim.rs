//! Processes in a world, and everything that can happen to them. Whoever calls decides what happens next.

use std::{collections::BTreeMap, time::Duration};

use tokenward::{
    AccessToken, Account, Adopt, Config, Effect, Event, Grant, Guard, Holder, Input, Machine, Secret, Step, TokenError,
    UnknownOutcome, Waiter,
};

pub use tokenward::Want;

use crate::{
    Dice, Loss, World,
    process::{Asked, Caller, Process},
    provider::{Refresh, numbers},
    world::{Op, Progress},
};

/// How a world begins.
#[derive(Clone, Debug)]
pub struct Setup {
    pub processes: usize,
    pub grace: bool,
    /// The life of an access token.
    pub life: Duration,
    pub signed_in: bool,
    /// Whether the first access token has ended.
    pub expired: bool,
    pub latency: Duration,
    pub unknown_outcome: UnknownOutcome,
    pub resident: bool,
    pub seed: u64,
    /// Whether to write down what happens.
    pub trace: bool,
    /// Whether a broken rule panics at once.
    pub panics: bool,
}

impl Default for Setup {
    fn default() -> Self {
        Self {
            processes: 2,
            grace: false,
            life: Duration::from_secs(60),
            signed_in: true,
            expired: true,
            latency: Duration::from_millis(10),
            unknown_outcome: UnknownOutcome::Replay,
            resident: true,
            seed: 1,
            trace: true,
            panics: true,
        }
    }
}

/// What a caller was told: the number of its token, or why not.
pub type Outcome = Result<Option<usize>, TokenError>;

/// How a process ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    /// A request on its way is lost with it.
    Unseen,
    /// The server judges the request that is on its way.
    Seen,
}

/// Processes in a world.
#[derive(Debug)]
pub struct Sim {
    pub world: World,
    pub processes: Vec<Process>,
    pub outcomes: BTreeMap<u64, Outcome>,
    /// What the processes told, if somebody reads the trace.
    pub events: Vec<(usize, Event)>,
    setup: Setup,
    waiters: u64,
    seeds: Dice,
    /// The steps of all machines.
    pub steps: u64,
}

/// The effects of one process without time passing that no honest work takes.
const SPINS: u32 = 400;

impl Sim {
    pub fn new(setup: Setup) -> Self {
        let mut sim = Self {
            world: World::new(&setup),
            processes: Vec::new(),
            outcomes: BTreeMap::new(),
            events: Vec::new(),
            waiters: 0,
            seeds: Dice::new(setup.seed),
            steps: 0,
            setup,
        };
        sim.world.rules.never_replays = sim.setup.unknown_outcome == UnknownOutcome::Reauth;
        for _ in 0..sim.setup.processes {
            sim.spawn();
        }
        sim
    }

    // -- Processes ---------------------------------------------------------------------------------------------

    /// Starts a process and returns its number.
    pub fn spawn(&mut self) -> usize {
        let process = self.processes.len();
        let machine = self.machine(process);
        let offset = Duration::from_secs(process as u64 * 1000);
        self.processes.push(Process::new(machine, offset));
        process
    }

    fn machine(&mut self, process: usize) -> Machine {
        Machine::new(Config {
            seed: self.seeds.roll(),
            unknown_outcome: self.setup.unknown_outcome,
            resident: self.setup.resident,
            holder: Holder { pid: 100 + process as u32, host: "test".into() },
            ..Config::new("https://id.test/token", "client")
        })
    }

    /// A dead process starts again and knows nothing.
    pub fn restart(&mut self, process: usize) {
        self.begin(process, "starts again");
        let machine = self.machine(process);
        let offset = self.processes[process].offset;
        self.processes[process] = Process::new(machine, offset);
    }

    /// A process ends, without a word.
    pub fn kill(&mut self, process: usize, crash: Crash) {
        self.begin(process, "is killed");
        let dead = &mut self.processes[process];
        dead.machine = None;
        dead.answer = None;
        dead.callers.clear();
        dead.wake_at = None;
        if let Some(op) = dead.op.take() {
            self.world.abandon(&op, crash == Crash::Seen);
        } else if self.world.rules.in_flight == Some(process) {
            self.world.rules.in_flight = None;
        }
        if self.world.disk.lock == Some(process) {
            self.world.lets_go(true);
            self.world.disk.lock = None;
            self.world.disk.version += 1;
        }
    }

    /// All processes end and what was not synced is subject to `loss`.
    pub fn lose_power(&mut self, loss: Loss, dice: &mut Dice) {
        for process in 0..self.processes.len() {
            if self.processes[process].is_alive() {
                let crash = if dice.chance(50) { Crash::Seen } else { Crash::Unseen };
                self.kill(process, crash);
            }
        }
        self.world.tell(|| format!("            power is lost; of what was not synced, lost: {loss:?}"));
        self.world.disk.lose_power(loss, dice);
        self.world.loses_power();
    }

    // -- Callers -----------------------------------------------------------------------------------------------

    /// A caller wants any token that works.
    pub fn want(&mut self, process: usize) -> u64 {
        self.want_with(process, |_| {})
    }

    /// A caller wants a token in a certain way.
    pub fn want_with(&mut self, process: usize, change: impl FnOnce(&mut Want)) -> u64 {
        let mut want = Want::new(Waiter(self.waiters));
        change(&mut want);
        self.begin(process, "a caller wants a token");
        self.world.tell(|| format!("            {want:?}"));
        let easy = !want.explicit && want.min_ttl.is_zero() && self.works(process);
        let now = self.world.now(self.processes[process].offset);
        self.processes[process].explicit |= want.explicit;
        // A look is one local read, and gets a second whatever the deadline.
        let due = now.mono + want.deadline.max(Duration::from_secs(1));
        let waiter = self.join(process, Asked::Token { explicit: want.explicit }, Some(due));
        self.step(process, Input::Want(want));
        if easy {
            let outcome = self.outcomes.get(&waiter).cloned();
            let served = matches!(outcome, Some(Ok(_)));
            self.world.rules.require(served, "P5", || {
                format!("process {process}: its token works, and a caller is not served at once but {outcome:?}")
            });
            self.check();
        }
        waiter
    }

    /// Returns whether the token a process last gave away works and nothing says that it should give no more of it.
    fn works(&self, process: usize) -> bool {
        let this = &self.processes[process];
        let Some((token, number)) = &this.last else { return false };
        let rules = &self.world.rules;
        let second = Duration::from_secs(1);
        let wall = self.world.wall(self.world.time + 2 * second);
        self.world.provider.pairs[*number].ends >= self.world.time + 2 * second
            && token.expires_at().is_some_and(|end| end >= wall)
            && !this.reported.contains(number)
            && rules.signed_out_at.is_none()
            && !rules.owner_wrote
            && rules.logins.is_empty()
            // An end that came by a grace window's answer may be a second off.
            && !rules.wall_jumped
    }

    /// Somebody signs in: a new family. Returns the caller and the pair's number.
    pub fn sign_in(&mut self, process: usize, account: &'static str, guard: Guard) -> (u64, usize) {
        let number = self.world.provider.log_in(account, self.world.time);
        (self.adopt(process, number, guard), number)
    }

    /// Somebody brings a pair that the server has issued.
    pub fn adopt(&mut self, process: usize, number: usize, guard: Guard) -> u64 {
        self.begin(process, "somebody signs in");
        let pair = &self.world.provider.pairs[number];
        let grant = Grant {
            access_token: Some(AccessToken::new(format!("access-token-{number}"), Some(self.world.wall(pair.ends)))),
            refresh_token: Some(Secret::new(format!("refresh-token-{number}"))),
            refresh_token_expires_at: None,
            scope: None,
            issued_at: Some(self.world.wall(self.world.time)),
            account: Some(Account::new(pair.account)),
        };
        self.world.rules.logins.insert(number, guard);
        self.world.tell(|| format!("            with refresh-token-{number}, {guard:?}"));
        self.processes[process].signs_in = true;
        let waiter = self.join(process, Asked::SignIn(number), None);
        self.step(process, Input::Adopt(Adopt { waiter: Waiter(waiter), grant, guard }));
        waiter
    }

    pub fn sign_out(&mut self, process: usize) -> u64 {
        self.begin(process, "somebody signs out");
        self.processes[process].signs_out = true;
        let waiter = self.join(process, Asked::SignOut, None);
        self.step(process, Input::SignOut(Waiter(waiter)));
        waiter
    }

    pub fn look(&mut self, process: usize) -> u64 {
        self.begin(process, "somebody wants a look");
        let waiter = self.join(process, Asked::Look, None);
        self.step(process, Input::Look(Waiter(waiter)));
        waiter
    }

    pub fn forget(&mut self, process: usize, waiter: u64) {
        self.begin(process, "a caller goes away");
        self.processes[process].callers.remove(&waiter);
        self.step(process, Input::Forget(Waiter(waiter)));
    }

    /// A resource server refused the token a process last gave away.
    pub fn refuse(&mut self, process: usize) {
        let Some((token, number)) = self.processes[process].last.clone() else { return };
        self.begin(process, "its token is refused");
        self.processes[process].reported.push(number);
        self.step(process, Input::Refused(token));
    }

    pub fn hint(&mut self, process: usize) {
        self.begin(process, "hears that the store may have moved");
        self.step(process, Input::Changed);
    }

    fn join(&mut self, process: usize, asked: Asked, due: Option<Duration>) -> u64 {
        let waiter = self.waiters;
        self.waiters += 1;
        let caller = Caller { asked, joined: self.world.time, joined_at: self.world.rules.moment, due };
        self.processes[process].callers.insert(waiter, caller);
        waiter
    }

    // -- Progress ----------------------------------------------------------------------------------------------

    /// A process does the next visible thing, or hears the answer it waits for.
    pub fn go(&mut self, process: usize) {
        if self.processes[process].answer.is_some() {
            self.hear(process);
        } else if self.processes[process].op.is_some() {
            self.perform(process);
        }
    }

    /// Carries out the next visible step of the effect that a process waits for.
    pub fn perform(&mut self, process: usize) {
        let this = &mut self.processes[process];
        let Some(op) = this.op.take() else { return };
        let (name, step, who) = (op.name(), op.step(), this.who(process));
        self.world.rules.moment += 1;
        self.world.tell(|| format!("process {process}   {name}.{step}"));
        self.spin(process);
        match self.world.perform(who, op) {
            Progress::More(op) => self.processes[process].op = Some(op),
            Progress::Done(answer) => {
                let this = &mut self.processes[process];
                this.answer = Some(answer);
                this.loaded |= name == "Load";
                if matches!(name, "Load" | "TryLock") {
                    this.looked_at = self.world.disk.version;
                }
                if name == "Unlock" {
                    let asks = |caller: &Caller| caller.asked == Asked::Token { explicit: true };
                    this.explicit = this.callers.values().any(asks);
                }
            }
        }
        self.check();
    }

    fn spin(&mut self, process: usize) {
        self.processes[process].spins += 1;
        let spins = self.processes[process].spins;
        self.world.rules.require(spins < SPINS, "P5", || format!("process {process} runs in a circle"));
    }

    fn hear(&mut self, process: usize) {
        let Some(answer) = self.processes[process].answer.take() else { return };
        self.world.rules.moment += 1;
        self.step(process, answer);
    }

    /// Finishes the effect that a process waits for, and tells the machine.
    pub fn finish(&mut self, process: usize) {
        while self.processes[process].op.is_some() {
            let ready_at = self.processes[process].op.as_ref().map_or(Duration::ZERO, |op| op.ready_at);
            self.pass_until(ready_at);
            self.perform(process);
        }
        self.hear(process);
    }

    /// Runs one process until it waits for an effect of this name, or for nothing.
    pub fn run_to(&mut self, process: usize, name: &str) {
        while let Some(op) = &self.processes[process].op
            && op.name() != name
        {
            self.finish(process);
        }
    }

    /// Steps a process whose time has come.
    pub fn tick(&mut self, process: usize) {
        self.world.rules.moment += 1;
        self.world.tell(|| format!("process {process}   wakes up"));
        self.spin(process);
        self.step(process, Input::Tick);
    }

    /// Lets every process work in turn, with time passing as they ask, until nothing is left to do before `until`.
    /// Returns whether all is quiet.
    pub fn run_until(&mut self, until: Duration) -> bool {
        loop {
            if self.is_broken() {
                return false;
            }
            let busy: Vec<_> =
                (0..self.processes.len()).filter(|process| self.processes[*process].is_busy(self.world.time)).collect();
            for process in &busy {
                self.go(*process);
            }
            if !busy.is_empty() {
                continue;
            }
            let Some(next) = self.next_moment() else { return true };
            if next > until {
                self.pass_until(until);
                return false;
            }
            self.pass_until(next);
            for process in 0..self.processes.len() {
                if self.is_due(process) {
                    self.tick(process);
                }
            }
        }
    }

    /// Lets everybody work for a while.
    pub fn run_for(&mut self, span: Duration) {
        let until = self.world.time + span;
        self.run_until(until);
        self.pass_until(until);
    }

    /// Lets everybody work until nobody has anything to do, which must come.
    pub fn run(&mut self) {
        let quiet = self.run_until(self.world.time + Duration::from_secs(7200));
        // While an answer waits for a store that somebody took away, it is looked for.
        let gone = self.world.stored().refresh.is_none();
        self.world.rules.require(quiet || gone, "P5", || "no quiet within two hours".into());
        self.check();
    }

    /// Returns the next moment of true time at which something happens by itself.
    pub fn next_moment(&self) -> Option<Duration> {
        let now = self.world.time;
        let moments = self.processes.iter().flat_map(|process| {
            let mono = self.world.now(process.offset).mono;
            let wake = process.wake_at.map(|at| now + at.saturating_sub(mono));
            [wake, process.op.as_ref().map(|op| op.ready_at)]
        });
        moments.flatten().min()
    }

    /// Returns whether a process wants to be stepped now.
    pub fn is_due(&self, process: usize) -> bool {
        let this = &self.processes[process];
        this.is_alive() && this.wake_at.is_some_and(|at| at <= self.world.now(this.offset).mono)
    }

    /// Time passes.
    pub fn pass(&mut self, span: Duration) {
        self.pass_until(self.world.time + span);
    }

    fn pass_until(&mut self, time: Duration) {
        if time > self.world.time {
            self.world.time = time;
            self.world.rules.moment += 1;
            for process in &mut self.processes {
                process.spins = 0;
            }
        }
    }

    /// The computer sleeps: true time passes, the monotonic clocks stand still.
    pub fn suspend(&mut self, span: Duration) {
        self.world.tell(|| format!("            the computer sleeps for {span:?}"));
        self.world.asleep += span;
        self.pass(span);
    }

    /// The wall clock is set.
    pub fn jump_wall(&mut self, millis: i64) {
        self.world.tell(|| format!("            the wall clock jumps by {millis} ms"));
        self.world.wrong_by += millis;
        self.world.rules.wall_jumped = true;
    }

    fn step(&mut self, process: usize, input: Input) {
        let this = &mut self.processes[process];
        let Some(machine) = &mut this.machine else { return };
        self.steps += 1;
        let now = self.world.now(this.offset);
        let Step { effects, wake_in } = machine.step(now, input);
        this.wake_at = wake_in.map(|span| now.mono + span);
        for effect in effects {
            let op = match effect {
                Effect::Store(op) => Op::new(op),
                Effect::Fetch(fetch) => Op::fetch(fetch),
                Effect::Deliver(deliver) => {
                    self.deliver(process, deliver.waiter.0, deliver.outcome);
                    continue;
                }
                Effect::Emit(event) => {
                    if self.setup.trace {
                        self.world.tell(|| format!("process {process}   {event:?}"));
                        self.events.push((process, event));
                    }
                    continue;
                }
                other => panic!("an effect this world does not know: {other:?}"),
            };
            let this = &mut self.processes[process];
            let free = this.op.is_none() && this.answer.is_none();
            self.world.rules.require(free, "P1", || format!("process {process} asks for two things at once"));
            this.op = Some(op);
        }
        self.check_rest(process);
        self.check();
    }

    fn deliver(&mut self, process: usize, waiter: u64, outcome: Result<Option<AccessToken>, TokenError>) {
        let this = &mut self.processes[process];
        // EXPOSE: the number of a token that a test made.
        let number = |token: &AccessToken| numbers(token.expose().as_bytes(), "access-token-")[0];
        if let Ok(Some(token)) = &outcome {
            if this.last.as_ref().is_none_or(|(last, _)| last != token) {
                this.last_since = self.world.rules.moment;
            }
            this.last = Some((token.clone(), number(token)));
        }
        let first = this.last_since == self.world.rules.moment;
        let ends = outcome.as_ref().ok().and_then(|token| token.as_ref()?.expires_at()).map(|end| end.as_millis());
        let outcome = outcome.map(|token| token.as_ref().map(number));
        self.world.tell(|| format!("process {process}   tells caller {waiter}: {outcome:?}"));
        match this.callers.remove(&waiter) {
            Some(caller) => self.world.delivered(&caller, &outcome, ends, first),
            None => self.world.rules.require(false, "P5", || format!("caller {waiter} is told again: {outcome:?}")),
        }
        self.outcomes.insert(waiter, outcome);
    }

    /// What must hold whenever a machine has been stepped.
    fn check_rest(&mut self, process: usize) {
        let this = &self.processes[process];
        let mono = self.world.now(this.offset).mono;
        let idle = this.op.is_none() && this.answer.is_none();
        let holds = self.world.disk.lock == Some(process);
        let overdue = this.callers.iter().find(|(_, caller)| this.loaded && caller.due.is_some_and(|due| due <= mono));
        // A look on the way is not what a deadline is about.
        let looking = this.answer.is_some() || this.op.as_ref().is_some_and(|op| op.name() != "Fetch");
        let overdue = overdue.filter(|_| !looking).map(|(waiter, _)| *waiter);
        let waiting = !this.callers.is_empty();
        let asleep = this.wake_at.is_none();
        let rules = &mut self.world.rules;
        rules.require(!(holds && idle), "P1", || format!("process {process} waits with the lock in its hands"));
        rules.require(!(idle && waiting && asleep), "P5", || format!("process {process} sleeps and callers wait"));
        if let Some(waiter) = overdue {
            rules.require(false, "P5", || format!("caller {waiter} waits beyond its deadline"));
        }
    }

    // -- What came of it ---------------------------------------------------------------------------------------

    /// Returns what a caller was told; `None` if it waits.
    pub fn told(&self, waiter: u64) -> Option<Outcome> {
        self.outcomes.get(&waiter).cloned()
    }

    /// Returns how often something of this kind was told.
    pub fn count(&self, kind: &str) -> usize {
        self.events.iter().filter(|(_, event)| event.kind() == kind).count()
    }

    /// Returns the number of requests that the server has judged.
    pub fn requests(&self) -> usize {
        self.world.provider.log.len()
    }

    pub fn is_broken(&self) -> bool {
        self.world.rules.broken.is_some()
    }

    /// Panics with the whole story if a rule was broken, where that is wanted.
    pub fn check(&self) {
        if self.setup.panics
            && let Some(broken) = &self.world.rules.broken
        {
            panic!("{}\n\n{broken}\n", self.story());
        }
    }

    pub fn story(&self) -> String {
        self.world.trace.as_ref().map_or_else(String::new, |lines| lines.join("\n"))
    }

    /// All trouble ends: everybody alive and healthy is served, and nothing that reached us is lost.
    pub fn recover(&mut self) {
        self.world.tell(|| "            -- all trouble ends --".into());
        self.world.failing.clear();
        self.world.fates.clear();
        for process in 0..self.processes.len() {
            if !self.processes[process].is_alive() {
                self.restart(process);
            }
            self.look(process);
        }
        // Waits that were asked for end within a quarter of an hour.
        self.run_for(Duration::from_secs(1000));
        self.pass(self.setup.life);
        let waiters: Vec<_> = (0..self.processes.len()).map(|process| self.want(process)).collect();
        self.run();
        if self.is_broken() {
            return;
        }
        for waiter in waiters {
            self.check_served(waiter);
        }
        self.check_end();
        self.check();
    }

    fn check_served(&mut self, waiter: u64) {
        let outcome = self.told(waiter);
        let stored = self.world.stored();
        let rules = &self.world.rules;
        let fine = match (&outcome, stored.refresh) {
            (Some(Ok(Some(_))), _) => true,
            (Some(Err(TokenError::SignedOut)), None) => true,
            // Whether that is right was judged when it was told.
            (Some(Err(TokenError::ReauthRequired { .. })), Some(number)) => {
                self.world.provider.pairs[number].state != Refresh::Live || rules.never_replays
            }
            _ => false,
        };
        self.world.rules.require(fine, "P5", || {
            format!("all trouble has ended, and caller {waiter} is told {outcome:?}; in the store: {stored:?}")
        });
    }

    fn check_end(&mut self) {
        let stored = self.world.stored();
        let rules = &self.world.rules;
        let behind = stored.refresh.and_then(|number| match self.world.provider.pairs[number].state {
            Refresh::Spent { by } if rules.durable.contains(&by) && !rules.disturbed => Some((number, by)),
            _ => None,
        });
        let parked = self.world.disk.parked.len();
        let held = self.world.disk.lock;
        let waiting: usize = self.processes.iter().map(|process| process.callers.len()).sum();
        let rules = &mut self.world.rules;
        rules.require(behind.is_none(), "P3", || format!("the store is behind what reached us: {behind:?}"));
        rules.require(held.is_none(), "P1", || "the lock is held at the end".into());
        rules.require(waiting == 0, "P5", || format!("{waiting} callers were never answered"));
        let _ = parked;
    }

    fn begin(&mut self, process: usize, what: &str) {
        self.world.rules.moment += 1;
        self.world.tell(|| format!("process {process}   {what}"));
    }
}
