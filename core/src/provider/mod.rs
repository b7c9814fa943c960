//! A strict OAuth token server on loopback, for `tokenward demo` and for tests of people who use us.
//!
//! Each use of a refresh token issues a new access token (`at-…`) and a new refresh token (`rt-…`) and kills the old
//! refresh token. A spent refresh token that comes back revokes its whole family: reuse revokes (RFC 9700 section
//! 4.14.2). The server answers one request per connection and speaks plain HTTP on 127.0.0.1.
//!
//! In a process of its own, `tokenward provider [options]` prints one JSON line when it is ready and serves until its
//! standard input closes:
//!
//! ```json
//! {"url":"http://127.0.0.1:40123","token_url":"http://127.0.0.1:40123/token","refresh_token":"rt-…","client_id":"tokenward-demo"}
//! ```
//!
//! | request | answer |
//! |---|---|
//! | `POST /token` with the form `grant_type=refresh_token&refresh_token=…&client_id=…`, or a JSON object with the same members | RFC 6749 sections 5.1 and 5.2 |
//! | `GET /api[?caller=NAME]` with `Authorization: Bearer …` | 200 while that access token is live, else 401 with `WWW-Authenticate: Bearer error="invalid_token"` |
//! | `GET /stats` | the counters of [`Stats`] as JSON |
//! | `POST /control` with one JSON object | see below; 400 with `{"error":…}` for what it does not understand |
//! | `GET /control/wait?event=NAME&count=N[&timeout_ms=30000]` | the counters as soon as the counter NAME of [`Stats`] (`held`, `requests`, `rotations`, …) is at least N; 408 if it takes too long |
//!
//! | control | effect | answer |
//! |---|---|---|
//! | `{"fault":{"status":503,"headers":{"Retry-After":"2"},"body":"…","times":2}}` | the next 2 token requests get this answer; nothing rotates. With `"after":true` the rotation takes place first | `{}` |
//! | `{"fault":{"drop":"before","times":1}}` | the connection closes without an answer; nothing rotates | `{}` |
//! | `{"fault":{"drop":"after","times":1}}` | the rotation takes place, then the connection closes without an answer | `{}` |
//! | `{"fault":{"cut":20,"times":1}}` | the rotation takes place, the answer's body ends after 20 bytes | `{}` |
//! | `{"fault":null}` | faults that wait are dropped | `{}` |
//! | `{"hold":true}` | token requests rotate, then their answers wait | `{}` |
//! | `{"hold":"before"}` | token requests wait before they rotate | `{}` |
//! | `{"hold":false}` | what waits goes on | `{}` |
//! | `{"login":true}` | a fresh family; `{"login":"access"}` issues an access token with it | `{"family":2,"refresh_token":"rt-…"}`, and `access_token`, `token_type`, `expires_in` |
//! | `{"revoke":"family"}` | the newest family is revoked; `{"revoke":1}` revokes that one | `{}` |
//! | `{"ttl":2.5}`, `{"latency":400}`, `{"grace":5}` | changes the option of that name | `{}` |
//!
//! Faults queue up and each is used `times` times (once, if not said) before the next. A fault is taken when a token
//! request arrives, so that with `"hold":true` a `drop` happens at the release.
//!
//! The log (`--log FILE`) has one JSON object per request: `time` (Unix milliseconds), `kind`, `status` (0 where there
//! was no answer), and where they apply `family`, `sequence` (1 for a family's first rotation), `access_token` and
//! `refresh_token` (the issued ones, or the refresh token that was refused; eight characters of their fingerprints),
//! `agent` (the User-Agent), `caller`. Kinds: `rotation`; `replay` (a spent refresh token outside the grace window);
//! `replay_in_grace` (the predecessor within the window, gets the same answer again); `revoked` (a family's newest
//! refresh token after the family died); `unknown` (a refresh token never issued); `bad_request`; `fault` (an injected
//! one, where nothing rotated); `api`. A line is written before its answer leaves.

mod book;
pub(crate) mod clock;
mod control;
mod http;
mod log;
mod server;
mod state;
#[cfg(test)]
mod tests;

pub use control::Stats;
pub use server::Provider;

use std::{path::PathBuf, string::String, time::Duration};

/// How a [`Provider`] behaves.
#[derive(Clone, Debug)]
pub struct Options {
    /// The life of an access token.
    pub ttl: Duration,
    /// The time between a rotation and its answer.
    pub latency: Duration,
    /// The time after a rotation in which the predecessor gets the same answer again. Zero: reuse revokes at once.
    pub grace: Duration,
    /// Whether a rotation ends the older access tokens of its family too.
    pub single: bool,
    /// The client that may use the refresh tokens.
    pub client_id: String,
    /// The file the log is appended to.
    pub log: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            ttl: Duration::from_secs(3600),
            latency: Duration::ZERO,
            grace: Duration::ZERO,
            single: false,
            client_id: "tokenward-demo".into(),
            log: None,
        }
    }
}
