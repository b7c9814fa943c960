//! A request and a response as values. Whoever hosts the machine sends the one and brings back the other.

use alloc::{string::String, vec::Vec};
use core::{fmt, time::Duration};

use crate::SecretBytes;

/// One POST to the token endpoint: sent once, over a fresh connection, without redirects and without an automatic resend.
///
/// ```
/// use tokenward::{Request, SecretBytes};
///
/// let request = Request {
///     url: "https://id.test/token".into(),
///     headers: vec![("content-type".into(), SecretBytes::new(b"application/x-www-form-urlencoded".to_vec()))],
///     body: SecretBytes::new(b"grant_type=refresh_token".to_vec()),
///     timeout: core::time::Duration::from_secs(30),
///     connect_timeout: core::time::Duration::from_secs(10),
/// };
/// assert!(!format!("{request:?}").contains("grant_type"));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// An https URL, or an http one on loopback.
    pub url: String,
    /// Lower-case names; values may hold a client secret.
    pub headers: Vec<(String, SecretBytes)>,
    /// The form.
    pub body: SecretBytes,
    /// The time for all of it, answer included.
    pub timeout: Duration,
    /// The time for name look-up, connection and handshake.
    pub connect_timeout: Duration,
}

/// What the server, or something in front of it, answered. Not parsed by the host.
///
/// ```
/// use tokenward::{Response, SecretBytes};
///
/// let response = Response {
///     status: 503,
///     headers: vec![("Retry-After".into(), "2".into())],
///     body: SecretBytes::default(),
/// };
/// assert_eq!(response.header("retry-after"), Some("2"));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Response {
    /// The status code.
    pub status: u16,
    /// All headers, or at least `Content-Type`, `Date`, `Retry-After` and `x-amzn-ErrorType`.
    pub headers: Vec<(String, String)>,
    /// The body, at most [`MAX_BODY`] bytes; what is longer is cut there.
    pub body: SecretBytes,
}

/// The largest answer that is read, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

impl Response {
    /// Returns the first header of that name, whatever its case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Of the headers the names only: a cookie is a secret too, and a careless server repeats one anywhere.
        let names: Vec<&str> = self.headers.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("Response")
            .field("status", &self.status)
            .field("headers", &names)
            .field("body", &self.body)
            .finish()
    }
}

/// Why there is no answer.
///
/// ```
/// use tokenward::FetchFault;
///
/// let fault = FetchFault::NotSent { detail: "connection refused".into() };
/// assert_eq!(fault.to_string(), "connection refused");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FetchFault {
    /// No byte of the request left after the handshake: the refresh token is certainly unspent.
    #[error("{detail}")]
    NotSent {
        /// What happened, without a secret.
        detail: String,
    },
    /// No byte left, and it will not help to wait: a proxy or a certificate stands in the way, and a person has to look at
    /// the network.
    #[error("{detail}")]
    Blocked {
        /// What stands there and for which host, without a secret.
        detail: String,
    },
    /// No byte left, because a setting of this process cannot be used. Other processes are not put off by it.
    #[error("{setting}: {detail}")]
    Misconfigured {
        /// The setting's name, or the environment variable's.
        setting: String,
        /// What is wrong with it, without a secret.
        detail: String,
    },
    /// The request, or part of it, may have arrived: the refresh token may be spent.
    #[error("{detail}")]
    MaybeSent {
        /// What happened, without a secret.
        detail: String,
    },
}
