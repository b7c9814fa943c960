//! The one table of errors. Two failures that lead to the same act are one variant.

use alloc::string::String;
use core::{fmt, time::Duration};

/// Why a caller got no token, named by what can be done next (promise P6).
///
/// ```
/// use core::time::Duration;
/// use tokenward::{Act, TokenError, Trouble};
///
/// let error = TokenError::Unavailable { retry_in: Some(Duration::from_secs(2)), trouble: Trouble::Status(503) };
/// assert_eq!(error.kind().as_str(), "unavailable");
/// assert_eq!(error.act(), Act::Wait);
/// assert_eq!(error.to_string(), "token endpoint answered 503");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenError {
    /// There is no credential: the store is absent, or its owner marked it as signed out.
    #[error("signed out")]
    SignedOut,
    /// The server ended the login, or the login cannot be renewed any more.
    #[error("sign in again: {reason}")]
    ReauthRequired {
        /// What ended it.
        reason: ReauthReason,
    },
    /// A person must change a setting: the client, the endpoint or the scope is refused.
    #[error("{}", Misfit(.code))]
    Misconfigured {
        /// The server's error code (RFC 6749 section 5.2), or the setting's name; after it, where nothing was sent, a
        /// colon and what is wrong with it.
        code: String,
    },
    /// It will pass: the network, the server, or a limit.
    #[error("{trouble}")]
    Unavailable {
        /// The time until the next attempt, if known.
        retry_in: Option<Duration>,
        /// What happened.
        trouble: Trouble,
    },
    /// Something stands between us and the server: a firewall, a proxy, a captive portal, a certificate nobody vouches for.
    #[error("{by}")]
    Blocked {
        /// What stands there.
        by: Barrier,
        /// The time until the next attempt, if known.
        retry_in: Option<Duration>,
    },
    /// Another process holds the store's lock and makes no progress.
    #[error("another process holds the lock{}", Held(.holder.as_ref()))]
    StoreBusy {
        /// The process that last wrote the journal. For display: it may not be the one that holds the lock.
        holder: Option<Holder>,
    },
    /// The store is there but cannot be understood or opened. It is left as it is.
    #[error("store cannot be read: {reason}")]
    StoreUnreadable {
        /// What is wrong with it.
        reason: Unreadable,
    },
    /// The store cannot be replaced. Found before a refresh token is spent.
    #[error("store cannot be written: {reason}")]
    StoreUnwritable {
        /// What the system said.
        reason: String,
    },
    /// The write would make the login worse: an older credential, or one that cannot be refreshed.
    #[error("the new credential is worse than the stored one")]
    Downgrade,
    /// The write would replace another account's login.
    #[error("the new credential belongs to another account")]
    AccountMismatch,
}

impl TokenError {
    /// Returns the variant's name, the same in every language.
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::SignedOut => ErrorKind::SignedOut,
            Self::ReauthRequired { .. } => ErrorKind::ReauthRequired,
            Self::Misconfigured { .. } => ErrorKind::Misconfigured,
            Self::Unavailable { .. } => ErrorKind::Unavailable,
            Self::Blocked { .. } => ErrorKind::Blocked,
            Self::StoreBusy { .. } => ErrorKind::StoreBusy,
            Self::StoreUnreadable { .. } => ErrorKind::StoreUnreadable,
            Self::StoreUnwritable { .. } => ErrorKind::StoreUnwritable,
            Self::Downgrade => ErrorKind::Downgrade,
            Self::AccountMismatch => ErrorKind::AccountMismatch,
        }
    }

    /// Returns the time after which another attempt makes sense, where that is known.
    pub const fn retry_in(&self) -> Option<Duration> {
        match self {
            Self::Unavailable { retry_in, .. } | Self::Blocked { retry_in, .. } => *retry_in,
            Self::SignedOut
            | Self::ReauthRequired { .. }
            | Self::Misconfigured { .. }
            | Self::StoreBusy { .. }
            | Self::StoreUnreadable { .. }
            | Self::StoreUnwritable { .. }
            | Self::Downgrade
            | Self::AccountMismatch => None,
        }
    }

    /// Returns what the caller, or the person behind it, can do next.
    pub const fn act(&self) -> Act {
        match self {
            Self::SignedOut | Self::ReauthRequired { .. } => Act::SignIn,
            Self::Misconfigured { .. } => Act::FixConfiguration,
            Self::Unavailable { .. } => Act::Wait,
            Self::Blocked { .. } => Act::CheckNetwork,
            Self::StoreBusy { .. } => Act::Retry,
            Self::StoreUnreadable { .. } | Self::StoreUnwritable { .. } => Act::FreeStore,
            Self::Downgrade | Self::AccountMismatch => Act::Confirm,
        }
    }

    /// Returns the word that tells errors of one kind apart: what ended a login, which code the server gave, what is
    /// wrong with a store. For languages without enums that carry values.
    ///
    /// ```
    /// use tokenward::{ReauthReason, TokenError};
    ///
    /// assert_eq!(TokenError::ReauthRequired { reason: ReauthReason::Revoked }.code(), Some("revoked"));
    /// assert_eq!(TokenError::Misconfigured { code: "ca_file: no certificate in it".into() }.code(), Some("ca_file"));
    /// assert_eq!(TokenError::SignedOut.code(), None);
    /// ```
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::ReauthRequired { reason } => Some(reason.as_str()),
            // Of a setting the name; what is wrong with it stands in the message.
            Self::Misconfigured { code } => Some(code.split_once(": ").map_or(code, |(setting, _)| setting)),
            Self::StoreUnreadable { reason } => Some(reason.as_str()),
            Self::SignedOut
            | Self::Unavailable { .. }
            | Self::Blocked { .. }
            | Self::StoreBusy { .. }
            | Self::StoreUnwritable { .. }
            | Self::Downgrade
            | Self::AccountMismatch => None,
        }
    }

    /// Returns the process that stands in the way, where one is known.
    ///
    /// ```
    /// use tokenward::{Holder, TokenError};
    ///
    /// let holder = Holder { pid: 4711, host: "laptop".into() };
    /// assert_eq!(TokenError::StoreBusy { holder: Some(holder.clone()) }.holder(), Some(&holder));
    /// ```
    pub const fn holder(&self) -> Option<&Holder> {
        match self {
            Self::StoreBusy { holder } => holder.as_ref(),
            Self::SignedOut
            | Self::ReauthRequired { .. }
            | Self::Misconfigured { .. }
            | Self::Unavailable { .. }
            | Self::Blocked { .. }
            | Self::StoreUnreadable { .. }
            | Self::StoreUnwritable { .. }
            | Self::Downgrade
            | Self::AccountMismatch => None,
        }
    }
}

/// A variant of [`TokenError`] by name.
///
/// ```
/// use tokenward::ErrorKind;
///
/// assert_eq!(ErrorKind::ALL.len(), 10);
/// assert_eq!(ErrorKind::StoreBusy.as_str(), "store_busy");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// See [`TokenError::SignedOut`].
    SignedOut,
    /// See [`TokenError::ReauthRequired`].
    ReauthRequired,
    /// See [`TokenError::Misconfigured`].
    Misconfigured,
    /// See [`TokenError::Unavailable`].
    Unavailable,
    /// See [`TokenError::Blocked`].
    Blocked,
    /// See [`TokenError::StoreBusy`].
    StoreBusy,
    /// See [`TokenError::StoreUnreadable`].
    StoreUnreadable,
    /// See [`TokenError::StoreUnwritable`].
    StoreUnwritable,
    /// See [`TokenError::Downgrade`].
    Downgrade,
    /// See [`TokenError::AccountMismatch`].
    AccountMismatch,
}

impl ErrorKind {
    /// Every kind, in the order of the table.
    pub const ALL: [Self; 10] = [
        Self::SignedOut,
        Self::ReauthRequired,
        Self::Misconfigured,
        Self::Unavailable,
        Self::Blocked,
        Self::StoreBusy,
        Self::StoreUnreadable,
        Self::StoreUnwritable,
        Self::Downgrade,
        Self::AccountMismatch,
    ];

    /// Returns the name in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::ReauthRequired => "reauth_required",
            Self::Misconfigured => "misconfigured",
            Self::Unavailable => "unavailable",
            Self::Blocked => "blocked",
            Self::StoreBusy => "store_busy",
            Self::StoreUnreadable => "store_unreadable",
            Self::StoreUnwritable => "store_unwritable",
            Self::Downgrade => "downgrade",
            Self::AccountMismatch => "account_mismatch",
        }
    }
}

/// What to do about an error.
///
/// ```
/// use tokenward::{Act, TokenError};
///
/// assert_eq!(TokenError::SignedOut.act(), Act::SignIn);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Act {
    /// Send the person to a login page.
    SignIn,
    /// Correct a setting.
    FixConfiguration,
    /// Wait for the time given by [`TokenError::retry_in`].
    Wait,
    /// Tell a person about the network.
    CheckNetwork,
    /// Try again; if it stays so, end the process that holds the lock.
    Retry,
    /// Free or repair the store.
    FreeStore,
    /// Ask whether the stored login may be replaced.
    Confirm,
}

impl Act {
    /// Returns the name in every language.
    ///
    /// ```
    /// assert_eq!(tokenward::Act::FreeStore.as_str(), "free_store");
    /// ```
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in",
            Self::FixConfiguration => "fix_configuration",
            Self::Wait => "wait",
            Self::CheckNetwork => "check_network",
            Self::Retry => "retry",
            Self::FreeStore => "free_store",
            Self::Confirm => "confirm",
        }
    }
}

/// What ended a login.
///
/// ```
/// use tokenward::ReauthReason;
///
/// assert_eq!(ReauthReason::RotationLost.to_string(), "rotation_lost");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ReauthReason {
    /// The access token ended and there is no refresh token.
    Expired,
    /// The server refused the refresh token (`invalid_grant`).
    Revoked,
    /// The stored refresh token is one that was already spent.
    Reused,
    /// An answer was lost on its way and the server refused the repetition.
    RotationLost,
    /// Another error code of the server.
    Other(String),
}

impl ReauthReason {
    /// Returns the name in every language; the server's code for [`Other`](Self::Other).
    pub fn as_str(&self) -> &str {
        match self {
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Reused => "reused",
            Self::RotationLost => "rotation_lost",
            Self::Other(code) => code,
        }
    }

    /// Reads a name back.
    pub fn parse(name: &str) -> Self {
        match name {
            "expired" => Self::Expired,
            "revoked" => Self::Revoked,
            "reused" => Self::Reused,
            "rotation_lost" => Self::RotationLost,
            code => Self::Other(code.into()),
        }
    }
}

impl fmt::Display for ReauthReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A passing trouble between us and the token endpoint.
///
/// ```
/// use tokenward::Trouble;
///
/// assert_eq!(Trouble::Throttled.to_string(), "token endpoint asks to slow down");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// No answer came.
    #[error("token endpoint cannot be reached: {0}")]
    Network(String),
    /// The server answered with this status.
    #[error("token endpoint answered {0}")]
    Status(u16),
    /// The server answered 429.
    #[error("token endpoint asks to slow down")]
    Throttled,
    /// The server reported success without a usable token.
    #[error("token endpoint answered without a usable token")]
    Malformed,
    /// The server named a passing error in its own words.
    #[error("token endpoint answered {0}")]
    Code(String),
    /// The caller's deadline passed first.
    #[error("deadline passed before the refresh ended")]
    Deadline,
    /// The source was closed while the caller waited.
    #[error("token source is closed")]
    Closed,
}

/// What stands between us and the token endpoint. A person has to look at the network.
///
/// ```
/// use tokenward::Barrier;
///
/// assert_eq!(Barrier::Page(403).to_string(), "something answered in place of the token endpoint (403)");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Barrier {
    /// A page with this status answered in the server's place.
    #[error("something answered in place of the token endpoint ({0})")]
    Page(u16),
    /// The connection was stopped before a byte of the request left: by a proxy, or because of a certificate.
    #[error("no trusted way to the token endpoint: {0}")]
    Line(String),
}

/// What is wrong with a store.
///
/// ```
/// use tokenward::Unreadable;
///
/// assert_eq!(Unreadable::Newer.as_str(), "newer");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unreadable {
    /// The content is damaged.
    Corrupt,
    /// The system refuses access.
    Denied,
    /// The keychain is locked.
    Locked,
    /// The path names a folder or something else that is no file.
    Folder,
    /// A newer version of tokenward, or of the tool that owns it, wrote it.
    Newer,
    /// It holds a credential of another kind: an API key, say.
    Unsupported,
}

impl Unreadable {
    /// Returns the name in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Corrupt => "corrupt",
            Self::Denied => "denied",
            Self::Locked => "locked",
            Self::Folder => "folder",
            Self::Newer => "newer",
            Self::Unsupported => "unsupported",
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl core::error::Error for Unreadable {}

/// A process, for display only: no decision reads it.
///
/// ```
/// use tokenward::Holder;
///
/// let holder = Holder { pid: 4711, host: "laptop".into() };
/// assert_eq!(holder.to_string(), "process 4711 on laptop");
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Holder {
    /// The process id.
    pub pid: u32,
    /// The host's name.
    pub host: String,
}

/// Says who finds fault with the configuration: a server's code is one word, a setting has its fault behind its name.
struct Misfit<'a>(&'a str);

impl fmt::Display for Misfit<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            DPOP => f.write_str(
                "token endpoint answered with a DPoP token: those are out of scope, only bearer tokens are kept",
            ),
            TOKEN_TYPE => f.write_str("token endpoint answered with a token that is no bearer token"),
            setting if setting.contains(": ") => write!(f, "setting cannot be used: {setting}"),
            code => write!(f, "token endpoint refuses the configuration: {code}"),
        }
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "process {} on {}", self.pid, self.host)
    }
}

/// The code of [`TokenError::Misconfigured`] for a token that is bound to a key (RFC 9449), and for one of another type.
pub(crate) const DPOP: &str = "dpop";
pub(crate) const TOKEN_TYPE: &str = "token_type";

struct Held<'a>(Option<&'a Holder>);

impl fmt::Display for Held<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(holder) => write!(f, " (last seen: {holder})"),
            None => Ok(()),
        }
    }
}
