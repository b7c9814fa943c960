//! Every broken set-up is named with its path, what is wrong and what to do; in text, in JSON and in the report.

use std::{
    fs::{self, File, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown, symlink},
        net::UnixListener,
    },
    process::Command,
    time::{Duration, UNIX_EPOCH},
};

use serde_json::json;
use tokenward_tests::real::{Point, Scene, When, clock};

use crate::{
    doctor::{healthy, superblock},
    run::{ACCESS, Said, USER, on, run, say, stored, without_rights},
};

/// A set-up, the finding that names it, and what stands in its message (`STORE` is the store's path, `FOLDER` its folder's)
/// and in its advice.
type Broken = (&'static str, fn(&Scene), &'static str, &'static str, &'static str);

const ALL: [Broken; 22] = [
    (
        "store open to others",
        |scene| mode(scene, 0o644),
        "store_mode",
        "STORE is open to others (mode 0644)",
        "chmod 600 STORE",
    ),
    (
        "folder open to others",
        |scene| fs::set_permissions(scene.disk(), Permissions::from_mode(0o777)).unwrap(),
        "folder_mode",
        "FOLDER can be written by others (mode 0777)",
        "chmod go-w FOLDER",
    ),
    (
        "folder at the path",
        |scene| in_place(scene, |scene| fs::create_dir(scene.store()).unwrap()),
        "store_kind",
        "STORE is a folder",
        "move it away",
    ),
    ("pipe at the path", |scene| in_place(scene, pipe), "store_kind", "STORE is a pipe", "move it away"),
    (
        "circle of links",
        |scene| in_place(scene, |scene| symlink("login.json", scene.store()).unwrap()),
        "store_path",
        "STORE: its links go in a circle",
        "correct the path",
    ),
    (
        "link to nothing",
        |scene| in_place(scene, |scene| symlink("gone.json", scene.store()).unwrap()),
        "store_link",
        "STORE is a link to FOLDER/gone.json, which is not there",
        "correct the link",
    ),
    (
        "enormous store",
        |scene| File::options().write(true).open(scene.store()).unwrap().set_len(2_000_000).unwrap(),
        "store_unreadable",
        "cannot read STORE: it is larger than any credential",
        "restore it from a backup",
    ),
    (
        "store that is no JSON",
        |scene| fs::write(scene.store(), format!("{{\"access_token\": \"{ACCESS}\",")).unwrap(),
        "store_unreadable",
        "STORE is damaged: no JSON from line 1",
        "restore it from a backup",
    ),
    (
        "store of a newer version",
        |scene| scene.write_store(&json!({"version": 2, "refresh_token": "refresh-token-1"})),
        "store_unreadable",
        "STORE was written by a newer version",
        "update this tokenward",
    ),
    (
        "no store",
        |scene| fs::remove_file(scene.store()).unwrap(),
        "signed_out",
        "there is no login in STORE",
        "tokenward import",
    ),
    (
        "damaged journal",
        |scene| fs::write(scene.journal(), [b'x'; 5000]).unwrap(),
        "journal_damaged",
        "FOLDER/.login.json.tokenward.journal is damaged",
        "moves it aside",
    ),
    (
        "journal of a newer version",
        |scene| fs::write(scene.journal(), superblock(r#"{"tokenward":"journal","version":2}"#)).unwrap(),
        "journal_newer",
        "FOLDER/.login.json.tokenward.journal was written by a newer version",
        "update this tokenward",
    ),
    (
        "lock that is a socket",
        |scene| {
            fs::remove_file(scene.lock()).unwrap();
            drop(UnixListener::bind(scene.lock()).unwrap());
        },
        "companion_kind",
        "FOLDER/.login.json.tokenward.lock is a socket",
        "remove FOLDER/.login.json.tokenward.lock",
    ),
    (
        "store from the future",
        |scene| {
            let mut ahead = stored(scene, 3600 * 48);
            ahead["issued_at"] = ahead["expires_at"].clone();
            scene.write_store(&ahead);
        },
        "clock",
        "issued_at in STORE lies ahead: in 4",
        "set this machine's clock",
    ),
    (
        "store that never took its place",
        |scene| left(scene, "tmp"),
        "leftover",
        "FOLDER/.login.json.tokenward.tmp-0123456789abcdef, 2 h old",
        "removes it",
    ),
    (
        "login that waits for long",
        |scene| left(scene, "grant"),
        "parked_login",
        "FOLDER/.login.json.tokenward.grant-0123456789abcdef, 2 h old",
        "`tokenward token` adopts it",
    ),
    (
        "journal that was moved aside",
        |scene| left(scene, "journal.bad"),
        "old_journal",
        "FOLDER/.login.json.tokenward.journal.bad-",
        "bug report",
    ),
    (
        "dead login",
        |scene| {
            scene.provider.control(&json!({"revoke": "family"}));
            assert_eq!(run(scene, &["refresh"]).code, 4);
        },
        "reauth_required",
        "STORE: the refresh token is dead (revoked); the access token still works",
        "sign in again",
    ),
    (
        "dead login whose token has ended",
        |scene| {
            scene.provider.control(&json!({"revoke": "family"}));
            let mut ended = scene.read_store();
            ended["expires_at"] = "2026-01-01T00:00:00Z".into();
            scene.write_store(&ended);
            assert_eq!(run(scene, &["refresh"]).code, 4);
        },
        "reauth_required",
        "STORE: sign in again: revoked",
        "sign in again and hand over the new login",
    ),
    (
        "misspelled setting",
        |scene| configuration(scene, "[profiles.work]\nclient_secret = \"client-secret-1\"\ntimeuot = 3\n", 0o600),
        "settings",
        "FOLDER/config/tokenward/config.toml:3: timeuot: unknown setting",
        "correct it where the message says",
    ),
    (
        "client secret open to others",
        |scene| configuration(scene, "[profiles.work]\nclient_secret = \"client-secret-1\"\n", 0o644),
        "settings_mode",
        "FOLDER/config/tokenward/config.toml holds a client secret and is open to others (mode 0644)",
        "chmod 600 FOLDER/config/tokenward/config.toml",
    ),
    (
        "certificates that are none",
        |scene| configuration(scene, "[profiles.work]\nca_file = \"ca.pem\"\n", 0o600),
        "ca_file",
        "FOLDER/config/tokenward/ca.pem: no certificate in it",
        "name a readable file of PEM certificates",
    ),
];

#[test]
fn each_broken_set_up_is_named_with_its_path_and_its_remedy() {
    for broken in ALL {
        let scene = healthy();
        broken.1(&scene);

        judge(&scene, &broken, |args| doctor(&scene, args));
    }
}

#[test]
fn what_others_own_or_forbid_is_named() {
    let closed: Broken = (
        "folder that cannot be written",
        |scene| fs::set_permissions(scene.disk(), Permissions::from_mode(0o500)).unwrap(),
        "folder_read_only",
        "FOLDER cannot be written",
        "let its owner write there",
    );
    let foreign: Broken =
        ("store of another user", |_| {}, "store_owner", "STORE belongs to user ", "run as that user");
    for broken in [closed, foreign] {
        if broken.2 == "store_owner" && !rustix::process::geteuid().is_root() {
            println!("SKIPPED command: no right to give a store to another user");
            continue;
        }
        let scene = healthy();
        // The first run gives the folder away.
        without_rights(&scene, &["status"]);
        if rustix::process::geteuid().is_root() {
            let owner = if broken.2 == "store_owner" { USER + 1 } else { USER };
            for file in [scene.store(), scene.journal(), scene.lock()] {
                chown(file, Some(owner), Some(USER)).unwrap();
            }
            mode(&scene, 0o640);
        }
        broken.1(&scene);

        judge(&scene, &broken, |args| without_rights(&scene, &[&["doctor"], args].concat()));
        fs::set_permissions(scene.disk(), Permissions::from_mode(0o700)).unwrap();
    }
}

#[test]
#[cfg(target_os = "linux")]
fn lock_that_is_held_is_a_note_that_names_the_process() {
    let scene = healthy();
    let mut ended = stored(&scene, 3600);
    ended["refresh_token"] = scene.read_store()["refresh_token"].clone();
    ended["expires_at"] = "2026-01-01T00:00:00Z".into();
    scene.write_store(&ended);
    let mut holder = scene.gated();
    holder.stop_at(Point::Fetch, When::Before);
    let _get = holder.start_get();
    holder.stands();

    let said = doctor(&scene, &["--json"]);

    let answer = said.answer("doctor");
    let note = answer["findings"].as_array().unwrap().iter().find(|finding| finding["code"] == "locked").unwrap();
    let told = format!("process {} holds the lock {}", holder.process().id(), scene.lock().display());
    assert_eq!((&note["level"], &note["message"]), (&json!("note"), &json!(told)));
    holder.go_on();
}

/// Demands the finding in text, JSON and report, the exit code, and that nothing secret is told.
fn judge(scene: &Scene, (name, _, code, message, advice): &Broken, doctor: impl Fn(&[&str]) -> Said) {
    let store = scene.store().display().to_string();
    let folder = scene.store().parent().unwrap().display().to_string();
    let placed = |text: &str| text.replace("STORE", &store).replace("FOLDER", &folder);
    let (message, advice) = (placed(message), placed(advice));

    let [text, json, report] = [&[][..], &["--json"], &["--report"]].map(doctor);

    assert_eq!((text.code, json.code, report.code), (1, 1, 1), "{name}: {}{}", text.stdout, text.stderr);
    let answer = json.answer("doctor");
    let findings = answer["findings"].as_array().unwrap();
    let found = findings
        .iter()
        .find(|finding| finding["code"] == *code && finding["message"].as_str().unwrap().contains(&message));
    let found = found.unwrap_or_else(|| panic!("{name}: no {code}: {message} in {findings:#?}"));
    assert_eq!(found["level"], "wrong", "{name}");
    assert!(found["advice"].as_str().unwrap().contains(&advice), "{name}: {found}");
    assert!(text.stdout.contains(&message) && text.stdout.contains(&advice), "{name}: {}", text.stdout);
    assert!(text.stdout.ends_with("see what is wrong above\n"), "{name}");
    // The report has the home folder as ~.
    let hidden = message.replace(&folder, "~");
    assert!(report.stdout.contains(&hidden), "{name}: {hidden} in {}", report.stdout);
    for secret in [ACCESS, scene.provider.refresh_token(), "refresh-token-1", "client-secret-1", &folder] {
        assert!(!report.stdout.contains(secret), "{name}: {secret} in {}", report.stdout);
    }
    for secret in [ACCESS, "refresh-token-1", "client-secret-1"] {
        assert!(!text.stdout.contains(secret) && !json.stdout.contains(secret), "{name}: {secret}");
    }
}

fn doctor(scene: &Scene, args: &[&str]) -> Said {
    let mut command = on(scene, &[&["doctor"], args].concat());
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }
    if scene.disk().join("config/tokenward").exists() {
        command.env("TOKENWARD_PROFILE", "work");
    }
    say(command, "")
}

fn mode(scene: &Scene, mode: u32) {
    fs::set_permissions(scene.store(), Permissions::from_mode(mode)).unwrap();
}

fn in_place(scene: &Scene, make: fn(&Scene)) {
    fs::remove_file(scene.store()).unwrap();
    make(scene);
}

fn pipe(scene: &Scene) {
    assert!(Command::new("mkfifo").arg(scene.store()).status().unwrap().success());
}

fn left(scene: &Scene, kind: &str) {
    let left = scene.disk().join(format!(".login.json.tokenward.{kind}-0123456789abcdef"));
    fs::write(&left, "x").unwrap();
    let hours_ago = UNIX_EPOCH + Duration::from_millis(clock::now()) - Duration::from_secs(7300);
    File::options().write(true).open(&left).unwrap().set_modified(hours_ago).unwrap();
}

fn configuration(scene: &Scene, text: &str, mode: u32) {
    let folder = scene.disk().join("config/tokenward");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("ca.pem"), "no certificate").unwrap();
    fs::write(folder.join("config.toml"), text).unwrap();
    fs::set_permissions(folder.join("config.toml"), Permissions::from_mode(mode)).unwrap();
}
