//! The token endpoint's answer (RFC 6749 sections 5.1 and 5.2), and what is not one.
//!
//! The status decides first where it says that a request was not judged (5xx, 429, 408); then what a provider is known
//! to say; then the error code, wherever the body keeps it; then a whole sentence about the refresh token; then the
//! status. No part of a sentence ever decides (promise P6). Each decision has a row with a short stable id.

use alloc::string::String;
use core::{str, time::Duration};

use jiff::{
    fmt::{rfc2822, strtime},
    tz::TimeZone,
};

use super::{
    body::{Body, Members},
    dialect::Dialect,
    jwt,
    tokens::{LONGEST, Tokens, odd_type, refresh_token, seconds},
};
use crate::{
    ReauthReason, Secret, Trouble, UnixTime,
    classify::{self, Class, Habit, Row, Says},
};

/// An answer as the journal keeps it: unparsed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Raw<'a> {
    pub(crate) status: u16,
    pub(crate) content_type: Option<&'a str>,
    pub(crate) retry_after: Option<&'a str>,
    /// The `x-amzn-ErrorType` header.
    pub(crate) error_type: Option<&'a str>,
    /// The `Date` header.
    pub(crate) date: Option<UnixTime>,
    /// When the answer was received, on our own clock.
    pub(crate) received: UnixTime,
    pub(crate) dialect: &'a Dialect,
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
    /// `code` names what a person must change, if that is the reason.
    Malformed { refresh_token: Option<Secret>, code: Option<&'static str> },
}

/// A verdict, and the row that decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Judged {
    pub(crate) verdict: Verdict,
    pub(crate) row: &'static str,
    /// Whether a person has yet to answer on another device.
    pub(crate) pending: bool,
}

/// Returns what an answer means. Never fails: what cannot be understood is a verdict too.
pub(crate) fn read(raw: &Raw<'_>) -> Judged {
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
    let transient = |trouble, row| judged(Verdict::Transient { trouble, retry_after: retry_after(raw) }, row);
    match raw.status {
        429 => transient(Trouble::Throttled, "status.429"),
        408 => transient(Trouble::Status(408), "status.408"),
        500..=599 => transient(Trouble::Status(raw.status), "status.5xx"),
        200..=299 => success(raw, &body),
        400..=499 => refusal(raw, &body),
        300..=399 => blocked(raw, "status.3xx"),
        _ => blocked(raw, "status.odd"),
    }
}

/// Reads an HTTP date in any of its three spellings (RFC 9110 section 5.6.7).
pub(crate) fn http_date(text: &str) -> Option<UnixTime> {
    let text = text.trim();
    let parser = rfc2822::DateTimeParser::new().relaxed_weekday(true);
    let obsolete = |format| {
        let parts = strtime::parse(format, text).ok()?;
        parts.to_datetime().ok()?.to_zoned(TimeZone::UTC).ok().map(|moment| moment.timestamp())
    };
    let moment = parser
        .parse_timestamp(text)
        .ok()
        .or_else(|| obsolete("%A, %d-%b-%y %H:%M:%S GMT"))
        .or_else(|| obsolete("%a %b %e %H:%M:%S %Y"))?;
    u64::try_from(moment.as_millisecond()).ok().map(UnixTime::from_millis)
}

fn success(raw: &Raw<'_>, body: &Body<'_>) -> Judged {
    let malformed = |refresh_token, row| judged(Verdict::Malformed { refresh_token, code: None }, row);
    match body {
        Body::Protocol(members) => granted(raw, members).unwrap_or_else(|| {
            let said = named(raw, members);
            let refused = matches!(&said, Some(Judged { verdict: Verdict::Refused { .. }, .. }));
            match (said, refresh_token(members)) {
                // Whatever passing trouble is told with it: the old refresh token is spent, and here is the new one.
                (_, new @ Some(_)) if !refused => malformed(new, "shape.no_token"),
                (Some(said), _) => said,
                (None, new) => malformed(new, "shape.no_token"),
            }
        }),
        // The end is missing, perhaps `expires_in` with it, so the access token is not used. The refresh token is: the
        // old one is spent, and this one stands there whole.
        Body::Damaged(members) => malformed(refresh_token(members), "shape.damaged"),
        Body::Page => blocked(raw, "shape.page"),
        // Not a page for people, hence no captive portal: the server itself may have rotated and lost its tongue.
        Body::Empty => malformed(None, "shape.empty"),
        Body::Foreign => malformed(None, "shape.foreign"),
    }
}

fn refusal(raw: &Raw<'_>, body: &Body<'_>) -> Judged {
    match body {
        Body::Protocol(members) => named(raw, members).unwrap_or_else(|| blocked(raw, "shape.no_code")),
        // A bare 400 is the one answer without a code that ends a login. Firewalls, proxies and portals explain
        // themselves with a page, and send 403, 407 or 302; a server that finds our well-formed request wrong and says
        // nothing has looked at the token. Taken for a passing trouble it would hold its user for ever; taken for a
        // refusal in error it costs one sign-in, the store stays as it is, and an explicit refresh asks again. Not so a
        // bare 401: gateways that want a login of their own send it, and servers that want another client (RFC 6749
        // section 5.2).
        Body::Empty if raw.status == 400 => match raw.error_type {
            Some(_) => named(raw, &Members::nothing()).unwrap_or_else(|| blocked(raw, "shape.empty")),
            None => judged(Verdict::Refused { reason: ReauthReason::Other(BARE_400.into()) }, "shape.empty_400"),
        },
        Body::Empty => named(raw, &Members::nothing()).unwrap_or_else(|| blocked(raw, "shape.empty")),
        Body::Damaged(_) => blocked(raw, "shape.damaged"),
        Body::Page => blocked(raw, "shape.page"),
        Body::Foreign => blocked(raw, "shape.foreign"),
    }
}

/// Returns the verdict of an answer with a usable access token, whatever else it says.
fn granted(raw: &Raw<'_>, members: &Members<'_>) -> Option<Judged> {
    let mut tokens = Tokens::of(members, raw.dialect)?;
    // EXPOSE: looked at only.
    let says_itself = || jwt::jwt_end(tokens.access_token.expose()).map(|end| end.since(server_time(raw)).min(LONGEST));
    tokens.expires_in = tokens.expires_in.or_else(says_itself);
    let Some(code) = odd_type(members) else { return Some(judged(Verdict::Granted(tokens), "shape.tokens")) };
    // RFC 6749 section 7.1: such a token must not be used. A new refresh token is kept all the same (promise P3).
    let verdict = match tokens.refresh_token {
        None => Verdict::Misconfigured { code: Secret::new(code) },
        refresh_token => Verdict::Malformed { refresh_token, code: Some(code) },
    };
    Some(judged(verdict, "shape.token_type"))
}

/// Returns the verdict of what the answer says, if it says something that counts.
fn named(raw: &Raw<'_>, members: &Members<'_>) -> Option<Judged> {
    // EXPOSE: an error code is no secret; it only came through the same door.
    let known = codes(raw, members).find_map(|code| classify::row(code.expose()));
    let habit = classify::habits().iter().find(|habit| fits(habit, members)).map(|habit| habit.row);
    let row = match (habit, known) {
        // `invalid_grant` ends a login whatever stands beside it.
        (Some(habit), Some(known)) if known.id == INVALID_GRANT => {
            Some(if matches!(habit.class, Class::Revoked | Class::Reused | Class::SignIn) { habit } else { known })
        }
        // A passing code in a description counts only where nothing else does.
        (Some(habit), Some(known)) if habit.id.starts_with("google.described") => Some(known),
        (habit, known) => habit.or(known),
    };
    let decided = match row {
        // Some servers say a dead refresh token by a code for everything and a sentence.
        Some(row) if VAGUE.contains(&row.id) && says_that_it_ended(members) => Some((SENTENCE, SENTENCE.id)),
        Some(row) => Some((row, entra(members, Some(row.class)).map_or(row.id, |entra| entra.id))),
        None => entra(members, None).map(|entra| (entra, entra.id)),
    };
    let speaks = matches!(raw.status, 200..=299 | 400 | 401 | 403) && decided.is_none();
    let sentence = || (speaks && says_that_it_ended(members)).then_some((SENTENCE, SENTENCE.id));
    let (row, id) = match decided.or_else(sentence) {
        Some(decided) => decided,
        None => return unknown(raw, members),
    };
    if raw.status == 403 && GATEWAYS_SAY.contains(&row.id) && members.text(&["error"]).is_none() {
        return Some(blocked(raw, "shape.no_code"));
    }
    let verdict = match row.class {
        Class::Revoked => Verdict::Refused { reason: ReauthReason::Revoked },
        Class::Reused => Verdict::Refused { reason: ReauthReason::Reused },
        Class::SignIn => Verdict::Refused { reason: ReauthReason::Other(row.word.into()) },
        Class::Misconfigured => Verdict::Misconfigured { code: Secret::new(row.word) },
        Class::Blocked => return Some(blocked(raw, id)),
        Class::Transient | Class::Pending => {
            Verdict::Transient { trouble: Trouble::Code(row.word.into()), retry_after: retry_after(raw) }
        }
    };
    Some(Judged { verdict, row: id, pending: row.class == Class::Pending })
}

/// Returns the verdict of a code that no row knows. It must not end a login (promise P4), and waiting does not cure it:
/// a person has to read it. With another status than these it is more likely a gateway's own word ("Forbidden",
/// "not_found"), unless it is described as the protocol does; else the status decides.
fn unknown(raw: &Raw<'_>, members: &Members<'_>) -> Option<Judged> {
    // EXPOSE: looked at, and shown only if it looks like a code.
    let mut code = UNKNOWN_PLACES.iter().filter_map(|place| members.text(place));
    let code = code.find(|code| !code.expose().is_empty() && !classify::is_status_phrase(code.expose()))?;
    let described = members.text(&["error_description"]).is_some() && members.text(&["error"]).is_some();
    let judges = matches!(raw.status, 200..=299 | 400 | 401) || described;
    judges.then(|| judged(Verdict::Misconfigured { code: printable(code.expose()) }, "code.unknown"))
}

/// Returns the codes of an answer, the likeliest place first.
fn codes(raw: &Raw<'_>, members: &Members<'_>) -> impl Iterator<Item = Secret> {
    // AWS may put a place for more about it behind a colon.
    let header = raw.error_type.and_then(|text| text.split(':').next()).map(Secret::new);
    let codes = CODE_PLACES.iter().filter_map(|place| members.text(place)).chain(header);
    // EXPOSE: looked at; a code is no secret.
    codes.filter(|code| !code.expose().is_empty() && !classify::is_status_phrase(code.expose()))
}

/// Returns the row of Entra's number: in front of the description, or the first of the list.
fn entra(members: &Members<'_>, class: Option<Class>) -> Option<Row> {
    // EXPOSE: a number is no secret.
    let described = members.text(&["error_description"]).and_then(|text| {
        let number = text.expose().strip_prefix("AADSTS")?.split(':').next()?;
        classify::entra(number, class)
    });
    described.or_else(|| classify::entra(members.number(&["error_codes", "0"])?.expose(), class))
}

fn fits(habit: &Habit, members: &Members<'_>) -> bool {
    habit.all.iter().all(|(path, says)| {
        // EXPOSE: compared with what a provider is known to say.
        let text = || members.text(path);
        let number = || members.number(path).and_then(|number| number.expose().trim().parse::<i64>().ok());
        match says {
            Says::Is(known) => text().is_some_and(|text| is_sentence(text.expose(), known)),
            Says::Begins(known) => text().is_some_and(|text| {
                text.expose().get(..known.len()).is_some_and(|part| part.eq_ignore_ascii_case(known))
            }),
            Says::Number(known) => number().is_some_and(|number| known.contains(&number)),
            Says::Numeric => number().is_some(),
        }
    })
}

fn is_sentence(text: &str, known: &str) -> bool {
    let text = text.trim();
    text.eq_ignore_ascii_case(known) || text.strip_suffix('.').is_some_and(|text| text.eq_ignore_ascii_case(known))
}

fn says_that_it_ended(members: &Members<'_>) -> bool {
    let texts = classify::PATHS_OF_SENTENCES.iter().filter_map(|place| members.text(place));
    // EXPOSE: looked at only.
    texts.into_iter().any(|text| classify::ends_a_refresh_token(text.expose()))
}

fn judged(verdict: Verdict, row: &'static str) -> Judged {
    Judged { verdict, row, pending: false }
}

/// Returns the moment of the answer on the clock of who made it, for moments that are told by that clock. A difference of
/// a few seconds is the way; one of more than a day is a wrong `Date`.
fn server_time(raw: &Raw<'_>) -> UnixTime {
    const SKEW: core::ops::RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_secs(86_400);
    let skewed = |date: &UnixTime| SKEW.contains(&date.since(raw.received).max(raw.received.since(*date)));
    raw.date.filter(skewed).unwrap_or(raw.received)
}

fn retry_after(raw: &Raw<'_>) -> Option<Duration> {
    let text = raw.retry_after?;
    // A date is the server's: against its own clock our skew does not count.
    let date = || http_date(text).map(|at| at.since(raw.date.unwrap_or(raw.received)).min(LONGEST));
    seconds(text).or_else(date)
}

fn blocked(raw: &Raw<'_>, row: &'static str) -> Judged {
    judged(Verdict::Blocked { status: raw.status, retry_after: retry_after(raw) }, row)
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
    // OpenAI, Anthropic, Google's and Dropbox's APIs
    &["error", "code"],
    &["error", "type"],
    &["error", "status"],
    &["error", ".tag"],
    // Servers that wrap the protocol's answer: FastAPI, OpenAPI generators
    &["error", "error"],
    &["detail", "error"],
    // Notion, Okta, Supabase
    &["code"],
    &["errorCode"],
    &["error_code"],
    // Apigee
    &["ErrorCode"],
    // Fitbit
    &["errors", "0", "errorType"],
    // Square
    &["errors", "0", "code"],
    // AWS
    &["__type"],
    // HubSpot
    &["status"],
    &["category"],
];

/// Codes that gateways and firewalls use for a 403 of their own; a token endpoint says them as `error`.
const GATEWAYS_SAY: &[&str] = &["rfc6749.access_denied", "aws.AccessDeniedException"];

/// Where a code that no row knows is taken for one.
const UNKNOWN_PLACES: &[&[&str]] =
    &[&["error"], &["error", "code"], &["error", "type"], &["errorCode"], &["errors", "0", "errorType"], &["__type"]];

const INVALID_GRANT: &str = "rfc6749.invalid_grant";

/// Codes that some servers use for a dead refresh token too: Atlassian, Discord, LinkedIn, TikTok.
const VAGUE: &[&str] = &[
    "rfc6749.invalid_request",
    "rfc6749.unauthorized_client",
    "anthropic.invalid_request_error",
    "google.INVALID_ARGUMENT",
];

const SENTENCE: Row = Row::of_habit("sentence.refresh_token", Class::Revoked);

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

            assert_eq!(
                read(&Raw { content_type: Some(content_type), ..raw(status, body) }).verdict,
                Verdict::Granted(bare())
            );
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
            r#"{"refresh_token":"rt-1","access_token":"at-1","sco"#,
            r#"{"access_token":"at-1","refresh_token":"rt-1"}<br />"#,
            "refresh_token=rt-1&access_token=",
        ] {
            assert_eq!(
                json(200, body),
                Verdict::Malformed { refresh_token: Some(Secret::new("rt-1")), code: None },
                "{body}"
            );
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
            assert_eq!(json(200, body), Verdict::Malformed { refresh_token: None, code: None }, "{body}");
        }
    }

    #[test]
    fn a_token_of_another_type_is_not_used() {
        assert_eq!(json(200, r#"{"access_token":"at-1","token_type":"mac"}"#), misconfigured("token_type"));
        let refresh_token = Some(Secret::new("rt-1"));
        let bound = r#"{"access_token":"at-1","refresh_token":"rt-1","token_type":"DPoP"}"#;
        assert_eq!(json(200, bound), Verdict::Malformed { refresh_token, code: Some("dpop") });
        for kind in ["Bearer", "BEARER", "bot", "user"] {
            let body = [r#"{"access_token":"at-1","token_type":""#, kind, r#""}"#].concat();

            assert_eq!(json(200, &body), Verdict::Granted(bare()), "{kind}");
        }
    }

    #[test]
    fn a_stray_byte_does_not_cost_the_tokens_beside_it() {
        let verdict = read(&raw(200, b"{\"note\":\"caf\xe9\",\"access_token\":\"at-1\"}")).verdict;

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

            let verdict = read(&Raw { retry_after: Some("7"), ..raw(400, body.as_bytes()) }).verdict;

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
                let verdict = read(&Raw { content_type, ..raw(status, body.as_bytes()) }).verdict;

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
            let verdict = read(&Raw { retry_after, date, ..raw(503, b"") }).verdict;

            let retry_after = expected.map(Duration::from_secs);
            assert_eq!(verdict, Verdict::Transient { trouble: Trouble::Status(503), retry_after });
        }
    }

    #[test]
    fn a_token_that_says_its_own_end_is_believed_on_its_servers_clock() {
        // {"exp": 1795222983}, 60 s after the answer.
        let body = br#"{"access_token":"e30.eyJleHAiOiAxNzk1MjIyOTgzfQ.c2ln"}"#;
        let both = br#"{"expires_in":7,"access_token":"e30.eyJleHAiOiAxNzk1MjIyOTgzfQ.c2ln"}"#;
        let date = |secs: i64| Some(UnixTime::from_secs((1_795_222_923 + secs).try_into().unwrap()));
        let rows = [
            (body.as_slice(), None, 60),
            (body, date(4), 60),
            (body, date(30), 30),
            (body, date(-30), 90),
            (body, date(90_000), 60),
            (body, date(3600), 0),
            (both, date(30), 7),
        ];

        for (body, date, secs) in rows {
            let Verdict::Granted(tokens) = read(&Raw { date, ..raw(200, body) }).verdict else { panic!("not granted") };

            assert_eq!(tokens.expires_in, Some(Duration::from_secs(secs)), "{date:?}");
        }
    }

    #[test]
    fn a_dialect_names_the_account_and_the_bearer() {
        let body = br#"{"access_token":"at-1","id_token":"it-1","account":{"uuid":"u-1","email":"a@b.test"}}"#;
        let dialect = Dialect { account_field: Some("account.uuid".into()), bearer: crate::Bearer::IdToken };

        let told = read(&Raw { dialect: &dialect, ..raw(200, body) }).verdict;
        let without =
            read(&Raw { dialect: &dialect, ..raw(200, br#"{"access_token":"at-1","account":{"uuid":7}}"#) }).verdict;

        let account = Some(crate::Account::new("u-1"));
        assert_eq!(told, Verdict::Granted(Tokens { access_token: Secret::new("it-1"), account, ..bare() }));
        assert_eq!(without, Verdict::Granted(bare()));
    }

    #[test]
    fn an_http_date_is_read() {
        assert_eq!(http_date("Sun, 06 Nov 1994 08:49:37 GMT"), Some(UnixTime::from_secs(784_111_777)));
        assert_eq!(http_date("Sunday, 06-Nov-94 08:49:37 GMT"), Some(UnixTime::from_secs(784_111_777)));
        assert_eq!(http_date("Sun Nov  6 08:49:37 1994"), Some(UnixTime::from_secs(784_111_777)));
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
        Tokens {
            access_token: Secret::new("at-1"),
            refresh_token: None,
            expires_in: None,
            refresh_token_expires_in: None,
            scope: None,
            account: None,
        }
    }

    fn misconfigured(code: &str) -> Verdict {
        Verdict::Misconfigured { code: Secret::new(code) }
    }

    fn json(status: u16, body: &str) -> Verdict {
        read(&raw(status, body.as_bytes())).verdict
    }

    fn raw(status: u16, body: &[u8]) -> Raw<'_> {
        let received = UnixTime::from_secs(1_795_222_923);
        let dialect = const { &Dialect::standard() };
        Raw {
            status,
            content_type: Some("application/json"),
            retry_after: None,
            error_type: None,
            date: None,
            received,
            dialect,
            body,
        }
    }
}
