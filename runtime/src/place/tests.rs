use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::{pending, poll_fn};
use core::task::Poll;

use super::*;

/// Time goes on only by waiting.
#[derive(Default)]
struct Virtual(Instant);

impl Place for Virtual {
    fn now(&self) -> Instant {
        self.0
    }

    fn unix_time(&self) -> Duration {
        Duration::from_secs(1_000_000)
    }

    fn wait(&mut self, until: Option<Instant>) {
        self.0 = until.expect("nothing would ever happen again");
    }
}

/// Writes down what it is asked.
#[derive(Default)]
struct Recorder {
    calls: RefCell<Vec<&'static str>>,
    armed: Cell<bool>,
    /// Input that is still to come.
    input: Cell<usize>,
    quiet_at: Instant,
    next: Option<Instant>,
    now: Cell<Instant>,
}

impl Driver for Recorder {
    fn receive(&self, now: Instant) -> bool {
        self.now.set(now);
        self.calls.borrow_mut().push("receive");
        let left = self.input.get();
        self.input.set(left.saturating_sub(1));
        left > 0
    }

    fn transmit(&self, _: Instant) {
        self.calls.borrow_mut().push("transmit");
    }

    fn next_event(&self) -> Option<Instant> {
        self.next.filter(|at| *at > self.now.get())
    }

    fn arm(&self) -> bool {
        self.calls.borrow_mut().push("arm");
        self.input.get() == 0 && !self.armed.replace(true)
    }

    fn is_quiet(&self) -> bool {
        self.now.get() >= self.quiet_at
    }
}

const GRACE: Duration = Duration::from_millis(100);

async fn sleep_until(executor: &Executor, millis: u64) {
    poll_fn(|_| executor.poll_deadline(Instant::from_millis(millis))).await;
}

/// Runs `main`; gives its result and the time at which all was over.
fn run_virtually<T: 'static>(
    drivers: &[Rc<dyn Driver>],
    executor: &Executor,
    main: impl Future<Output = T> + 'static,
) -> (Option<T>, u64) {
    let mut place = Virtual::default();
    let result = run(&mut place, drivers, executor, main, GRACE).unwrap();
    assert!(executor.is_empty());
    (result, place.now().as_millis())
}

#[test]
fn the_others_may_finish_after_main() {
    let executor = Executor::new(8);
    let (main, other) = (executor.clone(), executor.clone());
    let finished = Rc::new(Cell::new(false));
    let flag = Rc::clone(&finished);
    let main = async move {
        let slow = async move {
            sleep_until(&other, 15).await;
            flag.set(true);
        };
        main.spawn(slow).unwrap();
        sleep_until(&main, 5).await;
        "done"
    };
    assert_eq!(run_virtually(&[], &executor, main), (Some("done"), 15));
    assert!(finished.get());
}

#[test]
fn but_not_for_ever() {
    let executor = Executor::new(8);
    let main = executor.clone();
    let held = Rc::new(());
    let kept = Rc::clone(&held);
    let main = async move {
        let stuck = async move {
            let _kept = kept;
            pending::<()>().await;
        };
        main.spawn(stuck).unwrap();
        sleep_until(&main, 5).await;
    };
    assert_eq!(run_virtually(&[], &executor, main), (Some(()), 105));
    assert_eq!(Rc::strong_count(&held), 1, "the task was dropped");
}

#[test]
fn main_itself_is_given_up_after_a_stop() {
    let executor = Executor::new(8);
    let stop = executor.clone();
    let stopper = async move {
        sleep_until(&stop, 10).await;
        stop.stop();
    };
    executor.spawn(stopper).unwrap();
    assert_eq!(run_virtually(&[], &executor, pending::<()>()), (None, 110));
}

#[test]
fn a_stop_wakes_who_waits_for_it() {
    let executor = Executor::new(8);
    let (stop, main) = (executor.clone(), executor.clone());
    let stopper = async move {
        sleep_until(&stop, 10).await;
        stop.stop();
    };
    executor.spawn(stopper).unwrap();
    let main = poll_fn(move |_| match main.is_stopping() {
        true => Poll::Ready("stopped"),
        false => Poll::Pending,
    });
    assert_eq!(run_virtually(&[], &executor, main), (Some("stopped"), 10));
}

#[test]
fn a_turn_goes_from_input_to_output_and_sleeps_only_when_all_agree() {
    let executor = Executor::new(8);
    let driver = Rc::new(Recorder {
        input: Cell::new(1),
        ..Recorder::default()
    });
    let drivers: [Rc<dyn Driver>; 1] = [driver.clone()];
    let main = executor.clone();
    let main = async move { sleep_until(&main, 5).await };
    run_virtually(&drivers, &executor, main);
    let expected = [
        // Something was received, so it looks again without a thought of sleep.
        &["receive", "transmit"][..],
        // Arming finds work once.
        &["receive", "transmit", "arm"],
        &["receive", "transmit", "arm"],
        // Five milliseconds later main is done; last words after everything was dropped.
        &["receive", "transmit", "transmit"],
    ];
    assert_eq!(*driver.calls.borrow(), expected.concat());
}

#[test]
fn the_end_waits_until_everything_is_sent() {
    let millis = Instant::from_millis;
    for (quiet_at, end) in [(millis(20), 20), (millis(1000), 100)] {
        let driver: Rc<dyn Driver> = Rc::new(Recorder {
            quiet_at,
            next: Some(quiet_at),
            ..Recorder::default()
        });
        let (_, at) = run_virtually(&[driver], &Executor::new(8), async {});
        assert_eq!(at, end);
    }
}
