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

#[test]
fn help_answers_errors_and_events_are_coloured_by_one_decision() {
    let scene = Scene::strict();
    scene.write_store(&json!({}));
    let forced = [("CLICOLOR_FORCE", "1")];
    for (environment, wanted) in [
        (&[][..], false),
        (&forced, true),
        (&[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")], false),
        (&[("NO_COLOR", "")], false),
        (&[("TERM", "xterm")], false),
    ] {
        for args in [&["--help"][..], &["status"], &["doctor"], &["token"], &["token", "--bogus"], &["token", "-vv"]] {
            let mut command = on(&scene, args);
            for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "CI"] {
                command.env_remove(name);
            }
            command.envs(environment.iter().copied());

            let said = say(command, "");

            let all = said.stdout + &said.stderr;
            assert_eq!(all.contains('\x1b'), wanted, "{args:?} {environment:?}: {all:?}");
        }
    }
}

#[test]
fn a_terminal_that_is_dumb_gets_plain_text() {
    if Command::new("script").arg("--version").output().is_err() {
        println!("SKIPPED command: script is missing: install bsdutils");
        return;
    }
    let scene = Scene::strict();
    scene.write_store(&json!({}));

    let dumb = at_terminal(&scene, &[("TERM", "dumb")]);
    let insisting = at_terminal(&scene, &[("TERM", "dumb"), ("CLICOLOR_FORCE", "1")]);

    assert!(dumb.stdout.contains("signed out") && !dumb.stdout.contains('\x1b'), "{:?}", dumb.stdout);
    assert!(insisting.stdout.contains("\x1b[31msigned out"), "{:?}", insisting.stdout);
}

/// Runs `status` at a terminal of its own.
fn at_terminal(scene: &Scene, environment: &[(&str, &str)]) -> Said {
    let inner = on(scene, &["status"]);
    let mut command = Command::new("script");
    let program = format!("'{}' status", inner.get_program().to_string_lossy());
    command
        .args(["--quiet", "--return", "--command", &program, "/dev/null"])
        .env("TERM", "xterm")
        .env_remove("NO_COLOR")
        .env_remove("CLICOLOR")
        .env_remove("CLICOLOR_FORCE")
        .env_remove("CI");
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.envs(environment.iter().copied());
    say(command, "")
}
