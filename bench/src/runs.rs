//! One run: in this process, or in one of its own.

use core::time::Duration;
use std::env;
use std::process::Command;

use crate::contest::{Case, Contestant, Goal, Measured, Work};
use crate::{by_hand, ours, smol, tasks};

/// Runs a case here and prints what was found: operations, nanoseconds, bytes.
pub(crate) fn here(case: Case, contestant: Contestant, operations: Option<u64>, seconds: f64) {
    let work = case.work();
    let goal = match operations {
        Some(operations) => Goal::Operations(operations),
        None => Goal::Time(Duration::from_secs_f64(seconds)),
    };
    let measured = match (contestant, work) {
        (Contestant::Parhelion, _) => tasks::run(ours::pair(), work, goal),
        (
            Contestant::ByHand,
            Work::Exchange {
                connections,
                in_flight,
            },
        ) => by_hand::exchange(connections, in_flight, goal),
        (Contestant::Smoltcp | Contestant::ByHand, _) => tasks::run(smol::pair(work), work, goal),
    };
    let Measured {
        operations,
        elapsed,
        resident,
    } = measured;
    println!("{operations} {} {resident}", elapsed.as_nanos());
}

/// Runs a case in a process of its own.
pub(crate) fn apart(
    case: Case,
    contestant: Contestant,
    time: Duration,
) -> Result<Measured, String> {
    let seconds = time.as_secs_f64().to_string();
    let case = case.name();
    let arguments = ["run", &case, contestant.name(), "--seconds", &seconds];
    let program = env::current_exe().map_err(|error| format!("cannot find itself: {error}"))?;
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("cannot start itself: {error}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(format!("{case} of {} failed: {said}", contestant.name()));
    }
    let said = String::from_utf8_lossy(&output.stdout);
    let mut numbers = said.split_whitespace().map_while(|word| word.parse().ok());
    let mut next = || numbers.next().unwrap_or(0);
    Ok(Measured {
        operations: next(),
        elapsed: Duration::from_nanos(next()),
        resident: next(),
    })
}
