//! How layers spell a text, and how that is undone.

/// One way to spell a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spelling {
    /// Either alphabet of RFC 4648.
    Base64,
    Hex,
    /// RFC 3986 section 2.1, as in forms and URLs.
    Percent,
    /// RFC 8259 section 7, and what Rust's `Debug` does to a text.
    Json,
    /// A list of bytes: what `Debug` makes of a `Vec<u8>`.
    Decimal,
}

impl Spelling {
    pub(super) const ALL: [Self; 5] = [Self::Base64, Self::Hex, Self::Percent, Self::Json, Self::Decimal];

    /// Returns the bytes with this spelling undone wherever it could stand: one text for each place it may begin.
    pub(super) fn undo(self, bytes: &[u8]) -> Vec<Vec<u8>> {
        match self {
            Self::Base64 => (0..4).map(|start| runs(bytes, sextet, 16, |run| base64(run, start))).collect(),
            Self::Hex => (0..2).map(|start| runs(bytes, digit16, 24, |run| hex(run, start))).collect(),
            Self::Percent => Vec::from([percent(bytes)]),
            Self::Json => Vec::from([json(bytes)]),
            Self::Decimal => Vec::from([decimal(bytes)]),
        }
    }
}

/// Returns a text in every spelling, each with a name: what a detector must find.
pub fn spell(text: &str) -> Vec<(&'static str, String)> {
    let bytes = text.as_bytes();
    let special = |byte: &u8| !byte.is_ascii_alphanumeric() && !b"-._~".contains(byte);
    let each = |write: fn(u8) -> String| bytes.iter().map(|byte| write(*byte)).collect::<String>();
    let standard = |pad: &str| encode64([pad.as_bytes(), bytes].concat().as_slice(), STANDARD);
    let escaped = text.replace('\\', "\\\\").replace('"', "\\\"");
    let percent = bytes.iter().map(|byte| match byte {
        byte if special(byte) => format!("%{byte:02X}"),
        byte => char::from(*byte).to_string(),
    });
    let middle = (text.len() - super::FRAGMENT) / 2;
    Vec::from([
        ("as it is", text.into()),
        ("as a fragment", text[middle..middle + super::FRAGMENT].into()),
        ("in base64", standard("")),
        ("in base64 one byte in", standard("x")),
        ("in base64 two bytes in", standard("xy")),
        ("in URL-safe base64", encode64(bytes, URL_SAFE)),
        ("percent-encoded", percent.collect()),
        ("percent-encoded byte by byte", each(|byte| format!("%{byte:02x}"))),
        ("JSON-escaped", escaped.replace('/', "\\/")),
        ("JSON-escaped byte by byte", each(|byte| format!("\\u{byte:04x}"))),
        ("JSON-escaped byte by byte, in capitals", each(|byte| format!("\\u{byte:04X}"))),
        ("in hex", each(|byte| format!("{byte:02x}"))),
        ("in capital hex", each(|byte| format!("{byte:02X}"))),
        ("as a list of bytes", format!("{bytes:?}")),
        ("as a tall list of bytes", format!("{bytes:#?}")),
    ])
}

/// Undoes a spelling in each long run of the letters it is made of.
fn runs(bytes: &[u8], letter: fn(u8) -> Option<u8>, least: usize, undo: impl Fn(&[u8]) -> Vec<u8>) -> Vec<u8> {
    let runs = bytes.split(|byte| letter(*byte).is_none()).filter(|run| run.len() >= least);
    let undone: Vec<Vec<u8>> =
        runs.map(|run| undo(&run.iter().filter_map(|byte| letter(*byte)).collect::<Vec<_>>())).collect();
    // What stood in two runs does not make a secret together.
    undone.join(&0)
}

fn base64(sextets: &[u8], start: usize) -> Vec<u8> {
    let groups = sextets[start..].chunks(4);
    let bytes = groups.flat_map(|group| {
        let word = group.iter().fold(0u32, |word, sextet| word << 6 | u32::from(*sextet)) << (6 * (4 - group.len()));
        word.to_be_bytes().into_iter().skip(1).take(group.len().saturating_sub(1))
    });
    bytes.collect()
}

fn hex(digits: &[u8], start: usize) -> Vec<u8> {
    digits[start..].chunks_exact(2).map(|pair| pair[0] << 4 | pair[1]).collect()
}

fn percent(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        let octet = match (first, tail) {
            (b'%', [high, low, ..]) => digit16(*high).zip(digit16(*low)).map(|(high, low)| high << 4 | low),
            _ => None,
        };
        out.push(octet.unwrap_or(*first));
        rest = if octet.is_some() { &tail[2..] } else { tail };
    }
    out
}

fn json(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(bytes.len());
    let mut rest = bytes;
    while let [first, tail @ ..] = rest {
        rest = tail;
        let (b'\\', [escape, after @ ..]) = (first, tail) else {
            out.push(*first);
            continue;
        };
        rest = after;
        match escape {
            b'u' => {
                let unit = after.get(..4).and_then(|digits| {
                    digits.iter().try_fold(0u32, |unit, digit| Some(unit << 4 | u32::from(digit16(*digit)?)))
                });
                if let Some(letter) = unit.and_then(char::from_u32) {
                    out.extend(letter.encode_utf8(&mut [0; 4]).bytes());
                    rest = &after[4..];
                }
            }
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'\\' | b'"' | b'/' | b'\'' => out.push(*escape),
            // No escape after all.
            other => out.extend([b'\\', *other]),
        }
    }
    out
}

fn decimal(bytes: &[u8]) -> Vec<u8> {
    let is_listed = |byte: &u8| byte.is_ascii_digit() || byte.is_ascii_whitespace() || *byte == b',';
    let lists = bytes.split(|byte| !is_listed(byte)).filter(|list| list.len() >= 2 * super::FRAGMENT);
    let read = |list: &[u8]| {
        let numbers = list.split(|byte| *byte == b',');
        let number = |text: &[u8]| std::str::from_utf8(text.trim_ascii()).ok()?.parse::<u8>().ok();
        numbers.map(|text| number(text).unwrap_or_default()).collect::<Vec<u8>>()
    };
    lists.map(read).collect::<Vec<_>>().join(&0)
}

const STANDARD: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
const URL_SAFE: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

fn encode64(bytes: &[u8], alphabet: &[u8; 64]) -> String {
    let groups = bytes.chunks(3).map(|group| {
        let word = (0..3).fold(0u32, |word, at| word << 8 | u32::from(group.get(at).copied().unwrap_or(0)));
        (0..4)
            .map(|at| match at <= group.len() {
                true => char::from(alphabet[(word >> (18 - 6 * at) & 63) as usize]),
                false => '=',
            })
            .collect::<String>()
    });
    groups.collect()
}

fn sextet(letter: u8) -> Option<u8> {
    Some(match letter {
        b'A'..=b'Z' => letter - b'A',
        b'a'..=b'z' => letter - b'a' + 26,
        b'0'..=b'9' => letter - b'0' + 52,
        b'+' | b'-' => 62,
        b'/' | b'_' => 63,
        _ => return None,
    })
}

fn digit16(letter: u8) -> Option<u8> {
    char::from(letter).to_digit(16).and_then(|digit| u8::try_from(digit).ok())
}
