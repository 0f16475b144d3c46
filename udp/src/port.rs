//! What waits at one bound port.

use alloc::collections::VecDeque;
use core::net::SocketAddrV4;

use packet::{Chunk, Frame, Part, Pool};

use crate::{Config, Drop, Error};

/// A bound port.
#[derive(Debug)]
pub(crate) struct Port {
    pub(crate) number: u16,
    received: VecDeque<(Part, SocketAddrV4)>,
    /// The pool's memory that they hold.
    memory: usize,
    /// What was heard of datagrams that did not arrive.
    undelivered: VecDeque<(SocketAddrV4, Error)>,
    /// Its datagrams among those to be sent.
    pub(crate) unsent: usize,
    /// Somebody waits for what is not there.
    pub(crate) waits_to_receive: bool,
    pub(crate) waits_to_send: bool,
    pub(crate) waits_for_errors: bool,
}

impl Port {
    pub(crate) const fn new(number: u16) -> Self {
        Self {
            number,
            received: VecDeque::new(),
            memory: 0,
            undelivered: VecDeque::new(),
            unsent: 0,
            waits_to_receive: false,
            waits_to_send: false,
            waits_for_errors: false,
        }
    }

    /// Keeps a received datagram until it is taken.
    pub(crate) fn keep(
        &mut self,
        (payload, source): (Frame, SocketAddrV4),
        pool: &Pool,
        config: &Config,
    ) -> Result<(), Drop> {
        if self.received.len() >= config.received {
            return Err(Drop::QueueFull);
        }
        let payload = densely(payload, pool).ok_or(Drop::NoMemory)?;
        if self.memory + payload.memory_held() > config.received_memory {
            return Err(Drop::QueueFull);
        }
        self.memory += payload.memory_held();
        self.received.push_back((payload, source));
        Ok(())
    }

    pub(crate) fn take(&mut self) -> Option<(Chunk, SocketAddrV4)> {
        let (payload, source) = self.received.pop_front()?;
        self.memory -= payload.memory_held();
        Some((payload.into(), source))
    }

    pub(crate) fn report(&mut self, remote: SocketAddrV4, error: Error, config: &Config) {
        if self.undelivered.len() >= config.undelivered {
            self.undelivered.pop_front();
        }
        self.undelivered.push_back((remote, error));
    }

    pub(crate) fn take_error(&mut self) -> Option<(SocketAddrV4, Error)> {
        self.undelivered.pop_front()
    }
}

/// The bytes of `frame` in one buffer of the smallest class that holds them: where they are, if they
/// lie so, else copied. `None` when the pool has none, or would have too few for links to receive with.
fn densely(frame: Frame, pool: &Pool) -> Option<Part> {
    let len = frame.len();
    let class = Pool::class_for(len)?;
    if pool.is_low(class) {
        return None;
    }
    let frame = match frame.into_part() {
        Ok(part) if part.memory_held() == class.size() => return Some(part),
        Ok(part) => Frame::new(part, packet::RxMeta::default()),
        Err(frame) => frame,
    };
    let mut dense = Part::new(pool.take(class)?, 0..0);
    for part in frame.parts() {
        dense.append(part);
    }
    Some(dense)
}
