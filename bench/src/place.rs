//! Where a benchmark runs: its clock, its loop, its memory.

use core::cell::Cell;
use core::time::Duration;
use std::fs;
use std::rc::Rc;

use runtime::{Driver, Executor, Instant, Place};

use crate::contest::Goal;

/// A host, and the tasks that live on it.
pub(crate) struct Side {
    pub(crate) drivers: [Rc<dyn Driver>; 1],
    pub(crate) tasks: Executor,
}

/// Runs `main` on the first of two sides until it is done. The sides take turns, as two machines
/// would with a cable between that takes no time: what one has sent, the other one receives in its
/// next turn. A turn is that of every place.
pub(crate) fn run<T: 'static>(
    goal: Goal,
    sides: &[Side; 2],
    main: impl Future<Output = T> + 'static,
) -> T {
    let mut place: Box<dyn Place> = match goal {
        Goal::Time(_) => Box::new(Real(std::time::Instant::now())),
        Goal::Operations(_) => Box::new(Steady(Cell::new(START))),
    };
    let result = Rc::new(Cell::new(None));
    let output = Rc::clone(&result);
    let task = async move { output.set(Some(main.await)) };
    sides[0].tasks.spawn(task).expect("room for a task");
    loop {
        let mut happened = false;
        for Side { drivers, tasks } in sides {
            let now = place.now();
            tasks.clock().set(now, place.unix_time());
            happened |= runtime::turn(drivers, tasks, now) || tasks.is_ready();
            // At once: the other side would find that its connections end.
            if let Some(result) = result.take() {
                return result;
            }
        }
        let is_idle = |side: &Side| !side.drivers.iter().any(|driver| driver.arm());
        if !happened && sides.iter().all(is_idle) {
            place.wait(sides.iter().filter_map(next_event).min());
        }
    }
}

fn next_event(side: &Side) -> Option<Instant> {
    let of_drivers = side.drivers.iter().filter_map(|driver| driver.next_event());
    of_drivers.chain(side.tasks.next_deadline()).min()
}

/// A time for what starts later than the epoch of its clock: no stack likes to be at zero.
const START: Instant = Instant::from_millis(1_000);

/// The clock of the machine. It never sleeps: both ends are in this thread, so somebody always has
/// something to do, or a timer is about to fire.
struct Real(std::time::Instant);

impl Place for Real {
    fn now(&self) -> Instant {
        START + self.0.elapsed()
    }

    /// Nothing here has a date, and a second look at the clock would cost both stacks the same.
    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&mut self, _until: Option<Instant>) {}
}

/// A clock that advances by a microsecond each turn, so that the same work is done in every run.
struct Steady(Cell<Instant>);

impl Place for Steady {
    fn now(&self) -> Instant {
        self.0.replace(self.0.get() + Duration::from_micros(1))
    }

    fn unix_time(&self) -> Duration {
        Duration::ZERO
    }

    fn wait(&mut self, until: Option<Instant>) {
        let now = self.0.get();
        self.0.set(until.map_or(now, |until| until.max(now)));
    }
}

/// The processor time that this process has used. It never sleeps, so on a quiet machine this is
/// real time; on a busy one it still is what the work took. Only where time is the goal: valgrind
/// has none of the page that the kernel tells time in.
pub(crate) fn cpu(goal: Goal) -> Duration {
    if matches!(goal, Goal::Operations(_)) {
        return Duration::ZERO;
    }
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    // It counts up from zero.
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The memory of this process, in bytes.
pub(crate) fn resident() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    number
        .and_then(|number| number.parse::<u64>().ok())
        .unwrap_or(0)
        * 1024
}
