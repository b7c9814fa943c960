//! What is left on the disk: who can read it, and what stands in it once the store is written.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, chown},
    path::Path,
    process::Command,
};

use serde_json::json;
use tokenward_tests::{
    leaks::Detector,
    real::{Command as Order, Point, Scene, When},
};

use crate::{
    REFRESH,
    run::{binary, files, learn, run, settle, tokenward},
};

#[test]
fn a_file_that_others_can_read_is_caught() {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    fs::write(folder.path().join("open"), "").expect("a folder of our own takes a file");

    fs::set_permissions(folder.path().join("open"), fs::Permissions::from_mode(0o640)).expect("the file is ours");

    assert_eq!(open_to_others(folder.path()), ["open"]);
}

#[test]
fn everything_that_is_made_is_its_owners_alone_whatever_the_umask() {
    let scene = Scene::strict();
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let store = folder.path().join("new/deep/login.json");
    let generous = |args: &[&str], input: &str| {
        let mut shell = Command::new("sh");
        shell.args(["-c", "umask 000; exec \"$0\" \"$@\""]).arg(binary()).args(args);
        settle(&mut shell, &scene);
        shell.env("TOKENWARD_STORE", &store);
        assert_eq!(run(shell, input).code, Some(0), "{args:?}");
        assert_eq!(open_to_others(folder.path()), Vec::<String>::new(), "after {args:?}");
    };

    generous(&["import"], scene.provider.refresh_token());
    generous(&["token"], "");
    generous(&["status"], "");

    assert_eq!(
        modes(folder.path()).into_iter().map(|(name, mode)| (name, mode & 0o7777)).collect::<Vec<_>>(),
        [
            ("new".to_string(), 0o700),
            ("new/deep".to_string(), 0o700),
            ("new/deep/.login.json.tokenward.journal".to_string(), 0o600),
            ("new/deep/.login.json.tokenward.lock".to_string(), 0o600),
            ("new/deep/login.json".to_string(), 0o600),
        ],
        "and nothing else is left"
    );
}

#[test]
fn what_stands_beside_a_store_belongs_to_its_owner() {
    let scene = Scene::strict();
    let folder = scene.store().parent().expect("a store is in a folder").to_path_buf();
    // Only root can give a file away; everybody else keeps his own.
    let root = fs::metadata(&folder).expect("the folder is ours").uid() == 0;
    if root {
        chown(scene.store(), Some(12_345), Some(54_321)).expect("root may");
    }
    let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.gid(), found.mode() & 0o777));
    let expected = owner(&scene.store()).expect("there is a store");

    let said = run(tokenward(&scene, &["token"]), "");

    assert_eq!(said.code, Some(0), "{said:?}");
    for path in [scene.store(), scene.lock(), scene.journal()] {
        assert_eq!(owner(&path).expect("it is there"), expected, "{}", path.display());
    }
}

#[test]
fn a_token_is_in_the_journal_until_the_store_has_it_and_never_after() {
    let scene = Scene::strict();
    let mut detector = Detector::default();
    let mut worker = scene.gated();
    worker.stop_at(Point::Stage, When::After);
    let call = worker.order(Order::Refresh);
    worker.stands();
    let staged = fs::read(scene.journal()).expect("an answer is staged");
    let modes = modes_beside(&scene);

    worker.go_on();
    worker.answer(call).expect("the server grants a token");
    worker.run(Order::Close).expect("a source can be closed");

    // What is in the store now was in the journal then: the detector sees it there.
    learn(&mut detector, &scene);
    let found: Vec<_> = detector.find(&staged).into_iter().map(|hit| hit.secret).collect();
    assert_eq!(found, ["access_token", "refresh_token"]);
    assert!(modes.iter().all(|(_, mode)| mode & 0o077 == 0), "{modes:?}");
    detector.assert_clean("the journal", fs::read(scene.journal()).expect("it stays"));
    detector.assert_clean("the lock", fs::read(scene.lock()).expect("it stays"));
    assert_eq!(scene.files().len(), 3, "{:?}", scene.files());
}

#[test]
fn an_answer_with_escapes_leaves_the_journal_clean_too() {
    let detector = Detector::default().knowing("the new refresh token", REFRESH).knowing("the old", crate::ACCESS);
    let escaped: String = REFRESH.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let in_form: String = REFRESH.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for body in [
        format!(r#"{{"access_token":"an-access-token","refresh_token":"{escaped}","expires_in":60}}"#),
        format!("access_token=an-access-token&refresh_token={in_form}&expires_in=60"),
        format!(r#"{{"refresh_token":"{escaped}"}}"#),
        format!(
            r#"{{"access_token":"an-access-token","refresh_token":"{escaped}","padding":"{}"}}"#,
            "x".repeat(50_000)
        ),
    ] {
        let scene = Scene::strict();
        scene.write_store(&json!({"refresh_token": crate::ACCESS}));
        scene.provider.control(&json!({"fault": {"status": 200, "body": body}}));
        let mut worker = scene.gated();
        worker.stop_at(Point::Stage, When::After);
        let call = worker.order(Order::Refresh);
        worker.stands();
        let staged = fs::read(scene.journal()).expect("an answer is staged");

        worker.go_on();
        let _ = worker.answer(call);
        worker.run(Order::Close).expect("a source can be closed");

        assert!(!detector.find(&staged).is_empty(), "the staged answer is not seen");
        assert_eq!(scene.read_store()["refresh_token"], REFRESH);
        detector.assert_clean("the journal", fs::read(scene.journal()).expect("it stays"));
    }
}

#[test]
fn a_login_that_waits_is_its_owners_alone_and_gone_when_it_is_adopted() {
    let scene = Scene::strict();
    scene.provider.hold_answers();
    let mut holder = scene.worker();
    let call = holder.order(Order::Refresh);
    scene.provider.wait("held", 1);
    let login = scene.provider.control(&json!({"login": "access"}));
    let mut late = scene.worker();
    let saving = late.order(Order::save(&login, true));
    late.tells("parked");
    let mut detector = Detector::default();
    for name in ["access_token", "refresh_token"] {
        detector.learn(name, login[name].as_str().expect("the login has both"));
    }
    let parked = files(scene.store().parent().expect("a store is in a folder"));
    let parked: Vec<_> = parked.iter().filter(|path| path.to_string_lossy().contains("grant-")).collect();
    let [parked] = parked.as_slice() else { panic!("one login waits, not {parked:?}") };
    let seen = detector.find(&fs::read(parked).expect("it waits")).len();
    let mode = fs::metadata(parked).expect("it waits").mode() & 0o777;

    scene.provider.release();
    let _ = holder.answer(call);
    late.answer(saving).expect("the login is saved");
    for worker in [&mut holder, &mut late] {
        worker.run(Order::Close).expect("a source can be closed");
    }

    assert_eq!((seen, mode), (2, 0o600));
    assert_eq!(scene.files().len(), 3, "{:?}", scene.files());
    learn(&mut detector, &scene);
    detector.assert_clean("the journal", fs::read(scene.journal()).expect("it stays"));
}

/// Returns everything in a folder by name, and its mode.
pub fn modes(folder: &Path) -> Vec<(String, u32)> {
    let mut found = Vec::new();
    let mut folders = Vec::from([folder.to_path_buf()]);
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("the folder is ours").flatten() {
            // What goes away in the meantime is not left over.
            let Ok(metadata) = entry.metadata() else { continue };
            let name = entry.path().strip_prefix(folder).expect("it is in there").display().to_string();
            found.push((name, metadata.mode() & 0o7777));
            if metadata.is_dir() {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    found
}

fn open_to_others(folder: &Path) -> Vec<String> {
    modes(folder).into_iter().filter(|(_, mode)| mode & 0o077 != 0).map(|(name, _)| name).collect()
}

fn modes_beside(scene: &Scene) -> Vec<(String, u32)> {
    let folder = scene.store().parent().expect("a store is in a folder").to_path_buf();
    modes(&folder).into_iter().filter(|(name, _)| name.contains("login.json")).collect()
}
