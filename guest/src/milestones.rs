//! How long it took to be of use.

use core::cell::Cell;

use packet::Instant;
use runtime::Driver;
use stack::Net;

use crate::{domain, image, say};

/// Tells when the application listens, and when its first answer begins to leave.
pub(crate) struct Milestones {
    net: Net,
    kilohertz: u32,
    next: Cell<Next>,
}

#[derive(Clone, Copy)]
enum Next {
    Listening,
    Answering,
    Nothing,
}

impl Milestones {
    /// Those of an application on `net`; the processor's counter has this frequency.
    pub(crate) fn new(net: &Net, kilohertz: u32) -> Self {
        Self {
            net: net.clone(),
            kilohertz,
            next: Cell::new(Next::Listening),
        }
    }

    /// Whether text has been sent on any connection.
    fn has_answered(&self) -> bool {
        let mut answered = false;
        // The SYN is the first place of a stream.
        self.net
            .look(|_, _, info| answered |= info.positions.nxt > 1);
        answered
    }

    fn tell(&self, what: &str) {
        let ticks = domain::counter().saturating_sub(image::entry());
        let micros = ticks.saturating_mul(1000) / u64::from(self.kilohertz.max(1));
        let (millis, rest) = (micros / 1000, micros % 1000);
        say(format_args!(
            "Parhelion: {what} {millis}.{rest:03} ms after the first instruction"
        ));
    }
}

impl Driver for Milestones {
    fn receive(&self, _: Instant) -> bool {
        false
    }

    fn transmit(&self, _: Instant) {
        match self.next.get() {
            Next::Listening if self.net.is_listening() => {
                self.tell("listening");
                self.next.set(Next::Answering);
            }
            Next::Answering if self.has_answered() => {
                self.tell("first byte of an answer sent");
                self.next.set(Next::Nothing);
            }
            _ => {}
        }
    }

    fn next_event(&self) -> Option<Instant> {
        None
    }

    fn arm(&self) -> bool {
        false
    }
}
