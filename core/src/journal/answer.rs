//! A staged answer: what the server said, unparsed, with everything needed to apply it later and elsewhere.

use alloc::{string::String, vec::Vec};

use serde::{Deserialize, Serialize};

use crate::{Fingerprint, Grant, Guard, SecretBytes, UnixTime};

/// A token endpoint's answer, or a login that takes the same way into the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Staged {
    /// What stands before the body.
    pub(crate) head: Head,
    /// The body as it came; for a login, the credential in the store's own format.
    pub(crate) body: SecretBytes,
}

/// The first line of an answer's payload, in JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Head {
    /// When it was received, in milliseconds since the epoch.
    pub(crate) received: u64,
    /// The status code; 0 for a login.
    pub(crate) status: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) retry_after: Option<String>,
    /// AWS's name of the error, where the body may have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) error_type: Option<String>,
    /// The server's clock, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) date: Option<u64>,
    /// The fingerprint of the refresh token it was asked with; for a login, of the one it replaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) base: Option<String>,
    /// Whether the body may repeat the token that was sent: some servers do so in their errors.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) echo: bool,
    /// Whether it is a login.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) login: bool,
    /// The fingerprint of the refresh token that was stored when a person signed in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces: Option<String>,
    /// When that one was issued, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) replaces_issued_at: Option<u64>,
    /// Whether a person allowed the login to replace anything.
    #[serde(default, skip_serializing_if = "core::ops::Not::not")]
    pub(crate) replace: bool,
}

/// The login that was stored when a person signed in: the new one outdates it, whatever a refresh made of it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    pub(crate) refresh_token: Fingerprint,
    pub(crate) issued_at: Option<UnixTime>,
}

impl Known {
    /// Returns what a person who signs in now can know of the stored login.
    pub(crate) fn of(stored: Option<&Grant>) -> Option<Self> {
        let stored = stored?;
        Some(Self { refresh_token: stored.refresh_token.as_ref()?.fingerprint(), issued_at: stored.issued_at })
    }
}

impl Staged {
    /// Reads a payload; `None` if it is not an answer.
    pub(crate) fn decode(payload: &[u8]) -> Option<Self> {
        let end = payload.iter().position(|byte| *byte == b'\n')?;
        let head = serde_json::from_slice(payload.get(..end)?).ok()?;
        let mut body = SecretBytes::with_capacity(payload.len());
        body.push(payload.get(end.saturating_add(1)..)?);
        Some(Self { head, body })
    }

    /// Returns the first line, with its line feed; the body follows it.
    pub(crate) fn first_line(&self) -> Vec<u8> {
        let mut line = serde_json::to_vec(&self.head).unwrap_or_default();
        line.push(b'\n');
        line
    }

    /// Returns whether this answer belongs to a refresh token, or to its absence.
    pub(crate) fn is_about(&self, refresh_token: Option<Fingerprint>) -> bool {
        self.head.base == refresh_token.map(|name| name.to_hex())
    }

    /// Returns the name of the refresh token it was asked with; for a login, of the one it replaces.
    pub(crate) fn base(&self) -> Option<Fingerprint> {
        Fingerprint::from_hex(self.head.base.as_deref()?)
    }

    /// Returns whether there may be a token in it.
    pub(crate) fn holds_secret(&self) -> bool {
        self.head.login || self.head.echo || (200..300).contains(&self.head.status)
    }

    /// Returns when it was received.
    pub(crate) fn received(&self) -> UnixTime {
        UnixTime::from_millis(self.head.received)
    }

    /// Returns the login that was stored when a person signed in.
    pub(crate) fn known(&self) -> Option<Known> {
        let refresh_token = Fingerprint::from_hex(self.head.replaces.as_deref()?)?;
        Some(Known { refresh_token, issued_at: self.head.replaces_issued_at.map(UnixTime::from_millis) })
    }

    /// Returns what a login may replace.
    pub(crate) fn guard(&self) -> Guard {
        if self.head.replace { Guard::Replace } else { Guard::SameAccount }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_with_line_feeds_reads_back_whole() {
        let staged = Staged {
            head: Head { received: 5, status: 200, base: Some("ab".into()), ..Head::default() },
            body: SecretBytes::new(b"{\n\"access_token\":\"a\"\n}".to_vec()),
        };
        let mut payload = staged.first_line();
        payload.extend_from_slice(staged.body.expose());

        assert_eq!(Staged::decode(&payload), Some(staged));
    }

    #[test]
    fn bytes_without_a_first_line_are_no_answer() {
        assert_eq!(Staged::decode(b"{}"), None);
        assert_eq!(Staged::decode(b"not json\nbody"), None);
    }
}
