//! The loop that every place runs.

use alloc::rc::Rc;
use core::cell::Cell;
use core::future::Future;
use core::time::Duration;

use packet::Instant;

use crate::{Error, Executor};

/// Where the program lives, as far as time is concerned: Linux, a hypervisor's guest, a capture
/// (its clock is the capture's), a simulation.
pub trait Place {
    /// The monotonic time.
    fn now(&self) -> Instant;

    /// The wall clock: time since 1970-01-01 UTC.
    fn unix_time(&self) -> Duration;

    /// Waits for an armed driver's event, or until `until` at the latest. May return early.
    fn wait(&mut self, until: Option<Instant>);
}

/// Something that brings events and takes output: a network, signals, a console.
pub trait Driver {
    /// Takes in what has arrived and what has timed out, within bounds, and wakes the tasks that it
    /// concerns. `true`: something happened, look again before sleeping.
    fn receive(&self, now: Instant) -> bool;

    /// Sends what may be sent now.
    fn transmit(&self, now: Instant);

    /// When it has to be called although nothing arrives.
    fn next_event(&self) -> Option<Instant>;

    /// Asks to be notified of the next event, then looks again. `true`: there is work, do not sleep.
    fn arm(&self) -> bool;

    /// Whether all that it was given to send is on its way and confirmed, so that the program may
    /// end.
    fn is_quiet(&self) -> bool {
        true
    }
}

/// Polls of tasks in one turn: large enough that drivers cost little a task (a turn of a tap costs
/// about 1 µs, a poll about 50 ns), small enough that what arrives waits for well under a
/// millisecond.
const TURN: usize = 256;

/// Runs `main` and every task it spawns until all are done; gives `main`'s result.
///
/// Once the executor is told to [stop](Executor::stop), or `main` is done, the others have `grace`
/// to finish, and the drivers to send what they were given; then all that is left is dropped and
/// reset. `None`: `main` itself did not finish.
///
/// # Errors
/// [`Error::NoBuffer`] when there is no room for `main`.
pub fn run<T: 'static>(
    place: &mut dyn Place,
    drivers: &[Rc<dyn Driver>],
    executor: &Executor,
    main: impl Future<Output = T> + 'static,
    grace: Duration,
) -> Result<Option<T>, Error> {
    let result = Rc::new(Cell::new(None));
    let (output, stop) = (Rc::clone(&result), executor.clone());
    executor.spawn(async move {
        output.set(Some(main.await));
        stop.stop();
    })?;
    let mut end = None;
    loop {
        let now = place.now();
        executor.clock().set(now, place.unix_time());
        let happened = turn(drivers, executor, now);
        if executor.is_stopping() {
            let end = *end.get_or_insert(now + grace);
            let done = executor.is_empty() && drivers.iter().all(|driver| driver.is_quiet());
            if done || now >= end {
                break;
            }
        }
        if !happened && !executor.is_ready() && !arm(drivers) {
            place.wait(earliest(drivers, executor, end));
        }
    }
    executor.clear();
    // What was dropped just now still says so to its peers.
    for driver in drivers {
        driver.transmit(place.now());
    }
    Ok(result.take())
}

/// Input, timers, tasks, output, in this order: so an answer leaves in the turn that brought its
/// question.
///
/// `true`: a driver had something. This is what [`run`] does over and over; by itself it is for who
/// runs several hosts in one thread. The executor's clock has to be set before.
pub fn turn(drivers: &[Rc<dyn Driver>], executor: &Executor, now: Instant) -> bool {
    let mut happened = false;
    for driver in drivers {
        happened |= driver.receive(now);
    }
    executor.expire(now);
    executor.run_ready(TURN);
    for driver in drivers {
        driver.transmit(now);
    }
    happened
}

/// Arms every driver: one that found work must not keep the others from being armed.
fn arm(drivers: &[Rc<dyn Driver>]) -> bool {
    let mut work = false;
    for driver in drivers {
        work |= driver.arm();
    }
    work
}

fn earliest(
    drivers: &[Rc<dyn Driver>],
    executor: &Executor,
    end: Option<Instant>,
) -> Option<Instant> {
    drivers
        .iter()
        .filter_map(|driver| driver.next_event())
        .chain(executor.next_deadline())
        .chain(end)
        .min()
}

#[cfg(test)]
mod tests;
