//! Random kills: one process after the other dies while two more refresh all the time.

use std::{collections::BTreeSet, env};

use super::{
    Command, Scene, Stats, clock,
    script::{Point, When},
};
use crate::Dice;
use tokenward::Fingerprint;

use Point::{Any, Commit, Fetch, Note, Prepare, Reread, Stage, Unlock};
use When::{After, Before, During};

/// A kind of effect, and whether it has been carried out.
pub type Place = (Point, When);

/// Two processes that refresh all the time, and a third that is killed and started anew.
pub struct Chaos {
    scene: Scene,
    kills: usize,
    dice: Dice,
    /// The tokens that the server's log names, and how much of it was read.
    issued: BTreeSet<String>,
    read: u64,
}

/// What came of it.
#[derive(Default)]
pub struct Killed {
    pub kills: usize,
    /// Those between the request and the journal.
    pub in_flight: u64,
    pub places: BTreeSet<Place>,
    /// The longest time that one of the others waited, in milliseconds.
    pub longest: u64,
    pub stats: Stats,
}

impl Chaos {
    /// Names the seed, `TOKENWARD_SEED` or 2.
    pub fn new(scene: Scene, kills: usize) -> Self {
        let seed = env::var("TOKENWARD_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
        println!("seed {seed} (TOKENWARD_SEED)");
        let first = Fingerprint::of(scene.provider.refresh_token().as_bytes()).to_string();
        Self { scene, kills, dice: Dice::new(seed), issued: [first].into(), read: 0 }
    }

    /// Kills at random places, as far as `may_kill` agrees.
    pub fn run(mut self, may_kill: impl Fn(Point, When) -> bool) -> Killed {
        let mut killed = Killed::default();
        let mut others = self.scene.workers(2);
        let mut victim = self.scene.gated();
        while killed.kills < self.kills {
            let (point, nth) =
                if self.dice.chance(50) { (Any, 1 + self.dice.below(16) as u32) } else { (self.dice.pick(&PATH), 1) };
            let when = self.dice.pick(&[Before, During, After]);
            victim.stop_at_nth(point, nth, when);
            let begin = clock::now();
            let doomed = victim.order(Command::Refresh);
            // Either all race for the lock, or the others come while the victim has it.
            let first = self.dice.chance(50).then(|| victim.stands_unless_done(&doomed));
            let calls: Vec<_> = others.iter_mut().map(|other| other.order(Command::Refresh)).collect();

            match first.unwrap_or_else(|| victim.stands_unless_done(&doomed)) {
                Some(point) if !may_kill(point, when) => {
                    victim.go_on();
                    self.check(victim.answer(doomed));
                }
                Some(point) => {
                    victim.kill();
                    killed.kills += 1;
                    killed.in_flight += u64::from(may_be_in_flight(point, when));
                    killed.places.insert((point, when));
                    self.check_store();
                    victim = self.scene.gated();
                }
                None => victim.go_on(),
            }

            for (other, call) in others.iter().zip(calls) {
                let [got] = <[_; 1]>::try_from(other.answers(call)).expect("one answer for one order");
                killed.longest = killed.longest.max(got.done_at.saturating_sub(begin));
                self.check(got.outcome);
            }
            self.check_store();
        }
        let token = self.scene.get();
        assert_eq!(token, self.scene.provider.access_token());
        killed.stats = self.scene.provider.stats();
        println!(
            "{} kills at {} places, at most {} of them in flight; {:?}; nobody else waited longer than {} ms",
            killed.kills,
            killed.places.len(),
            killed.in_flight,
            killed.stats,
            killed.longest,
        );
        killed
    }

    /// What somebody got is a token that the server issued.
    fn check(&mut self, outcome: Result<String, String>) {
        match outcome {
            Ok(token) if self.was_issued(&token) => {}
            other => self.scene.fail(&format!("somebody got {other:?}")),
        }
    }

    /// The store is whole, and holds a refresh token that the server issued.
    fn check_store(&mut self) {
        let (_, refresh_token) = self.scene.stored();
        match refresh_token {
            Some(token) if self.was_issued(&token) => {}
            other => self.scene.fail(&format!("the store holds {other:?}")),
        }
    }

    /// Names never meet: an access token is never taken for a refresh token.
    fn was_issued(&mut self, token: &str) -> bool {
        for line in self.scene.provider.log_from(&mut self.read) {
            let named = ["access_token", "refresh_token"].into_iter().filter_map(|what| line[what].as_str());
            self.issued.extend(named.map(Into::into));
        }
        self.issued.contains(token)
    }
}

/// Returns whether a kill there loses an answer, or may: who is caught in the middle of an effect may be further on by
/// then.
pub fn may_be_in_flight(point: Point, when: When) -> bool {
    when == During || matches!((point, when), (Fetch, After) | (Stage, Before))
}

/// What a process does that has the lock.
const PATH: [Point; 7] = [Prepare, Fetch, Stage, Reread, Commit, Note, Unlock];
