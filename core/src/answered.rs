//! One answer of a token endpoint, read by itself: what the machine makes of it, as a value.

use core::time::Duration;

use crate::{
    Barrier, Grant, Response, Secret, TokenError, Trouble, UnixTime, classify, rotation,
    wire::{self, Dialect, Judged, Raw, Verdict},
};

/// What an answer of a token endpoint means.
///
/// ```
/// use tokenward::AnswerClass;
///
/// assert_eq!(AnswerClass::TerminalReauth.as_str(), "terminal_reauth");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AnswerClass {
    /// New tokens.
    Success,
    /// Nobody has answered the device's question yet: ask again (RFC 8628).
    Pending,
    /// The login has ended: a person must sign in again.
    TerminalReauth,
    /// A person must change a setting.
    TerminalConfig,
    /// It passes; or something else answered in the server's place.
    Transient,
    /// Success without a usable access token.
    MalformedSuccess,
}

impl AnswerClass {
    /// Returns the name in every language.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::Pending => "pending",
            Self::TerminalReauth => "terminal_reauth",
            Self::TerminalConfig => "terminal_config",
            Self::Transient => "transient",
            Self::MalformedSuccess => "malformed_success",
        }
    }
}

/// What [`read_answer`] found.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Answered {
    /// What the answer means.
    pub class: AnswerClass,
    /// The short stable id of the row that decided, such as `rfc6749.invalid_grant`.
    pub row: &'static str,
    /// What the answer gives: all of a success; else at most a new refresh token, which replaces the one that was sent.
    pub grant: Option<Grant>,
    /// What callers are told, `None` for a success. A code that no row knows is shown if it is made of words only.
    pub error: Option<TokenError>,
    /// The time the server asks to wait, as it said it. The error's `retry_in` is 15 minutes at most.
    pub retry_after: Option<Duration>,
}

/// Reads one answer of a token endpoint, received at `now`.
///
/// [`Machine`](crate::Machine) does the same with every answer; this is for whoever has an answer and no machine: a
/// sign-in of your own, a log, a test. Never fails: what cannot be understood is an answer too.
///
/// ```
/// use tokenward::{Act, AnswerClass, Response, SecretBytes, UnixTime, read_answer};
///
/// let response = Response {
///     status: 400,
///     headers: vec![("Content-Type".into(), "application/json".into())],
///     body: SecretBytes::new(br#"{"error":"invalid_grant"}"#.to_vec()),
/// };
///
/// let answered = read_answer(&response, UnixTime::from_secs(1_800_000_000));
///
/// assert_eq!(answered.class, AnswerClass::TerminalReauth);
/// assert_eq!(answered.row, "rfc6749.invalid_grant");
/// assert_eq!(answered.error.map(|error| error.act()), Some(Act::SignIn));
/// ```
pub fn read_answer(response: &Response, now: UnixTime) -> Answered {
    let Judged { verdict, row, pending } = wire::read(&Raw {
        status: response.status,
        content_type: response.header("content-type"),
        retry_after: response.header("retry-after"),
        error_type: response.header("x-amzn-errortype"),
        date: response.header("date").and_then(wire::http_date),
        received: now,
        dialect: const { &Dialect::standard() },
        // EXPOSE: parsed into secrets.
        body: response.body.expose(),
    });
    let fails = |class, error| Answered { class, row, grant: None, error: Some(error), retry_after: None };
    match verdict {
        Verdict::Granted(tokens) => {
            let grant = Some(rotation::merge(None, tokens, now));
            Answered { class: AnswerClass::Success, row, grant, error: None, retry_after: None }
        }
        Verdict::Refused { reason } => fails(AnswerClass::TerminalReauth, TokenError::ReauthRequired { reason }),
        Verdict::Misconfigured { code } => {
            fails(AnswerClass::TerminalConfig, TokenError::Misconfigured { code: shown(&code).into() })
        }
        Verdict::Transient { trouble, retry_after } => {
            let class = if pending { AnswerClass::Pending } else { AnswerClass::Transient };
            let error = TokenError::Unavailable { retry_in: capped(retry_after), trouble };
            Answered { retry_after, ..fails(class, error) }
        }
        Verdict::Blocked { status, retry_after } => {
            let error = TokenError::Blocked { by: Barrier::Page(status), retry_in: capped(retry_after) };
            Answered { retry_after, ..fails(AnswerClass::Transient, error) }
        }
        Verdict::Malformed { refresh_token, code } => {
            let (class, error) = match code {
                Some(code) => (AnswerClass::TerminalConfig, TokenError::Misconfigured { code: code.into() }),
                None => {
                    let error = TokenError::Unavailable { retry_in: None, trouble: Trouble::Malformed };
                    (AnswerClass::MalformedSuccess, error)
                }
            };
            let grant =
                refresh_token.map(|refresh_token| Grant { refresh_token: Some(refresh_token), ..Grant::default() });
            Answered { grant, ..fails(class, error) }
        }
    }
}

fn capped(retry_after: Option<Duration>) -> Option<Duration> {
    retry_after.map(|span| span.min(LONGEST_ASKED))
}

/// Returns a code as it may be shown by somebody who does not know what was sent: no token is made of words only.
fn shown(code: &Secret) -> &str {
    // EXPOSE: shown only if it is none.
    let text = code.expose();
    let is_word = |word: &str| word.len() <= LONGEST_WORD && word.bytes().all(|byte| byte.is_ascii_alphabetic());
    let words = text.split(['_', '-', '.', ':', '/']).all(is_word);
    // A row's own spelling may hold a number: it is ours.
    if words || classify::is_ours(text) { text } else { wire::UNPRINTABLE }
}

/// The longest wait that counts, as for the machine's own.
const LONGEST_ASKED: Duration = Duration::from_secs(900);

const LONGEST_WORD: usize = 20;
