//! `fuzz::tcp_header`, for libFuzzer.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| fuzz::tcp_header(bytes));
