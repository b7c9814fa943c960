//! The demo's books, kept from the server's own log. Only how long a caller waited comes from the workers.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, Read},
    path::Path,
    string::{String, ToString},
    vec::Vec,
};

use serde_json::Value;

/// What the log says so far.
pub(super) struct Ledger {
    log: File,
    rest: Vec<u8>,
    rotations: Vec<Rotation>,
    failures: Vec<Failed>,
    told: BTreeSet<(u32, String)>,
}

/// One rotation.
#[derive(Debug)]
pub(super) struct Rotation {
    access_token: String,
    /// Who sent the refresh token.
    pub(super) winner: String,
    /// Who has shown the new access token to the API.
    pub(super) served: BTreeSet<String>,
    /// The longest any of them waited for it.
    pub(super) slowest_ms: f64,
    /// How many have told how long they waited.
    pub(super) told: usize,
    /// Whether its winner was killed while the answer was on its way.
    pub(super) killed: bool,
    /// Whether the login was lost with it.
    pub(super) lost: bool,
}

/// What a worker met instead of a token.
pub(super) struct Failed {
    pub(super) worker: u32,
    pub(super) kind: String,
    pub(super) message: String,
}

impl Ledger {
    /// Opens the server's log.
    pub(super) fn open(log: &Path) -> io::Result<Self> {
        Ok(Self {
            log: File::open(log)?,
            rest: Vec::new(),
            rotations: Vec::new(),
            failures: Vec::new(),
            told: BTreeSet::new(),
        })
    }

    /// Reads what was added to the log.
    pub(super) fn read(&mut self) -> io::Result<()> {
        self.log.read_to_end(&mut self.rest)?;
        while let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
            let tail = self.rest.split_off(end.saturating_add(1));
            let line = core::mem::replace(&mut self.rest, tail);
            if let Ok(line) = serde_json::from_slice::<Value>(&line) {
                self.note(&line);
            }
        }
        Ok(())
    }

    fn note(&mut self, line: &Value) {
        let text = |name: &str| line.get(name).and_then(Value::as_str).unwrap_or_default().to_string();
        match text("kind").as_str() {
            "rotation" => self.rotations.push(Rotation {
                access_token: text("access_token"),
                winner: text("agent"),
                served: BTreeSet::new(),
                slowest_ms: 0.0,
                told: 0,
                killed: false,
                lost: false,
            }),
            "api" if line.get("status").and_then(Value::as_u64) == Some(200) => {
                let caller = text("caller");
                if let Some(rotation) = self.rotation(&text("access_token")) {
                    rotation.served.insert(caller);
                }
            }
            _ => {}
        }
    }

    /// Notes that the winner of the last rotation was killed before it had its answer.
    pub(super) fn killed(&mut self, is_lost: bool) {
        if let Some(rotation) = self.rotations.last_mut() {
            (rotation.killed, rotation.lost) = (true, is_lost);
        }
    }

    /// Notes how long a worker waited for a token.
    pub(super) fn served(&mut self, access_token: &str, waited_ms: f64) {
        if let Some(rotation) = self.rotation(access_token) {
            rotation.slowest_ms = rotation.slowest_ms.max(waited_ms);
            rotation.told = rotation.told.saturating_add(1);
        }
    }

    /// Notes that a worker met an error. Returns whether it is news.
    pub(super) fn failed(&mut self, worker: u32, kind: String, message: &str) -> bool {
        self.failures.push(Failed { worker, kind, message: message.into() });
        self.told.insert((worker, message.into()))
    }

    /// Returns all rotations, the first one first.
    pub(super) fn rotations(&self) -> &[Rotation] {
        &self.rotations
    }

    /// Returns what workers met instead of a token.
    pub(super) fn failures(&self) -> &[Failed] {
        &self.failures
    }

    fn rotation(&mut self, access_token: &str) -> Option<&mut Rotation> {
        self.rotations.iter_mut().rev().find(|rotation| rotation.access_token == access_token)
    }
}
