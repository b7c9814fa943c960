//! JSON by spans: members are found where they stand, and texts are taken out without a copy that nobody wipes.
//!
//! serde_json finds the spans and checks the syntax. It never unescapes for us: its scratch buffer is freed unwiped.

use alloc::{string::String, vec::Vec};
use core::{fmt, ops::Range, str::Chars};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::Secret;

/// The members of one JSON object, each as it is written.
#[derive(Clone, Default)]
pub(crate) struct Object<'a> {
    pub(crate) members: Vec<Member<'a>>,
}

/// One member: the name with its quotes and the value, byte for byte.
#[derive(Clone, Copy)]
pub(crate) struct Member<'a> {
    pub(crate) name: &'a str,
    pub(crate) value: &'a str,
}

impl<'a> Object<'a> {
    /// Reads a text that is one object and nothing else.
    pub(crate) fn parse(text: &'a str) -> Option<Self> {
        let (object, whole) = Self::salvage(text);
        whole.then_some(object)
    }

    /// Reads the members that stand complete in front of the first damage, and says whether there was none.
    pub(crate) fn salvage(text: &'a str) -> (Self, bool) {
        let mut object = Self::default();
        // serde_json puts a string that stands where an object should into its message, and frees that unwiped.
        if !text.trim_start().starts_with('{') {
            return (object, false);
        }
        let mut reader = serde_json::Deserializer::from_str(text);
        let whole = Collect(&mut object.members).deserialize(&mut reader).is_ok() && reader.end().is_ok();
        (object, whole)
    }

    /// Returns a member's value as it is written; `None` for a member that is missing or null.
    ///
    /// Of two members with one name the last counts, as in Python, JavaScript and Go (RFC 8259 section 4 leaves it
    /// open). To reject the object instead would throw a rotated token away.
    pub(crate) fn get(&self, name: &str) -> Option<&'a str> {
        let member = self.members.iter().rev().find(|member| is(member.name, name))?;
        (member.value != "null").then_some(member.value)
    }
}

/// Returns the text of a written JSON string; `None` for another value or half a surrogate pair.
pub(crate) fn text(written: &str) -> Option<Secret> {
    let mut length = 0;
    for letter in Unescape::new(written)? {
        length += letter?.len_utf8();
    }
    // Of the exact size: a text that grows leaves copies behind.
    let mut text = String::with_capacity(length);
    text.extend(Unescape::new(written)?.flatten());
    Some(Secret::new(text))
}

/// Returns a written number of units as milliseconds, rounded down; a text that says a number is one too. Negative is
/// zero, and what is too large is the largest.
pub(crate) fn number(written: &str, unit: u64) -> Option<u64> {
    let text = text(written);
    // EXPOSE: numbers are no secrets; they only came through the same door.
    let number = text.as_ref().map_or(written, Secret::expose).trim();
    // Rust also reads "inf" and "nan", which are no moments.
    if !number.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E')) {
        return None;
    }
    if let Ok(whole) = number.parse::<i128>() {
        let whole = whole.max(0).saturating_mul(i128::from(unit));
        return Some(u64::try_from(whole).unwrap_or(u64::MAX));
    }
    let broken: f64 = number.parse().ok()?;
    // A cast rounds down and stops at both ends.
    Some((broken * unit as f64) as u64)
}

/// Returns whether a written JSON string says `text`.
pub(crate) fn is(written: &str, text: &str) -> bool {
    Unescape::new(written).is_some_and(|letters| letters.eq(text.chars().map(Some)))
}

/// Writes a text as a JSON string.
pub(crate) fn quoted(text: &str) -> Secret {
    let length = text.chars().map(|letter| escape(letter).map_or(letter.len_utf8(), |escape| escape.len())).sum();
    let mut written = String::with_capacity(2usize.saturating_add(length));
    written.push('"');
    for letter in text.chars() {
        match escape(letter) {
            Some(escape) => written.extend(escape.iter().map(|byte| char::from(*byte))),
            None => written.push(letter),
        }
    }
    written.push('"');
    Secret::new(written)
}

/// Returns where `part`, a slice of `whole`, stands in it.
pub(crate) fn span(whole: &str, part: &str) -> Option<Range<usize>> {
    let start = (part.as_ptr() as usize).checked_sub(whole.as_ptr() as usize)?;
    let end = start.checked_add(part.len())?;
    whole.get(start..end)?;
    Some(start..end)
}

/// Strips a byte order mark, which some editors and servers put in front (RFC 8259 section 8.1 allows to ignore it).
pub(crate) fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

struct Collect<'v, 'a>(&'v mut Vec<Member<'a>>);

impl<'a> DeserializeSeed<'a> for Collect<'_, 'a> {
    type Value = ();

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Collect<'_, 'a> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'a>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key_seed(Written)? {
            self.0.push(Member { name, value: map.next_value_seed(Written)? });
        }
        Ok(())
    }
}

struct Written;

impl<'a> DeserializeSeed<'a> for Written {
    type Value = &'a str;

    fn deserialize<D: Deserializer<'a>>(self, deserializer: D) -> Result<&'a str, D::Error> {
        <&'a RawValue>::deserialize(deserializer).map(RawValue::get)
    }
}

/// The letters of a written string; an item `None` is an escape that means no letter.
struct Unescape<'a>(Chars<'a>);

impl<'a> Unescape<'a> {
    fn new(written: &'a str) -> Option<Self> {
        Some(Self(written.strip_prefix('"')?.strip_suffix('"')?.chars()))
    }

    fn escaped(&mut self) -> Option<char> {
        Some(match self.0.next()? {
            letter @ ('"' | '\\' | '/') => letter,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => return self.code_point(),
            _ => return None,
        })
    }

    fn code_point(&mut self) -> Option<char> {
        let first = self.unit()?;
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first);
        }
        if (self.0.next()?, self.0.next()?) != ('\\', 'u') {
            return None;
        }
        let second = self.unit()?.checked_sub(0xdc00).filter(|low| *low < 0x400)?;
        char::from_u32(0x10000 + ((first - 0xd800) << 10) + second)
    }

    fn unit(&mut self) -> Option<u32> {
        let mut unit = 0;
        for _ in 0..4 {
            unit = unit * 16 + self.0.next()?.to_digit(16)?;
        }
        Some(unit)
    }
}

impl Iterator for Unescape<'_> {
    type Item = Option<char>;

    fn next(&mut self) -> Option<Option<char>> {
        match self.0.next()? {
            '\\' => Some(self.escaped()),
            letter => Some(Some(letter)),
        }
    }
}

/// Returns how a letter is written where it may not stand for itself (RFC 8259 section 7).
fn escape(letter: char) -> Option<Escape> {
    let short = match letter {
        '"' | '\\' => u8::try_from(letter).ok()?,
        '\n' => b'n',
        '\r' => b'r',
        '\t' => b't',
        '\0'..='\u{1f}' => {
            let code = u32::from(letter);
            let digit = |value| char::from_digit(value, 16).and_then(|digit| u8::try_from(digit).ok());
            return Some(Escape { bytes: [b'\\', b'u', b'0', b'0', digit(code >> 4)?, digit(code & 15)?], len: 6 });
        }
        _ => return None,
    };
    Some(Escape { bytes: [b'\\', short, 0, 0, 0, 0], len: 2 })
}

struct Escape {
    bytes: [u8; 6],
    len: usize,
}

impl Escape {
    fn len(&self) -> usize {
        self.len
    }

    fn iter(&self) -> impl Iterator<Item = &u8> {
        self.bytes.iter().take(self.len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_loses_its_escapes_and_nothing_else() {
        let written = [
            (r#""abc\/def""#, "abc/def"),
            (r#""\u0061t-\u006Eew""#, "at-new"),
            (r#""\"\\\b\f\n\r\t""#, "\"\\\u{8}\u{c}\n\r\t"),
            (r#""\ud83d\ude00 ü""#, "😀 ü"),
            (r#""""#, ""),
        ];

        for (written, expected) in written {
            assert_eq!(text(written).as_ref().map(Secret::expose), Some(expected), "{written}");
        }
    }

    #[test]
    fn half_a_surrogate_pair_and_other_values_are_no_text() {
        for written in
            [r#""\ud83d""#, r#""\ude00""#, r#""\ud83d\u0061""#, r#""\ud83dxx""#, r#""\x""#, "12", "null", "\""]
        {
            assert_eq!(text(written), None, "{written}");
        }
    }

    #[test]
    fn a_number_is_read_in_its_unit_and_rounded_down() {
        let rows = [
            ("1795222800000", 1, Some(1_795_222_800_000)),
            ("1795222800000.5", 1, Some(1_795_222_800_000)),
            ("1.7952228e12", 1, Some(1_795_222_800_000)),
            ("\"1795222800000\"", 1, Some(1_795_222_800_000)),
            ("1795222800.9999", 1000, Some(1_795_222_800_999)),
            ("-0", 1, Some(0)),
            ("-1e3", 1, Some(0)),
            ("1e400", 1, Some(u64::MAX)),
            ("123456789012345678901234567890", 1, Some(u64::MAX)),
            ("\"soon\"", 1, None),
            ("\"inf\"", 1, None),
            ("\"\"", 1, None),
            ("true", 1, None),
            ("[1]", 1, None),
        ];

        for (written, unit, expected) in rows {
            assert_eq!(number(written, unit), expected, "{written}");
        }
    }

    #[test]
    fn a_quoted_text_reads_back() {
        for plain in ["", "at-1", "a\"b\\c/d", "\0\u{1}\u{1f}\u{7f}\n\r\t", "ü😀"] {
            let written = quoted(plain);

            assert_eq!(text(written.expose()).as_ref().map(Secret::expose), Some(plain));
            assert_eq!(serde_json::from_str::<String>(written.expose()).ok().as_deref(), Some(plain));
        }
    }

    #[test]
    fn the_last_of_two_members_counts_and_null_is_none() {
        let twice = Object::parse(r#"{"a":1,"\u0061":2,"b":null}"#);

        let twice = twice.unwrap_or_default();

        assert_eq!(twice.get("a"), Some("2"));
        assert_eq!(twice.get("b"), None);
        assert_eq!(twice.get("c"), None);
    }

    #[test]
    fn only_one_whole_object_parses() {
        let wrong =
            ["", " ", "[]", "1", "\"a\"", "{", r#"{"a":1"#, r#"{"a":1}x"#, r#"{"a":1}{}"#, r#"{a:1}"#, r#"{"a":1,}"#];

        for text in wrong {
            assert!(Object::parse(text).is_none(), "{text}");
        }
        assert!(Object::parse(" {\"a\" : [1, {\"b\":2}] }\r\n").is_some());
    }

    #[test]
    fn members_in_front_of_the_damage_are_salvaged() {
        let (object, whole) = Object::salvage(r#"{"a":"1","b":"2","c":"3"#);

        assert!(!whole);
        assert_eq!(object.get("b"), Some("\"2\""));
        assert_eq!(object.get("c"), None);
    }

    #[test]
    fn a_span_is_found_in_its_own_text_only() {
        let text = r#"{"a" : 12}"#;
        let value = Object::parse(text).and_then(|object| object.get("a")).unwrap_or_default();

        assert_eq!(span(text, value), Some(7..9));
        assert_eq!(span(value, text), None);
    }
}
