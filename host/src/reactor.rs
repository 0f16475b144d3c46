//! One wait for everything that comes from the kernel: sockets, the tap, signals, the terminal.
//!
//! Whoever has a descriptor registers it; whoever wants to know of its events is a [`Sink`]. What
//! is looked at in every turn anyway (a tap's descriptor) needs no sink: it is registered so that
//! the wait ends.

use core::cell::{Cell, RefCell};
use core::time::Duration;
use std::io;
use std::os::fd::{AsFd, AsRawFd as _};
use std::rc::{Rc, Weak};

use mio::event::{Event, Source};
use mio::unix::SourceFd;
use mio::{Events, Interest, Poll, Registry, Token};

/// Events taken from the kernel at once; more of them wait for the next turn.
const BURST: usize = 1024;

/// A token is the owner's number above these bits and the owner's own key in them.
const KEY_BITS: u32 = 24;

/// The one readiness poll of a thread.
pub struct Reactor {
    poll: RefCell<Poll>,
    registry: Registry,
    events: RefCell<Events>,
    sinks: RefCell<Vec<Weak<dyn Sink>>>,
    /// Whether [`Reactor::wait`] was called after the last [`Reactor::look`].
    looked: Cell<bool>,
}

/// Who wants to hear of events.
pub trait Sink {
    /// Something happened to the source registered with `key`. May come for a source that is gone.
    fn event(&self, key: u32, event: &Event);
}

/// The number of one owner of sources.
#[derive(Clone, Copy, Debug)]
pub struct Owner(u32);

impl Reactor {
    /// The owner of sources whose events only end the wait.
    pub const NOBODY: Owner = Owner(0);

    /// A reactor without sources.
    ///
    /// # Errors
    /// When the process may have no more descriptors.
    pub fn new() -> io::Result<Rc<Self>> {
        let poll = Poll::new()?;
        Ok(Rc::new(Self {
            registry: poll.registry().try_clone()?,
            poll: RefCell::new(poll),
            events: RefCell::new(Events::with_capacity(BURST)),
            sinks: RefCell::default(),
            looked: Cell::new(false),
        }))
    }

    /// Makes `sink` an owner of sources, for as long as it lives.
    pub fn add_sink(&self, sink: Weak<dyn Sink>) -> Owner {
        let mut sinks = self.sinks.borrow_mut();
        sinks.push(sink);
        Owner(sinks.len() as u32)
    }

    /// Reports events of `source` to `owner` from now on, under `key` (below 2^24). Each is reported
    /// once, when it begins (edge-triggered): read, write and accept until that would block. Closing
    /// the descriptor ends it.
    ///
    /// # Errors
    /// When the kernel refuses: no memory, or a source registered twice.
    pub fn register(
        &self,
        source: &mut dyn Source,
        owner: Owner,
        key: u32,
        interest: Interest,
    ) -> io::Result<()> {
        let token = Token(((owner.0 << KEY_BITS) | key) as usize);
        source.register(&self.registry, token, interest)
    }

    /// Ends the wait whenever `source` can be read: for what is looked at in every turn anyway.
    ///
    /// # Errors
    /// As [`Reactor::register`].
    pub fn watch(&self, source: &impl AsFd) -> io::Result<()> {
        let descriptor = source.as_fd().as_raw_fd();
        let source = &mut SourceFd(&descriptor);
        self.register(source, Self::NOBODY, 0, Interest::READABLE)
    }

    /// Waits until something happens, for `timeout` at most (`None`: as long as it takes), and tells
    /// the sinks. `true`: something did. The kernel counts in milliseconds; a part of one is rounded
    /// up.
    ///
    /// # Errors
    /// Only what means a bug: an interrupted wait just ends.
    pub fn wait(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let happened = self.poll_events(timeout)?;
        self.looked.set(true);
        Ok(happened)
    }

    /// Tells the sinks what has happened, without waiting; nothing if a wait has just done so.
    ///
    /// # Errors
    /// As [`Reactor::wait`].
    pub fn look(&self) -> io::Result<()> {
        if self.looked.take() {
            return Ok(());
        }
        self.poll_events(Some(Duration::ZERO))?;
        Ok(())
    }

    fn poll_events(&self, timeout: Option<Duration>) -> io::Result<bool> {
        let mut events = self.events.borrow_mut();
        match self.poll.borrow_mut().poll(&mut events, timeout) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(true),
            result => result?,
        }
        let sinks = self.sinks.borrow();
        for event in events.iter() {
            let token = event.token().0 as u32;
            let owner = (token >> KEY_BITS).checked_sub(1);
            let sink = owner.and_then(|owner| sinks.get(owner as usize)?.upgrade());
            if let Some(sink) = sink {
                sink.event(token & ((1 << KEY_BITS) - 1), event);
            }
        }
        Ok(!events.is_empty())
    }
}
