use alloc::string::{String, ToString};

use super::*;
use crate::Fingerprint;

const NOTHING: &[u8] = &[];

// -- What a journal is ------------------------------------------------------------------------------------------------

#[test]
fn a_journal_of_zeros_is_none_yet() {
    let zeros = [vec![0; 4096], vec![0; 8192], vec![0; 4096], vec![0; 4096]];

    assert_eq!(read(zeros, Reach::Usual).condition, Condition::Missing);
}

#[test]
fn zeros_where_the_superblock_was_are_somebody_elses() {
    let parts = [vec![0; 4096], states([Some((1, b"{}")), None]), Vec::new(), Vec::new()];

    assert_eq!(read(parts, Reach::Usual).condition, Condition::Foreign);
}

#[test]
fn bytes_behind_an_empty_head_are_somebody_elses() {
    let mut superblock = vec![0; 4096];
    superblock[100] = 1;

    assert_eq!(read([superblock, vec![0; 8192], Vec::new(), Vec::new()], Reach::Usual).condition, Condition::Foreign);
}

#[test]
fn a_journal_without_a_state_is_sound() {
    assert_eq!(usual([None, None], [NOTHING; 2]).condition, Condition::Sound);
}

#[test]
fn a_frame_that_holds_no_state_is_torn() {
    assert_eq!(usual([Some((1, b"[]")), None], [NOTHING; 2]).condition, Condition::Torn);
    assert_eq!(usual([None, Some((1, b"[]"))], [NOTHING; 2]).condition, Condition::Torn);
}

#[test]
fn a_state_beside_a_torn_one_counts() {
    let journal = usual([Some((2, b"[]")), Some((1, br#"{"settled":7}"#))], [NOTHING; 2]);

    assert_eq!((journal.condition, journal.state.settled), (Condition::Sound, 7));
}

// -- Of two the newer counts, and the other gives way -------------------------------------------------------------------

#[test]
fn the_newer_state_counts_and_the_older_is_overwritten() {
    let (old, new): (&[u8], &[u8]) = (br#"{"settled":1}"#, br#"{"settled":2}"#);
    for (slots, older) in [([Some((8, new)), Some((7, old))], 8192), ([Some((7, old)), Some((8, new))], 4096)] {
        let mut journal = usual(slots, [NOTHING; 2]);

        assert_eq!(journal.state.settled, 2);
        assert_eq!(offsets(&journal.write(State::default()).writes), [older]);
    }
}

#[test]
fn the_newer_answer_counts_and_the_older_is_overwritten() {
    let (old, new) = (answer(7, 200, "old"), answer(8, 200, "new"));
    for (slots, older) in [([&new, &old], 282_624), ([&old, &new], 12_288)] {
        let mut journal = usual([None, None], slots.map(Vec::as_slice));

        assert_eq!(journal.answer.as_ref().map(|answer| answer.body.expose()), Some(b"new".as_slice()));
        let (frame, _) = journal.stage(staged(200, "newest"));
        assert_eq!(frame.offset, older);
        let (frame, _) = journal.stage(staged(200, "newest of all"));
        assert_ne!(frame.offset, older, "the only good one");
    }
}

#[test]
fn the_first_answer_goes_into_the_first_slot() {
    let (frame, mark) = usual([None, None], [NOTHING; 2]).stage(staged(200, "first"));

    assert_eq!([frame.offset, mark.offset], [12_288, 8192]);
}

#[test]
fn an_answer_in_its_second_slot_leaves_the_first_one_to_the_next() {
    let mut journal = usual([None, None], [NOTHING, &answer(1, 200, "new")]);

    let (frame, _) = journal.stage(staged(200, "newest"));

    assert_eq!(frame.offset, 12_288);
}

// -- Answers that are longer than what was read -------------------------------------------------------------------------

#[test]
fn an_answer_longer_than_the_first_read_is_read_again() {
    let whole = answer(1, 200, &"x".repeat(5000));

    assert!(Journal::read(&loaded(parts([None, None], [&whole[..4096], NOTHING])), Reach::Usual).is_none());
    let journal = read(parts([None, None], [&whole, NOTHING]), Reach::Whole);
    assert_eq!(journal.answer.map(|answer| answer.body.expose().len()), Some(5000));
}

#[test]
fn a_long_answer_that_is_done_with_is_not_read_again_and_wiped_whole() {
    let long = answer(3, 200, &"x".repeat(5000));
    let mut journal = usual([Some((1, br#"{"settled":3}"#)), None], [&long[..4096], NOTHING]);

    assert!(journal.is_untidy());
    let wipe = journal.settle(State::default()).writes.pop().expect("a wipe");
    assert_eq!((wipe.offset, wipe.bytes.expose().len()), (12_288, 270_336));
}

#[test]
fn an_answer_that_claims_to_be_longer_than_its_slot_is_none_and_wiped_whole() {
    let endless = answer(1, 200, &"x".repeat(5000));
    let mut journal = read(parts([None, None], [&endless[..4500], NOTHING]), Reach::Whole);

    assert_eq!(journal.answer, None);
    let wipe = journal.settle(State::default()).writes.pop().expect("a wipe");
    assert_eq!((wipe.offset, wipe.bytes.expose().len()), (12_288, 270_336));
}

// -- What is left on the disk ---------------------------------------------------------------------------------------------

#[test]
fn an_answer_with_a_token_that_is_done_with_is_untidy() {
    let is_untidy = |settled, status| {
        let state = alloc::format!("{{\"settled\":{settled}}}");
        usual([Some((1, state.as_bytes())), None], [&answer(5, status, "body"), NOTHING]).is_untidy()
    };

    assert!(is_untidy(5, 200));
    assert!(!is_untidy(4, 200), "it is still to be saved");
    assert!(!is_untidy(5, 400), "there is no secret in it");
}

#[test]
fn a_state_never_outgrows_its_slot() {
    let mut full = State::default();
    for token in 0..state::SPENT as u64 {
        full.spend(Fingerprint::of(&token.to_le_bytes()));
    }
    for length in [0, 1900, 2048, 3000] {
        let mut state = full.clone();
        state.rest.insert("later".to_string(), "x".repeat(length).into());
        let mut journal = usual([None, None], [NOTHING; 2]);

        let written = journal.write(state).writes;

        assert!(written.iter().all(|write| write.bytes.expose().len() <= 4096), "{length}");
        let newest = Fingerprint::of(&(state::SPENT as u64 - 1).to_le_bytes());
        assert!(journal.state.is_spent(newest), "{length}");
    }
}

fn usual(slots: [Option<(u64, &[u8])>; 2], answers: [&[u8]; 2]) -> Journal {
    read(parts(slots, answers), Reach::Usual)
}

fn read(parts: [Vec<u8>; 4], reach: Reach) -> Journal {
    Journal::read(&loaded(parts), reach).expect("long enough")
}

fn loaded(parts: [Vec<u8>; 4]) -> Loaded {
    Loaded { journal: Ok(parts.map(SecretBytes::new).into()), ..Loaded::default() }
}

fn parts(slots: [Option<(u64, &[u8])>; 2], [first, second]: [&[u8]; 2]) -> [Vec<u8>; 4] {
    let superblock = frame::encode(FrameKind::Superblock, 1, &[br#"{"tokenward":"journal","version":1}"#]);
    [superblock.expose().to_vec(), states(slots), first.to_vec(), second.to_vec()]
}

/// Returns both slots of states, each with its sequence and payload.
fn states(slots: [Option<(u64, &[u8])>; 2]) -> Vec<u8> {
    let slot = |content: Option<(u64, &[u8])>| {
        let frame = content.map(|(sequence, payload)| frame::encode(FrameKind::State, sequence, &[payload]));
        let mut slot = frame.map(|frame| frame.expose().to_vec()).unwrap_or_default();
        slot.resize(4096, 0);
        slot
    };
    slots.map(slot).concat()
}

fn answer(sequence: u64, status: u16, body: &str) -> Vec<u8> {
    let staged = staged(status, body);
    frame::encode(FrameKind::Answer, sequence, &[&staged.first_line(), staged.body.expose()]).expose().to_vec()
}

fn staged(status: u16, body: &str) -> Staged {
    Staged { head: Head { status, ..Head::default() }, body: SecretBytes::new(String::from(body).into_bytes()) }
}

fn offsets(writes: &[Write]) -> Vec<u64> {
    writes.iter().map(|write| write.offset).collect()
}
