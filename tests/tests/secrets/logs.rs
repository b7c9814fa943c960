//! What libraries below us write to the application's log, at the finest level there is.

use std::sync::{Mutex, PoisonError};

use log::{LevelFilter, Log, Metadata, Record};
use tokenward::{ClientAuth, Config, Secret, TokenSource};
use tokenward_tests::{leaks::Detector, real::Scene};

use crate::{CLIENT_SECRET, run::learn};

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
        let outcome = source.refresh(std::time::Duration::from_secs(20));
        source.close();
        learn(&mut detector, &scene);
        logged.extend(LOG.take());
        // The provider wants the client's name in the form.
        assert_eq!(outcome.is_ok(), client_auth == ClientAuth::Post);
    }

    assert!(String::from_utf8_lossy(&logged).contains("ureq"), "the HTTP client logs nothing: nothing was heard");
    detector.assert_clean("the log", logged);
    let is_back = (0..100_000_000).any(|_| log::max_level() == LevelFilter::Trace);
    assert!(is_back, "the application's own words are held back for good");
}
