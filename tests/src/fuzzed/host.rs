//! A host in memory: one machine, one disk, and a server that grants the same token whenever nothing else is planned.

use std::{collections::BTreeMap, time::Duration};

use tokenward::{
    AccessToken, Config, Effect, Event, Input, Machine, Now, Response, SecretBytes, StoreFormat, UnixTime, Waiter,
};

use crate::vectors::Disk;

/// Ten seconds after the token of our store has ended.
pub const NOW: Now = Now { wall: UnixTime::from_millis(1_767_225_620_000), mono: Duration::from_secs(1000) };

/// What the server grants.
pub const TOKEN: &str = "access-token-8";

/// One machine and its world. Time stands still but for the waits that the machine asks for.
pub struct Host {
    pub machine: Machine,
    /// What the server answers first.
    pub answers: Vec<Response>,
    pub requests: usize,
    disk: Disk,
    now: Now,
    waiters: u64,
    told: BTreeMap<u64, Outcome>,
    newer: bool,
}

/// What a caller was told: the token's text, or the error's.
pub type Outcome = Result<Option<String>, String>;

/// The effects that no honest work takes.
const EFFECTS: u32 = 2000;

impl Host {
    pub fn new(store: Option<Vec<u8>>, journal: Option<Vec<u8>>) -> Self {
        Self::made(StoreFormat::default(), store, journal)
    }

    /// Returns a host whose store another tool owns.
    pub fn of(format: StoreFormat, store: Option<Vec<u8>>) -> Self {
        Self::made(format, store, None)
    }

    fn made(format: StoreFormat, store: Option<Vec<u8>>, journal: Option<Vec<u8>>) -> Self {
        Self {
            machine: Machine::new(Config { format, ..Config::new("https://id.test/token", "client-1") }),
            answers: Vec::new(),
            requests: 0,
            disk: Disk::with(store, journal),
            now: NOW,
            waiters: 0,
            told: BTreeMap::new(),
            newer: false,
        }
    }

    /// Asks for something, and works until nothing is left to do. Returns what the caller was told.
    pub fn ask(&mut self, input: impl FnOnce(Waiter) -> Input) -> Outcome {
        self.waiters += 1;
        let waiter = self.waiters;
        let mut inputs = Vec::from([input(Waiter(waiter))]);
        let mut wake_in = Some(Duration::ZERO);
        let mut effects = 0;
        loop {
            let input = match (inputs.pop(), wake_in) {
                (Some(input), _) => input,
                (None, Some(span)) if !self.told.contains_key(&waiter) => {
                    self.now = Now { wall: self.now.wall.plus(span), mono: self.now.mono + span };
                    Input::Tick
                }
                (None, _) => break,
            };
            let step = self.machine.step(self.now, input);
            wake_in = step.wake_in;
            for effect in step.effects {
                effects += 1;
                assert!(effects < EFFECTS, "the machine runs in a circle");
                inputs.extend(self.perform(effect));
            }
        }
        assert!(!self.disk.is_locked_by(WHO), "the lock is kept");
        self.told.remove(&waiter).expect("every caller is told something")
    }

    /// Returns the content of the store.
    pub fn store(&self) -> Vec<u8> {
        self.disk.store.clone().expect("nobody takes the store away")
    }

    pub fn journal(&self) -> Option<Vec<u8>> {
        self.disk.journal.clone()
    }

    /// Returns whether a newer version wrote the journal: then nobody refreshes.
    pub fn must_not_write(&self) -> bool {
        self.newer
    }

    fn perform(&mut self, effect: Effect) -> Option<Input> {
        match effect {
            Effect::Store(op) => Some(self.disk.perform(op, WHO).expect("a machine keeps to the rules")),
            Effect::Fetch(fetch) => {
                self.requests += 1;
                let answer = if self.answers.is_empty() { granted() } else { self.answers.remove(0) };
                Some(fetch.answer(Ok(answer)))
            }
            Effect::Deliver(deliver) => {
                if let Err(error) = &deliver.outcome {
                    self.newer |= error.to_string() == "store cannot be read: newer";
                }
                // EXPOSE: the token of a test.
                let outcome = deliver.outcome.map(|token| token.map(|token| token.expose().into()));
                let outcome = outcome.map_err(|error| error.to_string());
                let before = self.told.insert(deliver.waiter.0, outcome);
                assert_eq!(before, None, "a caller is told twice");
                None
            }
            Effect::Emit(event) => {
                self.hear(&event);
                None
            }
            other => panic!("an effect this host does not know: {other:?}"),
        }
    }

    /// An event is one short line without a secret in it.
    fn hear(&mut self, event: &Event) {
        let line = event.to_string();
        assert!(line.len() <= 2048 && !line.contains('\n'), "a line of {} bytes: {line:?}", line.len());
        assert!(!line.contains("refresh-token-1"), "{} tells the refresh token", event.kind());
    }
}

const WHO: &str = "this process";

/// Returns an access token that ends so many seconds after [`NOW`].
pub fn token(text: &str, life: u64) -> AccessToken {
    AccessToken::new(text, Some(NOW.wall.plus(Duration::from_secs(life))))
}

fn granted() -> Response {
    let body = format!(r#"{{"access_token":"{TOKEN}","refresh_token":"refresh-token-8","expires_in":86400}}"#);
    let headers = Vec::from([("Content-Type".to_string(), "application/json".to_string())]);
    Response { status: 200, headers, body: SecretBytes::new(body.into_bytes()) }
}
