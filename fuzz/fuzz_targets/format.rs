//! Stores of every format, by their codecs alone.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tokenward_tests::fuzzed::format(bytes));
