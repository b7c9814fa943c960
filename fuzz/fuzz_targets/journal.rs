//! Journals, and frames with the right checksum and any content.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenward_tests::fuzzed::journal(bytes));
