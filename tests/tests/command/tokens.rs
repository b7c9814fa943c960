//! token, exec, refresh, status and logout.

use std::{os::unix::process::ExitStatusExt, process::Stdio};

use serde_json::{Value, json};
use tokenward::Fingerprint;
use tokenward_tests::real::{Point, Scene, Stats, When};

use crate::run::{ACCESS, on, run, say, stored};

#[test]
fn token_is_printed_alone_as_a_header_and_in_json() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let [text, header, json] =
        [&["token"][..], &["token", "--header"], &["token", "--json"]].map(|args| run(&scene, args));

    assert_eq!((text.code, text.stdout.as_str()), (0, "access-token-1\n"));
    assert_eq!(header.stdout, "Authorization: Bearer access-token-1\n");
    assert_eq!(json.answer("token")["access_token"], ACCESS);
    assert_eq!(text.stderr + &header.stderr + &json.stderr, "");
    assert_eq!(scene.provider.stats(), Stats::default());
}

#[test]
fn token_that_works_is_printed_before_the_server_has_answered() {
    let scene = Scene::strict();
    // So little is left that a process that may exit refreshes: not before the token is out.
    scene.write_store(&stored(&scene, 30));
    scene.provider.hold_answers();

    let command = scene.command(&["token"]);

    assert_eq!(command.wait_for("token", |line| Some(line.to_string())), ACCESS);
    scene.provider.wait("held", 1);
    scene.provider.release();
    assert_eq!(command.exit_code(), 0);
    assert_eq!(scene.stored().0, scene.provider.access_token().ok());
}

#[test]
fn token_without_enough_life_is_replaced() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 600));

    let enough = run(&scene, &["token", "--min-ttl", "300"]);
    let more = run(&scene, &["token", "--min-ttl", "1200"]);

    assert_eq!(enough.stdout.trim_end(), ACCESS);
    assert_eq!(name(more.stdout.trim_end()), scene.provider.access_token().unwrap());
}

#[test]
fn exec_hands_over_the_token_the_arguments_and_the_exit_code() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    let script = "echo \"$API_TOKEN $1 ${TOKENWARD_CLIENT_SECRET-none}\"; exit 7";
    let mut command = on(&scene, &["exec", "--env", "API_TOKEN", "--", "sh", "-c", script, "sh", "--json"]);
    command.env("TOKENWARD_CLIENT_SECRET", "client-secret-1");

    let said = say(command, "");

    assert_eq!((said.code, said.stdout.as_str()), (7, "access-token-1 --json none\n"));
}

#[test]
fn exec_becomes_the_command_and_takes_its_signals() {
    let scene = Scene::strict();
    let mut command = on(&scene, &["exec", "--", "sh", "-c", "echo $$; kill -TERM $$; read -r never"]);
    command.stdin(Stdio::piped()).stdout(Stdio::piped());

    let child = command.spawn().unwrap();
    let id = child.id();
    let ended = child.wait_with_output().unwrap();

    assert_eq!(String::from_utf8(ended.stdout).unwrap(), format!("{id}\n"));
    assert_eq!(ended.status.signal(), Some(15));
    // The refresh that came before it is in the store.
    assert_eq!(scene.stored().0, scene.provider.access_token().ok());
}

#[test]
fn exec_says_what_it_cannot_run() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let missing = run(&scene, &["exec", "--json", "--", "/no-such-folder/command"]);
    let folder = run(&scene, &["exec", "--", "/"]);

    assert_eq!((missing.code, missing.error().as_str()), (127, "command"));
    assert!(missing.stderr.contains("cannot run /no-such-folder/command: no such command"), "{}", missing.stderr);
    assert_eq!(folder.code, 126);
    assert!(folder.stderr.starts_with("tokenward: cannot run /: "), "{}", folder.stderr);
}

#[test]
fn exec_runs_nothing_without_a_token() {
    let scene = Scene::strict();
    scene.write_store(&json!({}));

    let said = run(&scene, &["exec", "--json", "--", "echo", "ran"]);

    assert_eq!((said.code, said.stdout.as_str(), said.error().as_str()), (3, "", "signed_out"));
}

#[test]
fn refresh_rotates_and_names_the_new_token_without_showing_it() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let json = run(&scene, &["refresh", "--json"]);
    let text = run(&scene, &["refresh"]);

    assert_eq!(scene.provider.stats(), Stats::rotations(2));
    assert_eq!(json.answer("refresh")["store"], scene.store().display().to_string());
    assert!(text.stdout.starts_with(&format!("new access token {}, ends in ", scene.provider.access_token().unwrap())));
    assert_eq!(scene.stored().0, scene.provider.access_token().ok());
    let secret = scene.read_store()["access_token"].as_str().unwrap().to_string();
    assert!(!text.stdout.contains(&secret));
}

#[test]
fn status_tells_the_login_and_asks_nobody() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let said = run(&scene, &["status", "--json"]);

    let answer = said.answer("status");
    assert_eq!(said.code, 0);
    assert_eq!(answer["access_token"], name(ACCESS));
    assert_eq!(answer["refresh_token"], name(scene.provider.refresh_token()));
    assert_eq!((&answer["verified"], &answer["locked_by"]), (&Value::Null, &Value::Null));
    assert_eq!(scene.provider.stats(), Stats::default());
    assert_eq!(scene.files().len(), 1, "reading creates nothing");
}

#[test]
fn verified_status_has_really_refreshed() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let said = run(&scene, &["status", "--verify", "--json"]);

    let answer = said.answer("status");
    assert_eq!((said.code, &answer["verified"]["ok"]), (0, &json!(true)));
    assert_eq!(answer["access_token"].as_str(), scene.provider.access_token().ok().as_deref());
    assert_eq!(scene.provider.stats(), Stats::rotations(1));
}

#[test]
fn verified_status_of_a_revoked_login_fails_though_its_token_still_works() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));
    scene.provider.control(&json!({"revoke": "family"}));

    let said = run(&scene, &["status", "--verify", "--json"]);
    let after = run(&scene, &["status", "--json"]);

    let answer = said.answer("status");
    assert_eq!((said.code, &answer["verified"]["error"]["kind"]), (4, &json!("reauth_required")));
    assert_eq!(answer["dead"], "revoked");
    assert_eq!((after.code, &after.answer("status")["dead"]), (0, &json!("revoked")));
}

#[test]
fn of_a_login_that_has_ended_nothing_is_in_doubt() {
    // The strict server takes the repetition for a theft; with `reauth` nobody repeats.
    for unknown_outcome in ["replay", "reauth"] {
        let scene = Scene::strict();
        scene.provider.hold_answers();
        let command = scene.command(&["token"]);
        scene.provider.wait("held", 1);
        command.interrupt();
        command.interrupt();
        assert_eq!(command.exit_code(), 130);
        scene.provider.release();
        let doubted = run(&scene, &["status"]);

        let refused = run(&scene, &["token", "--json", "--unknown-outcome", unknown_outcome]);
        let [json, text, doctor] = [&["status", "--json"][..], &["status"], &["doctor"]].map(|args| run(&scene, args));

        assert!(doubted.stdout.contains("in doubt"), "{}", doubted.stdout);
        assert_eq!((refused.code, json.code, text.code), (4, 4, 4), "{unknown_outcome}: {}", text.stdout);
        let answer = json.answer("status");
        assert_eq!((&answer["dead"], &answer["unknown_outcome"]), (&json!("rotation_lost"), &json!(false)));
        assert!(text.stdout.contains("rotation_lost: sign in again"), "{}", text.stdout);
        let all = text.stdout + &doctor.stdout;
        assert!(!all.contains("in doubt") && !all.contains("in_doubt"), "{unknown_outcome}: {all}");
    }
}

#[test]
fn of_a_dead_login_nothing_is_in_doubt_though_a_last_request_had_no_answer() {
    let scene = Scene::strict();
    scene.provider.control(&json!({"revoke": "family"}));
    assert_eq!(run(&scene, &["refresh"]).code, 4);
    scene.provider.control(&json!({"fault": {"drop": "after", "times": 9}}));

    let unanswered = run(&scene, &["refresh", "--json", "--deadline", "1"]);
    let [json, text, doctor] = [&["status", "--json"][..], &["status"], &["doctor"]].map(|args| run(&scene, args));

    assert_ne!(unanswered.code, 0);
    let answer = json.answer("status");
    assert_eq!((&answer["dead"], &answer["unknown_outcome"]), (&json!("revoked"), &json!(false)));
    let all = text.stdout + &doctor.stdout;
    assert!(all.contains("revoked: sign in again") && !all.contains("in doubt") && !all.contains("in_doubt"), "{all}");
}

#[test]
#[cfg(target_os = "linux")]
fn status_names_the_process_that_holds_the_lock() {
    let scene = Scene::strict();
    let mut holder = scene.gated();
    holder.stop_at(Point::Fetch, When::Before);
    let get = holder.start_get();
    holder.stands();

    let said = run(&scene, &["status", "--json"]);

    assert_eq!(said.answer("status")["locked_by"], holder.process().id());
    holder.go_on();
    assert_eq!(holder.answer(get), scene.provider.access_token());
}

#[test]
fn logout_is_never_silent_about_the_server() {
    let scene = Scene::strict();
    scene.write_store(&stored(&scene, 3600));

    let refused = run(&scene, &["logout", "--json"]);
    let kept = scene.stored();
    let removed = run(&scene, &["logout", "--local"]);
    let again = run(&scene, &["logout", "--local", "--json"]);
    let token = run(&scene, &["token", "--json"]);

    assert_eq!((refused.code, refused.error().as_str()), (2, "usage"));
    assert!(refused.stderr.contains("cannot revoke"), "{}", refused.stderr);
    assert_eq!(kept.0, Some(name(ACCESS)));
    assert_eq!((removed.code, scene.stored()), (0, (None, None)));
    assert!(removed.stdout.contains("at the server it lives on"), "{}", removed.stdout);
    assert_eq!(
        (&again.answer("logout")["removed"], &again.answer("logout")["revoked"]),
        (&json!(false), &json!(false))
    );
    assert_eq!((token.code, token.error().as_str()), (3, "signed_out"));
}

#[test]
fn errors_have_their_exit_codes() {
    let scene = Scene::strict();
    for (control, code, kind) in [
        (json!({"fault": {"status": 503, "times": 9}}), 6, "unavailable"),
        (json!({"revoke": "family"}), 4, "reauth_required"),
    ] {
        scene.provider.control(&control);

        let said = run(&scene, &["refresh", "--json", "--deadline", "1"]);

        assert_eq!((said.code, said.error().as_str()), (code, kind));
        scene.provider.control(&json!({"fault": null}));
    }
    let usage = run(&scene, &["token", "--json", "--no-such-flag"]);
    assert_eq!((usage.code, usage.error().as_str()), (2, "usage"));
}

#[test]
fn import_makes_no_login_worse_unless_it_is_told_to_replace_it() {
    let scene = Scene::strict();
    let mut mine = stored(&scene, 3600);
    mine["account"] = "https://id.test alice".into();
    scene.write_store(&mine);
    let (mut other, mut older, mut bare) = (mine.clone(), mine.clone(), mine.clone());
    (other["account"], other["refresh_token"]) = ("https://id.test bob".into(), "refresh-token-2".into());
    (older["issued_at"], older["refresh_token"]) = ("2020-01-01T00:00:00Z".into(), "refresh-token-3".into());
    bare["refresh_token"] = Value::Null;
    let import = |login: &Value, flags: &[&str]| {
        let said = say(on(&scene, &[&["import", "--json"], flags].concat()), &login.to_string());
        let kind = if said.code == 0 { String::new() } else { said.error() };
        (said.code, kind)
    };

    let refused = [&other, &older, &bare].map(|login| import(login, &[]));
    let kept = scene.read_store();
    let replaced = import(&other, &["--replace"]);

    let downgrade = (11, "downgrade".to_string());
    assert_eq!(refused, [(12, "account_mismatch".into()), downgrade.clone(), downgrade]);
    assert_eq!(kept, mine);
    assert_eq!((replaced, scene.read_store()["refresh_token"].as_str()), ((0, String::new()), Some("refresh-token-2")));
}

#[test]
fn import_answers_as_the_schema_says() {
    let scene = Scene::strict();
    scene.write_store(&json!({}));

    let said = say(on(&scene, &["import", "--json"]), "refresh-token-1");

    assert_eq!(said.answer("import")["refresh_token"], name("refresh-token-1"));
}

#[test]
fn refresh_asks_though_a_wait_is_not_over_and_though_the_login_is_known_to_be_dead() {
    let scene = Scene::strict();
    scene.provider.control(&json!({"fault": {"status": 503, "headers": {"Retry-After": "600"}}}));
    let failed = run(&scene, &["refresh", "--json"]);
    scene.provider.control(&json!({"fault": null}));

    let waiting = run(&scene, &["token", "--json", "--deadline", "1"]);
    let asked = run(&scene, &["refresh"]);
    scene.provider.control(&json!({"revoke": "family"}));
    let [refused, again] = [(); 2].map(|()| run(&scene, &["refresh", "--json"]));

    assert_eq!((failed.code, waiting.code, asked.code), (6, 6, 0), "{}", asked.stderr);
    assert_eq!((refused.code, again.code), (4, 4));
    // One failed, one gave a token, two were refused; who waited asked nobody.
    assert_eq!(scene.provider.stats().requests, 4);
}

#[test]
fn verify_names_what_went_wrong_and_forgets_it_once_it_goes_well() {
    let scene = Scene::strict();
    let verify = || {
        let said = run(&scene, &["status", "--verify", "--json", "--deadline", "1"]);
        let answer = said.answer("status");
        (said.code, answer["verified"]["error"]["kind"].clone(), answer)
    };

    scene.provider.control(&json!({"fault": {"status": 503, "times": 9}}));
    let (busy, unavailable, _) = verify();
    scene.provider.control(&json!({"fault": null}));
    scene.provider.control(&json!({"fault": {"status": 401, "body": "{\"error\":\"invalid_client\"}"}}));
    let (client, misconfigured, _) = verify();
    scene.provider.control(&json!({"fault": null}));
    let (well, none, answer) = verify();

    assert_eq!((busy, unavailable), (6, json!("unavailable")));
    assert_eq!((client, misconfigured), (5, json!("misconfigured")));
    assert_eq!((well, none), (0, Value::Null));
    assert_eq!(
        (&answer["verified"]["ok"], &answer["not_before"], &answer["fault"]),
        (&json!(true), &Value::Null, &Value::Null)
    );
    scene.write_store(&json!({}));
    let (signed_out, kind, _) = verify();
    assert_eq!((signed_out, kind), (3, json!("signed_out")));
}

fn name(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).to_string()
}
