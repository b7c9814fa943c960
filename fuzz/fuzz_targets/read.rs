//! Answers of the token endpoint, read by themselves.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenward_tests::fuzzed::read(bytes));
