//! The demo that kills, the demo at a terminal, and the server it leaves to others.

use std::{
    fs,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tempfile::TempDir;
use tokenward_tests::real::{Scene, binary};

use crate::{
    run::{alone, say},
    schema,
};

#[test]
fn each_process_killed_in_flight_is_one_repeated_answer_and_no_login_dies() {
    let verdict = demo(&["--kill"]);

    assert_eq!(verdict["kills"], 1, "{verdict}");
    assert_eq!((&verdict["replays_in_grace"], &verdict["replays"]), (&json!(1), &json!(0)));
    assert_eq!((&verdict["families_revoked"], &verdict["errors"]), (&json!(0), &json!(0)));
}

#[test]
fn each_loss_before_a_strict_server_is_named_and_signed_in_again() {
    let verdict = demo(&["--kill", "--strict"]);

    let kills = verdict["kills"].as_u64().unwrap();
    assert!(kills > 0, "{verdict}");
    for same in ["rotations_lost", "sign_ins", "families_revoked", "replays"] {
        assert_eq!(verdict[same], kills, "{same}: {verdict}");
    }
    assert_eq!((&verdict["rotations"], &verdict["errors"]), (&json!(3 + kills), &json!(0)));
}

#[test]
fn table_is_drawn_at_a_terminal_and_lines_are_written_to_a_pipe() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("SKIPPED command: script is missing: install bsdutils");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let mut terminal = Command::new("script");
    let program = format!("'{}' demo {}", binary().display(), SMALL.join(" "));
    terminal
        .args(["--quiet", "--return", "--command", &program, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");

    let drawn = say(terminal, "");
    let mut command = alone(folder.path(), &["demo"]);
    command.args(SMALL).env("TERM", "xterm");
    let written = say(command, "");

    assert_eq!((drawn.code, written.code), (0, 0), "{}{}", drawn.stdout, written.stdout);
    assert!(drawn.stdout.contains("A\x1b[J") && drawn.stdout.contains("\x1b[32mrefreshed"), "{:?}", drawn.stdout);
    assert!(!written.stdout.contains('\x1b'), "{:?}", written.stdout);
    assert!(written.stdout.contains("rotation  3/3: worker-"), "{}", written.stdout);
}

#[test]
fn server_stays_for_others_until_ctrl_c() {
    let scene = Scene::strict();
    let server = scene.command(&["demo", "--serve", "--ttl", "3600"]);
    let ready: Value = server.wait_for("ready line", |line| serde_json::from_str(line).ok());
    let ready = schema::check("serve", &ready.to_string());
    scene.write_store(&json!({"refresh_token": ready["refresh_token"]}));
    let mut token = alone(scene.store().parent().unwrap(), &["token", "--json"]);
    token
        .env("TOKENWARD_STORE", scene.store())
        .env("TOKENWARD_TOKEN_URL", ready["token_url"].as_str().unwrap())
        .env("TOKENWARD_CLIENT_ID", ready["client_id"].as_str().unwrap());

    let said = say(token, "");
    server.interrupt();

    assert!(said.answer("token")["expires_at"].is_string());
    assert_eq!(server.exit_code(), 130);
}

#[test]
fn interrupted_demo_leaves_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = alone(folder.path(), &["demo", "--ttl", "60"]);
    command.env("TMPDIR", folder.path()).stdout(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let first = lines.next().unwrap().unwrap();
    let made = names(&folder);

    let pid = i32::try_from(child.id()).unwrap();
    rustix::process::kill_process(rustix::process::Pid::from_raw(pid).unwrap(), rustix::process::Signal::INT).unwrap();

    assert_eq!(child.wait().unwrap().code(), Some(130));
    assert!(first.starts_with("16 processes"), "{first}");
    assert!(made.iter().any(|name| name.starts_with("tokenward-demo-")), "{made:?}");
    assert_eq!(names(&folder), Vec::<String>::new());
}

const SMALL: [&str; 6] = ["--workers", "4", "--rotations", "3", "--ttl", "3"];

/// Runs a small demo to its verdict.
fn demo(how: &[&str]) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut command = alone(folder.path(), &["demo", "--json"]);
    command.args(SMALL).args(how);

    let said = say(command, "");

    let mut lines: Vec<_> = said.stdout.lines().collect();
    let verdict = lines.pop().expect("there is a verdict");
    lines.iter().for_each(|line| drop(schema::check("demo", line)));
    let verdict = schema::check("demo_verdict", verdict)["verdict"].clone();
    assert_eq!((said.code, &verdict["passed"]), (0, &json!(true)), "{}", said.stdout);
    verdict
}

fn names(folder: &TempDir) -> Vec<String> {
    let entries = fs::read_dir(folder.path()).unwrap().flatten();
    entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect()
}
