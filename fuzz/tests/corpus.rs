//! Every target, over its corpus and over thousands of mutations of it: the same ones each time.
//!
//! `PARHELION_FUZZ_INPUT=target=file` runs one target over one file instead.

#![allow(clippy::unwrap_used, reason = "in a test it is an assertion")]

use core::panic::AssertUnwindSafe;
use std::panic::catch_unwind;
use std::path::Path;
use std::{env, fs};

use libtest_mimic::{Arguments, Trial};
use parhelion_fuzz::{Mutator, TARGETS, Target};

/// Mutations of each target's corpus, in turns.
const MUTATIONS: usize = 10_000;

fn main() {
    if let Ok(named) = env::var("PARHELION_FUZZ_INPUT") {
        let (name, path) = named.split_once('=').unwrap();
        let target = TARGETS.iter().find(|target| target.name == name).unwrap();
        return (target.run)(&fs::read(path).unwrap());
    }
    let trials = TARGETS.map(|target| {
        Trial::test(target.name, move || {
            run(target);
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn run(Target { name, run }: Target) {
    let corpus = corpus(name);
    assert!(!corpus.is_empty(), "no corpus for {name}");
    let survives = |bytes: &[u8], from: &str| {
        if catch_unwind(AssertUnwindSafe(|| run(bytes))).is_err() {
            let kept = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            fs::write(&kept, bytes).unwrap();
            panic!(
                "bytes made from {from} are not survived; they are in {}",
                kept.display()
            );
        }
    };
    for (file, bytes) in &corpus {
        survives(bytes, file);
    }
    let mut mutator = Mutator::new(1);
    for number in 0..MUTATIONS {
        let (file, bytes) = &corpus[number % corpus.len()];
        let (_, other) = &corpus[number / corpus.len() % corpus.len()];
        survives(&mutator.mutate(bytes, other), file);
    }
}

/// The files of a corpus, by name, so that their order is the same everywhere.
fn corpus(name: &str) -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(name);
    let entries = fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut corpus: Vec<_> = paths
        .map(|path| (path.display().to_string(), fs::read(&path).unwrap()))
        .collect();
    corpus.sort();
    corpus
}
