//! The corpus of the fuzz targets, and mutations of it, on every run. What a fuzzer finds is added to the corpus.
//!
//! `TOKENWARD_SEED` and `TOKENWARD_INPUTS` choose other mutations.

use std::{
    env, fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
};

use tokenward_tests::{
    Dice,
    fuzzed::{self, mutate::mutated},
};

#[test]
fn every_answer_is_taken_or_not_and_told_once() {
    feed("answer", fuzzed::answer);
}

#[test]
fn every_store_keeps_what_is_not_ours() {
    feed("store", fuzzed::store);
}

#[test]
fn an_answer_read_by_itself_means_one_thing_and_tells_no_token() {
    feed("answer", fuzzed::read);
}

#[test]
fn a_save_in_any_format_changes_the_login_alone() {
    feed("format", fuzzed::format);
}

#[test]
fn no_journal_loses_a_login() {
    feed("journal", fuzzed::journal);
}

/// Feeds a target its corpus and mutations of it, and names the first input that breaks its property.
fn feed(target: &str, property: fn(&[u8])) {
    let corpus = corpus(target);
    for (name, bytes) in &corpus {
        check(property, bytes, &format!("fuzz/corpus/{target}/{name}"));
    }
    let corpus: Vec<_> = corpus.into_iter().map(|(_, bytes)| bytes).collect();
    let seed = number("TOKENWARD_SEED", 20_260_714);
    let inputs = number("TOKENWARD_INPUTS", 20_000);
    for index in 0..inputs {
        let mut dice = Dice::new(Dice::new(seed ^ (index << 20)).roll());
        let bytes = mutated(&mut dice, &corpus);
        check(property, &bytes, &format!("mutation {index} of seed {seed}"));
    }
    println!("{target}: {} inputs of the corpus, {inputs} mutations of seed {seed}", corpus.len());
}

fn check(property: fn(&[u8]), bytes: &[u8], name: &str) {
    if catch_unwind(AssertUnwindSafe(|| property(bytes))).is_err() {
        panic!("{name} breaks the property: {}", bytes.escape_ascii());
    }
}

/// Returns the inputs of a target by their names.
fn corpus(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten();
    let mut inputs: Vec<_> = entries
        .map(|entry| {
            let bytes = fs::read(entry.path()).expect("the corpus is made of files");
            (entry.file_name().to_string_lossy().into_owned(), bytes)
        })
        .collect();
    inputs.sort();
    assert!(inputs.len() >= 10, "{target}: the corpus is gone");
    inputs
}

fn number(name: &str, default: u64) -> u64 {
    env::var(name).ok().map_or(default, |text| text.parse().expect("a number"))
}
