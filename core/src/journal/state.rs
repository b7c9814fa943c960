//! Everything small that processes must know of each other. Holds no secret: tokens appear as fingerprints.

use alloc::{
    collections::BTreeMap,
    string::{String, ToString},
    vec::Vec,
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Barrier, Fingerprint, Holder, ReauthReason, TokenError, Trouble, UnixTime};

/// The number of spent refresh tokens that are remembered.
pub(crate) const SPENT: usize = 64;

/// The payload of a state frame. Members of a later minor version are kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct State {
    /// The request that is on its way, or whose outcome nobody knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) intent: Option<Intent>,
    /// The refresh token that a server refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) dead: Option<Dead>,
    /// The moment before which nobody asks the server again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) not_before: Option<NotBefore>,
    /// The last rotation.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) rotation: Option<Rotation>,
    /// The process that last took the lock to change something. For display only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) holder: Option<HolderRecord>,
    /// The fingerprints of spent refresh tokens in hex, 32 characters each, oldest first.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub(crate) spent: String,
    /// The sequence of the newest answer that is known to be on the disk.
    pub(crate) staged: u64,
    /// The sequence up to which answers are done with.
    pub(crate) settled: u64,
    /// Whether it was written without a sync.
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) loose: bool,
    /// What a later minor version added.
    #[serde(flatten)]
    pub(crate) rest: BTreeMap<String, Value>,
}

/// A refresh token that is being spent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Intent {
    /// The refresh token's fingerprint.
    pub(crate) refresh_token: String,
    /// The requests counted so far, before they are sent.
    pub(crate) attempt: u32,
    /// When the request was prepared, in milliseconds since the epoch.
    pub(crate) at: u64,
}

/// A refused refresh token.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Dead {
    /// The fingerprint of refresh token, token URL and client id.
    pub(crate) key: String,
    /// The reason's name, or the server's code.
    pub(crate) reason: String,
}

/// A shared wait.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct NotBefore {
    /// The moment in milliseconds since the epoch.
    pub(crate) at: u64,
    /// The failures in a row.
    pub(crate) attempt: u32,
    /// The fingerprint of refresh token, token URL and client id.
    pub(crate) key: String,
    /// What happened: `network`, `status`, `throttled`, `malformed`, `code`, `blocked` or `misconfigured`.
    pub(crate) reason: String,
    /// The status where the reason is `status` or `blocked`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) status: Option<u16>,
    /// The server's code, or the network's trouble.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) detail: Option<String>,
}

/// A rotation that reached the store.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Rotation {
    /// When its answer was received, in milliseconds since the epoch.
    pub(crate) at: u64,
    /// Whether the access token ends later than the one before it.
    pub(crate) moved: bool,
}

/// A [`Holder`] as it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct HolderRecord {
    pub(crate) pid: u32,
    pub(crate) host: String,
}

impl State {
    /// Reads a payload; `None` if it is not a state.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        serde_json::from_slice(payload).ok()
    }

    /// Returns the payload, at most `room` bytes: the oldest spent tokens give way first.
    pub(crate) fn encode(&self, room: usize) -> Vec<u8> {
        let mut state = self.clone();
        loop {
            let payload = serde_json::to_vec(&state).unwrap_or_default();
            if payload.len() <= room || state.spent.is_empty() {
                return payload;
            }
            state.spent = state.spent.get(32..).unwrap_or_default().to_string();
        }
    }

    /// Returns whether a refresh token is known to be spent.
    pub(crate) fn is_spent(&self, token: Fingerprint) -> bool {
        let hex = token.to_hex();
        self.spent_tokens().any(|spent| spent == hex)
    }

    /// Remembers a refresh token as spent.
    pub(crate) fn spend(&mut self, token: Fingerprint) {
        self.unspend(token);
        self.spent.push_str(&token.to_hex());
        while self.spent.len() > SPENT * 32 {
            self.spent = self.spent.get(32..).unwrap_or_default().to_string();
        }
    }

    /// Forgets that a refresh token was spent: a person says that it is good.
    pub(crate) fn unspend(&mut self, token: Fingerprint) {
        let hex = token.to_hex();
        self.spent = self.spent_tokens().filter(|spent| *spent != hex).collect();
    }

    /// Returns the last process that took the lock to change something.
    pub(crate) fn holder(&self) -> Option<Holder> {
        self.holder.as_ref().map(|record| Holder { pid: record.pid, host: record.host.clone() })
    }

    fn spent_tokens(&self) -> impl Iterator<Item = &str> {
        (0..self.spent.len() / 32).filter_map(|index| self.spent.get(index * 32..index * 32 + 32))
    }
}

impl Dead {
    /// Returns the reason.
    pub(crate) fn reason(&self) -> ReauthReason {
        ReauthReason::parse(&self.reason)
    }
}

impl NotBefore {
    /// Writes down an error that callers see until `at`.
    pub(crate) fn new(at: UnixTime, attempt: u32, key: Fingerprint, error: &TokenError) -> Self {
        let (reason, status, detail) = describe(error);
        Self { at: at.as_millis(), attempt, key: key.to_hex(), reason: reason.to_string(), status, detail }
    }

    /// Returns the error that stands in the way.
    pub(crate) fn error(&self, retry_in: core::time::Duration) -> TokenError {
        let detail = self.detail.clone().unwrap_or_default();
        let status = self.status.unwrap_or_default();
        let retry_in = Some(retry_in);
        match self.reason.as_str() {
            "misconfigured" => TokenError::Misconfigured { code: detail },
            "blocked" => {
                let by = self.status.map_or(Barrier::Line(detail), Barrier::Page);
                TokenError::Blocked { by, retry_in }
            }
            "status" => TokenError::Unavailable { retry_in, trouble: Trouble::Status(status) },
            "throttled" => TokenError::Unavailable { retry_in, trouble: Trouble::Throttled },
            "malformed" => TokenError::Unavailable { retry_in, trouble: Trouble::Malformed },
            "code" => TokenError::Unavailable { retry_in, trouble: Trouble::Code(detail) },
            // A reason of a later version waits like the network.
            _ => TokenError::Unavailable { retry_in, trouble: Trouble::Network(detail) },
        }
    }
}

fn describe(error: &TokenError) -> (&'static str, Option<u16>, Option<String>) {
    match error {
        TokenError::Misconfigured { code } => ("misconfigured", None, Some(clip(code))),
        TokenError::Blocked { by: Barrier::Page(status), .. } => ("blocked", Some(*status), None),
        TokenError::Blocked { by: Barrier::Line(detail), .. } => ("blocked", None, Some(clip(detail))),
        TokenError::Unavailable { trouble, .. } => match trouble {
            Trouble::Network(detail) => ("network", None, Some(clip(detail))),
            Trouble::Status(status) => ("status", Some(*status), None),
            Trouble::Throttled => ("throttled", None, None),
            Trouble::Malformed => ("malformed", None, None),
            Trouble::Code(code) => ("code", None, Some(clip(code))),
            Trouble::Deadline | Trouble::Closed => ("network", None, None),
        },
        TokenError::SignedOut
        | TokenError::ReauthRequired { .. }
        | TokenError::StoreBusy { .. }
        | TokenError::StoreUnreadable { .. }
        | TokenError::StoreUnwritable { .. }
        | TokenError::Downgrade
        | TokenError::AccountMismatch => ("network", None, Some(clip(&error.to_string()))),
    }
}

/// Cuts a text so that a state always fits its slot.
pub(crate) fn clip(text: &str) -> String {
    text.chars().take(100).collect()
}

#[cfg(test)]
mod tests {
    use alloc::format;

    use super::*;

    #[test]
    fn members_of_a_later_version_survive_a_rewrite() {
        let payload = br#"{"staged":3,"settled":2,"colour":"blue"}"#;

        let again = State::decode(payload).unwrap_or_default().encode(4000);

        assert!(core::str::from_utf8(&again).unwrap_or_default().contains(r#""colour":"blue""#));
    }

    #[test]
    fn the_ring_remembers_the_last_sixty_four() {
        let mut state = State::default();
        let token = |index: usize| Fingerprint::of(format!("refresh-token-{index}").as_bytes());

        for index in 0..SPENT + 1 {
            state.spend(token(index));
        }

        assert!(!state.is_spent(token(0)));
        assert!((1..=SPENT).all(|index| state.is_spent(token(index))));
    }

    #[test]
    fn a_full_state_fits_its_slot() {
        let mut state = State::default();
        for index in 0..SPENT {
            state.spend(Fingerprint::of(format!("{index}").as_bytes()));
        }
        let key = Fingerprint::of(b"key");
        let error = TokenError::Misconfigured { code: "x".repeat(1000) };
        state.intent = Some(Intent { refresh_token: key.to_hex(), attempt: u32::MAX, at: u64::MAX });
        state.dead = Some(Dead { key: key.to_hex(), reason: clip(&"y".repeat(1000)) });
        state.not_before = Some(NotBefore::new(UnixTime::from_millis(u64::MAX), u32::MAX, key, &error));
        state.holder = Some(HolderRecord { pid: u32::MAX, host: clip(&"z".repeat(1000)) });

        let payload = state.encode(super::super::STATE_ROOM);

        assert!(payload.len() <= super::super::STATE_ROOM);
        assert_eq!(State::decode(&payload), Some(state), "nothing gave way");
    }

    #[test]
    fn an_error_reads_back_from_the_journal() {
        let wait = core::time::Duration::from_secs(1);
        for error in [
            TokenError::Misconfigured { code: "invalid_client".into() },
            TokenError::Blocked { by: Barrier::Page(403), retry_in: Some(wait) },
            TokenError::Blocked { by: Barrier::Line("proxy answered 407".into()), retry_in: Some(wait) },
            TokenError::Unavailable { retry_in: Some(wait), trouble: Trouble::Status(503) },
            TokenError::Unavailable { retry_in: Some(wait), trouble: Trouble::Throttled },
            TokenError::Unavailable { retry_in: Some(wait), trouble: Trouble::Malformed },
            TokenError::Unavailable { retry_in: Some(wait), trouble: Trouble::Code("slow_down".into()) },
            TokenError::Unavailable { retry_in: Some(wait), trouble: Trouble::Network("reset".into()) },
        ] {
            let written = NotBefore::new(UnixTime::default(), 1, Fingerprint::of(b"key"), &error);

            assert_eq!(written.error(wait), error);
        }
    }
}
