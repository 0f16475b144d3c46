//! The tasks and what makes them run.
//!
//! A task is a boxed future in a slot of a table that grows up to a limit. Each slot makes its waker
//! once and keeps it for all the tasks that will ever live there: waking sets a bit, and needs no
//! allocation and no `unsafe`. The price is that a waker which outlives its task wakes whoever lives
//! in the slot then. A future must bear being polled for nothing anyway, so that is harmless.
//!
//! A task has one deadline: the earliest of all its sleeps. So there are never more timers than
//! tasks, and a sleep that is dropped costs one early wake-up and no bookkeeping.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::future::Future;
use core::pin::Pin;
use core::task::{Context, Poll, Waker};

use packet::{Deadlines, Instant};

use crate::ready::Ready;
use crate::{Clock, Error};

/// Runs tasks on one thread; all clones are the same executor.
#[derive(Clone)]
pub struct Executor(Rc<Inner>);

struct Inner {
    clock: Clock,
    ready: Arc<Ready>,
    tasks: RefCell<Tasks>,
    deadlines: RefCell<Deadlines>,
    /// The slot of the task that is being polled.
    current: Cell<Option<u32>>,
    stopping: Cell<bool>,
}

#[derive(Default)]
struct Tasks {
    slots: Vec<Slot>,
    /// Slots without a task; the one freed last is used first.
    free: Vec<u32>,
    limit: usize,
}

struct Slot {
    /// Absent while it is being polled, and where no task lives.
    future: Option<Pin<Box<dyn Future<Output = ()>>>>,
    /// Absent while it is in use for a poll.
    waker: Option<Waker>,
}

impl Executor {
    /// An executor for at most `limit` tasks (and no more than [`Executor::MAX_TASKS`]).
    #[must_use]
    pub fn new(limit: usize) -> Self {
        let limit = limit.min(Self::MAX_TASKS);
        Self(Rc::new(Inner {
            clock: Clock::default(),
            ready: Arc::new(Ready::new(limit)),
            tasks: RefCell::new(Tasks {
                limit,
                ..Tasks::default()
            }),
            deadlines: RefCell::new(Deadlines::new()),
            current: Cell::new(None),
            stopping: Cell::new(false),
        }))
    }

    /// As many tasks as three levels of 64 can tell apart.
    pub const MAX_TASKS: usize = Ready::CAPACITY;

    /// Starts a task; see [`Env::spawn`](crate::Env::spawn).
    ///
    /// # Errors
    /// [`Error::NoBuffer`] when there are as many tasks as there may be.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Result<(), Error> {
        let mut tasks = self.0.tasks.borrow_mut();
        // The limit also counts what is being polled, so a full table refuses before it boxes.
        let slot = tasks.claim(&self.0.ready).ok_or(Error::NoBuffer)?;
        tasks.slots[slot as usize].future = Some(Box::pin(task));
        drop(tasks);
        self.0.ready.set(slot);
        Ok(())
    }

    /// Polls ready tasks, `budget` of them at most, each in its turn.
    pub fn run_ready(&self, budget: usize) {
        for _ in 0..budget {
            let Some(slot) = self.0.ready.take_next() else {
                return;
            };
            self.poll(slot);
        }
    }

    /// Whether a task is ready to run.
    #[must_use]
    pub fn is_ready(&self) -> bool {
        self.0.ready.any()
    }

    /// How many tasks there are.
    #[must_use]
    pub fn len(&self) -> usize {
        let tasks = self.0.tasks.borrow();
        tasks.slots.len() - tasks.free.len()
    }

    /// Whether there is no task.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The clock that the tasks see.
    #[must_use]
    pub fn clock(&self) -> &Clock {
        &self.0.clock
    }

    /// Asks every task to come to an end. Wakes them all, for each may be waiting for this.
    pub fn stop(&self) {
        if self.0.stopping.replace(true) {
            return;
        }
        for slot in 0..self.0.tasks.borrow().slots.len() as u32 {
            self.0.ready.set(slot);
        }
    }

    /// Whether the tasks were asked to come to an end.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.0.stopping.get()
    }

    /// Wakes the tasks whose deadline has come.
    pub fn expire(&self, now: Instant) {
        let mut deadlines = self.0.deadlines.borrow_mut();
        while let Some(slot) = deadlines.pop_expired(now) {
            self.0.ready.set(slot);
        }
    }

    /// When the next deadline of a task comes.
    #[must_use]
    pub fn next_deadline(&self) -> Option<Instant> {
        self.0.deadlines.borrow().next()
    }

    /// Whether `at` has come; if not, the task that is being polled will be polled again by then.
    ///
    /// # Panics
    /// If no task is being polled: somebody polls a future of this crate with another executor.
    pub fn poll_deadline(&self, at: Instant) -> Poll<()> {
        if self.0.clock.now() >= at {
            return Poll::Ready(());
        }
        let slot = self.0.current.get().expect("a sleep outside of a task");
        self.0.deadlines.borrow_mut().set_no_later(slot, at);
        Poll::Pending
    }

    /// Drops every task, and those that they spawn meanwhile.
    pub fn clear(&self) {
        // A task's destructor may use the executor, so nothing is borrowed while it runs.
        self.0.tasks.borrow_mut().limit = 0;
        let count = self.0.tasks.borrow().slots.len() as u32;
        for slot in 0..count {
            let future = self.0.tasks.borrow_mut().slots[slot as usize].future.take();
            if let Some(future) = future {
                drop(future);
                self.vacate(slot);
            }
        }
    }

    fn poll(&self, slot: u32) {
        let mut tasks = self.0.tasks.borrow_mut();
        let place = &mut tasks.slots[slot as usize];
        // A waker that outlived its task may have woken an empty slot.
        let Some(mut future) = place.future.take() else {
            return;
        };
        let waker = place
            .waker
            .take()
            .unwrap_or_else(|| Ready::waker(&self.0.ready, slot));
        drop(tasks);

        self.0.current.set(Some(slot));
        let done = future
            .as_mut()
            .poll(&mut Context::from_waker(&waker))
            .is_ready();
        self.0.current.set(None);

        self.0.tasks.borrow_mut().slots[slot as usize].waker = Some(waker);
        if done {
            drop(future);
            self.vacate(slot);
        } else {
            self.0.tasks.borrow_mut().slots[slot as usize].future = Some(future);
        }
    }

    /// Makes room for another task in `slot`.
    #[inline(never)]
    fn vacate(&self, slot: u32) {
        self.0.deadlines.borrow_mut().set(slot, None);
        self.0.tasks.borrow_mut().free.push(slot);
    }
}

impl Tasks {
    /// A slot without a task, if there is one or may be one more.
    fn claim(&mut self, ready: &Arc<Ready>) -> Option<u32> {
        if self.slots.len() - self.free.len() >= self.limit {
            return None;
        }
        if let Some(slot) = self.free.pop() {
            return Some(slot);
        }
        // Below `MAX_TASKS`, so it fits.
        let slot = self.slots.len() as u32;
        self.slots.push(Slot {
            future: None,
            waker: Some(Ready::waker(ready, slot)),
        });
        Some(slot)
    }
}

#[cfg(test)]
mod tests;
