//! The credential itself: what a token endpoint granted and a store keeps.

use alloc::{string::String, sync::Arc};
use core::fmt;

use crate::{Fingerprint, Secret, UnixTime};

/// A bearer token and the moment it ends. Cheap to clone; prints redacted; gives its text by [`expose`](Self::expose).
///
/// ```
/// use tokenward::{AccessToken, UnixTime};
///
/// let token = AccessToken::new("access-token-1", Some(UnixTime::from_secs(1_800_000_000)));
/// assert_eq!(token.authorization().expose(), "Bearer access-token-1");
/// assert!(!format!("{token:?}").contains("access-token-1"));
/// ```
#[derive(Clone)]
pub struct AccessToken(Arc<(Secret, Option<UnixTime>)>);

impl AccessToken {
    /// Takes over a token's text. `expires_at` is `None` where the server did not say.
    pub fn new(text: impl Into<String>, expires_at: Option<UnixTime>) -> Self {
        Self::from_secret(Secret::new(text), expires_at)
    }

    pub(crate) fn from_secret(text: Secret, expires_at: Option<UnixTime>) -> Self {
        Self(Arc::new((text, expires_at)))
    }

    /// Returns the token's text. Every caller says why it needs it.
    pub fn expose(&self) -> &str {
        self.0.0.expose()
    }

    /// Returns the value of an `Authorization` header (RFC 6750 section 2.1).
    pub fn authorization(&self) -> Secret {
        // EXPOSE: the header is made of the token's text and is a secret again at once.
        let text = self.expose();
        let mut header = String::with_capacity("Bearer ".len() + text.len());
        header.push_str("Bearer ");
        header.push_str(text);
        Secret::new(header)
    }

    /// Returns the moment the token ends on the wall clock, `None` where the server did not say.
    pub fn expires_at(&self) -> Option<UnixTime> {
        self.0.1
    }

    /// Returns the name under which this token may be logged and compared.
    pub fn fingerprint(&self) -> Fingerprint {
        self.0.0.fingerprint()
    }
}

impl PartialEq for AccessToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0 == other.0
    }
}

impl Eq for AccessToken {}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AccessToken({}, ..)", self.fingerprint())
    }
}

/// Who a credential belongs to: `iss` and `sub` of an id_token, or a store's own field. Never compared with prose.
///
/// ```
/// use tokenward::Account;
///
/// assert_ne!(Account::new("https://id.test alice"), Account::new("https://id.test bob"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account(String);

impl Account {
    /// Takes over an identifier.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// Returns the identifier.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// One credential: everything a login or a refresh yields and the store keeps.
///
/// ```
/// use tokenward::{Grant, Secret};
///
/// let grant = Grant { refresh_token: Some(Secret::new("refresh-token-1")), ..Grant::default() };
/// assert!(grant.access_token.is_none());
/// assert!(!format!("{grant:?}").contains("refresh-token-1"));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grant {
    /// The bearer token, absent after an import of a refresh token alone.
    pub access_token: Option<AccessToken>,
    /// The refresh token, absent where the provider gave none.
    pub refresh_token: Option<Secret>,
    /// The moment the refresh token ends, as the server last said; it is not acted on.
    pub refresh_token_expires_at: Option<UnixTime>,
    /// The granted scope, as the server spelled it (RFC 6749 section 3.3).
    pub scope: Option<String>,
    /// The moment the answer with the access token was received.
    pub issued_at: Option<UnixTime>,
    /// Who the credential belongs to, `None` if unknown: unknown never matches and never blocks.
    pub account: Option<Account>,
}

impl Grant {
    /// Returns a name for the state of this credential: another one as soon as either token differs.
    pub fn fingerprint(&self) -> Fingerprint {
        // EXPOSE: hashed, not kept.
        let access = self.access_token.as_ref().map_or("", AccessToken::expose);
        let refresh = self.refresh_token.as_ref().map_or("", Secret::expose);
        Fingerprint::of_all(&[access, refresh])
    }

    /// Returns the names of its tokens, the access token's first.
    pub(crate) fn names(&self) -> (Option<Fingerprint>, Option<Fingerprint>) {
        let refresh_token = self.refresh_token.as_ref().map(Secret::fingerprint);
        (self.access_token.as_ref().map(AccessToken::fingerprint), refresh_token)
    }

    /// Returns whether nothing in here can serve a caller.
    pub fn is_empty(&self) -> bool {
        self.access_token.is_none() && self.refresh_token.is_none()
    }
}
