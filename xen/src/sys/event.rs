//! Event channels (`event_channel.h`).

use super::{Call, PROCESSOR, Xen};
use crate::{DomainId, HypercallError, Port};

// Commands.
const BIND_VIRQ: u64 = 1;
const CLOSE: u64 = 3;
const SEND: u64 = 4;
const ALLOCATE_UNBOUND: u64 = 6;

/// The timer's interrupt, as an event (`VIRQ_TIMER`).
const TIMER: u32 = 0;

impl Xen {
    /// The port that the timer makes pending. To be asked for once.
    ///
    /// # Errors
    /// What Xen says.
    pub fn bind_timer(self) -> Result<Port, HypercallError> {
        // `struct evtchn_bind_virq`: the interrupt, the processor; the port is the answer.
        let mut bind = [TIMER, PROCESSOR as u32, 0];
        // SAFETY: that structure, of which Xen writes the last field.
        unsafe { self.command(Call::EventChannel, BIND_VIRQ, &mut bind) }?;
        Ok(Port(bind[2]))
    }

    pub(crate) fn allocate_port(self, remote: DomainId) -> Result<Port, HypercallError> {
        #[repr(C)]
        struct Allocate {
            domain: u16,
            remote: u16,
            port: u32,
        }
        let mut allocate = Allocate {
            domain: DomainId::SELF.0,
            remote: remote.0,
            port: 0,
        };
        // SAFETY: `struct evtchn_alloc_unbound`, of which Xen writes the port.
        unsafe { self.command(Call::EventChannel, ALLOCATE_UNBOUND, &mut allocate) }?;
        Ok(Port(allocate.port))
    }

    /// Wakes whoever listens at the other end. Fails only for a port that is none.
    pub fn send(self, port: Port) {
        // SAFETY: `struct evtchn_send` is the port, which Xen reads.
        let _ = unsafe { self.command(Call::EventChannel, SEND, &mut { port }) };
    }

    pub(crate) fn close_port(self, port: Port) {
        // SAFETY: `struct evtchn_close` is the port, which Xen reads.
        let _ = unsafe { self.command(Call::EventChannel, CLOSE, &mut { port }) };
    }
}
