//! Processes end, or stand still, while their refresh token is on its way: no orderly end abandons it (promise P3).

use std::process;

use tokenward_tests::real::{Call, Command, Open, Point, Process, Scene, Stats, When, Worker, binary, clock};

// -- An orderly end waits for the answer ------------------------------------------------------------------------------

#[test]
fn a_dropped_source_waits_until_the_answer_is_saved() {
    let (scene, mut worker) = a_post_that_was_begun();

    let dropped = worker.order(Command::Drop);
    worker.is_exiting();
    scene.provider.release();

    assert_eq!(worker.answer(dropped), Ok(String::new()));
    assert_saved(&scene);
}

#[test]
fn a_closed_source_waits_until_the_answer_is_saved_and_tells_its_callers() {
    let (scene, mut worker, get) = a_post();

    let closed = worker.order(Command::Close);
    worker.is_exiting();
    scene.provider.release();

    assert_eq!(worker.answer(closed), Ok(String::new()));
    let token = scene.provider.access_token();
    assert_saved(&scene);
    // Whoever waited was told at one end or the other.
    let closed = Err("unavailable token source is closed".into());
    let told = worker.answer(get);
    assert!(told == closed || told == token, "{told:?}");
    assert_eq!(worker.get(), closed);
}

#[test]
fn a_process_that_calls_exit_stays_until_the_answer_is_saved() {
    let (scene, mut worker, _get) = a_post();

    let _exit = worker.order(Command::Exit);
    worker.is_exiting();
    scene.provider.release();

    assert_eq!(worker.process().exit_code(), 0);
    assert_saved(&scene);
}

#[test]
fn a_process_that_calls_exit_stays_though_nobody_waits_for_the_token() {
    let (scene, mut worker) = a_post_that_was_begun();
    worker.run(Command::Forget).expect("a future can always be dropped");

    let _exit = worker.order(Command::Exit);
    worker.is_exiting();
    scene.provider.release();

    assert_eq!(worker.process().exit_code(), 0);
    assert_saved(&scene);
}

#[test]
fn a_process_that_returns_from_main_stays_until_the_answer_is_saved() {
    let (scene, mut worker, _get) = a_post();

    let _return = worker.order(Command::Return);
    worker.is_exiting();
    scene.provider.release();

    assert_eq!(worker.process().exit_code(), 0);
    assert_saved(&scene);
}

#[test]
fn a_process_that_only_waits_for_the_lock_ends_at_once() {
    let (scene, worker, get) = a_post();
    let mut other = scene.worker();
    let _get = other.start_get();
    other.tells("lock_busy");

    let _exit = other.order(Command::Exit);

    assert_eq!(other.process().exit_code(), 0);
    // The server still holds its answer: nobody but its caller waited for it.
    assert_eq!(scene.provider.held(), 1);
    scene.provider.release();
    assert_eq!(worker.answer(get), scene.provider.access_token());
    worker.tells("saved");
    assert_saved(&scene);
}

// -- Ctrl-C ---------------------------------------------------------------------------------------------------------------

#[test]
fn the_first_ctrl_c_waits_until_the_answer_is_saved() {
    let scene = Scene::strict();
    scene.provider.hold_answers();
    let command = scene.command(&["token"]);
    scene.provider.wait("held", 1);

    command.interrupt();
    scene.provider.release();

    assert_eq!(command.exit_code(), 130);
    assert_saved(&scene);
}

#[test]
fn the_second_ctrl_c_ends_at_once_and_the_next_process_repeats_the_request() {
    let scene = Scene::with_grace();
    scene.provider.hold_answers();
    let command = scene.command(&["token"]);
    scene.provider.wait("held", 1);

    command.interrupt();
    command.interrupt();

    assert_eq!(command.exit_code(), 130);
    assert_eq!(scene.provider.held(), 1);
    scene.provider.release();
    scene.provider.wait("answered", 1);
    assert_eq!(scene.get(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats { requests: 2, replays_in_grace: 1, ..Stats::rotations(1) });
}

#[test]
fn a_terminal_that_goes_away_and_a_kill_wait_until_the_answer_is_saved() {
    type Send = fn(&Process);
    for (send, code) in [(Process::hang_up as Send, 129), (Process::terminate, 143)] {
        let scene = Scene::strict();
        scene.provider.hold_answers();
        let command = scene.command(&["token"]);
        scene.provider.wait("held", 1);

        send(&command);
        scene.provider.release();

        assert_eq!(command.exit_code(), code);
        assert_saved(&scene);
    }
}

#[test]
fn a_command_that_was_started_to_ignore_a_signal_goes_on() {
    type Send = fn(&Process);
    for (signal, send) in [("HUP", Process::hang_up as Send), ("TERM", Process::terminate), ("INT", Process::interrupt)]
    {
        let scene = Scene::strict();
        scene.provider.hold_answers();
        let ignoring = format!("trap '' {signal}; exec \"$0\" token");
        let mut command = process::Command::new("sh");
        command
            .args(["-c", &ignoring])
            .arg(binary())
            .env("TOKENWARD_STORE", scene.store())
            .env("TOKENWARD_TOKEN_URL", scene.provider.token_url())
            .env("TOKENWARD_CLIENT_ID", scene.provider.client_id());
        let command = scene.run(command, "command");
        scene.provider.wait("held", 1);

        // A second one would end it, had it heard the first.
        send(&command);
        send(&command);
        scene.provider.release();

        assert!(command.wait_for("token", |line| Some(line.starts_with("at-"))), "{signal}");
        assert_eq!(command.exit_code(), 0, "{signal}");
        assert_saved(&scene);
    }
}

// -- A process that stands still ---------------------------------------------------------------------------------------------

#[test]
fn while_a_process_stands_still_others_are_told_that_the_store_is_busy_and_later_its_answer_is_saved() {
    let (scene, asleep, get) = a_post();
    let mut other = scene.worker_with(Open { patience_ms: 500, deadline_ms: 5000, ..Open::default() });
    asleep.process().freeze();
    scene.provider.release();

    assert_eq!(other.get(), Err("store_busy".into()));

    asleep.process().thaw();
    assert_eq!(asleep.answer(get), scene.provider.access_token());
    asleep.tells("saved");
    assert_eq!(other.get(), scene.provider.access_token());
    assert_saved(&scene);
}

#[test]
fn while_a_process_stands_still_others_use_the_token_that_still_works() {
    let scene = Scene::strict();
    let mut asleep = scene.worker();
    let first = asleep.get();
    scene.provider.hold_answers();
    let refresh = asleep.order(Command::Refresh);
    scene.provider.wait("held", 1);
    asleep.process().freeze();

    assert_eq!(scene.get(), first);

    scene.provider.release();
    asleep.process().thaw();
    assert_eq!(asleep.answer(refresh), scene.provider.access_token());
    asleep.tells("saved");
    assert_eq!(scene.get(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
}

#[test]
fn while_a_process_stands_still_with_its_answer_staged_others_are_served_by_the_journal() {
    let scene = Scene::strict();
    let mut asleep = scene.gated();
    asleep.stop_at(Point::Stage, When::After);
    let get = asleep.start_get();
    asleep.stands();
    asleep.process().freeze();

    assert_eq!(scene.get(), scene.provider.access_token());

    asleep.process().thaw();
    asleep.go_on();
    assert_eq!(asleep.answer(get), scene.provider.access_token());
    asleep.tells("saved");
    assert_saved(&scene);
}

#[test]
fn a_process_that_sleeps_for_forty_seconds_in_the_middle_saves_its_answer_when_it_wakes() {
    let patient = Open { patience_ms: 90_000, deadline_ms: 90_000, ..Open::default() };
    let scene = Scene::strict();
    scene.provider.hold_answers();
    let (mut asleep, mut other) = (scene.worker_with(patient.clone()), scene.worker_with(patient));
    let get = asleep.start_get();
    scene.provider.wait("held", 1);
    asleep.process().freeze();
    let waiting = other.start_get();
    other.tells("lock_busy");
    // The answer is in the sleeper's socket, and its HTTP timeout of 30 s will have passed when it wakes.
    scene.provider.release();
    scene.provider.wait("answered", 1);

    clock::until(clock::now() + 40_000);
    asleep.process().thaw();

    assert_eq!(asleep.answer(get), scene.provider.access_token());
    asleep.tells("saved");
    assert_eq!(other.answer(waiting), scene.provider.access_token());
    assert_saved(&scene);
}

// -- Helpers --------------------------------------------------------------------------------------------------------------------

/// Returns a worker whose request has been answered with a rotation that the server does not let out yet.
fn a_post() -> (Scene, Worker, Call) {
    let scene = Scene::strict();
    scene.provider.hold_answers();
    let mut worker = scene.worker();
    let get = worker.start_get();
    scene.provider.wait("held", 1);
    (scene, worker, get)
}

fn a_post_that_was_begun() -> (Scene, Worker) {
    let scene = Scene::strict();
    scene.provider.hold_answers();
    let mut worker = scene.worker();
    worker.run(Command::Begin).expect("a refresh can always be begun");
    scene.provider.wait("held", 1);
    (scene, worker)
}

/// The store itself holds the one rotation, and it works.
fn assert_saved(scene: &Scene) {
    let token = scene.provider.access_token();
    assert_eq!(scene.stored(), (token.clone().ok(), scene.provider.newest_refresh_token()));
    let mut next = scene.worker();
    assert_eq!(next.get(), token);
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
    assert_eq!(next.refresh(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
}
