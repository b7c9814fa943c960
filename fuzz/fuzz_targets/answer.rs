//! Answers of the token endpoint.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenward_tests::fuzzed::answer(bytes));
