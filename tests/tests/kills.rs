//! Processes are killed, everywhere: what reached the journal is never lost, and what could be lost is known to be
//! (promises P2, P3).

use tokenward_tests::real::{
    Command, Scene, Stats, Worker,
    chaos::{Chaos, Killed, Place, may_be_in_flight},
    script::{Point, When},
};

use Point::{Commit, Fetch, Load, Note, Prepare, Read, Reread, Stage, TryLock, Unlock};
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

// -- Helpers --------------------------------------------------------------------------------------------------------

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
