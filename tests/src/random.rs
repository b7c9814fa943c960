//! Schedules by dice: the same seed gives the same schedule.

use std::time::Duration;

use tokenward::{Guard, UnknownOutcome};

use crate::{Crash, Dice, Fate, Loss, Setup, Sim};

/// What may happen in a schedule. Many schedules are calm in most respects: trouble hides behind trouble.
#[derive(Clone, Copy, Debug)]
struct Weather {
    crashes: bool,
    faults: bool,
    owner: bool,
    logins: bool,
    sign_outs: bool,
    power: bool,
    jumps: bool,
    disk: bool,
    refusals: bool,
}

/// Runs the schedule of a seed to its end, recovery included.
pub fn run(seed: u64, trace: bool) -> Sim {
    let mut dice = Dice::new(seed);
    let mut percent = |percent| dice.chance(percent);
    let weather = Weather {
        crashes: percent(60),
        faults: percent(60),
        owner: percent(20),
        logins: percent(25),
        sign_outs: percent(10),
        power: percent(15),
        jumps: percent(15),
        disk: percent(20),
        refusals: percent(30),
    };
    let setup = Setup {
        processes: dice.pick(&[2, 2, 2, 2, 3, 3, 4, 4, 5, 6, 7, 8]),
        grace: dice.chance(50),
        life: Duration::from_secs(dice.pick(&[3, 10, 60, 60, 600, 3600])),
        signed_in: dice.chance(92),
        expired: dice.chance(75),
        latency: Duration::from_millis(dice.pick(&[0, 1, 10, 50, 400])),
        unknown_outcome: if dice.chance(8) { UnknownOutcome::Reauth } else { UnknownOutcome::Replay },
        resident: dice.chance(80),
        seed: dice.roll(),
        trace,
        panics: false,
    };
    let actions = 40 + dice.below(140);
    let mut storm = Storm { dice, weather, old_stores: Vec::new() };
    let mut sim = Sim::new(setup.clone());
    sim.world.tell(|| format!("            {setup:?}\n            {weather:?}"));
    for _ in 0..actions {
        if sim.is_broken() {
            return sim;
        }
        storm.act(&mut sim);
    }
    storm.mend(&mut sim);
    sim.recover();
    sim
}

struct Storm {
    dice: Dice,
    weather: Weather,
    /// What the owner may put back.
    old_stores: Vec<Vec<u8>>,
}

impl Storm {
    fn act(&mut self, sim: &mut Sim) {
        let process = self.dice.below(sim.processes.len());
        if let Some(store) = &sim.world.disk.store
            && self.old_stores.last() != Some(store)
        {
            self.old_stores.push(store.clone());
        }
        match self.dice.below(100) {
            0..=54 => self.work(sim, process),
            55..=69 => self.pass(sim),
            70..=80 => self.want(sim, process),
            81..=84 if self.weather.crashes => self.crash(sim, process),
            85 if self.weather.power && self.dice.chance(50) => self.lose_power(sim),
            86..=87 if self.weather.owner => self.own(sim),
            88..=89 if self.weather.logins => self.sign_in(sim, process),
            90 if self.weather.sign_outs => _ = sim.processes[process].is_alive().then(|| sim.sign_out(process)),
            91 if self.weather.jumps => {
                let millis = self.dice.pick(&[-3_600_000, -20_000, -1500, 1500, 20_000, 3_600_000]);
                sim.jump_wall(millis);
            }
            92..=93 if self.weather.disk => self.break_disk(sim),
            94..=95 if self.weather.refusals => sim.refuse(process),
            96 if self.dice.chance(50) => sim.hint(process),
            96 => sim.run_for(Duration::from_millis(self.dice.pick(&[10, 300, 3000]))),
            97 => _ = sim.processes[process].is_alive().then(|| sim.look(process)),
            98 => {
                let waiter = sim.processes[process].callers.keys().next().copied();
                if let Some(waiter) = waiter {
                    sim.forget(process, waiter);
                }
            }
            _ => self.work(sim, process),
        }
        if !sim.processes[process].is_alive() && self.dice.chance(60) {
            sim.restart(process);
        }
    }

    /// A process gets the processor for a while.
    fn work(&mut self, sim: &mut Sim, process: usize) {
        for _ in 0..self.dice.pick(&[1, 1, 2, 3, 5, 8, 20, 60]) {
            if !sim.processes[process].is_busy(sim.world.time) {
                if sim.is_due(process) {
                    sim.tick(process);
                }
                return;
            }
            if sim.world.fates.is_empty() && self.weather.faults {
                let fate = self.fate();
                sim.world.fates.push(fate);
            }
            sim.go(process);
        }
    }

    fn fate(&mut self) -> Fate {
        let wait = self.dice.pick(&[None, Some(1), Some(20), Some(300)]);
        self.dice.pick(&[
            Fate::Healthy,
            Fate::Healthy,
            Fate::Healthy,
            Fate::Healthy,
            Fate::Healthy,
            Fate::Healthy,
            Fate::Status(503, wait),
            Fate::Status(429, wait),
            Fate::NotSent,
            Fate::LostBefore,
            Fate::LostAfter,
            Fate::Page,
            Fate::Torn,
            Fate::NoAccessToken,
            Fate::WrongClient,
        ])
    }

    fn pass(&mut self, sim: &mut Sim) {
        match self.dice.below(10) {
            0..=3 => {
                if let Some(next) = sim.next_moment() {
                    let span = next.saturating_sub(sim.world.time).min(Duration::from_secs(30));
                    sim.pass(span);
                }
            }
            4..=6 => sim.pass(Duration::from_millis(self.dice.pick(&[1, 5, 50]))),
            7 | 8 => sim.pass(Duration::from_millis(self.dice.pick(&[500, 1000, 2000]))),
            _ => sim.pass(Duration::from_secs(self.dice.pick(&[2, 30, 61, 400, 4000]))),
        }
        for process in 0..sim.processes.len() {
            if sim.is_due(process) && self.dice.chance(70) {
                sim.tick(process);
            }
        }
    }

    fn want(&mut self, sim: &mut Sim, process: usize) {
        if !sim.processes[process].is_alive() {
            return;
        }
        let explicit = self.dice.chance(8);
        let min_ttl = Duration::from_secs(self.dice.pick(&[0, 0, 0, 1, 30, 400]));
        let deadline = Duration::from_secs(self.dice.pick(&[40, 40, 40, 5, 1, 0]));
        sim.want_with(process, |want| (want.explicit, want.min_ttl, want.deadline) = (explicit, min_ttl, deadline));
    }

    fn crash(&mut self, sim: &mut Sim, process: usize) {
        if sim.processes[process].is_alive() {
            let crash = self.dice.pick(&[Crash::Seen, Crash::Unseen]);
            sim.kill(process, crash);
        }
    }

    fn lose_power(&mut self, sim: &mut Sim) {
        let loss = self.dice.pick(&[Loss::Nothing, Loss::Everything, Loss::Torn, Loss::Torn]);
        sim.lose_power(loss, &mut self.dice);
    }

    fn sign_in(&mut self, sim: &mut Sim, process: usize) {
        if !sim.processes[process].is_alive() {
            return;
        }
        let account = self.dice.pick(&["alice", "alice", "alice", "bob"]);
        let guard = self.dice.pick(&[Guard::SameAccount, Guard::SameAccount, Guard::Replace]);
        sim.sign_in(process, account, guard);
    }

    /// The tool that owns the store writes it.
    fn own(&mut self, sim: &mut Sim) {
        let stored = sim.world.stored();
        match self.dice.below(6) {
            0 | 1 => {
                // Another member of its own.
                if let Some(store) = sim.world.disk.store.clone().filter(|_| stored.readable) {
                    let text = String::from_utf8(store).expect("stores are text");
                    let kept = stored.kept.unwrap_or_default();
                    let text = text.replace(&format!("\"{kept}\""), &format!("\"keep-{}\"", self.dice.below(1000)));
                    sim.world.write_as_owner(Some(text.into_bytes()));
                }
            }
            2 => {
                let number = sim.world.provider.log_in("alice", sim.world.time);
                let bytes = sim.world.stored_bytes(number, sim.world.time);
                sim.world.write_as_owner(Some(bytes));
            }
            3 => {
                if let Some(old) = (!self.old_stores.is_empty()).then(|| self.dice.below(self.old_stores.len())) {
                    sim.world.write_as_owner(Some(self.old_stores[old].clone()));
                }
            }
            4 => sim.world.write_as_owner(None),
            _ => sim.world.write_as_owner(Some(b"{\"access_tok".to_vec())),
        }
    }

    fn break_disk(&mut self, sim: &mut Sim) {
        sim.world.failing.clear();
        for name in ["prepare", "stage", "commit", "note", "read"] {
            if self.dice.chance(35) {
                sim.world.failing.insert(name);
            }
        }
        sim.world.tell(|| "            the disk breaks, or is mended".into());
    }

    /// The owner repairs what it broke.
    fn mend(&mut self, sim: &mut Sim) {
        if sim.world.stored().readable {
            return;
        }
        let good = self.old_stores.iter().rev().find(|store| crate::rules::Stored::read(store).readable);
        if let Some(good) = good.cloned() {
            sim.world.write_as_owner(Some(good));
        } else if sim.world.disk.store.is_some() {
            sim.world.write_as_owner(None);
        }
    }
}
