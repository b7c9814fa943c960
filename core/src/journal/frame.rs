//! A frame: the unit that is on the disk whole or not at all.
//!
//! 32 bytes of head (magic, kind, sequence, length, checksum), then the payload. Numbers are little-endian.

use crate::{Fingerprint, SecretBytes};

/// The bytes before a payload.
pub(crate) const HEAD: usize = 32;

const MAGIC: [u8; 4] = *b"TWF1";

/// What a frame holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FrameKind {
    /// The first sector of a journal.
    Superblock = 1,
    /// Everything small.
    State = 2,
    /// A server's answer.
    Answer = 3,
    /// A grant that waits beside the store.
    Parked = 4,
}

/// What stands in a slot.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Slot<'a> {
    /// Nothing was ever written here, or it was erased.
    Empty,
    /// A whole frame.
    Good { sequence: u64, payload: &'a [u8] },
    /// The head is sound, but the payload goes on behind the bytes that were read.
    Short { sequence: u64 },
    /// Half a write, or somebody else's bytes.
    Torn,
}

/// Returns a frame around the parts of a payload.
pub(crate) fn encode(kind: FrameKind, sequence: u64, payload: &[&[u8]]) -> SecretBytes {
    let length = payload.iter().map(|part| part.len()).sum::<usize>();
    let length_field = u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes();
    let meta = [kind as u8, 0, 0, 0];
    let sequence_field = sequence.to_le_bytes();
    let sum = checksum(&meta, &sequence_field, &length_field, payload);

    let mut frame = SecretBytes::with_capacity(HEAD.saturating_add(length));
    for field in [&MAGIC[..], &meta, &sequence_field, &length_field, &sum] {
        frame.push(field);
    }
    for part in payload {
        // EXPOSE: not needed; the parts are the caller's and the frame is a secret from here on.
        frame.push(part);
    }
    frame
}

/// Reads what stands at the start of some bytes.
pub(crate) fn decode(kind: FrameKind, bytes: &[u8]) -> Slot<'_> {
    if bytes.iter().take(HEAD).all(|byte| *byte == 0) {
        return Slot::Empty;
    }
    let Some(head) = Head::read(bytes) else { return Slot::Torn };
    if head.magic != MAGIC || head.meta != [kind as u8, 0, 0, 0] {
        return Slot::Torn;
    }
    let sequence = u64::from_le_bytes(head.sequence);
    let length = u32::from_le_bytes(head.length) as usize;
    let Some(payload) = bytes.get(HEAD..HEAD.saturating_add(length)) else { return Slot::Short { sequence } };
    if checksum(&head.meta, &head.sequence, &head.length, &[payload]) != head.sum {
        return Slot::Torn;
    }
    Slot::Good { sequence, payload }
}

struct Head {
    magic: [u8; 4],
    meta: [u8; 4],
    sequence: [u8; 8],
    length: [u8; 4],
    sum: [u8; 12],
}

impl Head {
    fn read(bytes: &[u8]) -> Option<Self> {
        let (magic, rest) = bytes.split_first_chunk()?;
        let (meta, rest) = rest.split_first_chunk()?;
        let (sequence, rest) = rest.split_first_chunk()?;
        let (length, rest) = rest.split_first_chunk()?;
        let (sum, _) = rest.split_first_chunk()?;
        Some(Self { magic: *magic, meta: *meta, sequence: *sequence, length: *length, sum: *sum })
    }
}

fn checksum(meta: &[u8; 4], sequence: &[u8; 8], length: &[u8; 4], payload: &[&[u8]]) -> [u8; 12] {
    let digest = Fingerprint::of_frame([meta, sequence, length], payload);
    let mut sum = [0; 12];
    for (to, from) in sum.iter_mut().zip(digest.as_bytes()) {
        *to = *from;
    }
    sum
}

#[cfg(test)]
mod tests {

    use super::*;

    #[test]
    fn a_frame_reads_back_as_it_was_written() {
        let frame = encode(FrameKind::State, 7, &[b"one", b"two"]);

        let slot = decode(FrameKind::State, frame.expose());

        assert_eq!(slot, Slot::Good { sequence: 7, payload: b"onetwo" });
    }

    #[test]
    fn zeros_are_an_empty_slot() {
        assert_eq!(decode(FrameKind::State, &[0; 64]), Slot::Empty);
        assert_eq!(decode(FrameKind::State, &[]), Slot::Empty);
    }

    #[test]
    fn every_single_flipped_bit_is_noticed() {
        let frame = encode(FrameKind::Answer, 1, &[b"answer"]);

        for position in 0..frame.len() * 8 {
            let mut bytes = frame.expose().to_vec();
            if let Some(byte) = bytes.get_mut(position / 8) {
                *byte ^= 1 << (position % 8);
            }
            let slot = decode(FrameKind::Answer, &bytes);
            assert!(!matches!(slot, Slot::Good { .. } | Slot::Empty), "bit {position} went unnoticed: {slot:?}");
        }
    }

    #[test]
    fn a_payload_behind_the_end_of_the_read_asks_for_more() {
        let frame = encode(FrameKind::Answer, 3, &[&[b'x'; 100]]);

        let slot = decode(FrameKind::Answer, frame.expose().get(..64).unwrap_or_default());

        assert_eq!(slot, Slot::Short { sequence: 3 });
    }

    #[test]
    fn a_frame_of_another_kind_is_not_ours() {
        let frame = encode(FrameKind::State, 1, &[b"state"]);

        assert_eq!(decode(FrameKind::Answer, frame.expose()), Slot::Torn);
    }
}
