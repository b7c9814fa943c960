//! What is known of the store, as of the last read. The credential is the store overlaid by a matching answer.

use alloc::{string::ToString, vec::Vec};

use crate::{
    FaultKind, Fingerprint, Grant, Loaded, Parked, Secret, SecretBytes, StoreFault, StoreFormat, TokenError, UnixTime,
    Unreadable,
    journal::{Condition, Journal, Reach, Staged},
    rotation,
    wire::{self, Dialect, Judged, Raw, Verdict},
};

/// The store and its journal.
#[derive(Debug, Default)]
pub(super) struct View {
    /// How the store is written.
    pub(super) format: StoreFormat,
    /// How the server answers.
    pub(super) dialect: Dialect,
    /// Whether anything was read yet.
    pub(super) loaded: bool,
    /// The store.
    pub(super) stored: Stored,
    /// The store's bytes, `None` if there is no store.
    pub(super) bytes: Option<SecretBytes>,
    pub(super) journal: Journal,
    pub(super) parked: Vec<Parked>,
    /// The credential that counts.
    pub(super) grant: Option<Grant>,
}

/// What stands in the store.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Stored {
    /// There is no store, or no login in it.
    #[default]
    Absent,
    Readable(Grant),
    Unreadable(Unreadable),
}

impl View {
    /// Takes in store and journal; `false` if an answer is longer than what was read.
    pub(super) fn take_in(&mut self, loaded: Loaded, reach: Reach) -> bool {
        let Some(journal) = Journal::read(&loaded, reach) else { return false };
        self.journal = journal;
        self.parked.clone_from(&loaded.parked);
        self.take_in_store(loaded);
        true
    }

    /// Takes in the store alone: the journal is ours while we hold the lock.
    pub(super) fn take_in_store(&mut self, loaded: Loaded) {
        self.loaded = true;
        (self.stored, self.bytes) = match loaded.store {
            Err(fault) => (Stored::Unreadable(unreadable(&fault)), None),
            Ok(None) => (Stored::Absent, None),
            // EXPOSE: the store is read here and kept as a secret.
            Ok(Some(bytes)) => match self.format.decode(bytes.expose()) {
                Ok(Some(grant)) => (Stored::Readable(grant), Some(bytes)),
                Ok(None) => (Stored::Absent, Some(bytes)),
                Err(fault) => (Stored::Unreadable(fault), Some(bytes)),
            },
        };
        self.grant = self.overlaid();
    }

    /// Takes in what we have written ourselves.
    pub(super) fn wrote(&mut self, bytes: Option<SecretBytes>, grant: Option<Grant>) {
        self.stored = grant.clone().map_or(Stored::Absent, Stored::Readable);
        self.bytes = bytes;
        self.grant = grant;
    }

    /// Counts the answer that is in the journal by now.
    pub(super) fn count_answer(&mut self) {
        self.grant = self.overlaid();
    }

    /// Returns the credential in the store itself.
    pub(super) fn stored_grant(&self) -> Option<&Grant> {
        match &self.stored {
            Stored::Readable(grant) => Some(grant),
            Stored::Absent | Stored::Unreadable(_) => None,
        }
    }

    /// Returns the name of the refresh token in the store.
    pub(super) fn stored_refresh_token(&self) -> Option<Fingerprint> {
        self.stored_grant()?.refresh_token.as_ref().map(Secret::fingerprint)
    }

    /// Returns whether a staged answer belongs to what is in the store.
    pub(super) fn matches(&self, answer: &Staged) -> bool {
        match &self.stored {
            Stored::Readable(_) => answer.is_about(self.stored_refresh_token()),
            Stored::Absent => answer.head.login && answer.is_about(None),
            Stored::Unreadable(_) => false,
        }
    }

    /// Returns why the journal cannot be written, if so.
    pub(super) fn journal_fault(&self) -> Option<TokenError> {
        match &self.journal.condition {
            Condition::Newer => Some(TokenError::StoreUnreadable { reason: Unreadable::Newer }),
            Condition::Fault(fault) => Some(TokenError::StoreUnwritable { reason: fault.to_string() }),
            Condition::Missing | Condition::Sound | Condition::Torn | Condition::Foreign => None,
        }
    }

    /// Returns the credential that an answer makes of the stored one, if it grants any.
    pub(super) fn granted(&self, answer: &Staged, stored: Option<&Grant>) -> Option<Grant> {
        if answer.head.login {
            // EXPOSE: decoded into secrets.
            return StoreFormat::Tokenward.decode(answer.body.expose()).ok().flatten();
        }
        match self.weigh(answer).verdict {
            Verdict::Granted(tokens) => Some(rotation::merge(stored, tokens, answer.received())),
            // The old access token goes on; only the refresh token is replaced (rule 3 of the answers).
            Verdict::Malformed { refresh_token: Some(refresh_token), .. } => {
                Some(Grant { refresh_token: Some(refresh_token), ..stored.cloned().unwrap_or_default() })
            }
            Verdict::Malformed { refresh_token: None, .. }
            | Verdict::Refused { .. }
            | Verdict::Misconfigured { .. }
            | Verdict::Transient { .. }
            | Verdict::Blocked { .. } => None,
        }
    }

    /// Returns what a token endpoint's answer means.
    pub(super) fn weigh(&self, answer: &Staged) -> Judged {
        wire::read(&Raw {
            status: answer.head.status,
            content_type: answer.head.content_type.as_deref(),
            retry_after: answer.head.retry_after.as_deref(),
            error_type: answer.head.error_type.as_deref(),
            date: answer.head.date.map(UnixTime::from_millis),
            received: answer.received(),
            dialect: &self.dialect,
            // EXPOSE: parsed into secrets.
            body: answer.body.expose(),
        })
    }

    fn overlaid(&self) -> Option<Grant> {
        let stored = self.stored_grant();
        if let Some(answer) = self.journal.synced_answer()
            && self.matches(answer)
            && let Some(grant) = self.granted(answer, stored)
        {
            return Some(grant);
        }
        stored.cloned()
    }
}

fn unreadable(fault: &StoreFault) -> Unreadable {
    match fault.kind {
        FaultKind::Locked => Unreadable::Locked,
        FaultKind::NotAFile => Unreadable::Folder,
        FaultKind::TooLarge => Unreadable::Corrupt,
        FaultKind::Denied
        | FaultKind::ReadOnly
        | FaultKind::NoSpace
        | FaultKind::Pinned
        | FaultKind::NoLocks
        | FaultKind::Other => Unreadable::Denied,
    }
}
