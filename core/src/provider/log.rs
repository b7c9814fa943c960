//! The provider's log: one JSON object per request, without a secret.

use std::{
    fs::File,
    io::Write,
    string::{String, ToString},
};

use serde::Serialize;
use serde_json::Value;

use super::book::Place;
use crate::Fingerprint;

/// One line of the log.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Line {
    pub(super) time: u64,
    pub(super) kind: &'static str,
    pub(super) status: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) family: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) sequence: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) access_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) refresh_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) agent: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) caller: Option<String>,
}

impl Line {
    /// Says where the token in question stands.
    pub(super) fn at(mut self, place: Option<Place>) -> Self {
        self.family = place.map(|place| place.family);
        self.sequence = place.map(|place| place.sequence);
        self
    }

    /// Appends the line. A log that cannot be written is no reason to stop serving.
    pub(super) fn append(&self, file: Option<&mut File>) {
        let Some(file) = file else { return };
        let Ok(value) = serde_json::to_value(self) else { return };
        let mut line = Value::to_string(&value);
        line.push('\n');
        let _ = file.write_all(line.as_bytes());
    }
}

/// Returns the name under which a token may be written down.
pub(super) fn name(token: &str) -> String {
    Fingerprint::of(token.as_bytes()).to_string()
}
