//! The provider over its sockets. No test sleeps: each waits for a counter.

use std::{
    format,
    io::{Read, Write},
    net::TcpStream,
    string::{String, ToString},
    thread,
    vec::Vec,
};

use serde_json::{Value, json};

use super::{Options, Provider};
use std::time::Duration;

#[test]
fn sixty_four_clients_at_once_get_one_rotation_and_the_family_dies() {
    let provider = provider(Options::default());
    let token = provider.refresh_token().to_string();

    let answers: Vec<_> = thread::scope(|scope| {
        let clients: Vec<_> = (0..64).map(|_| scope.spawn(|| refresh(&provider, &token))).collect();
        clients.into_iter().map(|client| client.join().unwrap().0).collect()
    });

    let stats = provider.stats();
    assert_eq!(answers.iter().filter(|status| **status == 200).count(), 1);
    assert_eq!((stats.requests, stats.rotations, stats.replays, stats.families_revoked), (64, 1, 63, 1));
}

#[test]
fn api_answers_a_live_token_and_challenges_any_other() {
    let provider = provider(Options::default());
    let issued = refresh(&provider, provider.refresh_token()).1;
    let token = issued["access_token"].as_str().unwrap();

    let live = send(&provider, "GET /api?caller=a", &format!("Authorization: Bearer {token}\r\n"), "");
    provider.control(r#"{"revoke":"family"}"#).unwrap();
    let dead = send(&provider, "GET /api", &format!("Authorization: Bearer {token}\r\n"), "");

    assert!(live.starts_with("HTTP/1.1 200 "));
    assert!(dead.starts_with("HTTP/1.1 401 "));
    assert!(dead.contains("\r\nWWW-Authenticate: Bearer error=\"invalid_token\"\r\n"));
    assert_eq!((provider.stats().api_ok, provider.stats().api_refused), (1, 1));
}

#[test]
fn faults_come_before_or_after_the_rotation_as_told() {
    let provider = provider(Options { grace: Duration::from_secs(60), ..Options::default() });
    let token = provider.refresh_token();
    let told = |fault: &str| provider.control(&format!(r#"{{"fault":{fault}}}"#)).unwrap();

    told(r#"{"status":503,"headers":{"Retry-After":"2"},"body":"busy"}"#);
    let busy = send_form(&provider, token);
    told(r#"{"drop":"before"}"#);
    let nothing = send_form(&provider, token);
    let rotations_before = provider.stats().rotations;
    told(r#"{"drop":"after"}"#);
    let dropped = send_form(&provider, token);
    told(r#"{"cut":10}"#);
    let cut = send_form(&provider, token);

    assert!(busy.starts_with("HTTP/1.1 503 ") && busy.contains("Retry-After: 2\r\n") && busy.ends_with("\r\n\r\nbusy"));
    assert_eq!((nothing.as_str(), rotations_before), ("", 0));
    assert_eq!((dropped.as_str(), provider.stats().rotations), ("", 1));
    assert_eq!(cut.split_once("\r\n\r\n").unwrap().1.len(), 10);
    assert_eq!((provider.stats().replays_in_grace, provider.stats().faults), (1, 4));
}

#[test]
fn held_answer_waits_for_its_release_though_the_rotation_took_place() {
    let provider = provider(Options::default());
    provider.control(r#"{"hold":true}"#).unwrap();

    let (held, answer) = thread::scope(|scope| {
        let client = scope.spawn(|| refresh(&provider, provider.refresh_token()));
        let held = send(&provider, "GET /control/wait?event=held&count=1", "", "");
        assert!(!client.is_finished());
        provider.control(r#"{"hold":false}"#).unwrap();
        (body(&held), client.join().unwrap())
    });

    assert_eq!((&held["held"], &held["rotations"], &held["answered"]), (&json!(1), &json!(1), &json!(0)));
    assert_eq!(answer.0, 200);
}

#[test]
fn wait_that_takes_too_long_says_so() {
    let provider = provider(Options::default());

    let late = send(&provider, "GET /control/wait?event=requests&count=1&timeout_ms=1", "", "");
    let wrong = send(&provider, "GET /control/wait?event=weather", "", "");

    assert!(late.starts_with("HTTP/1.1 408 "));
    assert!(wrong.starts_with("HTTP/1.1 400 "));
}

#[test]
fn expires_in_is_an_integer_for_whole_seconds_and_a_fraction_otherwise() {
    let provider = provider(Options { ttl: Duration::from_secs(3), ..Options::default() });
    let whole = refresh(&provider, provider.refresh_token()).1;
    provider.control(r#"{"ttl":2.5}"#).unwrap();

    let fraction = refresh(&provider, whole["refresh_token"].as_str().unwrap()).1;

    assert_eq!((&whole["expires_in"], &fraction["expires_in"]), (&json!(3), &json!(2.5)));
}

#[test]
fn requests_that_are_none_are_told_so() {
    let provider = provider(Options::default());
    let form = |form: &str| send(&provider, "POST /token", "", form);

    assert!(form("grant_type=password").contains("unsupported_grant_type"));
    assert!(form("grant_type=refresh_token&client_id=tokenward-demo").contains("invalid_request"));
    assert!(form("grant_type=refresh_token&refresh_token=rt-1&client_id=other").contains("invalid_client"));
    assert!(form("grant_type=refresh_token&refresh_token=rt-1&client_id=tokenward-demo").contains("invalid_grant"));
    assert_eq!((provider.stats().bad_requests, provider.stats().unknown), (3, 1));
}

#[test]
fn log_names_tokens_and_never_tells_them() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("log");
    let provider = provider(Options { log: Some(log.clone()), ..Options::default() });
    let first = provider.refresh_token().to_string();
    let issued = refresh(&provider, &first).1;
    let access = issued["access_token"].as_str().unwrap();
    send(&provider, "GET /api?caller=worker-7", &format!("Authorization: Bearer {access}\r\n"), "");
    refresh(&provider, &first);

    let text = std::fs::read_to_string(&log).unwrap();

    let lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let kinds: Vec<_> = lines.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["rotation", "api", "replay"]);
    assert_eq!((&lines[0]["sequence"], &lines[0]["agent"]), (&json!(1), &json!("test")));
    assert_eq!((&lines[1]["sequence"], &lines[1]["caller"]), (&json!(1), &json!("worker-7")));
    assert_eq!(lines[0]["access_token"], lines[1]["access_token"]);
    assert_eq!((&lines[2]["sequence"], &lines[2]["status"]), (&json!(0), &json!(400)));
    for secret in [first.as_str(), access, issued["refresh_token"].as_str().unwrap()] {
        assert!(!text.contains(secret));
    }
}

fn provider(options: Options) -> Provider {
    Provider::start(options).unwrap()
}

fn refresh(provider: &Provider, token: &str) -> (u16, Value) {
    let answer = send_form(provider, token);
    (answer.split(' ').nth(1).unwrap().parse().unwrap(), body(&answer))
}

fn send_form(provider: &Provider, token: &str) -> String {
    let form = format!("grant_type=refresh_token&refresh_token={token}&client_id=tokenward-demo");
    send(provider, "POST /token", "User-Agent: test\r\n", &form)
}

fn send(provider: &Provider, target: &str, headers: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(provider.url().trim_start_matches("http://")).unwrap();
    let head = format!("{target} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n", body.len());
    stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn body(answer: &str) -> Value {
    serde_json::from_str(answer.split_once("\r\n\r\n").unwrap().1).unwrap()
}
