//! Processes fork while their refresh token is on its way. A child neither keeps its parent's lock nor gives it up.

use tokenward_tests::real::{Call, Child, Command, Open, Scene, Stats, Worker};

#[test]
fn beside_an_idle_child_the_parent_finishes_and_the_lock_is_free_again() {
    let (scene, mut parent, get) = a_post(Scene::strict());
    parent.fork(Child::Idle, false);
    scene.provider.release();

    assert_eq!(parent.answer(get), scene.provider.access_token());
    let mut next = scene.worker();
    assert_eq!(next.refresh(), scene.provider.access_token());
    // The child outlives its parent, too.
    let _return = parent.order(Command::Return);
    assert_eq!(parent.process().exit_code(), 0);
    assert_eq!(next.refresh(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(3));
}

#[test]
fn a_child_that_asks_the_inherited_source_gets_its_parents_token_without_a_second_request() {
    let (scene, mut parent, get) = a_post(Scene::strict());
    parent.fork(Child::Get, false);
    scene.provider.release();

    assert_eq!(parent.answer(get), scene.provider.access_token());
    assert_eq!(parent.child_got(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
}

#[test]
fn a_child_that_asks_and_exits_leaves_its_parents_request_alone() {
    let scene = Scene::strict();
    let mut parent = scene.worker();
    let first = parent.get();
    scene.provider.hold_answers();
    let refresh = parent.order(Command::Refresh);
    scene.provider.wait("held", 1);

    // Its token works, so it has it at once, and ends while its parent still waits for the server.
    parent.fork(Child::GetAndExit, false);
    assert_eq!(parent.child_got(), first);
    let mut other = scene.worker_with(Open { patience_ms: 500, ..Open::default() });
    assert_eq!(other.refresh(), Err("store_busy".into()));

    scene.provider.release();
    assert_eq!(parent.answer(refresh), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
}

#[test]
fn a_child_of_an_idle_parent_uses_the_source_like_its_parent() {
    let scene = Scene::strict();
    let mut parent = scene.worker();
    let first = parent.get();

    parent.fork(Child::Get, false);

    assert_eq!(parent.child_got(), first);
    assert_eq!(parent.refresh(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
}

#[test]
fn a_parent_killed_beside_an_idle_child_leaves_the_lock_free_and_the_request_is_repeated() {
    let (scene, mut parent, _get) = a_post(Scene::with_grace());
    parent.fork(Child::Idle, false);

    parent.kill();
    scene.provider.release();
    scene.provider.wait("answered", 1);

    assert_eq!(scene.get(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats { requests: 2, replays_in_grace: 1, ..Stats::rotations(1) });
}

#[test]
fn a_parent_killed_beside_a_child_that_no_handler_saw_leaves_the_store_busy_until_the_child_ends() {
    let (scene, mut parent, _get) = a_post(Scene::with_grace());
    parent.fork(Child::Idle, true);

    parent.kill();
    scene.provider.release();
    scene.provider.wait("answered", 1);
    let mut impatient = scene.worker_with(Open { patience_ms: 500, ..Open::default() });
    assert_eq!(impatient.get(), Err("store_busy".into()));
    assert_eq!(scene.provider.stats(), Stats::rotations(1));

    let mut patient = scene.worker();
    let get = patient.start_get();
    patient.tells("lock_busy");
    parent.end_children();
    assert_eq!(patient.answer(get), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats { requests: 2, replays_in_grace: 1, ..Stats::rotations(1) });
}

// -- Helpers ----------------------------------------------------------------------------------------------------------

/// Returns a worker whose request has been answered with a rotation that the server does not let out yet.
fn a_post(scene: Scene) -> (Scene, Worker, Call) {
    scene.provider.hold_answers();
    let mut worker = scene.worker();
    let get = worker.start_get();
    scene.provider.wait("held", 1);
    (scene, worker, get)
}
