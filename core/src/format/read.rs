//! What the formats read alike: texts, numbers and moments of a file that somebody else wrote.

use alloc::{string::String, vec::Vec};
use core::str;

use jiff::{Timestamp, fmt::temporal::DateTimePrinter};
use serde_json::value::RawValue;

use crate::{
    Secret, UnixTime, Unreadable,
    json::{self, Object},
};

pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Unreadable> {
    str::from_utf8(bytes).map_err(|_| Unreadable::Corrupt)
}

/// Reads a text that is one object and nothing else.
pub(super) fn object(text: &str) -> Result<Object<'_>, Unreadable> {
    Object::parse(json::without_mark(text)).ok_or(Unreadable::Corrupt)
}

/// Reads a member that must be a text; "" is absent.
pub(super) fn text(object: &Object<'_>, name: &str) -> Result<Option<Secret>, Unreadable> {
    let Some(written) = object.get(name) else { return Ok(None) };
    let text = json::text(written).ok_or(Unreadable::Corrupt)?;
    Ok((!text.expose().is_empty()).then_some(text))
}

/// Reads a token. One with a control character would end the header it is put into.
pub(super) fn token(object: &Object<'_>, name: &str) -> Result<Option<Secret>, Unreadable> {
    // EXPOSE: looked at only.
    match text(object, name)? {
        Some(token) if token.expose().chars().any(char::is_control) => Err(Unreadable::Corrupt),
        token => Ok(token),
    }
}

/// Reads a text that is no secret and not needed: another type is none.
pub(super) fn plain(object: &Object<'_>, name: &str) -> Option<String> {
    // EXPOSE: scopes and accounts are no secrets.
    json::text(object.get(name)?).map(|text| String::from(text.expose())).filter(|text| !text.trim().is_empty())
}

/// Reads a list of words, or a text of them, as one text with spaces between.
pub(super) fn words(object: &Object<'_>, name: &str) -> Option<String> {
    let written = object.get(name)?;
    if !written.starts_with('[') {
        return plain(object, name);
    }
    let list: Vec<&RawValue> = serde_json::from_str(written).ok()?;
    let words: Vec<_> = list.into_iter().map(|word| json::text(word.get())).collect::<Option<_>>()?;
    // EXPOSE: scopes are no secrets.
    let joined = words.iter().map(Secret::expose).collect::<Vec<_>>().join(" ");
    (!joined.trim().is_empty()).then_some(joined)
}

/// Reads a number of units as milliseconds, written as a number or as a text, whole or broken. Negative is zero.
pub(super) fn millis(object: &Object<'_>, name: &str, unit: u64) -> Option<u64> {
    json::number(object.get(name)?, unit)
}

/// Reads a moment; what is no number is unknown, for a token that may work is better than none.
pub(super) fn moment(object: &Object<'_>, name: &str, unit: u64) -> Option<UnixTime> {
    millis(object, name, unit).map(|millis| UnixTime::from_millis(millis.min(LAST)))
}

/// Reads an RFC 3339 moment; what is none is unknown. Older AWS tools write `UTC` for `Z`.
pub(super) fn date(object: &Object<'_>, name: &str) -> Option<UnixTime> {
    let text = plain(object, name)?;
    let text = text.trim();
    let utc = text.strip_suffix("UTC").map(|moment| alloc::format!("{moment}Z"));
    let moment: Timestamp = utc.as_deref().unwrap_or(text).parse().ok()?;
    // A moment before 1970 has passed as well: Go writes the year 1 for none.
    Some(UnixTime::from_millis(u64::try_from(moment.as_millisecond()).unwrap_or(0)))
}

/// Writes a moment as RFC 3339, with milliseconds where it has some.
pub(super) fn written_date(moment: UnixTime) -> Secret {
    let millis = i64::try_from(moment.as_millis().min(LAST)).ok();
    let moment = millis.and_then(|millis| Timestamp::from_millisecond(millis).ok()).unwrap_or(Timestamp::MAX);
    json::quoted(&DateTimePrinter::new().timestamp_to_string(&moment))
}

/// The end of the year 9999, as far as calendars go.
const LAST: u64 = 253_402_207_200_000;
