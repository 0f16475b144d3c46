//! Time, and sleeping until something happens.
//!
//! Interrupts are off for good, and Xen wakes us for the bells that we name. It has a timeout of its own,
//! which means another thing on what only poses as Xen; so a timer rings a bell like all others.

use alloc::rc::Rc;
use core::cell::Cell;
use core::time::Duration;

use packet::Instant;
use runtime::Place;
use xen::{Clock, Events as _, Port, Wait, Xen};

use crate::bells::Bells;

/// The time, and a bed.
#[derive(Clone)]
pub(crate) struct Sleep(Rc<Inner>);

struct Inner {
    xen: Xen,
    clock: Clock,
    timer: Port,
    bells: Rc<Bells>,
    /// When the timer will ring, if that is still to come.
    alarm: Cell<Option<Instant>>,
    polls: Cell<u64>,
}

impl Sleep {
    /// `timer` is among `bells`.
    pub(crate) fn new(xen: Xen, clock: Clock, timer: Port, bells: Rc<Bells>) -> Self {
        Self(Rc::new(Inner {
            xen,
            clock,
            timer,
            bells,
            alarm: Cell::new(None),
            polls: Cell::new(0),
        }))
    }

    /// How often we went to sleep.
    pub(crate) fn polls(&self) -> u64 {
        self.0.polls.get()
    }

    /// Sleeps until one of `ports` has rung, or until `until`; or shorter.
    fn until(&self, ports: &[Port], until: Option<Instant>) {
        let inner = &*self.0;
        // An earlier alarm is left as it is: when it rings, this one will be set.
        if let Some(until) = until
            && inner.alarm.get().is_none_or(|alarm| until < alarm)
        {
            inner.alarm.set(Some(until));
            // It fails only for times that nobody lives to see.
            let _ = inner.xen.set_timer(until);
        }
        inner.polls.set(inner.polls.get() + 1);
        // It fails only for ports that are none.
        let _ = inner.xen.poll(ports);
        if inner.bells.take_pending(inner.timer) {
            inner.alarm.set(None);
        }
    }
}

impl Place for Sleep {
    fn now(&self) -> Instant {
        self.0.clock.now()
    }

    fn unix_time(&self) -> Duration {
        self.0.clock.unix_time()
    }

    fn wait(&mut self, until: Option<Instant>) {
        let bells = &self.0.bells;
        self.until(&bells.open(), until);
        // Whoever has a bell looks in every turn at what it tells, so none need stay rung, which
        // would keep us from sleeping.
        for port in bells.open().iter() {
            bells.take_pending(*port);
        }
    }
}

impl Wait for Sleep {
    fn now(&self) -> Instant {
        self.0.clock.now()
    }

    fn wait(&self, port: Port, until: Instant) {
        self.until(&[port, self.0.timer], Some(until));
    }
}
