//! How a step went, and the summary of all.

use core::ops::AddAssign;
use core::time::Duration;

/// What came of a step, counted.
#[derive(Default)]
pub(crate) struct Outcome {
    pub(crate) passed: usize,
    pub(crate) failed: usize,
    /// What was not done, and why: a line each.
    pub(crate) skipped: Vec<String>,
}

impl Outcome {
    /// One thing that holds or does not.
    pub(crate) fn of(good: bool) -> Self {
        Self {
            passed: usize::from(good),
            failed: usize::from(!good),
            skipped: Vec::new(),
        }
    }

    /// One thing that could not be looked at.
    pub(crate) fn skip(why: String) -> Self {
        Self {
            skipped: vec![why],
            ..Self::default()
        }
    }

    /// Skips become failures: for steps that may not be skipped.
    pub(crate) fn forbid_skips(mut self) -> Self {
        self.failed += self.skipped.len();
        for why in self.skipped.drain(..) {
            println!("failed: may not be skipped here: {why}");
        }
        self
    }
}

impl AddAssign for Outcome {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
        self.skipped.extend(other.skipped);
    }
}

/// All steps in their order.
#[derive(Default)]
pub(crate) struct Summary {
    lines: Vec<String>,
    total: Outcome,
}

impl Summary {
    pub(crate) fn add(&mut self, name: &str, took: Duration, outcome: Outcome) {
        self.lines.push(format!(
            "{name:<12}{:>8.1} s{:>8}{:>8}{:>8}",
            took.as_secs_f64(),
            outcome.passed,
            outcome.failed,
            outcome.skipped.len(),
        ));
        self.total += outcome;
    }

    /// Prints it, the counts last. Tells whether nothing failed.
    pub(crate) fn finish(self) -> bool {
        let Outcome {
            passed,
            failed,
            skipped,
        } = self.total;
        println!(
            "\n{:<12}{:>10}{:>8}{:>8}{:>8}",
            "step", "time", "passed", "failed", "skipped"
        );
        for line in self.lines {
            println!("{line}");
        }
        for why in &skipped {
            println!("skipped: {why}");
        }
        println!(
            "{passed} passed, {failed} failed, {} skipped",
            skipped.len()
        );
        failed == 0
    }
}
