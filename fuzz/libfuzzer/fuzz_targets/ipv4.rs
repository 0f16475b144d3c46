//! `fuzz::ipv4`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::ipv4(bytes));
