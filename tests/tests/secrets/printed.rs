//! What prints itself: every value of the public API that can hold a secret.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::Debug,
    time::Duration,
};

use tokenward::{
    AccessToken, Account, Adopt, ClientAuth, Config, Current, Deliver, Effect, FileStore, Grant, Guard, Input, Loaded,
    Machine, Now, Parked, Request, Response, Secret, SecretBytes, TokenSource, UnixTime, UreqTransport, Waiter, Want,
    Write,
};
use tokenward_tests::leaks::{Detector, spell};

use crate::{ACCESS, CLIENT_SECRET, REFRESH, detector};

#[test]
fn a_secret_that_prints_is_caught() {
    #[derive(Debug)]
    struct Careless<T>(T);

    Detector::assert_catches("Debug of a text", REFRESH, |text| printed(&Careless(text)));
    Detector::assert_catches("Debug of bytes", REFRESH, |text| printed(&Careless(text.as_bytes())));
    Detector::assert_catches("Display", REFRESH, |text| format!("error: {text}").into_bytes());
}

#[test]
fn no_value_prints_a_secret() {
    let token = AccessToken::new(ACCESS, Some(UnixTime::from_secs(1_800_000_000)));
    let bytes = || SecretBytes::new(REFRESH.into());
    let waiter = Waiter(1);
    let values: [(&str, Vec<u8>); 17] = [
        ("Secret", printed(&Secret::new(REFRESH))),
        ("SecretBytes", printed(&bytes())),
        ("AccessToken", printed(&token)),
        ("Authorization header", printed(&token.authorization())),
        ("Grant", printed(&grant())),
        ("Config", printed(&config())),
        ("Request", printed(&request())),
        ("Response", printed(&response())),
        ("Loaded", printed(&loaded())),
        ("Write", printed(&Write { offset: 0, bytes: bytes() })),
        ("Deliver", printed(&Deliver { waiter, outcome: Ok(Some(token.clone())) })),
        ("Current", printed(&Current { token: token.clone(), early_at: None, ends_at: None })),
        ("Adopt", printed(&Input::Adopt(Adopt { waiter, grant: grant(), guard: Guard::Replace }))),
        ("Refused", printed(&Input::Refused(token.clone()))),
        ("fixed TokenSource", printed(&TokenSource::fixed(token))),
        ("UreqTransport", printed(&UreqTransport::new(&config()))),
        ("Result", printed(&Err::<(), _>(grant()).map(|()| config()))),
    ];

    for (name, text) in values {
        detector().assert_clean(name, text);
    }
}

#[test]
fn no_error_about_a_setting_prints_a_secret() {
    for (_, secret) in spell(CLIENT_SECRET) {
        for name in ["client_secrets", "clientsecret", "token"] {
            let values = BTreeMap::from([(name.to_string(), secret.clone())]);

            let error = Config::from_map("settings.toml", &values).expect_err("a name that no setting has");

            detector().assert_clean("ConfigError", [printed(&error), error.to_string().into()].concat());
        }
    }
}

#[test]
fn a_source_on_a_store_prints_no_secret() {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let store = folder.path().join("login.json");
    std::fs::write(&store, stored()).expect("a folder of our own takes a file");
    // Nobody listens there, and nobody waits for it.
    let (token_url, deadline) = ("http://127.0.0.1:1/token".into(), Duration::ZERO);
    let config = Config { store: Some(store.display().to_string()), token_url, deadline, ..config() };

    let source = TokenSource::open(config).expect("the store has a path");

    let token = source.get_token();
    let status = source.status().expect("the source is open");
    let text = [printed(&source), printed(&token), printed(&status), printed(&source.subscribe())].concat();
    source.close();
    let file = FileStore::open(&store, false).expect("the store has a path");
    detector().assert_clean("TokenSource", [text, printed(&file)].concat());
}

#[test]
fn no_step_of_a_machine_prints_a_secret() {
    let echo = format!(r#"{{"error":"invalid_grant","error_description":{REFRESH:?}}}"#);
    let success = format!(r#"{{"access_token":"{ACCESS}2","refresh_token":"{ACCESS}3","expires_in":3600}}"#);
    for (status, body) in [(200, success.as_str()), (200, "{"), (400, &echo), (503, &echo), (403, REFRESH)] {
        for login in [false, true] {
            let folder = tempfile::tempdir().expect("the system has room for a folder");
            let path = folder.path().join("login.json");
            std::fs::write(&path, stored()).expect("a folder of our own takes a file");
            let store = FileStore::open(&path, false).expect("the store has a path");

            let text = live(&store, Response { status, headers: Vec::new(), body: body_of(body) }, login);

            assert!(text.len() > 10_000, "the machine did next to nothing");
            detector().assert_clean("Machine", text);
        }
    }
}

/// Runs a machine on a store until nothing is left to do, and returns all that it and its effects print.
fn live(store: &FileStore, response: Response, login: bool) -> Vec<u8> {
    let mut machine = Machine::new(config());
    let mut now = Now { wall: UnixTime::from_secs(1_800_000_000), mono: Duration::from_secs(1) };
    let want = Want { explicit: true, ..Want::new(Waiter(1)) };
    let mut inputs = VecDeque::from([Input::Look(Waiter(0)), Input::Want(want)]);
    if login {
        inputs.push_back(Input::Adopt(Adopt { waiter: Waiter(2), grant: grant(), guard: Guard::Replace }));
        inputs.push_back(Input::SignOut(Waiter(3)));
    }
    let mut text = Vec::new();
    while let Some(input) = inputs.pop_front() {
        text.extend(printed(&input));
        let step = machine.step(now, input);
        text.extend(
            [printed(&step), printed(&machine), printed(&machine.status()), printed(&machine.current())].concat(),
        );
        now = now.after(Duration::from_millis(5));
        for effect in step.effects {
            match effect {
                Effect::Store(op) => inputs.push_back(store.perform(op)),
                Effect::Fetch(fetch) => {
                    text.extend(printed(&fetch.request));
                    inputs.push_back(fetch.answer(Ok(response.clone())));
                }
                Effect::Deliver(Deliver { outcome: Err(error), .. }) => text.extend(error.to_string().bytes()),
                _ => {}
            }
        }
    }
    text
}

fn printed(value: &impl Debug) -> Vec<u8> {
    format!("{value:?}\n{value:#?}\n").into_bytes()
}

fn body_of(text: &str) -> SecretBytes {
    SecretBytes::new(text.into())
}

fn grant() -> Grant {
    Grant {
        access_token: Some(AccessToken::new(ACCESS, None)),
        refresh_token: Some(Secret::new(REFRESH)),
        refresh_token_expires_at: None,
        scope: Some("read".into()),
        issued_at: Some(UnixTime::from_secs(1_800_000_000)),
        account: Some(Account::new("https://id.test alice")),
    }
}

fn config() -> Config {
    Config {
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        client_auth: ClientAuth::Basic,
        ..Config::new("https://id.test/token", "my-client")
    }
}

fn request() -> Request {
    Request {
        url: "https://id.test/token".into(),
        headers: Vec::from([("authorization".into(), body_of(CLIENT_SECRET))]),
        body: body_of(REFRESH),
        timeout: Duration::from_secs(30),
        connect_timeout: Duration::from_secs(10),
    }
}

fn response() -> Response {
    // A host may keep all headers, and servers set cookies.
    let headers = Vec::from([("Set-Cookie".into(), format!("session={REFRESH}"))]);
    Response { status: 200, headers, body: body_of(ACCESS) }
}

fn loaded() -> Loaded {
    let parked = Vec::from([Parked { name: "grant-1".into(), bytes: body_of(REFRESH) }]);
    Loaded { journal: Ok(Vec::from([body_of(ACCESS)])), store: Ok(Some(body_of(REFRESH))), parked }
}

fn stored() -> String {
    let (access, refresh) = (serde_json::json!(ACCESS), serde_json::json!(REFRESH));
    format!(r#"{{"access_token":{access},"refresh_token":{refresh},"expires_at":"2020-01-01T00:00:00Z"}}"#)
}
