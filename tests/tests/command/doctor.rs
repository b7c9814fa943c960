//! Prepared broken set-ups, and what the doctor says of each.

use std::{
    fs::{self, File, Permissions},
    os::unix::fs::{PermissionsExt, symlink},
    path::PathBuf,
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::Value;
use tokenward::Fingerprint;
use tokenward_tests::real::{Scene, clock};

use crate::run::{ACCESS, Said, on, say, stored};

#[test]
fn healthy_set_up_has_nothing_wrong() {
    let scene = healthy();

    let said = doctor(&scene, &[]);
    let text = say(on(&scene, &["doctor"]), "");

    assert_eq!(said.wrong, Vec::<String>::new(), "{said:?}");
    assert_eq!((said.said.code, text.code), (0, 0));
    assert!(text.stdout.ends_with("nothing is wrong\n"), "{}", text.stdout);
    assert!(scene.files().contains(".login.json.tokenward.journal"), "the journal was looked at too");
}

#[test]
fn files_that_others_can_read_are_found() {
    let scene = healthy();
    for file in [scene.store(), scene.journal()] {
        fs::set_permissions(file, Permissions::from_mode(0o644)).unwrap();
    }
    fs::set_permissions(folder(&scene), Permissions::from_mode(0o777)).unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["folder_mode", "store_mode", "companion_mode"]);
}

#[test]
fn folder_at_the_stores_path_is_found() {
    let scene = healthy();
    fs::remove_file(scene.store()).unwrap();
    fs::create_dir(scene.store()).unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["store_kind"]);
}

#[test]
fn pipe_at_the_stores_path_is_found_and_nobody_waits_for_it() {
    let scene = healthy();
    fs::remove_file(scene.store()).unwrap();
    assert!(Command::new("mkfifo").arg(scene.store()).status().unwrap().success());

    assert_eq!(doctor(&scene, &[]).wrong, ["store_kind"]);
}

#[test]
fn circle_of_links_is_found() {
    let scene = healthy();
    fs::remove_file(scene.store()).unwrap();
    symlink("login.json", scene.store()).unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["store_path"]);
}

#[test]
fn link_in_the_journals_place_is_found() {
    let scene = healthy();
    fs::remove_file(scene.journal()).unwrap();
    symlink("/etc/hostname", scene.journal()).unwrap();

    assert!(doctor(&scene, &[]).wrong.contains(&"companion_kind".to_string()));
}

#[test]
fn damaged_store_and_damaged_journal_are_found() {
    let scene = healthy();
    fs::write(scene.store(), "{\"refresh_token\":").unwrap();
    fs::write(scene.journal(), [b'x'; 5000]).unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["journal_damaged", "store_unreadable"]);
}

#[test]
fn journal_of_a_newer_version_is_found() {
    let scene = healthy();
    fs::write(scene.journal(), superblock(r#"{"tokenward":"journal","version":2}"#)).unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["journal_newer", "store_unreadable"]);
}

#[test]
fn times_that_lie_ahead_are_found() {
    let scene = healthy();
    let mut ahead = stored(&scene, 3600 * 48);
    ahead["issued_at"] = ahead["expires_at"].clone();
    scene.write_store(&ahead);
    let later = UNIX_EPOCH + Duration::from_millis(clock::now()) + Duration::from_secs(86_400);
    File::options().write(true).open(scene.journal()).unwrap().set_modified(later).unwrap();

    let said = doctor(&scene, &[]);

    assert_eq!(said.wrong, ["clock", "clock"], "{said:?}");
    assert!(said.said.stdout.contains("login.json lies ahead: in "), "{}", said.said.stdout);
}

#[test]
fn what_processes_left_behind_is_found() {
    let scene = healthy();
    let hours_ago = UNIX_EPOCH + Duration::from_millis(clock::now()) - Duration::from_secs(7200);
    for kind in ["tmp", "grant", "journal.bad"] {
        let left = folder(&scene).join(format!(".login.json.tokenward.{kind}-0123456789abcdef"));
        fs::write(&left, "x").unwrap();
        File::options().write(true).open(&left).unwrap().set_modified(hours_ago).unwrap();
    }
    // Somebody may be at this one.
    fs::write(folder(&scene).join(".login.json.tokenward.tmp-fedcba9876543210"), "x").unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["parked_login", "old_journal", "leftover"]);
}

#[test]
fn missing_file_of_certificates_and_wrong_proxy_are_found() {
    let scene = healthy();
    let environment = [
        ("TOKENWARD_CA_FILE", "/no-such-folder/ca.pem"),
        ("HTTPS_PROXY", "http://proxy-user:proxy-password-1@[broken"),
        ("ALL_PROXY", "http://proxy.test:8080"),
    ];

    let said = doctor(&scene, &environment);

    assert_eq!(said.wrong, ["ca_file", "proxy"]);
    assert_eq!(said.notes, ["proxy"]);
    assert!(!said.said.stdout.contains("proxy-password-1"), "{}", said.said.stdout);
}

#[test]
fn wrong_settings_are_found_with_their_places() {
    let scene = healthy();
    let file = folder(&scene).join("config.toml");
    let secret = "client_secret = \"client-secret-1\"";
    fs::write(&file, format!("[profiles.work]\n{secret}\n[profiles.home]\npatience = 0\n")).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o644)).unwrap();
    let environment = [
        ("TOKENWARD_CONFIG", file.to_str().unwrap()),
        ("TOKENWARD_TIMEOUT", "soon"),
        ("TOKENWARD_TOKENURL", "https://id.test/token"),
    ];

    let said = doctor(&scene, &environment);

    assert_eq!(said.wrong, ["settings", "unknown_variable", "settings_mode", "profile", "profile"]);
    assert!(
        said.said.stdout.contains("environment: timeout = \\\"soon\\\": not a time in seconds"),
        "{}",
        said.said.stdout
    );
    assert!(said.said.stdout.contains("config.toml:4: patience = \\\"0\\\""), "{}", said.said.stdout);
    assert!(!said.said.stdout.contains("client-secret-1"));
}

#[test]
fn dead_login_is_found_while_its_access_token_still_works() {
    let scene = healthy();
    scene.provider.control(&serde_json::json!({"revoke": "family"}));
    assert_eq!(say(on(&scene, &["refresh"]), "").code, 4);

    assert_eq!(doctor(&scene, &[]).wrong, ["reauth_required"]);
}

#[test]
fn absent_login_is_found() {
    let scene = healthy();
    fs::remove_file(scene.store()).unwrap();

    assert_eq!(doctor(&scene, &[]).wrong, ["signed_out"]);
}

#[test]
#[cfg(target_os = "linux")]
fn store_that_is_a_mount_of_its_own_is_found() {
    let scene = healthy();
    let over = folder(&scene).join("over.json");
    fs::copy(scene.store(), &over).unwrap();
    fs::set_permissions(&over, Permissions::from_mode(0o600)).unwrap();
    let mounted = Command::new("mount").arg("--bind").args([&over, &scene.store()]).output();
    if !mounted.is_ok_and(|mounted| mounted.status.success()) {
        println!("SKIPPED command: no right to mount: a single-file mount is not seen");
        return;
    }

    let said = doctor(&scene, &[]);
    assert!(Command::new("umount").arg(scene.store()).status().unwrap().success());

    assert_eq!(said.wrong, ["locks"]);
}

#[test]
fn report_tells_much_and_no_secret() {
    let scene = healthy();
    let mut store = scene.read_store();
    store["account"] = "https://id.test alice@id.test".into();
    scene.write_store(&store);
    let mut command = on(&scene, &["doctor", "--report"]);
    command
        .env("TOKENWARD_CLIENT_SECRET", "client-secret-1")
        .env("HTTPS_PROXY", "http://user:proxy-password-1@proxy.test:1");

    let said = say(command, "");

    let text = said.stdout;
    let name = Fingerprint::of(ACCESS.as_bytes()).to_string();
    for told in
        ["tokenward 0.", "client_secret: set  (environment)", "last_rotation", "HTTPS_PROXY", "ok     journal", &name]
    {
        assert!(text.contains(told), "{told} is missing in {text}");
    }
    let store = scene.read_store();
    let home = folder(&scene).display().to_string();
    for secret in [
        ACCESS,
        store["refresh_token"].as_str().unwrap(),
        "client-secret-1",
        "proxy-password-1",
        "alice",
        &home,
        "/token",
    ] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
}

/// What the doctor found, by the names of its findings.
#[derive(Debug)]
struct Found {
    wrong: Vec<String>,
    notes: Vec<String>,
    said: Said,
}

fn doctor(scene: &Scene, environment: &[(&str, &str)]) -> Found {
    let mut command = on(scene, &["doctor", "--json"]);
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    command.envs(environment.iter().copied());
    let said = say(command, "");
    let answer = said.answer("doctor");
    let of = |level: &str| {
        let all = answer["findings"].as_array().unwrap().iter().filter(|finding| finding["level"] == level);
        all.map(|finding| finding["code"].as_str().unwrap().to_string()).collect::<Vec<_>>()
    };
    let (wrong, notes) = (of("wrong"), of("note"));
    assert_eq!((answer["ok"] == Value::Bool(true), said.code), (wrong.is_empty(), i32::from(!wrong.is_empty())));
    Found { wrong, notes, said }
}

/// Returns a scene whose login was refreshed once: store, lock and journal are there. The token is one of ours again.
pub fn healthy() -> Scene {
    let scene = Scene::strict();
    fs::set_permissions(folder(&scene), Permissions::from_mode(0o700)).unwrap();
    assert_eq!(say(on(&scene, &["refresh"]), "").code, 0);
    let mut store = scene.read_store();
    store["access_token"] = ACCESS.into();
    scene.write_store(&store);
    scene
}

fn folder(scene: &Scene) -> PathBuf {
    scene.store().parent().unwrap().to_path_buf()
}

/// Returns a journal's first frame as docs/on-disk.md describes it.
pub fn superblock(payload: &str) -> Vec<u8> {
    let mut body = vec![1, 0, 0, 0];
    body.extend(1_u64.to_le_bytes());
    body.extend(u32::try_from(payload.len()).unwrap().to_le_bytes());
    let hashed = Fingerprint::of(&[&body, payload.as_bytes()].concat()).to_hex();
    let sum = (0..12).map(|at| u8::from_str_radix(&hashed[at * 2..at * 2 + 2], 16).unwrap());
    let mut frame = b"TWF1".to_vec();
    frame.extend(body);
    frame.extend(sum);
    frame.extend(payload.as_bytes());
    frame.resize(12_288, 0);
    frame
}
