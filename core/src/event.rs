//! What happened, told without a secret: tokens appear as fingerprints.

use alloc::string::{String, ToString};
use core::{fmt, time::Duration};

use crate::{Act, Fingerprint, Holder, TokenError, clock::millis};

/// One thing that happened to the credential. For logs, metrics and user interfaces; no decision depends on it.
///
/// ```
/// use tokenward::Event;
///
/// assert_eq!(Event::JournalSetAside.kind(), "journal_set_aside");
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
        /// The new access token's name.
        access_token: Option<Fingerprint>,
        /// The new refresh token's name; where the server gave none, that of the old one, which goes on.
        refresh_token: Option<Fingerprint>,
        /// The name of the refresh token that was sent.
        base: Option<Fingerprint>,
    },
    /// The store holds the new credential.
    Saved {
        /// The name of the refresh token that is in the store now.
        refresh_token: Option<Fingerprint>,
    },
    /// The store could not be replaced; the answer stays in the journal and is tried again.
    SaveFailed {
        /// The name of the refresh token that is in the store still.
        refresh_token: Option<Fingerprint>,
        /// What the system said.
        detail: String,
        /// The time until the next attempt.
        retry_in: Duration,
    },
    /// Another process's credential was taken over.
    Adopted {
        /// The access token's name, `None` where the store has none.
        access_token: Option<Fingerprint>,
        /// The refresh token's name, `None` where the store has none.
        refresh_token: Option<Fingerprint>,
    },
    /// A staged answer that an earlier process left was carried into the store.
    RolledForward {
        /// The name of the refresh token that is in the store now.
        refresh_token: Option<Fingerprint>,
    },
    /// A staged answer about another credential was dropped.
    Dropped {
        /// What was dropped.
        what: &'static str,
        /// The name of the refresh token it was asked for with.
        base: Option<Fingerprint>,
    },
    /// Another process has the lock.
    LockBusy {
        /// The last process seen with the lock.
        holder: Option<Holder>,
    },
    /// A refresh did not yield a token.
    RefreshFailed {
        /// The name of the refresh token in the store.
        refresh_token: Option<Fingerprint>,
        /// The error its callers see.
        error: TokenError,
    },
    /// The login ended and a person must sign in. Told once per source and credential.
    ReauthRequired {
        /// The name of the refresh token that is of no use any more.
        refresh_token: Option<Fingerprint>,
        /// The error its callers see.
        error: TokenError,
    },
    /// A login was saved.
    SignedIn {
        /// The access token's name.
        access_token: Option<Fingerprint>,
        /// The refresh token's name, `None` for a login that cannot refresh.
        refresh_token: Option<Fingerprint>,
    },
    /// The credential was removed.
    SignedOut {
        /// The name of the refresh token that was removed.
        refresh_token: Option<Fingerprint>,
    },
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
            Self::Saved { .. } => "saved",
            Self::SaveFailed { .. } => "save_failed",
            Self::Adopted { .. } => "adopted",
            Self::RolledForward { .. } => "rolled_forward",
            Self::Dropped { .. } => "dropped",
            Self::LockBusy { .. } => "lock_busy",
            Self::RefreshFailed { .. } => "refresh_failed",
            Self::ReauthRequired { .. } => "reauth_required",
            Self::SignedIn { .. } => "signed_in",
            Self::SignedOut { .. } => "signed_out",
            Self::Refused { .. } => "refused",
            Self::JournalSetAside => "journal_set_aside",
            Self::Parked { .. } => "parked",
            Self::ParkedDropped { .. } => "parked_dropped",
            Self::LateAnswer => "late_answer",
            Self::Transition { .. } => "transition",
        }
    }

    /// Returns how loud it is to be told.
    pub const fn level(&self) -> Level {
        match self {
            Self::ReauthRequired { .. } | Self::SaveFailed { .. } => Level::Error,
            Self::RefreshFailed { error, .. } => match error.act() {
                // The end of a login has an event of its own.
                Act::SignIn | Act::Wait | Act::Retry => Level::Warn,
                Act::FixConfiguration | Act::CheckNetwork | Act::FreeStore | Act::Confirm => Level::Error,
            },
            Self::Replay { .. }
            | Self::Dropped { .. }
            | Self::Refused { .. }
            | Self::JournalSetAside
            | Self::ParkedDropped { .. } => Level::Warn,
            Self::Rotated { .. }
            | Self::Adopted { .. }
            | Self::RolledForward { .. }
            | Self::SignedIn { .. }
            | Self::SignedOut { .. }
            | Self::Parked { .. } => Level::Info,
            Self::RefreshStarted { .. }
            | Self::Answered { .. }
            | Self::Saved { .. }
            | Self::LockBusy { .. }
            | Self::LateAnswer
            | Self::Transition { .. } => Level::Debug,
        }
    }
}

/// How loud an event is. The quieter, the greater.
///
/// ```
/// use tokenward::{Event, Level};
///
/// assert_eq!(Event::JournalSetAside.level(), Level::Warn);
/// assert!(Level::Error < Level::Debug);
/// assert_eq!(Level::parse("info"), Some(Level::Info));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Somebody has to do something.
    Error,
    /// Something went wrong and is taken care of.
    Warn,
    /// The credential changed.
    Info,
    /// Every step.
    Debug,
}

impl Level {
    /// All of them, the loudest first.
    pub const ALL: [Self; 4] = [Self::Error, Self::Warn, Self::Info, Self::Debug];

    /// Returns the name in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warn => "warn",
            Self::Info => "info",
            Self::Debug => "debug",
        }
    }

    /// Reads a name back.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|level| level.as_str() == name)
    }
}

/// One line for a log: the kind, then `name=value` for what is known, in the order of the fields. Texts stand in quotes
/// with every control character escaped. The line keeps its form; a field may be added at its end.
///
/// ```
/// use tokenward::{Event, Secret};
///
/// let event = Event::Replay { refresh_token: Secret::new("refresh-token-1").fingerprint(), attempt: 2 };
/// assert_eq!(event.to_string(), "replay refresh_token=154f43e8 attempt=2");
/// ```
impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind())?;
        match self {
            Self::RefreshStarted { refresh_token, attempt } | Self::Replay { refresh_token, attempt } => {
                write!(f, " refresh_token={refresh_token} attempt={attempt}")
            }
            Self::Answered { status, row } => write!(f, " status={status} row={row}"),
            Self::Rotated { access_token, refresh_token, base } => {
                named(f, "access_token", *access_token)?;
                named(f, "refresh_token", *refresh_token)?;
                named(f, "base", *base)
            }
            Self::Saved { refresh_token }
            | Self::RolledForward { refresh_token }
            | Self::SignedOut { refresh_token } => named(f, "refresh_token", *refresh_token),
            Self::SaveFailed { refresh_token, detail, retry_in } => {
                named(f, "refresh_token", *refresh_token)?;
                write!(f, " detail={detail:?} retry_in_ms={}", millis(*retry_in))
            }
            Self::Adopted { access_token, refresh_token } | Self::SignedIn { access_token, refresh_token } => {
                named(f, "access_token", *access_token)?;
                named(f, "refresh_token", *refresh_token)
            }
            Self::Dropped { what, base } => {
                write!(f, " what={what}")?;
                named(f, "base", *base)
            }
            Self::LockBusy { holder } | Self::Parked { holder } => match holder {
                Some(Holder { pid, host }) => write!(f, " pid={pid} host={host:?}"),
                None => Ok(()),
            },
            Self::RefreshFailed { refresh_token, error } | Self::ReauthRequired { refresh_token, error } => {
                named(f, "refresh_token", *refresh_token)?;
                write!(f, " error={} message={:?}", error.kind().as_str(), error.to_string())?;
                error.retry_in().map_or(Ok(()), |span| write!(f, " retry_in_ms={}", millis(span)))
            }
            Self::Refused { access_token, believed } => write!(f, " access_token={access_token} believed={believed}"),
            Self::ParkedDropped { detail } => write!(f, " detail={detail:?}"),
            Self::JournalSetAside | Self::LateAnswer => Ok(()),
            Self::Transition { state, on } => write!(f, " state={state} on={on}"),
        }
    }
}

fn named(f: &mut fmt::Formatter<'_>, name: &str, token: Option<Fingerprint>) -> fmt::Result {
    token.map_or(Ok(()), |token| write!(f, " {name}={token}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ReauthReason, Trouble, Unreadable};

    #[test]
    fn line_names_tokens_by_fingerprint_and_leaves_out_what_is_unknown() {
        let [access, old, new] = ["access-token-2", "refresh-token-1", "refresh-token-2"]
            .map(|token| Some(Fingerprint::of(token.as_bytes())));

        let whole = Event::Rotated { access_token: access, refresh_token: new, base: old };
        let bare = Event::Rotated { access_token: access, refresh_token: None, base: None };

        assert_eq!(whole.to_string(), "rotated access_token=154b05da refresh_token=34d04bc5 base=154f43e8");
        assert_eq!(bare.to_string(), "rotated access_token=154b05da");
    }

    #[test]
    fn line_stays_one_line_whatever_a_system_says() {
        let detail = "cannot rename \"a b\"\nERROR forged \u{1b}[2J".to_string();
        let retry_in = Duration::from_millis(1500);

        let event = Event::SaveFailed { refresh_token: None, detail, retry_in };

        assert_eq!(
            event.to_string(),
            r#"save_failed detail="cannot rename \"a b\"\nERROR forged \u{1b}[2J" retry_in_ms=1500"#
        );
    }

    #[test]
    fn line_of_an_error_has_its_name_its_text_and_its_wait() {
        let refresh_token = Some(Fingerprint::of(b"refresh-token-1"));
        let error = TokenError::Unavailable { retry_in: Some(Duration::from_secs(2)), trouble: Trouble::Status(503) };

        let event = Event::RefreshFailed { refresh_token, error };

        assert_eq!(
            event.to_string(),
            "refresh_failed refresh_token=154f43e8 error=unavailable message=\"token endpoint answered 503\" retry_in_ms=2000"
        );
    }

    #[test]
    fn failure_is_as_loud_as_what_it_asks_for() {
        let level = |error| Event::RefreshFailed { refresh_token: None, error }.level();
        let holder = Holder { pid: 4711, host: "laptop".into() };

        assert_eq!(level(TokenError::Unavailable { retry_in: None, trouble: Trouble::Throttled }), Level::Warn);
        assert_eq!(level(TokenError::StoreBusy { holder: Some(holder) }), Level::Warn);
        assert_eq!(level(TokenError::ReauthRequired { reason: ReauthReason::Revoked }), Level::Warn);
        assert_eq!(level(TokenError::Misconfigured { code: "invalid_client".into() }), Level::Error);
        assert_eq!(level(TokenError::Blocked { by: crate::Barrier::Page(403), retry_in: None }), Level::Error);
        assert_eq!(level(TokenError::StoreUnreadable { reason: Unreadable::Corrupt }), Level::Error);
        assert_eq!(level(TokenError::AccountMismatch), Level::Error);
    }
}
