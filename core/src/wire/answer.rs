//! The token endpoint's answer (RFC 6749 sections 5.1 and 5.2), and what is not one.
//!
//! The status decides first where it says that a request was not judged (5xx, 429, 408); then the error code, wherever
//! the body keeps it; then the status. Prose is never read (promise P6).

use alloc::string::String;
use core::{str, time::Duration};

use jiff::fmt::rfc2822;

use super::{
    body::{Body, Members},
    tokens::{self, LONGEST, Tokens, refresh_token, seconds},
};
use crate::{
    ReauthReason, Secret, Trouble, UnixTime,
    classify::{self, Class},
};

/// An answer as the journal keeps it: unparsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) retry_after: Option<&'a str>,
    /// The `Date` header.
    pub(crate) date: Option<UnixTime>,
    /// When the answer was received, on our own clock.
    pub(crate) received: UnixTime,
    pub(crate) body: &'a [u8],
}

/// What an answer means for the grant it was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// New tokens.
    Granted(Tokens),
    /// The login has ended.
    Refused { reason: ReauthReason },
    /// A person must change a setting; the login stays. The code may be a foreign one that repeats what was sent:
    /// whoever shows it looks first.
    Misconfigured { code: Secret },
    /// It passes.
    Transient { trouble: Trouble, retry_after: Option<Duration> },
    /// Something else answered in the server's place.
    Blocked { status: u16, retry_after: Option<Duration> },
    /// Success without a usable access token. A new refresh token replaces the one that was sent, nothing else changes.
    Malformed { refresh_token: Option<Secret> },
}

/// Returns what an answer means. Never fails: what cannot be understood is a verdict too.
pub(crate) fn read(raw: &Raw<'_>) -> Verdict {
    let lossy;
    let text = match str::from_utf8(raw.body) {
        Ok(text) => text,
        Err(_) => {
            // A stray Latin-1 letter in a description must not cost the rotated token beside it.
            lossy = repaired(raw.body);
            // EXPOSE: parsed in place, as the bytes it was made from.
            lossy.expose()
        }
    };
    let body = Body::of(text, raw.content_type);
    match raw.status {
        429 => Verdict::Transient { trouble: Trouble::Throttled, retry_after: retry_after(raw) },
        408 | 500..=599 => Verdict::Transient { trouble: Trouble::Status(raw.status), retry_after: retry_after(raw) },
        200..=299 => success(raw, &body),
        400..=499 => refusal(raw, &body),
        _ => blocked(raw),
    }
}

/// Reads an HTTP date (RFC 9110 section 5.6.7).
pub(crate) fn http_date(text: &str) -> Option<UnixTime> {
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let moment = parser.parse_timestamp(text.trim()).ok()?;
    u64::try_from(moment.as_millisecond()).ok().map(UnixTime::from_millis)
}

fn success(raw: &Raw<'_>, body: &Body<'_>) -> Verdict {
    match body {
        Body::Protocol(members) => granted(members)
            .or_else(|| named(raw, members))
            .unwrap_or_else(|| Verdict::Malformed { refresh_token: refresh_token(members) }),
        // The end is missing, perhaps `expires_in` with it, so the access token is not used. The refresh token is: the
        // old one is spent, and this one stands there whole.
        Body::Damaged(members) => Verdict::Malformed { refresh_token: refresh_token(members) },
        Body::Page => blocked(raw),
        // Not a page for people, hence no captive portal: the server itself may have rotated and lost its tongue.
        Body::Empty | Body::Foreign => Verdict::Malformed { refresh_token: None },
    }
}

fn refusal(raw: &Raw<'_>, body: &Body<'_>) -> Verdict {
    match body {
        Body::Protocol(members) => named(raw, members).unwrap_or_else(|| blocked(raw)),
        // A bare 400 is the one answer without a code that ends a login. Firewalls, proxies and portals explain
        // themselves with a page, and send 403, 407 or 302; a server that finds our well-formed request wrong and says
        // nothing has looked at the token. Taken for a passing trouble it would hold its user for ever; taken for a
        // refusal in error it costs one sign-in, and an explicit refresh asks again. Not so a bare 401: gateways
        // that want a login of their own send it, and servers that want another client (RFC 6749 section 5.2).
        Body::Empty if raw.status == 400 => Verdict::Refused { reason: ReauthReason::Other(BARE_400.into()) },
        Body::Damaged(_) | Body::Page | Body::Empty | Body::Foreign => blocked(raw),
    }
}

/// Returns the verdict of an answer with a usable access token, whatever else it says.
fn granted(members: &Members<'_>) -> Option<Verdict> {
    let tokens = Tokens::of(members)?;
    if tokens::is_bearer(members) {
        return Some(Verdict::Granted(tokens));
    }
    // RFC 6749 section 7.1: such a token must not be used. A new refresh token is kept all the same (promise P3), and
    // that only `Malformed` can say; without one the setting is named.
    Some(match tokens.refresh_token {
        None => Verdict::Misconfigured { code: Secret::new("token_type") },
        refresh_token => Verdict::Malformed { refresh_token },
    })
}

/// Returns the verdict of the error code, if the answer has one that counts.
fn named(raw: &Raw<'_>, members: &Members<'_>) -> Option<Verdict> {
    // EXPOSE: an error code is no secret; it only came through the same door.
    let codes = || CODE_PLACES.iter().filter_map(|place| members.text(place)).filter(|code| !code.expose().is_empty());
    if let Some((code, class)) = codes().find_map(|code| classify::class(code.expose())) {
        return Some(match class {
            Class::Revoked => Verdict::Refused { reason: ReauthReason::Revoked },
            Class::Reused => Verdict::Refused { reason: ReauthReason::Reused },
            Class::SignIn => Verdict::Refused { reason: ReauthReason::Other(code.into()) },
            Class::Misconfigured => Verdict::Misconfigured { code: Secret::new(code) },
            Class::Transient => {
                Verdict::Transient { trouble: Trouble::Code(code.into()), retry_after: retry_after(raw) }
            }
        });
    }
    // A code nobody knows must not end a login (promise P4), and waiting does not cure it: a person has to read it.
    // With another 4xx it is more likely a gateway's own word ("Forbidden", "not_found"), so the status decides.
    let code = codes().next()?;
    matches!(raw.status, 200..=299 | 400 | 401).then(|| Verdict::Misconfigured { code: printable(code.expose()) })
}

fn retry_after(raw: &Raw<'_>) -> Option<Duration> {
    let text = raw.retry_after?;
    // A date is the server's: against its own clock our skew does not count.
    let date = || http_date(text).map(|at| at.since(raw.date.unwrap_or(raw.received)).min(LONGEST));
    seconds(text).or_else(date)
}

fn blocked(raw: &Raw<'_>) -> Verdict {
    Verdict::Blocked { status: raw.status, retry_after: retry_after(raw) }
}

/// Returns a foreign code as it may stand in a message (RFC 6749 section 10.14). Prose, long texts and what is escaped
/// once more are hidden whole: some servers put the token into them (promise P7).
fn printable(code: &str) -> Secret {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b':' | b'/');
    let is_code = code.len() <= LONGEST_CODE && code.bytes().all(is_plain);
    Secret::new(if is_code { code } else { UNPRINTABLE })
}

/// Replaces what is not UTF-8, in one block of the exact size.
fn repaired(bytes: &[u8]) -> Secret {
    let chunks =
        || bytes.utf8_chunks().map(|chunk| (chunk.valid(), if chunk.invalid().is_empty() { "" } else { "\u{fffd}" }));
    let mut text = String::with_capacity(chunks().map(|(valid, mark)| valid.len() + mark.len()).sum());
    for (valid, mark) in chunks() {
        text.push_str(valid);
        text.push_str(mark);
    }
    Secret::new(text)
}

/// Where an error code stands. A known code at a later place beats an unknown one at an earlier.
const CODE_PLACES: &[&[&str]] = &[
    // RFC 6749 section 5.2
    &["error"],
    // OpenAI, Anthropic
    &["error", "code"],
    &["error", "type"],
];

const LONGEST_CODE: usize = 64;

/// What stands in place of a code that is not shown.
pub(crate) const UNPRINTABLE: &str = "unprintable";

/// The reason shown for a 400 without a body.
const BARE_400: &str = "http_400";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_2xx_is_a_success_whatever_its_content_type() {
        for (status, content_type) in [(201, "application/json"), (203, "text/html"), (200, "text/plain"), (200, "")] {
            let body = br#"{"access_token":"at-1"}"#;

            assert_eq!(read(&Raw { content_type: Some(content_type), ..raw(status, body) }), Verdict::Granted(bare()));
        }
    }

    #[test]
    fn success_without_a_usable_token_keeps_a_new_refresh_token() {
        for body in [
            r#"{"refresh_token":"rt-1"}"#,
            r#"{"access_token":"","refresh_token":"rt-1"}"#,
            r#"{"access_token":null,"refresh_token":"rt-1"}"#,
            r#"{"access_token":" ","refresh_token":"rt-1"}"#,
            r#"{"access_token":"at\r\nx: y","refresh_token":"rt-1"}"#,
            r#"{"access_token":"\ud800","refresh_token":"rt-1"}"#,
            r#"{"access_token":["at-1"],"refresh_token":"rt-1"}"#,
            r#"{"access_token":"at-1","refresh_token":"rt-1","token_type":"DPoP"}"#,
            r#"{"refresh_token":"rt-1","access_token":"at-1","sco"#,
            r#"{"access_token":"at-1","refresh_token":"rt-1"}<br />"#,
            "refresh_token=rt-1&access_token=",
        ] {
            assert_eq!(json(200, body), Verdict::Malformed { refresh_token: Some(Secret::new("rt-1")) }, "{body}");
        }
    }

    #[test]
    fn success_that_carries_nothing_is_malformed() {
        for body in [
            "",
            " \n",
            "{}",
            "[]",
            "null",
            "OK",
            r#"{"ok":false}"#,
            r#"{"refresh_token":""}"#,
            r#"{"refresh_token":"rt-"#,
        ] {
            assert_eq!(json(200, body), Verdict::Malformed { refresh_token: None }, "{body}");
        }
    }

    #[test]
    fn a_token_of_another_type_is_not_used() {
        assert_eq!(json(200, r#"{"access_token":"at-1","token_type":"mac"}"#), misconfigured("token_type"));
        for kind in ["Bearer", "BEARER", "bot", "user"] {
            let body = [r#"{"access_token":"at-1","token_type":""#, kind, r#""}"#].concat();

            assert_eq!(json(200, &body), Verdict::Granted(bare()), "{kind}");
        }
    }

    #[test]
    fn a_stray_byte_does_not_cost_the_tokens_beside_it() {
        let verdict = read(&raw(200, b"{\"note\":\"caf\xe9\",\"access_token\":\"at-1\"}"));

        assert_eq!(verdict, Verdict::Granted(bare()));
    }

    #[test]
    fn invalid_grant_is_terminal_at_every_2xx_and_4xx_that_judged_the_request() {
        for status in [200, 201, 400, 401, 403, 404, 409, 422, 499] {
            for body in [r#"{"error":"invalid_grant"}"#, "error=invalid_grant&error_description=x"] {
                let expected = Verdict::Refused { reason: ReauthReason::Revoked };

                assert_eq!(json(status, body), expected, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_status_that_did_not_judge_the_request_beats_every_code() {
        for body in [
            r#"{"error":"invalid_grant"}"#,
            r#"{"error":"invalid_client"}"#,
            "<html>",
            "",
            r#"{"access_token":"at-1"}"#,
        ] {
            for status in [408, 500, 502, 503, 522, 529, 599] {
                let expected = Verdict::Transient { trouble: Trouble::Status(status), retry_after: None };
                assert_eq!(json(status, body), expected, "{status} {body}");
            }
            let throttled = Verdict::Transient { trouble: Trouble::Throttled, retry_after: None };
            assert_eq!(json(429, body), throttled, "{body}");
        }
    }

    #[test]
    fn a_redirect_and_a_strange_status_are_blocked_whatever_they_say() {
        for status in [0, 100, 199, 301, 302, 307, 600, 999] {
            let expected = Verdict::Blocked { status, retry_after: None };

            assert_eq!(json(status, r#"{"error":"invalid_grant"}"#), expected, "{status}");
        }
    }

    #[test]
    fn a_passing_code_beats_a_400() {
        for code in ["temporarily_unavailable", "server_error", "slow_down"] {
            let body = [r#"{"error":""#, code, r#""}"#].concat();

            let verdict = read(&Raw { retry_after: Some("7"), ..raw(400, body.as_bytes()) });

            let trouble = Trouble::Code(code.into());
            assert_eq!(verdict, Verdict::Transient { trouble, retry_after: Some(Duration::from_secs(7)) });
        }
    }

    #[test]
    fn a_code_inside_an_error_object_counts_and_a_known_one_first() {
        let rows = [
            (r#"{"error":{"type":"invalid_request_error","code":"refresh_token_reused"}}"#, ReauthReason::Reused),
            (r#"{"error":{"code":"refresh_token_invalidated"}}"#, ReauthReason::Revoked),
            (r#"{"error":{"code":"odd","type":"invalid_grant"}}"#, ReauthReason::Revoked),
            (r#"{"error":{"code":null,"type":"invalid_grant"}}"#, ReauthReason::Revoked),
            (r#"{"error":{"code":"refresh_token_expired"}}"#, ReauthReason::Other("refresh_token_expired".into())),
            (r#"{"error":"bad_refresh_token"}"#, ReauthReason::Revoked),
            (r#"{"error":"mfa_required"}"#, ReauthReason::Other("mfa_required".into())),
        ];

        for (body, reason) in rows {
            assert_eq!(json(401, body), Verdict::Refused { reason }, "{body}");
        }
    }

    #[test]
    fn prose_is_never_read() {
        for body in [
            r#"{"error":"unknown_code","error_description":"invalid_grant"}"#,
            r#"{"message":"invalid_grant: token revoked"}"#,
            r#"{"error":{"message":"invalid_grant"}}"#,
            r#"{"details":{"error":"invalid_grant"}}"#,
            r#"["invalid_grant"]"#,
            r#"{"error":"invalid_grant""#,
            "invalid_grant",
        ] {
            assert!(!matches!(json(400, body), Verdict::Refused { .. }), "{body}");
        }
    }

    #[test]
    fn an_unknown_code_never_ends_a_login() {
        for status in [200, 400, 401] {
            assert_eq!(json(status, r#"{"error":"brand_new"}"#), misconfigured("brand_new"));
        }
        for status in [403, 404, 405, 451] {
            let expected = Verdict::Blocked { status, retry_after: None };
            assert_eq!(json(status, r#"{"error":"forbidden"}"#), expected);
        }
    }

    #[test]
    fn a_foreign_code_is_shown_only_if_it_looks_like_one() {
        let longest = "c".repeat(64);
        let too_long = "c".repeat(65);
        let rows = [
            (longest.as_str(), longest.as_str()),
            (&too_long, "unprintable"),
            ("bad token refresh-token-1", "unprintable"),
            (r"\u001b[2J", "unprintable"),
            ("refresh_token=refresh%2Dtoken%2D1", "unprintable"),
            ("\u{fc}", "unprintable"),
        ];

        for (code, shown) in rows {
            let body = [r#"{"error":""#, code, r#""}"#].concat();

            assert_eq!(json(400, &body), misconfigured(shown), "{code}");
        }
    }

    #[test]
    fn a_page_is_never_a_verdict_on_the_grant() {
        let pages = [
            (Some("text/html; charset=utf-8"), "Please log in"),
            (Some("TEXT/HTML"), "error=invalid_grant"),
            (Some("application/json"), "<!DOCTYPE html><p>{\"error\":\"invalid_grant\"}"),
            (None, "\u{feff}\r\n<html>invalid_grant</html>"),
        ];

        for (content_type, body) in pages {
            for status in [200, 302, 400, 401, 403, 407] {
                let verdict = read(&Raw { content_type, ..raw(status, body.as_bytes()) });

                assert_eq!(verdict, Verdict::Blocked { status, retry_after: None }, "{status} {body}");
            }
        }
    }

    #[test]
    fn a_refusal_that_is_not_the_protocols_is_blocked() {
        for body in ["Bad Request", r#"{"message":"Forbidden"}"#, "[]", r#"{"error":{"code":190}}"#, r#"{"error":""}"#]
        {
            assert_eq!(json(400, body), Verdict::Blocked { status: 400, retry_after: None }, "{body}");
        }
    }

    #[test]
    fn a_bare_400_ends_the_login_and_no_other_bare_status_does() {
        for body in ["", "\r\n", "\u{feff}"] {
            assert_eq!(json(400, body), Verdict::Refused { reason: ReauthReason::Other("http_400".into()) });
        }
        for status in [401, 403, 404, 407, 422] {
            assert_eq!(json(status, ""), Verdict::Blocked { status, retry_after: None });
        }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_on_the_servers_clock() {
        let noon = http_date("Sat, 21 Nov 2026 12:00:00 GMT");
        let rows = [
            (Some("120"), None, Some(120)),
            (Some(" 0 "), None, Some(0)),
            (Some("-5"), None, Some(0)),
            (Some("99999999999999999999999999"), None, Some(315_360_000)),
            (Some("Sat, 21 Nov 2026 12:01:30 GMT"), noon, Some(90)),
            (Some("Sat, 21 Nov 2026 11:00:00 GMT"), noon, Some(0)),
            (Some("Sat, 21 Nov 2026 01:02:13 GMT"), None, Some(10)),
            (Some("soon"), noon, None),
            (Some(""), noon, None),
            (None, noon, None),
        ];

        for (retry_after, date, expected) in rows {
            let verdict = read(&Raw { retry_after, date, ..raw(503, b"") });

            let retry_after = expected.map(Duration::from_secs);
            assert_eq!(verdict, Verdict::Transient { trouble: Trouble::Status(503), retry_after });
        }
    }

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(UnixTime::from_secs(784_111_777)));
        assert_eq!(http_date("yesterday"), None);
    }

    #[test]
    fn no_verdict_prints_a_token() {
        for body in [r#"{"access_token":"at-1","refresh_token":"rt-1"}"#, r#"{"refresh_token":"rt-1"}"#] {
            let printed = alloc::format!("{:?}", json(200, body));

            assert!(!printed.contains("at-1") && !printed.contains("rt-1"), "{printed}");
        }
    }

    fn bare() -> Tokens {
        Tokens { access_token: Secret::new("at-1"), refresh_token: None, expires_in: None, scope: None, account: None }
    }

    fn misconfigured(code: &str) -> Verdict {
        Verdict::Misconfigured { code: Secret::new(code) }
    }

    fn json(status: u16, body: &str) -> Verdict {
        read(&raw(status, body.as_bytes()))
    }

    fn raw(status: u16, body: &[u8]) -> Raw<'_> {
        let received = UnixTime::from_secs(1_795_222_923);
        Raw { status, content_type: Some("application/json"), retry_after: None, date: None, received, body }
    }
}
