//! Every packet script in `tests/tcp` against our stack, in virtual time. (`cargo xtask scripts
//! --against linux` runs the same files against the kernel.)

use std::path::PathBuf;

use sim::suite::{self, Outcome};

#[test]
fn every_script_is_true_of_our_stack() {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/tcp"));
    let scripts = suite::read(&[folder]).unwrap();
    assert!(scripts.len() >= 60, "only {} scripts", scripts.len());
    let outcomes = suite::against_parhelion(&scripts);
    let failures: Vec<&str> = outcomes
        .iter()
        .filter_map(|outcome| match outcome {
            Outcome::Failed(failure) => Some(failure.as_str()),
            _ => None,
        })
        .collect();
    let (failed, all) = (failures.len(), scripts.len());
    assert!(
        failures.is_empty(),
        "{failed} of {all} scripts:\n{}",
        failures.join("\n")
    );
}
