//! What a person at a terminal sees: colours, unless they said no.

use std::process::Command;

use serde_json::json;
use tokenward_tests::real::Scene;

use crate::run::{Said, on, say};

#[test]
fn colours_are_for_terminals_only_and_not_for_those_who_said_no() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("SKIPPED command: script is missing: install bsdutils");
        return;
    }
    let scene = Scene::strict();
    scene.write_store(&json!({}));

    let shown = at_terminal(&scene, &[]);
    let plain = at_terminal(&scene, &[("NO_COLOR", "1")]);
    let piped = say(on(&scene, &["status"]), "");

    assert!(shown.stdout.contains("\x1b[31msigned out"), "{:?}", shown.stdout);
    assert!(plain.stdout.contains("signed out") && !plain.stdout.contains('\x1b'), "{:?}", plain.stdout);
    assert!(piped.stdout.contains("signed out") && !piped.stdout.contains('\x1b'), "{:?}", piped.stdout);
    assert_eq!([shown.code, plain.code, piped.code], [3; 3]);
}

/// Runs `status` at a terminal of its own.
fn at_terminal(scene: &Scene, environment: &[(&str, &str)]) -> Said {
    let inner = on(scene, &["status"]);
    let mut command = Command::new("script");
    let program = format!("'{}' status", inner.get_program().to_string_lossy());
    command
        .args(["--quiet", "--return", "--command", &program, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR");
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.envs(environment.iter().copied());
    say(command, "")
}
