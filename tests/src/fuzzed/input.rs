//! How a fuzzer's bytes become an answer or a journal, so that a corpus can be read and a mutation means something.

use tokenward::Fingerprint;

/// An answer of the token endpoint.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub content_type: Option<String>,
    pub body: Vec<u8>,
}

/// Reads `STATUS CONTENT-TYPE`, a line feed, and the body. What is missing is 200 and nothing.
pub fn answer(bytes: &[u8]) -> Answer {
    let end = bytes.iter().position(|byte| *byte == b'\n').unwrap_or(bytes.len());
    let (head, rest) = bytes.split_at(end);
    let head = String::from_utf8_lossy(head);
    let (status, content_type) = head.split_once(' ').unwrap_or((&head, ""));
    let content_type = Some(content_type).filter(|text| !text.is_empty());
    Answer {
        status: status.parse().unwrap_or(200),
        content_type: content_type.map(Into::into),
        body: rest.get(1..).unwrap_or_default().to_vec(),
    }
}

/// The slots of a journal, and the kind of frame each holds: superblock, two states, two answers.
const SLOTS: [(usize, u8); 5] = [(0, 1), (4096, 2), (8192, 2), (12_288, 3), (282_624, 3)];

/// Reads one line per slot, in the order of the slots: `-` leaves it empty, `SEQUENCE PAYLOAD` is a frame with the right
/// checksum, `!` and anything else are those bytes as they stand. In a payload `\n` is a line feed.
pub fn journal(bytes: &[u8]) -> Vec<u8> {
    let mut journal = Vec::new();
    for (line, (offset, kind)) in bytes.split(|byte| *byte == b'\n').zip(SLOTS) {
        let content = match line {
            [] | [b'-'] => continue,
            [b'!', raw @ ..] => raw.to_vec(),
            line => {
                let at = line.iter().position(|byte| *byte == b' ').unwrap_or(line.len());
                let (sequence, payload) = line.split_at(at);
                let sequence = String::from_utf8_lossy(sequence).parse().unwrap_or(1);
                frame(kind, sequence, &unescaped(payload.get(1..).unwrap_or_default()))
            }
        };
        journal.resize(offset, 0);
        journal.extend(content);
    }
    journal
}

/// Makes a frame by docs/on-disk.md.
fn frame(kind: u8, sequence: u64, payload: &[u8]) -> Vec<u8> {
    let mut head = Vec::from([kind, 0, 0, 0]);
    head.extend(sequence.to_le_bytes());
    head.extend(u32::try_from(payload.len()).unwrap_or(u32::MAX).to_le_bytes());
    let checksum = Fingerprint::of(&[&head, payload].concat());
    [b"TWF1", head.as_slice(), &checksum.as_bytes()[..12], payload].concat()
}

fn unescaped(payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len());
    let mut rest = payload;
    while let [first, tail @ ..] = rest {
        rest = match rest {
            [b'\\', b'n', tail @ ..] => {
                bytes.push(b'\n');
                tail
            }
            _ => {
                bytes.push(*first);
                tail
            }
        };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_a_status_a_type_and_a_body() {
        let read = answer(b"400 application/json\n{\"error\":\n1}");

        assert_eq!((read.status, read.content_type.as_deref()), (400, Some("application/json")));
        assert_eq!(read.body, b"{\"error\":\n1}");
        assert_eq!(answer(b"").status, 200);
    }

    #[test]
    fn a_journal_has_its_slots_where_the_protocol_wants_them() {
        let read = journal(b"0 {}\n-\n7 a\\nb\n!raw");

        assert_eq!(&read[..4], b"TWF1");
        assert!(read[4096..8192].iter().all(|byte| *byte == 0));
        assert_eq!((&read[8192..8201], &read[8224..8227]), (b"TWF1\x02\0\0\0\x07".as_slice(), b"a\nb".as_slice()));
        assert_eq!(&read[12_288..], b"raw");
    }
}
