//! Stores whose path is wrong: what a caller is told, and what the doctor says.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    process::Command,
};

use serde_json::json;
use tokenward_tests::real::Scene;

use crate::run::{Said, on, run, say, stored, without_rights};

#[test]
fn whatever_lies_in_the_stores_place_is_named_with_its_path() {
    type Prepare = fn(&Scene);
    let cases: [(&str, &str, Prepare); 8] = [
        ("is a pipe", "it has to be a file", |scene| {
            assert!(Command::new("mkfifo").arg(scene.store()).status().unwrap().success());
        }),
        ("is a folder", "it has to be a file", |scene| fs::create_dir(scene.store()).unwrap()),
        ("is empty", "restore it from a backup", |scene| fs::write(scene.store(), "").unwrap()),
        ("is damaged: no JSON from line 2, column 2 on", "restore it from a backup", |scene| {
            fs::write(scene.store(), "{\"access_token\":\n\"a").unwrap();
        }),
        ("is JSON, but no login as its format has it", "restore it from a backup", |scene| {
            scene.write_store(&json!({"version": 1, "refresh_token": 5}));
        }),
        ("it is larger than any credential", "restore it from a backup", |scene| {
            File::create(scene.store()).unwrap().set_len(5_000_000).unwrap();
        }),
        ("was written by a newer version", "update this tokenward", |scene| {
            scene.write_store(&json!({"version": 99, "refresh_token": "x"}));
        }),
        ("there is no login in", "sign in", |_| {}),
    ];
    for (what, advice, prepare) in cases {
        let scene = Scene::strict();
        fs::remove_file(scene.store()).unwrap();
        prepare(&scene);
        let code = if what == "there is no login in" { 3 } else { 9 };

        let [token, status, list] = [&["token"][..], &["status"], &["doctor", "--json"]].map(|args| run(&scene, args));

        let path = scene.store().display().to_string();
        for said in [&token.stderr, &status.stdout] {
            assert!(said.contains(what) && said.contains(&path), "{what}: {said}");
            assert!(said.contains(advice), "{advice}: {said}");
        }
        assert_eq!((token.code, status.code), (code, code), "{what}");
        assert!(list.stdout.contains(&path), "{what}: {}", list.stdout);
    }
}

#[test]
fn paths_that_can_never_be_a_store_are_wrong_settings() {
    let scene = Scene::strict();
    let folder = scene.folder();
    symlink("two", folder.join("one")).unwrap();
    symlink("one", folder.join("two")).unwrap();
    let long = "x".repeat(216);
    for (path, what) in [
        (folder.join("one"), "its links go in a circle"),
        (folder.join(&long), "its name is longer than 215 bytes"),
        (folder.join("x".repeat(300)), "the path is too long"),
        ("/".into(), "the path names no file"),
    ] {
        let path = path.display().to_string();

        let flag = run(&scene, &["token", "--json", "--store", &path]);
        let mut variable = on(&scene, &["status"]);
        variable.env("TOKENWARD_STORE", &path);
        let variable = say(variable, "");
        let doctor = run(&scene, &["doctor", "--json", "--store", &path]);

        assert_eq!((flag.code, flag.error().as_str(), variable.code, doctor.code), (2, "usage", 2, 1), "{what}");
        assert!(flag.stderr.contains(&format!("command line: store = \\\"{path}\\\": {what}")), "{}", flag.stderr);
        assert!(variable.stderr.contains(&format!("environment: store = \"{path}\": {what}")), "{}", variable.stderr);
        let finding = &doctor.answer("doctor")["findings"][0];
        assert_eq!(finding["code"], "store_path", "{finding}");
        let message = finding["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("{path}: {what}")), "{message}");
    }
    // The longest name that is taken has room for everything beside it.
    let path = folder.join(&long[..215]).display().to_string();
    let imported = import(&scene, &path, scene.provider.refresh_token());
    assert_eq!((imported.code, run(&scene, &["token", "--store", &path]).code), (0, 0), "{}", imported.stderr);
}

#[test]
fn store_that_may_not_be_read_or_written_is_named_with_what_the_system_said() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    fs::set_permissions(scene.store(), Permissions::from_mode(0o000)).unwrap();

    let said = without_rights(&scene, &["token"]);

    assert_eq!(said.code, 9, "{}", said.stderr);
    let told = format!("cannot read {}: permission denied", scene.store().display());
    assert!(said.stderr.contains(&told) && said.stderr.contains("let this user read it"), "{}", said.stderr);
}

#[test]
fn configuration_that_is_no_file_or_no_text_is_named_and_nobody_waits_for_it() {
    let scene = Scene::strict();
    let (pipe, bytes) = (scene.folder().join("pipe.toml"), scene.folder().join("bytes.toml"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    fs::write(&bytes, b"[profiles.work]\n# caf\xe9\n").unwrap();

    let [pipe_said, bytes_said] = [&pipe, &bytes].map(|file| {
        let mut command = on(&scene, &["token", "--profile", "work"]);
        command.env("TOKENWARD_CONFIG", file);
        say(command, "")
    });

    assert_eq!((pipe_said.code, bytes_said.code), (2, 2));
    assert_eq!(pipe_said.stderr, format!("tokenward: cannot read {}: not a regular file\n", pipe.display()));
    assert_eq!(bytes_said.stderr, format!("tokenward: {}:2: not UTF-8\n", bytes.display()));
}

fn import(scene: &Scene, store: &str, refresh_token: &str) -> Said {
    say(on(scene, &["import", "--store", store]), refresh_token)
}
