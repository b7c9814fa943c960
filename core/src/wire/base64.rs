//! Base64 (RFC 4648): forty lines instead of a dependency, because both directions carry secrets and write into one
//! block of the right size that is wiped.

use crate::SecretBytes;

/// Returns the number of characters `encode` appends for `length` bytes.
pub(super) const fn encoded_len(length: usize) -> usize {
    length.div_ceil(3).saturating_mul(4)
}

/// Appends bytes in the standard alphabet, padded.
pub(super) fn encode(bytes: &[u8], out: &mut SecretBytes) {
    for group in bytes.chunks(3) {
        let word = (0..3).fold(0, |word, at| word << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        for at in 0..4 {
            let letter = if at <= group.len() { symbol(word >> (18 - 6 * at) & 63) } else { b'=' };
            out.push(&[letter]);
        }
    }
}

/// Reads the URL-safe alphabet, padded or not; `None` for any other character.
pub(super) fn decode_url(text: &str) -> Option<SecretBytes> {
    let text = text.trim_end_matches('=');
    let mut bytes = SecretBytes::with_capacity(text.len());
    let (mut word, mut bits) = (0u32, 0);
    for letter in text.bytes() {
        word = word << 6 | value(letter)?;
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            bytes.push(&[u8::try_from(word >> bits & 255).ok()?]);
        }
    }
    Some(bytes)
}

fn symbol(value: u32) -> u8 {
    let value = u8::try_from(value).unwrap_or(0);
    match value {
        0..=25 => b'A' + value,
        26..=51 => b'a' + (value - 26),
        52..=61 => b'0' + (value - 52),
        62 => b'+',
        _ => b'/',
    }
}

fn value(letter: u8) -> Option<u32> {
    Some(u32::from(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'-' => 62,
        b'_' => 63,
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    // RFC 4648 section 10, and one row that uses the last two symbols.
    const ROWS: [(&[u8], &[u8]); 8] = [
        (b"", b""),
        (b"f", b"Zg=="),
        (b"fo", b"Zm8="),
        (b"foo", b"Zm9v"),
        (b"foob", b"Zm9vYg=="),
        (b"fooba", b"Zm9vYmE="),
        (b"foobar", b"Zm9vYmFy"),
        (b"\xfb\xef\xff", b"++//"),
    ];

    #[test]
    fn bytes_are_encoded_as_the_rfc_does() {
        for (plain, expected) in ROWS {
            let mut out = SecretBytes::default();

            encode(plain, &mut out);

            assert_eq!(out.expose(), expected);
            assert_eq!(out.len(), encoded_len(plain.len()));
        }
    }

    #[test]
    fn the_url_safe_alphabet_is_read_with_and_without_padding() {
        for (text, expected) in
            [("Zm9vYg", b"foob".as_slice()), ("Zm9vYg==", b"foob"), ("--__", b"\xfb\xef\xff"), ("", b"")]
        {
            assert_eq!(decode_url(text).as_ref().map(SecretBytes::expose), Some(expected));
        }
        assert_eq!(decode_url("++//"), None);
        assert_eq!(decode_url("Zm 9"), None);
    }
}
