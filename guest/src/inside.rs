//! What this place shows of its inside: the stack's numbers, and those of what is below it.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;

use netfront::Stats;
use runtime::{Clock, Connection, Inspect, Number};
use stack::Net;

use crate::sleep::Sleep;

/// The stack, and what is below it.
pub(crate) struct Inside {
    pub(crate) net: Net,
    pub(crate) device: Option<Rc<Cell<Stats>>>,
    pub(crate) sleep: Option<Sleep>,
}

impl Inspect for Inside {
    fn numbers(&self, show: &mut dyn FnMut(Number)) {
        self.net.numbers(show);
        if let Some(device) = &self.device {
            show_device(&device.get(), show);
        }
        if let Some(sleep) = &self.sleep {
            let help = "How often the guest went to sleep.";
            show(Number::new("xen_polls_total", help, sleep.polls()));
        }
    }

    fn connections(&self, show: &mut dyn FnMut(&Connection) -> bool) {
        self.net.connections(show);
    }

    fn trace(&self, clock: &Clock) -> Option<Vec<u8>> {
        self.net.trace(clock)
    }
}

fn show_device(stats: &Stats, show: &mut dyn FnMut(Number)) {
    let numbers = [
        (
            "netfront_received_super_frames_total",
            "Super-frames received.",
            stats.received_super_frames,
        ),
        (
            "netfront_sent_super_frames_total",
            "Super-frames sent.",
            stats.sent_super_frames,
        ),
        (
            "netfront_dropped_total",
            "Packets that the back end brought, and that make no sense.",
            stats.dropped.iter().sum(),
        ),
        (
            "netfront_unsent_pieces_total",
            "Pieces of frames that the back end did not send on.",
            stats.unsent_pieces,
        ),
        (
            "netfront_notified_total",
            "How often the back end was notified, by a hypercall.",
            stats.notified,
        ),
        (
            "netfront_leaked_pages_total",
            "Pages that the back end did not let go of.",
            stats.leaked,
        ),
        (
            "netfront_broken_total",
            "Devices given up because of what their back ends wrote.",
            stats.broken,
        ),
    ];
    for (name, help, value) in numbers {
        show(Number::new(name, help, value));
    }
}
