//! Every schedule of two processes and two rotations, as far as an order can matter.
//!
//! Two orders that leave the same files, the same server and the same machines behind are one (steps that touch nothing
//! shared commute). Machines are the same if their `Debug` is, clocks and counters aside. Each such state is visited
//! once; what leads to it is played again from the start, since a machine cannot be copied.

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hash, Hasher},
    time::Duration,
};

use tokenward::Want;

use crate::{Crash, Fate, Setup, Sim, process::Asked};

/// What is explored.
#[derive(Clone, Debug)]
pub struct Map {
    pub grace: bool,
    /// The times a process may die.
    pub crashes: usize,
    /// What a request may meet.
    pub fates: &'static [Fate],
    /// The times a request may meet anything but the first of these.
    pub faults: usize,
    /// The states after which an exploration stops, and says so.
    pub limit: usize,
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Tally {
    /// The schedules that were played to their end.
    pub schedules: u64,
    /// Those that ended where another one had been.
    pub merged: u64,
    pub states: usize,
    pub steps: u64,
    pub complete: bool,
}

/// One thing that may happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Choice {
    /// A process does the next visible thing, and hears the answer if there is one.
    Go(usize),
    /// A process sends its request, which meets this.
    Send(usize, Fate),
    /// A process dies before its next visible thing, and starts again. Whether it heard of its last one makes no difference
    /// to anybody else.
    Die(usize, Crash),
    /// The first token ends, for everybody.
    End,
}

/// Explores. Returns the story of the first schedule that breaks a promise.
pub fn explore(map: &Map) -> Result<Tally, String> {
    let mut tally = Tally { complete: true, ..Tally::default() };
    let mut seen = BTreeSet::new();
    let mut path: Vec<(Vec<Choice>, usize)> = Vec::new();
    let mut walk = Walk::new(map, false);
    loop {
        let new = seen.insert(walk.print());
        let choices = if new { walk.choices() } else { Vec::new() };
        if let Some(first) = choices.first().copied() {
            path.push((choices, 0));
            walk.take(first);
        } else {
            if new {
                walk.end();
            }
            tally.schedules += u64::from(new);
            tally.merged += u64::from(!new);
            tally.steps += walk.sim.steps;
            // Back to the last fork.
            while path.last().is_some_and(|(choices, taken)| taken + 1 == choices.len()) {
                path.pop();
            }
            let Some((_, taken)) = path.last_mut() else { break };
            *taken += 1;
            walk = Walk::replay(map, &path, false);
        }
        if walk.sim.is_broken() {
            let again = Walk::replay_and_end(map, &path);
            let broken = again.sim.world.rules.broken.clone().unwrap_or_default();
            let chosen: Vec<_> = path.iter().map(|(choices, taken)| choices[*taken]).collect();
            return Err(format!("{}\n\n{broken}\n\n{chosen:?}", again.sim.story()));
        }
        if seen.len() >= map.limit {
            tally.complete = false;
            break;
        }
    }
    tally.states = seen.len();
    Ok(tally)
}

struct Walk<'a> {
    map: &'a Map,
    sim: Sim,
    crashes: usize,
    faults: usize,
    /// Whether the first token has ended.
    ended: bool,
    /// For each process its wants so far.
    wants: [usize; 2],
}

impl<'a> Walk<'a> {
    fn new(map: &'a Map, trace: bool) -> Self {
        let setup = Setup {
            grace: map.grace,
            latency: Duration::ZERO,
            life: Duration::from_secs(600),
            trace,
            panics: false,
            ..Setup::default()
        };
        let mut walk = Self { map, sim: Sim::new(setup), crashes: 0, faults: 0, ended: false, wants: [0; 2] };
        walk.want();
        walk
    }

    fn replay(map: &'a Map, path: &[(Vec<Choice>, usize)], trace: bool) -> Self {
        let mut walk = Self::new(map, trace);
        for (choices, taken) in path {
            walk.take(choices[*taken]);
        }
        walk
    }

    fn replay_and_end(map: &'a Map, path: &[(Vec<Choice>, usize)]) -> Self {
        let mut walk = Self::replay(map, path, true);
        if !walk.sim.is_broken() {
            walk.end();
        }
        walk
    }

    /// Every caller's turn: one want per process and rotation.
    fn want(&mut self) {
        for process in 0..2 {
            let waits =
                self.sim.processes[process].callers.values().any(|caller| matches!(caller.asked, Asked::Token { .. }));
            if self.sim.processes[process].is_alive() && !waits && self.wants[process] < 1 + usize::from(self.ended) {
                self.wants[process] = 1 + usize::from(self.ended);
                self.sim.want_with(process, |want: &mut Want| want.deadline = Duration::from_secs(100_000));
            }
        }
    }

    /// Returns what can happen next; nothing at the end.
    fn choices(&self) -> Vec<Choice> {
        let mut choices = Vec::new();
        // Several writes in one effect: what lies between them is seen by a crash, and by nobody who has time.
        let writing = (0..2).find(|process| {
            let op = self.sim.processes[*process].op.as_ref();
            op.is_some_and(|op| matches!(op.name(), "Prepare" | "Note") && op.step() > 0)
        });
        for process in writing.map_or(0..2, |process| process..process + 1) {
            let this = &self.sim.processes[process];
            let version = self.sim.world.disk.version;
            let can_go = match &this.op {
                Some(_) => true,
                // Looking again is worth a step only when there may be something new to see.
                None => this.wake_at.is_some() && !this.callers.is_empty() && this.looked_at != version,
            };
            if !can_go {
                continue;
            }
            match &this.op {
                Some(op) if op.name() == "Fetch" && op.step() == 0 => {
                    let faults = if self.faults < self.map.faults { self.map.fates } else { &self.map.fates[..1] };
                    choices.extend(faults.iter().map(|fate| Choice::Send(process, *fate)));
                }
                _ => choices.push(Choice::Go(process)),
            }
            if self.crashes < self.map.crashes
                && let Some(op) = &this.op
                // A death during a read changes nothing but the lock, as the one before or after it does.
                && (op.name() != "Load" || op.step() == 0)
            {
                choices.push(Choice::Die(process, Crash::Unseen));
                if op.is_in_flight() {
                    choices.push(Choice::Die(process, Crash::Seen));
                }
            }
        }
        let served = self.sim.outcomes.values().any(Result::is_ok);
        if served && !self.ended {
            choices.push(Choice::End);
        }
        if choices.is_empty() {
            // Everybody sleeps: the one that wakes first goes on.
            let asleep = (0..2).filter(|process| !self.sim.processes[*process].callers.is_empty());
            choices.extend(asleep.filter(|process| self.sim.processes[*process].wake_at.is_some()).map(Choice::Go));
        }
        choices
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Send(process, fate) => {
                self.faults += usize::from(fate != self.map.fates[0]);
                self.sim.world.fates = vec![fate];
                self.sim.perform(process);
            }
            Choice::Go(process) if self.sim.processes[process].op.is_some() => {
                self.sim.perform(process);
                if self.sim.processes[process].answer.is_some() {
                    self.sim.go(process);
                }
            }
            Choice::Go(process) => self.wake(process),
            Choice::Die(process, crash) => {
                self.crashes += 1;
                self.sim.kill(process, crash);
                self.sim.restart(process);
                self.wants[process] = 0;
            }
            Choice::End => {
                self.ended = true;
                self.sim.pass(Duration::from_secs(700));
            }
        }
        self.want();
    }

    /// A process wakes up: alone if it is for a moment only, so that the order of many short waits does not count.
    fn wake(&mut self, process: usize) {
        let this = &mut self.sim.processes[process];
        let mono = self.sim.world.now(this.offset).mono;
        let span = this.wake_at.map_or(Duration::ZERO, |at| at.saturating_sub(mono));
        if span <= Duration::from_millis(100) {
            // Late, as anybody may be: looks that are too early to try the lock at change nothing.
            this.offset += span.max(Duration::from_millis(10));
        } else {
            self.sim.pass(span);
        }
        self.sim.tick(process);
        self.sim.processes[process].looked_at = self.sim.world.disk.version;
    }

    /// Whatever happened: from here on all goes well, and everybody is served.
    fn end(&mut self) {
        self.sim.recover();
    }

    /// Returns a number that differs when anything differs that can matter from here on.
    fn print(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.sim.world.disk.print().hash(&mut hasher);
        (self.sim.world.time, self.crashes, self.faults, self.ended, self.wants).hash(&mut hasher);
        let rules = &self.sim.world.rules;
        (&rules.durable, &rules.dead, &rules.unknown, rules.in_flight).hash(&mut hasher);
        self.sim.outcomes.values().any(Result::is_ok).hash(&mut hasher);
        for pair in &self.sim.world.provider.pairs {
            format!("{:?}", pair.state).hash(&mut hasher);
        }
        for process in &self.sim.processes {
            (process.callers.len(), process.looked_at == self.sim.world.disk.version).hash(&mut hasher);
            process.answer.is_some().hash(&mut hasher);
            shape(&format!("{:?}", process.machine), &mut hasher);
            process.op.as_ref().map(|op| (op.name(), op.step(), op.fate())).hash(&mut hasher);
        }
        hasher.finish()
    }
}

/// Hashes what a machine shows of itself, without clocks and counters.
fn shape(text: &str, hasher: &mut DefaultHasher) {
    const PASSING: [&str; 15] = [
        "dice",
        "tickets",
        "awaited",
        "ticket",
        "looks",
        "seen_looks",
        "progress",
        "tried",
        "due",
        "interval",
        "joined",
        "received",
        "seen",
        "calm",
        "save_at",
    ];
    let bytes = text.as_bytes();
    let (mut start, mut at) = (0, 0);
    while at < bytes.len() {
        if bytes[at] != b':' || bytes.get(at + 1) != Some(&b' ') {
            at += 1;
            continue;
        }
        let name =
            text[..at].rfind(|letter: char| !letter.is_ascii_lowercase() && letter != '_').map_or(0, |end| end + 1);
        at += 2;
        if PASSING.contains(&&text[name..at - 2]) {
            hasher.write(&bytes[start..at]);
            at = end_of_value(bytes, at);
            start = at;
        }
    }
    hasher.write(&bytes[start..]);
}

fn end_of_value(bytes: &[u8], mut at: usize) -> usize {
    let mut depth = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'(' | b'{' | b'[' => depth += 1,
            b')' | b'}' | b']' if depth == 0 => break,
            b')' | b'}' | b']' => depth -= 1,
            b',' if depth == 0 => break,
            _ => {}
        }
        at += 1;
    }
    at
}
