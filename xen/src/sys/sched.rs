//! Waiting and ending (`sched.h`, `vcpu.h`).

use core::hint;

use packet::Instant;

use super::{Call, PROCESSOR, Xen};
use crate::{HypercallError, Port};

// Commands.
const SHUTDOWN: u64 = 2;
const POLL: u64 = 3;
const SET_SINGLESHOT_TIMER: u64 = 8;

/// The most ports that Xen polls at once.
const MAX_POLLED: usize = 128;

/// Why a guest ends, as the toolstack is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is done.
    PowerOff = 0,
    /// It wants to be started again.
    Reboot = 1,
    /// It failed.
    Crash = 3,
}

impl Xen {
    /// Sleeps until one of `ports` is pending; not at all if one is. May wake for no reason.
    /// Interrupts may be off, and the ports masked. At most 128 of them.
    ///
    /// There is no timeout: it means another thing on what only poses as Xen. Let a timer wake the
    /// guest.
    ///
    /// # Errors
    /// What Xen says.
    pub fn poll(self, ports: &[Port]) -> Result<(), HypercallError> {
        #[repr(C)]
        struct Poll {
            ports: *const Port,
            count: u32,
            timeout: u64,
        }
        let mut poll = Poll {
            ports: ports.as_ptr(),
            count: ports.len().min(MAX_POLLED) as u32,
            timeout: 0,
        };
        // SAFETY: `struct sched_poll`, with as many ports as it says, which Xen reads.
        unsafe { self.command(Call::Sched, POLL, &mut poll) }
    }

    /// Ends this guest; the toolstack reads the reason.
    pub fn shut_down(self, reason: Reason) -> ! {
        let mut reason = reason as u32;
        // SAFETY: `struct sched_shutdown`, which Xen reads.
        let _ = unsafe { self.command(Call::Sched, SHUTDOWN, &mut reason) };
        // Not reached, says Xen.
        loop {
            hint::spin_loop();
        }
    }

    /// Lets the timer's port become pending once, at this time of Xen's clock; at once if that
    /// is past. Replaces an earlier one. Up to 50 µs too early is to be expected.
    ///
    /// # Errors
    /// What Xen says.
    pub fn set_timer(self, at: Instant) -> Result<(), HypercallError> {
        #[repr(C)]
        struct Timer {
            at: u64,
            flags: u64,
        }
        let mut timer = Timer {
            at: at.as_nanos(),
            flags: 0,
        };
        let address = (&raw mut timer).expose_provenance() as u64;
        // SAFETY: `struct vcpu_set_singleshot_timer`, which Xen reads; these calls take a
        // processor's number before it.
        unsafe { self.call(Call::Vcpu, SET_SINGLESHOT_TIMER, PROCESSOR, address) }
    }
}
