//! The targets of `fuzz` for libFuzzer: the one that the variable `PARHELION_FUZZ_TARGET` names.
//!
//! One program for all, so that the table in `fuzz` stays the only list of them, and because
//! linking each by itself would take longer than the test runs them.
#![no_main]
#![forbid(unsafe_code)]

use std::sync::LazyLock;
use std::{env, process};

use fuzz::{TARGETS, Target};

static TARGET: LazyLock<Target> = LazyLock::new(|| {
    let name = env::var("PARHELION_FUZZ_TARGET").unwrap_or_default();
    let found = TARGETS.into_iter().find(|target| target.name == name);
    found.unwrap_or_else(|| {
        eprintln!("no target \"{name}\": PARHELION_FUZZ_TARGET must name one of fuzz/src/lib.rs");
        process::exit(2)
    })
});

libfuzzer_sys::fuzz_target!(init: LazyLock::force(&TARGET), |bytes: &[u8]| (TARGET.run)(bytes));
