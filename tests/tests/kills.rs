//! Processes are killed, everywhere: what reached the journal is never lost, and what could be lost is known to be
//! (promises P2, P3).

use std::{collections::BTreeSet, env};

use tokenward_tests::{
    Dice,
    real::{Command, Point, Scene, Stats, When, Worker, clock},
};

use Point::{Any, Commit, Fetch, Load, Note, Prepare, Read, Reread, Stage, TryLock, Unlock};
use When::{After, Before, During};

// -- A kill at each effect boundary ---------------------------------------------------------------------------------

/// The boundaries of a refresh up to the moment the request leaves.
const UNSENT: [Place; 9] = [
    (Load, Before),
    (Load, After),
    (TryLock, Before),
    (TryLock, After),
    (Read, Before),
    (Read, After),
    (Prepare, Before),
    (Prepare, After),
    (Fetch, Before),
];

/// Those between the rotation and the journal. At the first of them the server has rotated and holds its answer.
const ON_THE_WAY: [Place; 3] = [(Fetch, During), (Fetch, After), (Stage, Before)];

/// Those at which the answer is in the journal.
const STAGED: [Place; 9] = [
    (Stage, After),
    (Reread, Before),
    (Reread, After),
    (Commit, Before),
    (Commit, After),
    (Note, Before),
    (Note, After),
    (Unlock, Before),
    (Unlock, After),
];

#[test]
fn killed_before_the_request_leaves_the_next_process_makes_the_one_request() {
    for place in UNSENT {
        for scene in [Scene::strict(), Scene::with_grace()] {
            kill_at(&scene, place);

            let mut next = scene.worker();
            assert_eq!(next.get(), scene.provider.access_token(), "{place:?}");
            assert_eq!(scene.provider.stats(), Stats::rotations(1), "{place:?}");
            assert_login_goes_on(&scene, &mut next, place);
        }
    }
}

#[test]
fn killed_before_stage_a_server_with_a_grace_window_gives_the_login_back() {
    for place in ON_THE_WAY {
        let scene = Scene::with_grace();

        kill_at(&scene, place);

        let mut next = scene.worker();
        assert_eq!(next.get(), scene.provider.access_token(), "{place:?}");
        let replayed = Stats { requests: 2, replays_in_grace: 1, ..Stats::rotations(1) };
        assert_eq!(scene.provider.stats(), replayed, "{place:?}");
        assert_login_goes_on(&scene, &mut next, place);
    }
}

#[test]
fn killed_before_stage_a_strict_server_ends_in_rotation_lost_and_nobody_asks_again() {
    for place in ON_THE_WAY {
        let scene = Scene::strict();

        kill_at(&scene, place);

        let lost = Err("reauth_required rotation_lost".into());
        let mut next = scene.worker();
        assert_eq!(next.get(), lost, "{place:?}");
        assert_eq!((next.get(), scene.get(), scene.get()), (lost.clone(), lost.clone(), lost));
        let replayed = Stats { requests: 2, replays: 1, families_revoked: 1, ..Stats::rotations(1) };
        assert_eq!(scene.provider.stats(), replayed, "{place:?}");
    }
}

#[test]
fn killed_after_stage_nothing_is_lost() {
    for place in STAGED {
        let scene = Scene::strict();

        kill_at(&scene, place);

        let mut next = scene.worker();
        assert_eq!(next.get(), scene.provider.access_token(), "{place:?}");
        assert_eq!(scene.provider.stats(), Stats::rotations(1), "{place:?}");
        assert_login_goes_on(&scene, &mut next, place);
    }
}

#[test]
fn killed_while_it_carries_a_dead_processs_answer_into_the_store_nothing_is_lost() {
    for place in [(Read, After), (Commit, Before), (Commit, After), (Note, Before), (Note, After), (Unlock, Before)] {
        let scene = Scene::strict();
        kill_at(&scene, (Stage, After));

        // It was served at once, by the journal; an explicit refresh first carries the answer to its end.
        let mut second = scene.gated();
        second.stop_at(place.0, place.1);
        let _killed = second.order(Command::Refresh);
        second.stands();
        second.kill();

        let mut next = scene.worker();
        assert_eq!(next.get(), scene.provider.access_token(), "{place:?}");
        assert_eq!(scene.provider.stats(), Stats::rotations(1), "{place:?}");
        assert_login_goes_on(&scene, &mut next, place);
    }
}

// -- Kills at random -------------------------------------------------------------------------------------------------

#[test]
fn six_hundred_random_kills_tear_nothing_block_nobody_and_lose_nothing_that_a_grace_window_gives_back() {
    let chaos = Chaos::new(Scene::with_grace(), 600);

    let Killed { in_flight, stats, .. } = chaos.run(|_, _| true);

    let Stats { requests, rotations, replays_in_grace, .. } = stats;
    let harmless = Stats { requests, rotations, replays_in_grace, ..Stats::default() };
    assert_eq!(stats, harmless);
    assert_eq!(requests, rotations + replays_in_grace);
    assert!(replays_in_grace <= in_flight, "{replays_in_grace} replays after {in_flight} kills in flight");
}

#[test]
fn two_hundred_random_kills_cost_a_strict_server_nothing_where_no_answer_is_on_its_way() {
    let chaos = Chaos::new(Scene::strict(), 200);

    let Killed { stats, .. } = chaos.run(|point, when| !may_be_in_flight(point, when));

    assert_eq!(stats, Stats::rotations(stats.rotations));
}

/// Two processes that refresh all the time, and a third that is killed and started anew.
struct Chaos {
    scene: Scene,
    kills: usize,
    dice: Dice,
}

#[derive(Default)]
struct Killed {
    kills: usize,
    /// Those between the request and the journal.
    in_flight: u64,
    places: BTreeSet<Place>,
    /// The longest time that one of the others waited, in milliseconds.
    longest: u64,
    stats: Stats,
}

impl Chaos {
    fn new(scene: Scene, kills: usize) -> Self {
        let seed = env::var("TOKENWARD_SEED").ok().and_then(|text| text.parse().ok()).unwrap_or(2);
        println!("seed {seed} (TOKENWARD_SEED)");
        Self { scene, kills, dice: Dice::new(seed) }
    }

    /// Kills at random places, as far as `may_kill` agrees.
    fn run(mut self, may_kill: impl Fn(Point, When) -> bool) -> Killed {
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
    fn check(&self, outcome: Result<String, String>) {
        match outcome {
            Ok(token) if self.issued("access_token").contains(&token) => {}
            other => self.scene.fail(&format!("somebody got {other:?}")),
        }
    }

    /// The store is whole, and holds a refresh token that the server issued.
    fn check_store(&self) {
        let (_, refresh_token) = self.scene.stored();
        match refresh_token {
            Some(token) if self.issued("refresh_token").contains(&token) => {}
            other => self.scene.fail(&format!("the store holds {other:?}")),
        }
    }

    fn issued(&self, what: &str) -> BTreeSet<String> {
        let log = self.scene.provider.log();
        let named = log.iter().filter_map(|line| line[what].as_str()).map(Into::into);
        let first = tokenward::Fingerprint::of(self.scene.provider.refresh_token().as_bytes()).to_string();
        named.chain([first]).collect()
    }
}

/// Returns whether a kill there loses an answer, or may: who is caught in the middle of an effect may be further on by
/// then.
fn may_be_in_flight(point: Point, when: When) -> bool {
    when == During || matches!((point, when), (Fetch, After) | (Stage, Before))
}

/// What a process does that has the lock.
const PATH: [Point; 7] = [Prepare, Fetch, Stage, Reread, Commit, Note, Unlock];

// -- Helpers --------------------------------------------------------------------------------------------------------

/// A kind of effect, and whether it has been carried out.
type Place = (Point, When);

/// Has a process refresh, and kills it there.
fn kill_at(scene: &Scene, (point, when): Place) {
    let mut victim = scene.gated();
    if (point, when) == (Fetch, During) {
        scene.provider.hold_answers();
        let _killed = victim.start_get();
        scene.provider.wait("held", 1);
        victim.kill();
        scene.provider.release();
        scene.provider.wait("answered", 1);
    } else {
        victim.stop_at(point, when);
        let _killed = victim.start_get();
        assert_eq!(victim.stands(), point);
        victim.kill();
    }
}

/// Refreshes once more: one request, one rotation, and nothing left lying about.
fn assert_login_goes_on(scene: &Scene, worker: &mut Worker, place: Place) {
    let before = scene.provider.stats();

    let token = worker.refresh();

    assert_eq!(token, scene.provider.access_token(), "{place:?}");
    let Stats { requests, rotations, .. } = before;
    let after = Stats { requests: requests + 1, rotations: rotations + 1, ..before };
    assert_eq!(scene.provider.stats(), after, "{place:?}");
    worker.close();
    assert_eq!(scene.stored(), (token.ok(), scene.provider.newest_refresh_token()), "{place:?}");
    let companions = ["login.json", ".login.json.tokenward.lock", ".login.json.tokenward.journal"];
    assert_eq!(scene.files(), companions.map(Into::into).into(), "{place:?}");
}
