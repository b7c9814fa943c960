//! Somebody signs in or out, restores a backup or tidies up while a refresh token is on its way (promises P1, P2, P4).

use std::{collections::BTreeSet, fs};

use serde_json::{Value, json};
use tokenward::Fingerprint;
use tokenward_tests::real::{Call, Command, Point, Scene, Stats, When, Worker, tokens_in};

use Point::{Commit, Note, Park, Prepare, Reread, Stage, Unlock};
use When::{After, Before};

// -- The files are touched ------------------------------------------------------------------------------------------

#[test]
fn an_unlinked_lock_file_lets_no_second_request_out() {
    let (scene, worker, get) = a_post();
    fs::remove_file(scene.lock()).expect("the lock file is there");
    let mut other = scene.worker();
    let waiting = other.start_get();
    other.tells("lock_busy");

    scene.provider.release();

    assert_eq!(other.answer(waiting), scene.provider.access_token());
    assert_eq!(worker.answer(get), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
    assert_eq!(scene.refresh(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
    assert_eq!(scene.stored(), (scene.provider.access_token().ok(), scene.provider.newest_refresh_token()));
}

#[test]
fn the_spent_token_of_a_restored_store_is_never_sent() {
    let scene = Scene::strict();
    let mut worker = scene.worker();
    let old_token = worker.get();
    worker.tells("saved");
    let old = scene.read_store();
    // A process that has ended: its answer has left the journal, too, where it would be the old token's successor.
    scene.refresh().expect("the login works");
    let newest = scene.read_store();

    scene.write_store(&old);
    let works = scene.get();
    scene.write_store(&ended(old));
    let ended = [scene.get(), scene.refresh(), worker.refresh(), scene.get()];

    assert_eq!(works, old_token);
    assert_eq!(ended, [(); 4].map(|()| Err("reauth_required reused".into())));
    assert_eq!(scene.provider.stats(), Stats::rotations(2));
    scene.write_store(&newest);
    assert_eq!(scene.refresh(), scene.provider.access_token());
    assert_eq!(scene.provider.stats(), Stats::rotations(3));
}

// -- A login races a refresh ------------------------------------------------------------------------------------------

#[test]
fn a_login_during_a_request_wins() {
    let (scene, worker, get) = a_post();
    let login = scene.provider.control(&json!({"login": "access"}));
    let mut person = scene.worker();
    let saving = person.order(Command::save(&login, false));
    person.tells("parked");

    scene.provider.release();

    assert!(worker.answer(get).is_ok());
    assert_eq!(person.answer(saving), Ok(String::new()));
    assert_signed_in(&scene, &login);
}

#[test]
fn a_login_whose_process_died_while_it_waited_is_adopted_by_the_next_holder() {
    let (scene, worker, get) = a_post();
    let login = scene.provider.control(&json!({"login": "access"}));
    let mut person = scene.worker();
    let _saving = person.order(Command::save(&login, false));
    person.tells("parked");

    person.kill();
    scene.provider.release();

    assert!(worker.answer(get).is_ok());
    assert_eq!(scene.refresh(), scene.provider.access_token());
    let log = scene.provider.log();
    assert_eq!(log.last().map(|line| (&line["kind"], &line["family"])), Some((&json!("rotation"), &login["family"])));
    assert_eq!(scene.files(), COMPANIONS.map(Into::into).into());
}

#[test]
fn a_refresh_during_a_login_uses_the_login_and_sends_nothing() {
    for place in
        [(Prepare, After), (Stage, Before), (Stage, After), (Commit, Before), (Commit, After), (Unlock, Before)]
    {
        let scene = Scene::strict();
        let login = scene.provider.control(&json!({"login": "access"}));
        let mut person = scene.gated();
        person.stop_at(place.0, place.1);
        let saving = person.order(Command::save(&login, false));
        person.stands();
        let mut other = scene.worker();
        let waiting = other.start_get();
        if matches!(place, (Prepare, _) | (Stage, Before)) {
            other.tells("lock_busy");
        }

        person.go_on();

        assert_eq!(person.answer(saving), Ok(String::new()), "{place:?}");
        assert_eq!(other.answer(waiting), Ok(name(&login["access_token"])), "{place:?}");
        assert_eq!(scene.provider.stats(), Stats::default(), "{place:?}");
        assert_signed_in(&scene, &login);
    }
}

#[test]
fn a_login_is_there_once_it_is_staged_whenever_its_process_dies() {
    for place in [(Stage, After), (Reread, After), (Commit, Before), (Commit, After), (Note, Before), (Note, After)] {
        let scene = Scene::strict();
        let login = scene.provider.control(&json!({"login": "access"}));
        let mut person = scene.gated();
        person.stop_at(place.0, place.1);
        let _saving = person.order(Command::save(&login, false));
        person.stands();

        person.kill();

        assert_eq!(scene.get(), Ok(name(&login["access_token"])), "{place:?}");
        assert_eq!(scene.refresh(), scene.provider.access_token(), "{place:?}");
        let log = scene.provider.log();
        assert_eq!(log.last().map(|line| &line["family"]), Some(&login["family"]), "{place:?}");
        assert_eq!(scene.provider.stats(), Stats::rotations(1), "{place:?}");
    }
}

#[test]
fn a_login_is_there_once_it_is_parked_whenever_its_process_dies() {
    let (scene, worker, get) = a_post();
    let login = scene.provider.control(&json!({"login": "access"}));
    let mut person = scene.gated();
    person.stop_at(Park, After);
    let _saving = person.order(Command::save(&login, false));
    person.stands();

    person.kill();
    scene.provider.release();

    assert!(worker.answer(get).is_ok());
    assert_eq!(scene.refresh(), scene.provider.access_token());
    let log = scene.provider.log();
    assert_eq!(log.last().map(|line| &line["family"]), Some(&login["family"]));
}

// -- A sign-out races a refresh ------------------------------------------------------------------------------------------

#[test]
fn a_sign_out_during_a_request_leaves_nothing_behind() {
    let (scene, mut worker, get) = a_post();
    let mut person = scene.worker();
    let clearing = person.order(Command::Clear);
    person.tells("lock_busy");

    scene.provider.release();

    assert!(worker.answer(get).is_ok());
    assert_eq!(person.answer(clearing), Ok(String::new()));
    assert_signed_out(&scene);
    assert_eq!(worker.refresh(), Err("signed_out".into()));
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
}

#[test]
fn a_sign_out_erases_the_answer_that_a_dead_process_left_in_the_journal() {
    let scene = Scene::strict();
    let mut victim = scene.gated();
    victim.stop_at(Stage, After);
    let _get = victim.start_get();
    victim.stands();
    victim.kill();
    let answer = [scene.provider.access_token().ok(), scene.provider.newest_refresh_token()];
    // The scan finds what is there, so that it means something when it finds nothing.
    assert_eq!(tokens_in(&scene.journal()), answer.into_iter().flatten().collect());

    assert_eq!(scene.clear(), Ok(String::new()));

    assert_signed_out(&scene);
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
}

#[test]
fn a_refresh_during_a_sign_out_sends_nothing() {
    for place in [(Prepare, Before), (Prepare, After), (Reread, Before), (Commit, Before), (Commit, After)] {
        let scene = Scene::strict();
        let mut person = scene.gated();
        person.stop_at(place.0, place.1);
        let clearing = person.order(Command::Clear);
        person.stands();
        let mut other = scene.worker();
        let waiting = other.start_get();
        if place != (Commit, After) {
            other.tells("lock_busy");
        }

        person.go_on();

        assert_eq!(person.answer(clearing), Ok(String::new()), "{place:?}");
        assert_eq!(other.answer(waiting), Err("signed_out".into()), "{place:?}");
        assert_signed_out(&scene);
        assert_eq!(scene.provider.stats(), Stats::default(), "{place:?}");
    }
}

#[test]
fn a_sign_out_that_was_killed_is_done_or_not_done_and_can_be_done_again() {
    for place in [(Prepare, Before), (Prepare, After), (Reread, Before), (Commit, Before), (Commit, After)] {
        let scene = Scene::strict();
        let mut person = scene.gated();
        person.stop_at(place.0, place.1);
        let _clearing = person.order(Command::Clear);
        person.stands();

        person.kill();

        let outcome = scene.get();
        if place == (Commit, After) {
            assert_eq!(outcome, Err("signed_out".into()), "{place:?}");
        } else {
            assert_eq!(outcome, scene.provider.access_token(), "{place:?}");
            assert_eq!(scene.provider.stats(), Stats::rotations(1), "{place:?}");
        }
        assert_eq!(scene.clear(), Ok(String::new()));
        assert_signed_out(&scene);
    }
}

// -- Helpers --------------------------------------------------------------------------------------------------------------

const COMPANIONS: [&str; 3] = ["login.json", ".login.json.tokenward.lock", ".login.json.tokenward.journal"];

/// Returns a worker whose request has been answered with a rotation that the server does not let out yet.
fn a_post() -> (Scene, Worker, Call) {
    let scene = Scene::strict();
    scene.provider.hold_answers();
    let mut worker = scene.worker();
    let get = worker.start_get();
    scene.provider.wait("held", 1);
    (scene, worker, get)
}

/// Returns a store whose access token has ended.
fn ended(mut store: Value) -> Value {
    for (member, moment) in [("issued_at", "2026-01-01T00:00:00Z"), ("expires_at", "2026-01-01T01:00:00Z")] {
        store[member] = json!(moment);
    }
    store
}

/// Returns a token's name.
fn name(token: &Value) -> String {
    Fingerprint::of(token.as_str().unwrap_or_default().as_bytes()).to_string()
}

/// The store holds the login and nothing else waits for anything.
fn assert_signed_in(scene: &Scene, login: &Value) {
    assert_eq!(scene.stored(), (Some(name(&login["access_token"])), Some(name(&login["refresh_token"]))));
    assert_eq!(scene.get(), Ok(name(&login["access_token"])));
    assert_eq!(scene.refresh(), scene.provider.access_token());
    assert_eq!(scene.files(), COMPANIONS.map(Into::into).into());
}

/// No token is left in any file, and nobody gets one.
fn assert_signed_out(scene: &Scene) {
    assert_eq!(scene.stored(), (None, None));
    assert_eq!(tokens_in(&scene.store()), BTreeSet::new());
    assert_eq!(tokens_in(&scene.journal()), BTreeSet::new());
    assert_eq!(scene.get(), Err("signed_out".into()));
    assert_eq!(scene.refresh(), Err("signed_out".into()));
    assert_eq!(scene.files(), COMPANIONS.map(Into::into).into());
}
