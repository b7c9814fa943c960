//! Edits members of a JSON object where they stand. Every other byte stays as it is (promise P8).

use alloc::vec::Vec;

use crate::{
    SecretBytes,
    json::{self, Object},
};

/// One edit: the member at `path`, a chain of names that need no escape, gets `value`, a JSON text; `None` removes it.
///
/// Objects that are missing or null on the way are made. Of two edits of one path the first counts.
#[derive(Clone, Copy)]
pub(crate) struct Edit<'a> {
    pub(crate) path: &'a [&'a str],
    pub(crate) value: Option<&'a str>,
}

/// The text, or a value on an edit's way, is not an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NotAnObject;

/// Returns `text` with the edits applied, in one buffer that never moved.
///
/// A new member is written as its last sibling is: same indent, same space after the colon. A member that stands there
/// twice is edited twice, so no reader finds an old token, whichever of the two it takes.
///
/// # Errors
/// [`NotAnObject`]; nothing is edited then.
pub(crate) fn splice(text: &str, edits: &[Edit<'_>]) -> Result<SecretBytes, NotAnObject> {
    let object = json::without_mark(text).trim_start();
    let mut pieces = Vec::from([text.strip_suffix(object).unwrap_or_default()]);
    emit(object, edits, &mut pieces)?;
    let mut out = SecretBytes::with_capacity(pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        out.push(piece.as_bytes());
    }
    Ok(out)
}

/// Appends the edited object as pieces of the old text and of the edits. `object` begins with its brace; white space
/// behind the closing one goes along.
fn emit<'a>(object: &'a str, edits: &[Edit<'a>], pieces: &mut Vec<&'a str>) -> Result<(), NotAnObject> {
    let written = Written::of(object).ok_or(NotAnObject)?;
    let mut any = false;
    pieces.push("{");
    for member in &written.members {
        let change = Change::of(edits, |name| json::is(member.name, name));
        if matches!(change, Change::Remove) {
            continue;
        }
        // A first member that went takes its own lead along, and the comma of the next one too.
        pieces.extend([if any { member.lead } else { written.first_lead }, member.name, member.colon]);
        any = true;
        match change {
            Change::Keep | Change::Remove => pieces.push(member.value),
            Change::Put(value) => pieces.push(value),
            Change::Within(edits) => emit(if member.value == "null" { "{}" } else { member.value }, &edits, pieces)?,
        }
    }
    for (at, edit) in edits.iter().enumerate() {
        let Some((name, _)) = edit.path.split_first() else { continue };
        let is_known = written.members.iter().any(|member| json::is(member.name, name));
        let is_done = edits.iter().take(at).any(|earlier| earlier.path.first() == Some(name));
        if is_known || is_done {
            continue;
        }
        let change = Change::of(edits, |other| other == *name);
        if !change.puts() {
            continue;
        }
        pieces.extend(if any { [",", written.indent] } else { ["", written.first_lead] });
        pieces.extend(["\"", *name, "\"", written.colon]);
        any = true;
        match change {
            Change::Keep | Change::Remove => {}
            Change::Put(value) => pieces.push(value),
            Change::Within(edits) => emit("{}", &edits, pieces)?,
        }
    }
    pieces.push(written.tail);
    Ok(())
}

enum Change<'a> {
    Keep,
    Put(&'a str),
    Remove,
    Within(Vec<Edit<'a>>),
}

impl<'a> Change<'a> {
    fn of(edits: &[Edit<'a>], is_name: impl Fn(&str) -> bool) -> Self {
        let mut within = Vec::new();
        for edit in edits {
            let Some((name, rest)) = edit.path.split_first() else { continue };
            if !is_name(name) {
                continue;
            }
            if rest.is_empty() {
                return edit.value.map_or(Self::Remove, Self::Put);
            }
            within.push(Edit { path: rest, value: edit.value });
        }
        if within.is_empty() { Self::Keep } else { Self::Within(within) }
    }

    fn puts(&self) -> bool {
        match self {
            Self::Keep | Self::Remove => false,
            Self::Put(_) => true,
            Self::Within(edits) => edits.iter().any(|edit| edit.value.is_some()),
        }
    }
}

/// An object cut at the borders of its members: the pieces in their order are the object again.
struct Written<'a> {
    /// From the brace to the first name.
    first_lead: &'a str,
    members: Vec<Cut<'a>>,
    /// From the last value on.
    tail: &'a str,
    /// What stands between a comma and the next name.
    indent: &'a str,
    /// What stands between a name and its value.
    colon: &'a str,
}

struct Cut<'a> {
    /// From the value before, or the brace, to the name: the comma is in here.
    lead: &'a str,
    name: &'a str,
    colon: &'a str,
    value: &'a str,
}

impl<'a> Written<'a> {
    fn of(text: &'a str) -> Option<Self> {
        let mut members = Vec::new();
        let mut end = '{'.len_utf8();
        for member in Object::parse(text)?.members {
            let (name, value) = (json::span(text, member.name)?, json::span(text, member.value)?);
            members.push(Cut {
                lead: text.get(end..name.start)?,
                name: member.name,
                colon: text.get(name.end..value.start)?,
                value: member.value,
            });
            end = value.end;
        }
        let last = members.last();
        let lead = last.map_or("", |last| last.lead);
        Some(Self {
            first_lead: members.first().map_or("", |first| first.lead),
            indent: lead.split_once(',').map_or(lead, |(_, indent)| indent),
            colon: last.map_or(":", |last| last.colon),
            tail: text.get(end..)?,
            members,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::String;

    use super::*;

    #[test]
    fn without_edits_every_byte_stays() {
        for text in ["{}", "\u{feff} { } \r\n", "{\"a\":1,\t\"b\" : [ 1e0 ,{}] ,\"\\u0061\":-0.0}\n\n"] {
            assert_eq!(edited(text, &[]), text);
        }
    }

    #[test]
    fn a_value_is_replaced_where_it_stands() {
        let text = "{ \"a\" : \"old\\/\" , \"n\": 1.0e2,\n\"z\":{\"a\":\"inner\"}}\n";

        let text = edited(text, &[put(&["a"], "\"new\"")]);

        assert_eq!(text, "{ \"a\" : \"new\" , \"n\": 1.0e2,\n\"z\":{\"a\":\"inner\"}}\n");
    }

    #[test]
    fn a_name_with_escapes_is_found() {
        assert_eq!(edited(r#"{"\u0061":1}"#, &[put(&["a"], "2")]), r#"{"\u0061":2}"#);
    }

    #[test]
    fn a_member_that_stands_twice_is_edited_twice() {
        assert_eq!(edited(r#"{"a":1,"b":0,"a":2}"#, &[put(&["a"], "3")]), r#"{"a":3,"b":0,"a":3}"#);
        assert_eq!(edited(r#"{"a":1,"b":0,"a":2}"#, &[remove(&["a"])]), r#"{"b":0}"#);
    }

    #[test]
    fn a_new_member_is_written_as_its_last_sibling_is() {
        let rows = [
            ("{\n  \"a\": 1\n}\n", "{\n  \"a\": 1,\n  \"x\": 9\n}\n"),
            ("{\n\t\"a\" : 1,\n\t\"b\" : 2 }", "{\n\t\"a\" : 1,\n\t\"b\" : 2,\n\t\"x\" : 9 }"),
            (r#"{"a":1}"#, r#"{"a":1,"x":9}"#),
            (r#"{"a": 1, "b": 2}"#, r#"{"a": 1, "b": 2, "x": 9}"#),
            ("{}", r#"{"x":9}"#),
        ];

        for (before, after) in rows {
            assert_eq!(edited(before, &[put(&["x"], "9")]), after);
        }
    }

    #[test]
    fn a_removed_member_takes_its_comma_along() {
        let text = "{\n  \"a\": 1,\n  \"b\": 2,\n  \"c\": 3\n}";

        assert_eq!(edited(text, &[remove(&["a"])]), "{\n  \"b\": 2,\n  \"c\": 3\n}");
        assert_eq!(edited(text, &[remove(&["b"])]), "{\n  \"a\": 1,\n  \"c\": 3\n}");
        assert_eq!(edited(text, &[remove(&["c"])]), "{\n  \"a\": 1,\n  \"b\": 2\n}");
        assert_eq!(edited(text, &[remove(&["a"]), remove(&["b"])]), "{\n  \"c\": 3\n}");
        assert_eq!(edited(text, &[remove(&["a"]), remove(&["b"]), remove(&["c"])]), "{\n}");
        assert_eq!(edited(text, &[remove(&["x"])]), text);
    }

    #[test]
    fn removal_and_insertion_in_one_go_leave_valid_json() {
        let edits = [remove(&["a"]), put(&["x"], "9"), remove(&["b"])];

        assert_eq!(edited("{\n  \"a\": 1,\n  \"b\": 2\n}", &edits), "{\n  \"x\": 9\n}");
        assert_eq!(edited("{\n  \"a\": 1,\n  \"c\": 2\n}", &edits), "{\n  \"c\": 2,\n  \"x\": 9\n}");
    }

    #[test]
    fn a_nested_member_is_edited_and_its_siblings_stay() {
        let text = "{\"mcpOAuth\": {\"k\": 1.0},\n \"claudeAiOauth\": {\"accessToken\": \"old\", \"scopes\": [ ]} }\n";

        let text = edited(
            text,
            &[
                put(&["claudeAiOauth", "accessToken"], "\"new\""),
                put(&["claudeAiOauth", "expiresAt"], "5"),
                remove(&["claudeAiOauth", "absent"]),
            ],
        );

        assert_eq!(
            text,
            "{\"mcpOAuth\": {\"k\": 1.0},\n \"claudeAiOauth\": {\"accessToken\": \"new\", \"scopes\": [ ], \"expiresAt\": 5} }\n"
        );
    }

    #[test]
    fn objects_on_the_way_are_made_where_they_are_missing_or_null() {
        let edits = [put(&["o", "a"], "1"), put(&["o", "p", "b"], "2"), remove(&["q", "c"])];

        assert_eq!(edited("{}", &edits), r#"{"o":{"a":1,"p":{"b":2}}}"#);
        assert_eq!(edited(r#"{"o": null}"#, &edits), r#"{"o": {"a":1,"p":{"b":2}}}"#);
    }

    #[test]
    fn what_is_no_object_is_not_edited() {
        for text in ["", "[]", "null", "[{}]", "{\"a\":1", "{}x", "x{}", "{\"o\":1}", "{\"o\":[]}"] {
            assert_eq!(splice(text, &[put(&["o", "a"], "1")]), Err(NotAnObject), "{text}");
        }
    }

    fn put<'a>(path: &'a [&'a str], value: &'a str) -> Edit<'a> {
        Edit { path, value: Some(value) }
    }

    fn remove<'a>(path: &'a [&'a str]) -> Edit<'a> {
        Edit { path, value: None }
    }

    fn edited(text: &str, edits: &[Edit<'_>]) -> String {
        splice(text, edits).map(|bytes| String::from_utf8_lossy(bytes.expose()).into_owned()).unwrap_or_default()
    }
}
