//! What happened, told without a secret: tokens appear as fingerprints.

use alloc::string::String;
use core::time::Duration;

use crate::{Fingerprint, Holder, TokenError};

/// One thing that happened to the credential. For logs, metrics and user interfaces; no decision depends on it.
///
/// ```
/// use tokenward::Event;
///
/// assert_eq!(Event::LockBusy.kind(), "lock_busy");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// The lock is taken and the refresh token is about to be sent.
    RefreshStarted {
        /// The refresh token's name.
        refresh_token: Fingerprint,
        /// 1 for the first attempt with this refresh token.
        attempt: u32,
    },
    /// A request whose outcome is unknown is repeated (step 9 of a refresh).
    Replay {
        /// The refresh token's name.
        refresh_token: Fingerprint,
        /// The number of this attempt.
        attempt: u32,
    },
    /// The server, or something in its place, answered without a new credential, and this row of the table of answers
    /// decided what that means.
    Answered {
        /// The status code.
        status: u16,
        /// The row's short stable id, such as `rfc6749.invalid_grant`.
        row: &'static str,
    },
    /// The server answered with a new credential and the answer is on the disk.
    Rotated {
        /// The new refresh token's name, `None` where the server gave none.
        refresh_token: Option<Fingerprint>,
    },
    /// The store holds the new credential.
    Saved,
    /// The store could not be replaced; the answer stays in the journal and is tried again.
    SaveFailed {
        /// What the system said.
        detail: String,
        /// The time until the next attempt.
        retry_in: Duration,
    },
    /// Another process's credential was taken over.
    Adopted {
        /// The access token's name, `None` where the store has none.
        access_token: Option<Fingerprint>,
    },
    /// A staged answer that an earlier process left was carried into the store.
    RolledForward,
    /// A staged answer or an intent about another credential was dropped.
    Dropped {
        /// What was dropped.
        what: &'static str,
    },
    /// Another process has the lock.
    LockBusy,
    /// A refresh did not yield a token.
    RefreshFailed {
        /// The error its callers see.
        error: TokenError,
    },
    /// The login ended and a person must sign in. Told once per source and credential.
    ReauthRequired {
        /// The error its callers see.
        error: TokenError,
    },
    /// A login was saved.
    SignedIn,
    /// The credential was removed.
    SignedOut,
    /// A caller reported that a server refused this token.
    Refused {
        /// The access token's name.
        access_token: Fingerprint,
        /// Whether a refresh follows; a token younger than 60 s is not replaced.
        believed: bool,
    },
    /// The journal was damaged or foreign and was moved aside.
    JournalSetAside,
    /// A grant waits beside the store because another process has the lock.
    Parked {
        /// The last process seen with the lock.
        holder: Option<Holder>,
    },
    /// A parked grant that cannot be used was removed.
    ParkedDropped {
        /// Why.
        detail: String,
    },
    /// An answer came that no effect was waiting for.
    LateAnswer,
    /// A row of the transition table was used: for tests and the curious.
    Transition {
        /// The state's name.
        state: &'static str,
        /// The answer's name.
        on: &'static str,
    },
}

impl Event {
    /// Returns the name in every language.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::RefreshStarted { .. } => "refresh_started",
            Self::Replay { .. } => "replay",
            Self::Answered { .. } => "answered",
            Self::Rotated { .. } => "rotated",
            Self::Saved => "saved",
            Self::SaveFailed { .. } => "save_failed",
            Self::Adopted { .. } => "adopted",
            Self::RolledForward => "rolled_forward",
            Self::Dropped { .. } => "dropped",
            Self::LockBusy => "lock_busy",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::ReauthRequired { .. } => "reauth_required",
            Self::SignedIn => "signed_in",
            Self::SignedOut => "signed_out",
            Self::Refused { .. } => "refused",
            Self::JournalSetAside => "journal_set_aside",
            Self::Parked { .. } => "parked",
            Self::ParkedDropped { .. } => "parked_dropped",
            Self::LateAnswer => "late_answer",
            Self::Transition { .. } => "transition",
        }
    }
}
