//! Arguments that are wrong or missing, and the advice that goes with what a person can correct.

use std::fs;

use serde_json::{Value, json};
use tokenward_tests::real::Scene;

use crate::run::{alone, on, run, say, stored};

#[test]
fn wrong_arguments_are_told_whole_in_json_and_in_text() {
    let folder = tempfile::tempdir().unwrap();
    for (args, told) in [
        (&["git-credential", "--json"][..], "the following required arguments were not provided: --host <HOST> <ACT>"),
        (&["exec", "--json"], "the following required arguments were not provided: <COMMAND>..."),
        (&["token", "--json", "--bogus"], "unexpected argument '--bogus' found"),
        (
            &["token", "--json", "--format", "yaml"],
            "invalid value 'yaml' for '--format <FORMAT>' [possible values: text,",
        ),
        (
            &["token", "--json", "--min-ttl", "soon"],
            "invalid value 'soon' for '--min-ttl <SECONDS>': not a time in seconds",
        ),
        (&["token", "--header", "--json"], "the argument '--header' cannot be used with '--json'"),
        (
            &["token", "--json"],
            "--store or TOKENWARD_STORE, --token-url or TOKENWARD_TOKEN_URL, --client-id or TOKENWARD_CLIENT_ID are missing",
        ),
    ] {
        let json = say(alone(folder.path(), args), "");
        let text: Vec<_> = args.iter().filter(|arg| **arg != "--json" || args.contains(&"--header")).copied().collect();
        let text = say(alone(folder.path(), &text), "");

        assert_eq!((json.code, text.code, json.error().as_str()), (2, 2, "usage"), "{args:?}");
        let answer: Value = serde_json::from_str(&json.stderr).unwrap();
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(told) && !message.contains("Usage:"), "{message}");
        assert_eq!(json.stdout.clone() + &text.stdout, "", "{args:?}");
        let head = told.split(['<', '[', ':']).next().unwrap().trim_end();
        assert!(text.stderr.contains(head) || args.contains(&"--header"), "{}", text.stderr);
    }
}

#[test]
fn variable_that_is_wrong_is_told_in_json_too() {
    let scene = Scene::strict();
    let mut command = on(&scene, &["token", "--json"]);
    command.env("TOKENWARD_LOG", "loud");

    let said = say(command, "");

    assert_eq!((said.code, said.error().as_str()), (2, "usage"));
}

#[test]
fn token_typed_in_place_of_a_flag_is_not_repeated() {
    let folder = tempfile::tempdir().unwrap();
    for args in [&["import", "refresh-token-1"][..], &["token", "--json", "refresh-token-1"]] {
        let said = say(alone(folder.path(), args), "");

        assert_eq!(said.code, 2);
        assert!(!said.stderr.contains("refresh-token-1"), "{}", said.stderr);
        assert!(said.stderr.contains("tip: a token is read from standard input"), "{}", said.stderr);
    }
}

#[test]
fn setting_that_stops_a_request_is_what_the_advice_is_about() {
    let scene = Scene::strict();
    let ca_file = scene.folder().join("ca.pem");
    fs::write(&ca_file, "no certificate").unwrap();
    let mut command = on(&scene, &["refresh"]);
    command.env("TOKENWARD_CA_FILE", &ca_file).env("TOKENWARD_TOKEN_URL", "https://id.test/token");
    for proxy in ["ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY"] {
        command.env_remove(proxy).env_remove(proxy.to_lowercase());
    }

    let certificates = say(command, "");
    scene.provider.control(&json!({"fault": {"status": 401, "body": "{\"error\":\"invalid_client\"}"}}));
    let client = run(&scene, &["refresh"]);

    assert_eq!((certificates.code, client.code), (5, 5), "{}{}", certificates.stderr, client.stderr);
    let told = format!("ca_file: {}: no certificate in it\n  correct ca_file", ca_file.display());
    assert!(certificates.stderr.contains(&told), "{}", certificates.stderr);
    assert!(client.stderr.contains("check the token URL, the client id and the client secret"), "{}", client.stderr);
}

#[test]
fn import_takes_a_stores_content_with_its_moments_and_says_what_it_cannot_read() {
    let scene = Scene::strict();
    let mut content = stored(&scene, 3600);
    (content["issued_at"], content["expires_at"]) = ("2026-01-01T00:00:00Z".into(), "2099-01-01T00:00:00Z".into());
    fs::remove_file(scene.store()).unwrap();

    let broken = say(on(&scene, &["import", "--json"]), "{\"refresh_token\": \"refresh-token-1\",");
    let zero = say(on(&scene, &["import"]), r#"{"refresh_token":"refresh-token-1\u0000"}"#);
    assert!(!scene.store().exists());
    let taken = say(on(&scene, &["import", "--json"]), &content.to_string());

    assert_eq!((broken.code, zero.code, taken.code), (2, 2, 0), "{}{}{}", broken.stderr, zero.stderr, taken.stderr);
    assert!(broken.stderr.contains("not one whole JSON object: line 1, column 36"), "{}", broken.stderr);
    assert!(zero.stderr.contains("a character that no token has"), "{}", zero.stderr);
    assert_eq!(taken.answer("import")["expires_at"], content["expires_at"]);
    assert_eq!(scene.read_store()["issued_at"], "2026-01-01T00:00:00.000Z");
}
