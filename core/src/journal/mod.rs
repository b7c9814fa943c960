//! The journal beside a store: how processes tell each other what they do, and what a crash leaves behind.
//!
//! ```text
//! offset     bytes    content
//! 0          4,096    superblock: who we are and which version
//! 4,096      4,096    state, first slot     read by waiters, one read for both
//! 8,192      4,096    state, second slot
//! 12,288     270,336  answer, first slot
//! 282,624    270,336  answer, second slot
//! 552,960             end
//! ```
//!
//! Of two slots the newest good one counts, and a write goes to the other: the only good one is never overwritten.
//! `docs/on-disk.md` is the protocol for other implementations.

mod answer;
mod frame;
mod state;
#[cfg(test)]
mod tests;

use alloc::{vec, vec::Vec};
use core::ops::Range;

use frame::{FrameKind, Slot};

pub(crate) use answer::{Head, Known, Staged};
pub(crate) use state::{Dead, HolderRecord, Intent, NotBefore, Rotation, State, clip};

use crate::{JournalWrites, Loaded, SecretBytes, StoreFault, Write};

const VERSION: u32 = 1;
const SUPERBLOCK: Range<u64> = 0..4096;
const STATES: [u64; 2] = [4096, 8192];
const STATE_SLOT: u64 = 4096;
pub(crate) const STATE_ROOM: usize = STATE_SLOT as usize - frame::HEAD;
const ANSWERS: [u64; 2] = [12_288, 282_624];
const ANSWER_SLOT: u64 = 270_336;
const END: u64 = 552_960;

/// The bytes of an answer slot that a first read takes: nearly every answer ends before them.
const USUAL: u64 = 4096;

/// How much of the journal a load reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reach {
    /// Superblock, states and the usual part of the answers.
    Usual,
    /// All of it, for an answer that is longer.
    Whole,
}

impl Reach {
    /// Returns the ranges to read, in the order in which [`Journal::read`] wants them.
    pub(crate) fn ranges(self) -> Vec<Range<u64>> {
        let length = match self {
            Self::Usual => USUAL,
            Self::Whole => ANSWER_SLOT,
        };
        let [first, second] = ANSWERS;
        vec![SUPERBLOCK, states(), first..first + length, second..second + length]
    }
}

/// Returns the range a waiter looks at: both states.
pub(crate) fn states() -> Range<u64> {
    let [first, second] = STATES;
    first..second + STATE_SLOT
}

/// What a journal holds, as of one read, and the only way to write to it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Journal {
    pub(crate) condition: Condition,
    pub(crate) state: State,
    /// The newest answer that is not done with.
    pub(crate) answer: Option<Staged>,
    /// Its sequence.
    answer_sequence: u64,
    state_sequence: u64,
    state_slot: usize,
    /// For each answer slot the bytes to wipe when it is done with, and its sequence.
    answers: [Option<Found>; 2],
}

#[derive(Clone, Copy, Debug)]
struct Found {
    sequence: u64,
    length: usize,
    /// Whether it is wiped when it is done with. What holds no secret stays: should a loss of power tear the state that
    /// tells of it, it tells it again.
    secret: bool,
}

/// Whether a journal can be used.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Condition {
    /// There is none, or it holds zeros only.
    #[default]
    Missing,
    /// It is ours.
    Sound,
    /// It is ours, but no state can be read: the outcome of the last request is unknown.
    Torn,
    /// It is not ours: it is moved aside before the first write.
    Foreign,
    /// A newer major version wrote it: never rewritten.
    Newer,
    /// The system refuses access.
    Fault(StoreFault),
}

impl Journal {
    /// Understands what a load with [`Reach::ranges`] found; `None` if an answer is longer than what was read: then it is to
    /// be read again with [`Reach::Whole`].
    pub(crate) fn read(loaded: &Loaded, reach: Reach) -> Option<Self> {
        let parts = match &loaded.journal {
            Ok(parts) => parts,
            Err(fault) => return Some(Self { condition: Condition::Fault(fault.clone()), ..Self::default() }),
        };
        // EXPOSE: the journal is read here and nowhere else.
        let mut parts = parts.iter().map(SecretBytes::expose);
        let superblock = parts.next().unwrap_or_default();
        let states = parts.next().unwrap_or_default();
        let answers = [parts.next().unwrap_or_default(), parts.next().unwrap_or_default()];

        let mut journal = Self { condition: superblock_condition(superblock), ..Self::default() };
        if journal.condition == Condition::Missing && states.iter().any(|byte| *byte != 0) {
            // Zeros where the superblock was: not a journal that we ever wrote.
            journal.condition = Condition::Foreign;
        }
        if journal.condition != Condition::Sound {
            return Some(journal);
        }
        journal.read_states(states);
        match journal.read_answers(answers, reach) {
            Ok(()) => Some(journal),
            Err(TooShort) => None,
        }
    }

    fn read_states(&mut self, states: &[u8]) {
        let (first, second) = states.split_at_checked(STATE_SLOT as usize).unwrap_or((states, &[]));
        let mut torn = 0;
        for (index, bytes) in [first, second].into_iter().enumerate() {
            match frame::decode(FrameKind::State, bytes) {
                Slot::Good { sequence, payload } => match State::decode(payload) {
                    Some(state) if sequence >= self.state_sequence => {
                        (self.state, self.state_sequence, self.state_slot) = (state, sequence, index);
                    }
                    Some(_) => {}
                    None => torn += 1,
                },
                Slot::Empty => {}
                Slot::Short { .. } | Slot::Torn => torn += 1,
            }
        }
        if self.state_sequence == 0 && torn > 0 {
            self.condition = Condition::Torn;
        }
    }

    fn read_answers(&mut self, slots: [&[u8]; 2], reach: Reach) -> Result<(), TooShort> {
        for (bytes, found) in slots.into_iter().zip(&mut self.answers) {
            match frame::decode(FrameKind::Answer, bytes) {
                Slot::Good { sequence, payload } => {
                    let answer = Staged::decode(payload);
                    let secret = answer.as_ref().is_none_or(Staged::holds_secret);
                    *found = Some(Found { sequence, length: frame::HEAD.saturating_add(payload.len()), secret });
                    if sequence > self.state.settled.max(self.answer_sequence) {
                        self.answer = answer;
                        self.answer_sequence = sequence;
                    }
                }
                Slot::Short { sequence } if reach == Reach::Whole || sequence <= self.state.settled => {
                    *found = Some(Found { sequence: 0, length: ANSWER_SLOT as usize, secret: true });
                }
                Slot::Short { .. } => return Err(TooShort),
                Slot::Torn => *found = Some(Found { sequence: 0, length: ANSWER_SLOT as usize, secret: true }),
                Slot::Empty => {}
            }
        }
        Ok(())
    }

    /// Returns whether the states that a look at [`states`] found are other ones than these.
    pub(crate) fn has_moved(&self, loaded: &Loaded) -> bool {
        let Some(states) = loaded.journal.as_ref().ok().and_then(|parts| parts.first()) else { return true };
        let mut seen = Self::default();
        // EXPOSE: states hold no secret.
        seen.read_states(states.expose());
        seen.state_sequence != self.state_sequence
    }

    /// Returns the answer that is known to be on the disk: the one a process without the lock may use.
    pub(crate) fn synced_answer(&self) -> Option<&Staged> {
        self.answer.as_ref().filter(|_| self.answer_sequence <= self.state.staged)
    }

    /// Returns the writes that make `state` the newest one.
    pub(crate) fn write(&mut self, state: State) -> JournalWrites {
        let fresh = self.condition != Condition::Sound;
        let mut writes = Vec::new();
        if fresh {
            let superblock = serde_json::json!({ "tokenward": "journal", "version": VERSION });
            let payload = serde_json::to_vec(&superblock).unwrap_or_default();
            writes
                .push(Write { offset: SUPERBLOCK.start, bytes: frame::encode(FrameKind::Superblock, 1, &[&payload]) });
        }
        let set_aside = matches!(self.condition, Condition::Foreign | Condition::Torn);
        if set_aside {
            self.answers = [None, None];
            self.answer = None;
        }
        self.condition = Condition::Sound;
        writes.push(self.write_state(state));
        JournalWrites { set_aside, reserve: END, writes }
    }

    /// Returns the writes that make `state` the newest one with every answer done with, and wipe the answers.
    pub(crate) fn settle(&mut self, mut state: State) -> JournalWrites {
        state.settled = self.last_answer();
        let mut writes = self.write(state);
        writes.writes.extend(self.wipe());
        writes
    }

    /// Returns whether there is an answer that is done with and still stands on the disk.
    pub(crate) fn is_untidy(&self) -> bool {
        self.answers.iter().flatten().any(|found| found.secret) && self.answer.is_none()
    }

    /// Returns the frame of an answer and the state that names it.
    pub(crate) fn stage(&mut self, answer: Staged) -> (Write, Write) {
        let sequence = self.last_answer().saturating_add(1);
        let slot = usize::from(
            self.answers[0].map_or(0, |found| found.sequence) > self.answers[1].map_or(0, |found| found.sequence),
        );
        let line = answer.first_line();
        // EXPOSE: the body goes into the frame, a secret again.
        let bytes = frame::encode(FrameKind::Answer, sequence, &[&line, answer.body.expose()]);
        let [first, second] = ANSWERS;
        let [found_first, found_second] = &mut self.answers;
        let (offset, found) = if slot == 0 { (first, found_first) } else { (second, found_second) };
        *found = Some(Found { sequence, length: bytes.len(), secret: answer.holds_secret() });
        self.answer = Some(answer);
        self.answer_sequence = sequence;
        let state = State { staged: sequence, loose: true, ..self.state.clone() };
        (Write { offset, bytes }, self.write_state(state))
    }

    fn write_state(&mut self, state: State) -> Write {
        self.state_sequence = self.state_sequence.saturating_add(1);
        // What was written without a sync may be torn by a loss of power: it is overwritten, and not the other one.
        if !self.state.loose {
            self.state_slot = 1 - self.state_slot.min(1);
        }
        let [first, second] = STATES;
        let bytes = frame::encode(FrameKind::State, self.state_sequence, &[&state.encode(STATE_ROOM)]);
        self.state = state;
        Write { offset: if self.state_slot == 0 { first } else { second }, bytes }
    }

    fn wipe(&mut self) -> Vec<Write> {
        self.answer = None;
        let found = self.answers.iter_mut().zip(ANSWERS);
        let wiped = found.filter_map(|(found, offset)| {
            let length = found.take_if(|found| found.secret)?.length;
            Some(Write { offset, bytes: SecretBytes::new(vec![0; length]) })
        });
        wiped.collect()
    }

    fn last_answer(&self) -> u64 {
        let found = self.answers.iter().flatten().map(|found| found.sequence).max().unwrap_or_default();
        found.max(self.state.staged).max(self.state.settled)
    }
}

/// Returns the bytes of a parked grant.
pub(crate) fn park(grant: &Staged) -> SecretBytes {
    // EXPOSE: the body goes into the frame, a secret again.
    frame::encode(FrameKind::Parked, 1, &[&grant.first_line(), grant.body.expose()])
}

/// Reads a parked grant; `None` if it is damaged.
pub(crate) fn unpark(bytes: &SecretBytes) -> Option<Staged> {
    // EXPOSE: read here and nowhere else.
    match frame::decode(FrameKind::Parked, bytes.expose()) {
        Slot::Good { payload, .. } => Staged::decode(payload),
        Slot::Empty | Slot::Short { .. } | Slot::Torn => None,
    }
}

struct TooShort;

fn superblock_condition(bytes: &[u8]) -> Condition {
    #[derive(serde::Deserialize)]
    struct Superblock {
        version: u32,
    }
    match frame::decode(FrameKind::Superblock, bytes) {
        Slot::Empty if bytes.iter().all(|byte| *byte == 0) => Condition::Missing,
        Slot::Good { payload, .. } => match serde_json::from_slice::<Superblock>(payload) {
            Ok(superblock) if superblock.version <= VERSION => Condition::Sound,
            Ok(_) => Condition::Newer,
            Err(_) => Condition::Foreign,
        },
        Slot::Empty | Slot::Short { .. } | Slot::Torn => Condition::Foreign,
    }
}
