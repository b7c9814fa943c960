//! Our own format, version 1.
//!
//! ```json
//! {
//!   "version": 1,
//!   "access_token": "…",
//!   "refresh_token": "…",
//!   "token_type": "Bearer",
//!   "scope": "…",
//!   "issued_at": "2026-11-21T01:02:03.456Z",
//!   "expires_at": "2026-11-21T02:02:03.456Z",
//!   "refresh_token_expires_at": "2026-12-21T01:02:03.456Z",
//!   "account": "…"
//! }
//! ```
//!
//! A member that is missing, null or "" is absent. Members we do not know stay as they are, byte for byte.

use alloc::{string::String, vec::Vec};
use core::slice;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};

use super::{
    read,
    splice::{Edit, NotAnObject, splice},
};
use crate::{
    AccessToken, Account, Grant, Secret, SecretBytes, UnixTime, Unreadable,
    json::{self, Object},
};

/// Reads a store's content. `Ok(None)` is an object without a token: signed out.
///
/// # Errors
/// [`Unreadable::Newer`] for a version above ours, [`Unreadable::Corrupt`] for everything that is not one whole object
/// with members of our types. An empty file is corrupt too: nobody writes one on purpose.
pub(super) fn decode(bytes: &[u8]) -> Result<Option<Grant>, Unreadable> {
    let object = read::object(read::utf8(bytes)?)?;
    // First of all: a newer version may mean something else by the same names.
    check_version(&object)?;
    let member = |name| read::text(&object, name);
    let moment = |name| member(name)?.map(|text| read_moment(text.expose())).transpose();
    // EXPOSE: scope and account are no secrets, they only came through the same door.
    let plain = |name| Ok(member(name)?.map(|text| String::from(text.expose())));
    let expires_at = moment("expires_at")?;
    // Checked, not kept: what we write is a bearer token.
    member("token_type")?;
    let grant = Grant {
        access_token: member("access_token")?.map(|token| AccessToken::from_secret(token, expires_at)),
        refresh_token: member("refresh_token")?,
        refresh_token_expires_at: moment("refresh_token_expires_at")?,
        scope: plain("scope")?,
        issued_at: moment("issued_at")?,
        account: plain("account")?.map(Account::new),
    };
    Ok((!grant.is_empty()).then_some(grant))
}

/// Returns the content that holds `grant` and everything in `existing` that is not ours. A store that is absent or
/// blank becomes a new file.
///
/// # Errors
/// As [`decode`] for `existing`: a damaged or newer store is never written over (promise P4).
pub(super) fn encode(existing: Option<&[u8]>, grant: &Grant) -> Result<SecretBytes, Unreadable> {
    let existing = read::utf8(existing.unwrap_or_default())?;
    let text = if json::without_mark(existing).trim().is_empty() {
        EMPTY
    } else {
        decode(existing.as_bytes())?;
        existing
    };
    // EXPOSE: quoted for the file; each quoted text is a secret until it is in the buffer, which is one.
    let access_token = grant.access_token.as_ref();
    let members = [
        ("version", Some(Secret::new(VERSION))),
        ("access_token", access_token.map(|token| json::quoted(token.expose()))),
        ("refresh_token", grant.refresh_token.as_ref().map(|token| json::quoted(token.expose()))),
        ("token_type", Some(json::quoted("Bearer"))),
        ("scope", grant.scope.as_deref().map(json::quoted)),
        ("issued_at", grant.issued_at.map(written_moment)),
        ("expires_at", access_token.and_then(AccessToken::expires_at).map(written_moment)),
        ("refresh_token_expires_at", grant.refresh_token_expires_at.map(written_moment)),
        ("account", grant.account.as_ref().map(|account| json::quoted(account.as_str()))),
    ];
    let edits: Vec<_> = members
        .iter()
        .map(|(name, value)| Edit { path: slice::from_ref(name), value: value.as_ref().map(Secret::expose) })
        .collect();
    splice(text, &edits).map_err(|NotAnObject| Unreadable::Corrupt)
}

/// The version we write, and the highest we read.
const VERSION: &str = "1";

/// What a new file grows from; it gives the layout.
const EMPTY: &str = "{\n  \"version\": 1\n}\n";

/// A file without a version is one of ours that somebody wrote by hand.
fn check_version(object: &Object<'_>) -> Result<(), Unreadable> {
    let written = object.get("version").unwrap_or(VERSION);
    let is_whole = written.bytes().all(|byte| byte.is_ascii_digit());
    match written {
        VERSION => Ok(()),
        "0" => Err(Unreadable::Corrupt),
        _ if is_whole => Err(Unreadable::Newer),
        _ => Err(Unreadable::Corrupt),
    }
}

fn read_moment(text: &str) -> Result<UnixTime, Unreadable> {
    let moment: Timestamp = text.parse().map_err(|_| Unreadable::Corrupt)?;
    // A moment before 1970 has passed as well.
    Ok(UnixTime::from_millis(u64::try_from(moment.as_millisecond()).unwrap_or(0)))
}

/// Writes a moment as RFC 3339 with milliseconds; one beyond the year 9999 becomes the last that can be written.
fn written_moment(moment: UnixTime) -> Secret {
    let millis = i64::try_from(moment.as_millis()).ok();
    let moment = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX);
    json::quoted(&DateTimePrinter::new().precision(Some(3)).timestamp_to_string(&moment))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_file_is_pretty_and_ends_in_a_newline() {
        for existing in [None, Some(b"".as_slice()), Some(b"\xef\xbb\xbf \n")] {
            assert_eq!(encoded(existing, &full()).as_deref(), Ok(FULL));
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let grants = [
            full(),
            Grant { refresh_token: Some(Secret::new("rt \"\\\n\u{1}ü😀/")), ..Grant::default() },
            Grant { access_token: Some(AccessToken::new("at-1", None)), ..Grant::default() },
        ];

        for grant in grants {
            let bytes = encode(None, &grant).unwrap_or_default();

            assert_eq!(decode(bytes.expose()), Ok(Some(grant)));
        }
    }

    #[test]
    fn what_is_not_ours_stays_byte_for_byte() {
        let before = "\u{feff}{ \"x\":1.0e2 , \"access_token\":\"abc\\/def\",\n\t\"note\" : [ {\"access_token\":\"theirs\"} ],\
                      \"refresh_token\":\"r\\u0074\",\"\\u00fc\":\"\\/\" }\r\n\n";

        let after = encoded(Some(before.as_bytes()), &Grant { issued_at: None, ..full() });

        let expected = "\u{feff}{ \"x\":1.0e2 , \"access_token\":\"access-token-1\",\n\t\"note\" : [ {\"access_token\":\"theirs\"} ],\
                        \"refresh_token\":\"refresh-token-1\",\"\\u00fc\":\"\\/\",\"version\":1,\"token_type\":\"Bearer\",\
                        \"scope\":\"openid api:read\",\"expires_at\":\"2026-11-21T02:02:03.456Z\",\
                        \"refresh_token_expires_at\":\"2026-12-21T01:02:03.456Z\",\
                        \"account\":\"https://id.test alice\" }\r\n\n";
        assert_eq!(after.as_deref(), Ok(expected));
    }

    #[test]
    fn what_the_grant_no_longer_has_is_removed() {
        let grant = Grant { refresh_token: Some(Secret::new("refresh-token-2")), ..Grant::default() };

        let after = encoded(Some(FULL.as_bytes()), &grant);

        let expected =
            "{\n  \"version\": 1,\n  \"refresh_token\": \"refresh-token-2\",\n  \"token_type\": \"Bearer\"\n}\n";
        assert_eq!(after.as_deref(), Ok(expected));
    }

    #[test]
    fn tokens_with_escapes_are_read_by_their_text() {
        let grant = decode(br#"{"access_token":"abc\/def","refresh_token":"\u0061\ud83d\ude00"}"#);

        let expected = Grant {
            access_token: Some(AccessToken::new("abc/def", None)),
            refresh_token: Some(Secret::new("a😀")),
            ..Grant::default()
        };
        assert_eq!(grant, Ok(Some(expected)));
    }

    #[test]
    fn an_object_without_a_token_is_signed_out() {
        for text in ["{}", r#"{"version":1,"x":2}"#, r#"{"access_token":"","refresh_token":null,"scope":"a"}"#] {
            assert_eq!(decode(text.as_bytes()), Ok(None), "{text}");
        }
    }

    #[test]
    fn absent_members_are_none() {
        let bare = Grant { refresh_token: Some(Secret::new("r")), ..Grant::default() };

        for text in [
            r#"{"refresh_token":"r"}"#,
            r#"{"version":null,"refresh_token":"r","access_token":"","scope":"","issued_at":null,"expires_at":"","account":""}"#,
            "\u{feff} {\"refresh_token\":\"r\"} \r\n\t",
        ] {
            assert_eq!(decode(text.as_bytes()), Ok(Some(bare.clone())), "{text}");
        }
    }

    #[test]
    fn a_newer_version_is_neither_read_nor_written_over() {
        for text in [r#"{"version":2,"access_token":7}"#, r#"{"version":99999999999999999999999}"#] {
            assert_eq!(decode(text.as_bytes()), Err(Unreadable::Newer));
            assert_eq!(encoded(Some(text.as_bytes()), &full()), Err(Unreadable::Newer));
        }
    }

    #[test]
    fn a_damaged_store_is_neither_read_nor_written_over() {
        let damaged: [&[u8]; 17] = [
            b"{",
            b"[]",
            b"null",
            b"\"access_token\"",
            b"\0\0\0\0",
            b"{\"access_token\":\"a\"}x",
            b"{\"access_token\":\"a\"}\0",
            b"{\"access_token\":\"a\"",
            b"{\"access_token\":1}",
            b"{\"refresh_token\":[\"r\"]}",
            b"{\"access_token\":\"\\ud800\"}",
            b"{\"access_token\":\"\xff\"}",
            b"{\"access_token\":\"a\",\"expires_at\":1795219264}",
            b"{\"access_token\":\"a\",\"expires_at\":\"tomorrow\"}",
            b"{\"access_token\":\"a\",\"token_type\":7}",
            b"{\"version\":\"1\"}",
            b"{\"version\":0}",
        ];

        for bytes in damaged {
            assert_eq!(decode(bytes), Err(Unreadable::Corrupt));
            assert_eq!(encoded(Some(bytes), &full()), Err(Unreadable::Corrupt));
        }
        assert_eq!(decode(b""), Err(Unreadable::Corrupt));
        assert_eq!(decode(b" \n"), Err(Unreadable::Corrupt));
    }

    #[test]
    fn moments_are_read_with_any_offset_and_precision() {
        let rows = [
            ("2026-11-21T01:02:03Z", 1_795_222_923_000),
            ("2026-11-21T03:02:03.456789+02:00", 1_795_222_923_456),
            ("1969-12-31T23:59:59Z", 0),
        ];

        for (text, millis) in rows {
            assert_eq!(read_moment(text), Ok(UnixTime::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn a_moment_beyond_all_calendars_becomes_the_last_one() {
        let written = written_moment(UnixTime::from_millis(u64::MAX));

        assert_eq!(written.expose(), "\"9999-12-30T22:00:00.999Z\"");
        assert!(read_moment("9999-12-30T22:00:00.999Z").is_ok());
    }

    const FULL: &str = r#"{
  "version": 1,
  "access_token": "access-token-1",
  "refresh_token": "refresh-token-1",
  "token_type": "Bearer",
  "scope": "openid api:read",
  "issued_at": "2026-11-21T01:02:03.456Z",
  "expires_at": "2026-11-21T02:02:03.456Z",
  "refresh_token_expires_at": "2026-12-21T01:02:03.456Z",
  "account": "https://id.test alice"
}
"#;

    fn full() -> Grant {
        let issued_at = UnixTime::from_millis(1_795_222_923_456);
        let expires_at = issued_at.plus(core::time::Duration::from_secs(3600));
        Grant {
            access_token: Some(AccessToken::new("access-token-1", Some(expires_at))),
            refresh_token: Some(Secret::new("refresh-token-1")),
            refresh_token_expires_at: Some(issued_at.plus(core::time::Duration::from_secs(2_592_000))),
            scope: Some("openid api:read".into()),
            issued_at: Some(issued_at),
            account: Some(Account::new("https://id.test alice")),
        }
    }

    fn encoded(existing: Option<&[u8]>, grant: &Grant) -> Result<String, Unreadable> {
        encode(existing, grant).map(|bytes| String::from_utf8_lossy(bytes.expose()).into_owned())
    }
}
