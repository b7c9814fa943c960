//! `application/x-www-form-urlencoded` (RFC 6749 appendix B), both ways, in blocks that are wiped.

use crate::{Secret, SecretBytes};

/// Returns the number of bytes `encode` appends.
pub(super) fn encoded_len(text: &str) -> usize {
    text.bytes().map(|byte| if is_plain(byte) || byte == b' ' { 1 } else { 3 }).sum()
}

/// Appends a name or value.
pub(super) fn encode(text: &str, out: &mut SecretBytes) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push(b"+"),
            plain if is_plain(plain) => out.push(&[plain]),
            other => out.push(&[b'%', digit(other >> 4), digit(other & 15)]),
        }
    }
}

/// An answer in the shape of a form: GitHub's and Facebook's where no `Accept` reaches them.
#[derive(Clone, Copy)]
pub(super) struct Form<'a>(&'a str);

impl<'a> Form<'a> {
    /// Takes a text that is a form of the protocol: pairs only, nothing that a form would have escaped, and at least
    /// one member the protocol knows. A sentence with an equals sign in it is none.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let form = Self(text);
        let clean = text.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"'));
        let known = ["access_token", "refresh_token", "error"].into_iter().any(|name| form.get(name).is_some());
        (clean && known && text.split('&').all(|pair| pair.contains('='))).then_some(form)
    }

    /// Returns the text of the last pair of that name.
    pub(super) fn get(&self, name: &str) -> Option<Secret> {
        let pairs = self.0.split('&').rev().filter_map(|pair| pair.split_once('='));
        let (_, value) = pairs.into_iter().find(|(key, _)| *key == name)?;
        decode(value)
    }
}

/// Reads a value; a percent sign without two digits stands for itself, as in browsers.
fn decode(value: &str) -> Option<Secret> {
    let mut bytes = SecretBytes::with_capacity(value.len());
    let mut rest = value.as_bytes();
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        match (first, tail) {
            (b'+', _) => bytes.push(b" "),
            (b'%', [high, low, after @ ..]) if octet(*high, *low).is_some() => {
                bytes.push(&[octet(*high, *low)?]);
                rest = after;
            }
            (other, _) => bytes.push(&[*other]),
        }
    }
    // EXPOSE: copied into a block of its own size, which is a secret again.
    core::str::from_utf8(bytes.expose()).ok().map(Secret::new)
}

fn octet(high: u8, low: u8) -> Option<u8> {
    let value = char::from(high).to_digit(16)? * 16 + char::from(low).to_digit(16)?;
    u8::try_from(value).ok()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'*' | b'-' | b'.' | b'_')
}

const fn digit(nibble: u8) -> u8 {
    if nibble < 10 { b'0' + nibble } else { b'A' + (nibble - 10) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_is_encoded_as_printed() {
        let mut out = SecretBytes::default();

        // RFC 6749 appendix B.
        encode(" %&+\u{a3}\u{20ac}", &mut out);

        assert_eq!(out.expose(), b"+%25%26%2B%C2%A3%E2%82%AC");
        assert_eq!(out.len(), encoded_len(" %&+\u{a3}\u{20ac}"));
    }

    #[test]
    fn values_lose_their_escapes() {
        let form = Form("a=+%25%26%2B%C2%A3%E2%82%AC&b=100%&c=%zz%4&d=1&d=2&e=%ff&f");

        let read = |name| form.get(name);

        assert_eq!(read("a"), Some(Secret::new(" %&+\u{a3}\u{20ac}")));
        assert_eq!(read("b"), Some(Secret::new("100%")));
        assert_eq!(read("c"), Some(Secret::new("%zz%4")));
        assert_eq!(read("d"), Some(Secret::new("2")));
        assert_eq!(read("e"), None);
        assert_eq!(read("f"), None);
    }

    #[test]
    fn prose_is_no_form() {
        assert!(Form::parse("error=invalid_grant&error_description=no+more").is_some());
        for prose in ["error=bad request", "access_token", "a=b", "Too Many Requests", "error=<b>", "error=x&y", ""] {
            assert!(Form::parse(prose).is_none(), "{prose}");
        }
    }
}
