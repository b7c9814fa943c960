//! What we and the libraries below us write to the application's log, at the finest level there is, and what the command
//! writes of it to standard error.

use std::{
    fs,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use log::{LevelFilter, Log, Metadata, Record};
use serde_json::json;
use tokenward::{
    ClientAuth, Config, FaultKind, Fetch, FetchFault, Loaded, LockFault, Reply, Secret, SecretBytes, Store, StoreFault,
    StoreOp, TokenSource, Transport,
};
use tokenward_tests::{leaks::Detector, real::Scene};

use crate::{
    ACCESS, CLIENT_SECRET, REFRESH, detector,
    run::{learn, run, tokenward},
};

static LOG: Collected = Collected(Mutex::new(Vec::new()));

struct Collected(Mutex<Vec<u8>>);

impl Log for Collected {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let line = format!("{} {}: {}\n", record.level(), record.target(), record.args());
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend(line.bytes());
    }

    fn flush(&self) {}
}

impl Collected {
    fn take(&self) -> Vec<u8> {
        std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[test]
fn a_whole_refresh_leaves_no_secret_in_the_log() {
    log::set_logger(&LOG).expect("nobody else has set one");
    log::set_max_level(LevelFilter::Trace);
    Detector::assert_catches("the log", CLIENT_SECRET, |text| {
        LOG.take();
        // Not at the finest level: that is what another test's request holds back.
        log::debug!("{text}");
        LOG.take()
    });
    Detector::assert_catches("the line of an event", REFRESH, |text| {
        LOG.take();
        fail_with(text);
        LOG.take()
    });
    let mut detector = Detector::default().knowing("the client secret", CLIENT_SECRET);
    let mut logged = LOG.take();

    for client_auth in [ClientAuth::Post, ClientAuth::Basic] {
        let scene = Scene::strict();
        learn(&mut detector, &scene);
        let config = Config {
            store: Some(scene.store().display().to_string()),
            client_secret: Some(Secret::new(CLIENT_SECRET)),
            client_auth,
            ..Config::new(scene.provider.token_url(), scene.provider.client_id())
        };
        let source = TokenSource::open(config).expect("the store has a path");
        let outcome = source.refresh(Duration::from_secs(20));
        source.close();
        learn(&mut detector, &scene);
        logged.extend(LOG.take());
        // The provider wants the client's name in the form.
        assert_eq!(outcome.is_ok(), client_auth == ClientAuth::Post);
    }

    let text = String::from_utf8_lossy(&logged);
    assert!(text.contains("ureq"), "the HTTP client logs nothing: nothing was heard");
    for line in ["DEBUG tokenward: refresh_started ", "INFO tokenward: rotated ", "ERROR tokenward: refresh_failed "] {
        assert!(text.contains(line), "no line begins with {line:?}:\n{text}");
    }
    assert!(!text.contains("tokenward: transition"), "the rows of the transition table are for tests");
    detector.assert_clean("the log", logged);
    let is_back = (0..100_000_000).any(|_| log::max_level() == LevelFilter::Trace);
    assert!(is_back, "the application's own words are held back for good");
}

#[test]
fn a_command_that_tells_every_step_tells_no_secret() {
    let folder = tempfile::tempdir().expect("the system has room for a folder");
    let scene = Scene::strict();
    Detector::assert_catches("the lines of a command", REFRESH, |text| {
        // What comes from outside is told as it is: here, the folders of a store, whose names are not that long.
        let names = text.as_bytes().chunks(200).map(String::from_utf8_lossy);
        let store = names.fold(folder.path().into(), |path: PathBuf, name| path.join(&*name)).join("login.json");
        fs::create_dir_all(store.parent().expect("it is in the folder")).expect("the folder is ours");
        fs::write(&store, json!({"refresh_token": "refresh-token-of-nobody"}).to_string()).expect("the folder is ours");
        let mut command = tokenward(&scene, &["token", "-vv"]);
        command.env("TOKENWARD_STORE", &store);
        let said = run(command, "");
        assert_eq!(said.code, Some(4), "{said:?}");
        lines_of(&said.stderr)
    });

    let scene = Scene::strict();
    let mut detector = detector();
    learn(&mut detector, &scene);
    let quiet = run(tokenward(&scene, &["token"]), "");
    scene.write_store(&json!({"refresh_token": scene.read_store()["refresh_token"]}));
    learn(&mut detector, &scene);
    let mut command = tokenward(&scene, &["token"]);
    command.env("TOKENWARD_LOG", "debug").env("TOKENWARD_CLIENT_SECRET", CLIENT_SECRET);
    let told = run(command, "");
    learn(&mut detector, &scene);
    scene.write_store(&json!({"access_token": ACCESS, "refresh_token": REFRESH, "expires_at": "2020-01-01T00:00:00Z"}));
    let refused = run(tokenward(&scene, &["-vv", "token"]), "");

    assert_eq!((quiet.code, told.code, refused.code), (Some(0), Some(0), Some(4)));
    assert_eq!(lines_of(&quiet.stderr), b"", "nobody asked");
    let lines = String::from_utf8(told.stderr.clone()).expect("lines are text");
    let names = ["DEBUG refresh_started ", "INFO  rotated ", "DEBUG saved "];
    assert_eq!(lines.lines().count(), names.len(), "{lines}");
    for (line, name) in lines.lines().zip(names) {
        let (time, rest) = line.split_once(' ').expect("a time comes first");
        assert!(time.ends_with('Z') && time.starts_with("20") && rest.starts_with(name), "{line}");
    }
    assert!(String::from_utf8_lossy(&refused.stderr).contains("ERROR reauth_required "), "{refused:?}");
    for said in [told.stderr, refused.stderr] {
        assert!(!said.contains(&0x1b), "no terminal, no colours");
        detector.assert_clean("the lines of a command", said);
    }
}

#[test]
fn a_level_that_is_none_is_a_usage_error() {
    let scene = Scene::strict();
    let mut command = tokenward(&scene, &["status"]);
    command.env("TOKENWARD_LOG", "loud");

    let said = run(command, "");

    assert_eq!(said.code, Some(2));
    assert_eq!(
        String::from_utf8_lossy(&said.stderr),
        "tokenward: environment: TOKENWARD_LOG = \"loud\": not one of error, warn, info, debug\n"
    );
}

/// Lets a refresh fail because of something with this text in it.
fn fail_with(text: &str) {
    let source = TokenSource::with(
        Config::new("https://id.test/token", "my-client"),
        Arc::new(Talkative(text.into())),
        Arc::new(Unplugged),
    );
    let outcome = source.get_token_within(Duration::ZERO, Duration::from_secs(20));
    source.close();
    assert!(outcome.is_err());
}

/// A store with an expired login and a lock that cannot be taken.
struct Talkative(String);

impl Store for Talkative {
    fn start(&self, op: StoreOp, reply: Reply) {
        match op {
            StoreOp::Load(load) => {
                let store = json!({"refresh_token": "refresh-token-of-nobody"}).to_string().into_bytes();
                let journal = load.journal.iter().map(|_| SecretBytes::default()).collect();
                let store = Ok(Some(SecretBytes::new(store)));
                reply(load.answer(Loaded { journal: Ok(journal), store, ..Loaded::default() }));
            }
            StoreOp::TryLock(lock) => {
                let fault = StoreFault { kind: FaultKind::Other, detail: self.0.clone() };
                reply(lock.answer(Err(LockFault::Fault(fault))));
            }
            other => panic!("nothing else is asked of a store without a lock: {other:?}"),
        }
    }
}

struct Unplugged;

impl Transport for Unplugged {
    fn start(&self, fetch: Fetch, reply: Reply) {
        reply(fetch.answer(Err(FetchFault::NotSent { detail: "unplugged".into() })));
    }
}

/// Returns the lines of the log: the error at the end names no store.
fn lines_of(stderr: &[u8]) -> Vec<u8> {
    stderr.split_inclusive(|byte| *byte == b'\n').filter(|line| line.starts_with(b"20")).flatten().copied().collect()
}
