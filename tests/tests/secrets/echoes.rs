//! A server that says what it should not: its answers repeat the refresh token, wherever a text can stand.

use std::{fs, time::Duration};

use serde_json::{Value, json};
use tokenward::{ClientAuth, Config, Event, Secret, TokenError, TokenSource, Trouble};
use tokenward_tests::{
    leaks::{Detector, spell},
    real::Scene,
};

use crate::{
    CLIENT_SECRET, REFRESH, detector,
    run::{run, show_that_words_are_heard, tokenward},
};

#[test]
fn an_error_or_an_event_with_a_secret_is_caught() {
    let errors: [fn(&str) -> TokenError; 4] = [
        |text| TokenError::Misconfigured { code: text.into() },
        |text| TokenError::Unavailable { retry_in: None, trouble: Trouble::Network(text.into()) },
        |text| TokenError::StoreUnwritable { reason: text.into() },
        |text| TokenError::ReauthRequired { reason: tokenward::ReauthReason::Other(text.into()) },
    ];
    for error in errors {
        Detector::assert_catches("an error's message", REFRESH, |text| error(text).to_string().into());
        Detector::assert_catches("an error", REFRESH, |text| format!("{:?}", error(text)).into());
        Detector::assert_catches("an event", REFRESH, |text| {
            format!("{:?}", Event::RefreshFailed { refresh_token: None, error: error(text) }).into()
        });
    }
}

#[test]
fn a_journal_with_a_secret_is_caught() {
    let scene = Scene::strict();
    assert_eq!(run(tokenward(&scene, &["token"]), "").code, Some(0));
    let journal = fs::read(scene.journal()).expect("a refresh makes a journal");

    // The two states, and the two answers.
    for offset in [4096 + 100, 8192 + 100, 12_288 + 100, 282_624 + 100] {
        Detector::assert_catches("the journal", REFRESH, |text| {
            let mut planted = journal.clone();
            planted[offset..offset + text.len()].copy_from_slice(text.as_bytes());
            fs::write(scene.journal(), planted).expect("the journal is ours");
            fs::read(scene.journal()).expect("the journal is ours")
        });
    }
}

#[test]
fn what_a_command_says_is_heard() {
    show_that_words_are_heard(REFRESH);
}

#[test]
fn a_refresh_token_that_the_server_repeats_goes_nowhere() {
    let echoed = |text: &str| -> Vec<Value> {
        let quoted = json!(text);
        Vec::from([
            json!({"status": 400, "body": {"error": "invalid_grant", "error_description": quoted}}),
            json!({"status": 400, "body": {"error": "invalid_request", "error_uri": quoted, "token": quoted}}),
            json!({"status": 400, "body": {"error": "brand_new", "error_description": quoted}}),
            json!({"status": 401, "body": {"error": {"message": quoted, "type": "odd", "code": "odd"}}}),
            json!({"status": 200, "body": {"error": "bad_refresh_token", "error_description": quoted}}),
            json!({"status": 200, "body": {"access_token": "", "message": quoted}}),
            json!({"status": 403, "headers": {"Content-Type": "text/html"}, "body": format!("<p>{text}</p>")}),
            json!({"status": 503, "headers": {"Retry-After": "1", "X-Token": "x"}, "body": text}),
            json!({"status": 429, "body": {"error": quoted}}),
            json!({"status": 302, "headers": {"Location": "http://127.0.0.1:1/"}, "body": text}),
            json!({"status": 400, "body": text}),
            json!({"status": 400, "body": format!("error=invalid_grant&error_description={text}")}),
        ])
    };
    for (_, text) in spell(REFRESH).into_iter().filter(|(name, _)| COMMON.contains(name)) {
        answer_with(&echoed(&text));
    }
}

#[test]
fn an_error_code_that_repeats_a_secret_goes_nowhere() {
    for secret in [REFRESH, CLIENT_SECRET] {
        let codes: Vec<_> = spell(secret).into_iter().filter(|(name, _)| COMMON.contains(name)).collect();
        let answers = codes.iter().flat_map(|(_, text)| {
            let pieces = [text.clone(), format!("invalid_token:{text}"), text.chars().take(24).collect()];
            pieces.into_iter().flat_map(|code| {
                let in_form = format!("error={code}&error_description=x");
                [
                    json!({"status": 400, "body": {"error": code}}),
                    json!({"status": 401, "body": {"error": {"code": code, "type": code}}}),
                    json!({"status": 200, "body": {"error": code}}),
                    json!({"status": 400, "body": in_form}),
                ]
            })
        });
        answer_with(&answers.collect::<Vec<_>>());
    }
}

/// The spellings that servers repeat a text in: as it came, cut off, or as the layers on the way wrote it.
const COMMON: &[&str] =
    &["as it is", "as a fragment", "percent-encoded", "percent-encoded byte by byte", "JSON-escaped"];

/// Lets the server answer so, each answer once, and looks into every channel after each.
fn answer_with(answers: &[Value]) {
    let scene = Scene::strict();
    let config = Config {
        store: Some(scene.store().display().to_string()),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        client_auth: ClientAuth::Post,
        ..Config::new(scene.provider.token_url(), scene.provider.client_id())
    };
    for answer in answers {
        scene.write_store(&json!({"refresh_token": REFRESH}));
        scene.provider.control(&json!({"fault": answer}));
        let source = TokenSource::open(config.clone()).expect("the store has a path");
        let news = source.subscribe();

        let error = source.refresh(Duration::from_secs(20)).expect_err("the server grants nothing");

        let status = source.status().expect("the source is open");
        source.close();
        let told: Vec<Event> = news.iter().collect();
        let channels = [
            ("the error's message", error.to_string().into()),
            ("the error", format!("{error:?} {error:#?}").into()),
            ("the events", format!("{told:?}").into()),
            ("the status", format!("{status:?}").into()),
            ("the journal", fs::read(scene.journal()).expect("a refresh makes a journal")),
        ];
        assert!(!told.is_empty(), "there is no news");
        for (channel, bytes) in channels {
            detector().assert_clean(&format!("{channel} after {}", answer["status"]), bytes);
        }
    }
    for args in [&["status"][..], &["status", "--json"], &["token", "--deadline", "0"], &["token", "--json"]] {
        let mut command = tokenward(&scene, args);
        command.env("TOKENWARD_CLIENT_SECRET", CLIENT_SECRET);
        let said = run(command, "");
        assert!(!said.stdout.is_empty() || !said.stderr.is_empty());
        detector().assert_clean(&format!("{args:?}"), [said.stdout, said.stderr].concat());
    }
    assert_eq!(scene.provider.stats().faults, answers.len() as u64);
}
