use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::{pending, poll_fn};
use core::task::{Poll, Waker};
use core::time::Duration;

use super::*;

/// A future that is done when the flag is set; it hands out its waker.
fn gate(
    open: &Rc<Cell<bool>>,
    waker: &Rc<RefCell<Option<Waker>>>,
) -> impl Future<Output = ()> + use<> {
    let (open, waker) = (Rc::clone(open), Rc::clone(waker));
    poll_fn(move |cx| {
        *waker.borrow_mut() = Some(cx.waker().clone());
        if open.get() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    })
}

#[test]
fn a_task_runs_when_woken_and_only_then() {
    let executor = Executor::new(8);
    let (open, waker) = (Rc::default(), Rc::default());
    executor.spawn(gate(&open, &waker)).unwrap();
    executor.run_ready(10);
    assert!(!executor.is_ready());
    open.set(true);
    executor.run_ready(10);
    assert_eq!(executor.len(), 1, "nobody woke it");
    waker.borrow().as_ref().unwrap().wake_by_ref();
    executor.run_ready(10);
    assert!(executor.is_empty());
}

#[test]
fn a_waker_that_outlives_its_task_is_harmless() {
    let executor = Executor::new(8);
    let (open, waker) = (Rc::new(Cell::new(true)), Rc::default());
    executor.spawn(gate(&open, &waker)).unwrap();
    executor.run_ready(1);
    let stale: Waker = waker.take().unwrap();
    stale.wake_by_ref();
    executor.run_ready(1);
    assert!(!executor.is_ready());

    // The next task gets the same slot, is polled once for nothing, and still ends by its own waker.
    open.set(false);
    executor.spawn(gate(&open, &waker)).unwrap();
    executor.run_ready(1);
    stale.wake();
    executor.run_ready(1);
    assert_eq!(executor.len(), 1);
    open.set(true);
    waker.take().unwrap().wake();
    executor.run_ready(1);
    assert!(executor.is_empty());
}

#[test]
fn tasks_are_bounded() {
    let executor = Executor::new(2);
    assert_eq!(executor.spawn(pending()), Ok(()));
    assert_eq!(executor.spawn(async {}), Ok(()));
    assert_eq!(executor.spawn(pending()), Err(Error::NoBuffer));
    executor.run_ready(10);
    assert_eq!(executor.spawn(pending()), Ok(()));
}

#[test]
fn a_task_that_is_always_ready_does_not_starve_the_others() {
    let executor = Executor::new(100);
    let busy = poll_fn(|cx| {
        cx.waker().wake_by_ref();
        Poll::<()>::Pending
    });
    executor.spawn(busy).unwrap();
    let runs = Rc::new(Cell::new(0));
    for _ in 0..50 {
        let runs = Rc::clone(&runs);
        executor
            .spawn(async move { runs.set(runs.get() + 1) })
            .unwrap();
    }
    executor.run_ready(51);
    assert_eq!(runs.get(), 50);
}

#[test]
fn sleeps_end_in_order_and_not_early() {
    let executor = Executor::new(8);
    let order = Rc::new(RefCell::new(Vec::new()));
    for millis in [30, 10, 20] {
        let (sleeper, order) = (executor.clone(), Rc::clone(&order));
        let at = Instant::from_millis(millis);
        executor
            .spawn(async move {
                poll_fn(|_| sleeper.poll_deadline(at)).await;
                order.borrow_mut().push((millis, sleeper.clock().now()));
            })
            .unwrap();
    }
    executor.run_ready(10);
    while let Some(at) = executor.next_deadline() {
        executor.clock().set(at, Duration::ZERO);
        executor.expire(at);
        executor.run_ready(10);
    }
    let expected = [10, 20, 30].map(|millis| (millis, Instant::from_millis(millis)));
    assert_eq!(*order.borrow(), expected);
}

#[test]
fn a_finished_task_leaves_no_deadline() {
    let executor = Executor::new(8);
    let (open, waker) = (Rc::new(Cell::new(false)), Rc::default());
    let (sleeper, mut gate) = (executor.clone(), Box::pin(gate(&open, &waker)));
    executor
        .spawn(poll_fn(move |cx| {
            let _ = sleeper.poll_deadline(Instant::from_millis(5));
            gate.as_mut().poll(cx)
        }))
        .unwrap();
    executor.run_ready(1);
    assert_eq!(executor.next_deadline(), Some(Instant::from_millis(5)));
    open.set(true);
    waker.take().unwrap().wake();
    executor.run_ready(1);
    assert_eq!(executor.next_deadline(), None);
}

#[test]
fn clearing_drops_tasks_that_use_the_executor_as_they_go() {
    struct Last(Executor, Rc<Cell<Option<Result<(), Error>>>>);
    impl Drop for Last {
        fn drop(&mut self) {
            self.1.set(Some(self.0.spawn(pending())));
        }
    }
    let executor = Executor::new(8);
    let answer = Rc::new(Cell::new(None));
    let last = Last(executor.clone(), Rc::clone(&answer));
    executor
        .spawn(async move {
            let _last = last;
            pending::<()>().await;
        })
        .unwrap();
    executor.run_ready(1);
    executor.clear();
    assert_eq!(answer.get(), Some(Err(Error::NoBuffer)));
    assert!(executor.is_empty());
    assert_eq!(
        Rc::strong_count(&executor.0),
        1,
        "no task holds the executor any more"
    );
}

/// A hundred thousand tasks, each of which sleeps, is woken by its neighbour and ends.
#[test]
fn a_hundred_thousand_tasks() {
    const TASKS: usize = 100_000;
    let executor = Executor::new(TASKS);
    let wakers: Rc<RefCell<Vec<Option<Waker>>>> = Rc::new(RefCell::new(alloc::vec![None; TASKS]));
    for index in 0..TASKS {
        let (sleeper, wakers) = (executor.clone(), Rc::clone(&wakers));
        executor
            .spawn(async move {
                let at = Instant::from_millis(1 + index as u64 % 1000);
                poll_fn(|_| sleeper.poll_deadline(at)).await;
                let mut waited = false;
                poll_fn(|cx| {
                    if core::mem::replace(&mut waited, true) {
                        return Poll::Ready(());
                    }
                    wakers.borrow_mut()[index] = Some(cx.waker().clone());
                    Poll::Pending
                })
                .await;
                let next = wakers
                    .borrow_mut()
                    .get_mut(index + 1)
                    .and_then(Option::take);
                if let Some(next) = next {
                    next.wake();
                }
            })
            .unwrap();
    }
    assert!(executor.spawn(pending()).is_err());
    while executor.is_ready() {
        executor.run_ready(TASKS);
    }
    let end = Instant::from_millis(1000);
    executor.clock().set(end, Duration::ZERO);
    executor.expire(end);
    executor.run_ready(TASKS);
    assert_eq!(executor.len(), TASKS);
    assert!(!executor.is_ready());
    wakers.borrow_mut()[0].take().unwrap().wake();
    executor.run_ready(TASKS);
    assert!(executor.is_empty());
}

/// What a task costs beside its future: its slot, its waker (two counters, the set, the slot's
/// number) and its deadline.
#[test]
fn a_task_is_small() {
    assert_eq!(size_of::<Slot>(), 32);
    assert_eq!(Ready::BYTES_PER_WAKER, 32);
}
