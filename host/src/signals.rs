//! Ctrl-C and SIGTERM.

use core::sync::atomic::{AtomicBool, Ordering};
use std::io;
use std::sync::Arc;

use mio::Interest;
use mio::net::UnixStream;
use packet::Instant;
use runtime::{Driver, Executor};
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::reactor::Reactor;

/// Stops the executor on the first signal. A second one ends the process at once, whatever it is
/// doing, with exit code 1.
pub(crate) struct Signals {
    arrived: Arc<AtomicBool>,
    executor: Executor,
    /// A signal writes into the other end, which ends the wait. Never read: two bytes at most come.
    _bell: UnixStream,
}

impl Signals {
    /// Takes the two signals over for the rest of the process's life.
    pub(crate) fn install(reactor: &Reactor, executor: &Executor) -> io::Result<Self> {
        let arrived = Arc::new(AtomicBool::new(false));
        let (mut bell, rope) = UnixStream::pair()?;
        reactor.register(&mut bell, Reactor::NOBODY, 0, Interest::READABLE)?;
        let rope = std::os::fd::OwnedFd::from(rope);
        for signal in [SIGINT, SIGTERM] {
            // In this order: the first signal finds nothing set, then sets it.
            signal_hook::flag::register_conditional_shutdown(signal, 1, Arc::clone(&arrived))?;
            signal_hook::flag::register(signal, Arc::clone(&arrived))?;
            signal_hook::low_level::pipe::register(signal, rope.try_clone()?)?;
        }
        Ok(Self {
            arrived,
            executor: executor.clone(),
            _bell: bell,
        })
    }
}

impl Driver for Signals {
    fn receive(&self, _: Instant) -> bool {
        if !self.arrived.load(Ordering::Relaxed) || self.executor.is_stopping() {
            return false;
        }
        self.executor.stop();
        true
    }

    fn transmit(&self, _: Instant) {}

    fn next_event(&self) -> Option<Instant> {
        None
    }

    fn arm(&self) -> bool {
        self.arrived.load(Ordering::Relaxed) && !self.executor.is_stopping()
    }
}
