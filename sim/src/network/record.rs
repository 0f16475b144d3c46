//! Every frame that a host sends or receives, behind the faults: what its stack knows.

use core::cell::RefCell;
use std::rc::Rc;

use link::{Direction, Sink};
use packet::{Instant, Key, Secrets};

/// A frame, when it passed, and where.
#[derive(Clone, Debug)]
pub struct Kept {
    /// When.
    pub at: Instant,
    /// At which host.
    pub host: usize,
    /// Whether the host sent or received it.
    pub direction: Direction,
    /// The frame.
    pub bytes: Vec<u8>,
}

/// What is known of all frames so far.
pub(super) struct Record {
    key: Key,
    pub(super) hash: u64,
    pub(super) frames: u64,
    kept: Option<Vec<Kept>>,
}

impl Record {
    /// Only a hash of them.
    pub(super) fn hash() -> Self {
        Self {
            key: Secrets::new([0; 32]).key("frames"),
            hash: 0,
            frames: 0,
            kept: None,
        }
    }

    /// The frames themselves too.
    pub(super) fn keep() -> Self {
        Self {
            kept: Some(Vec::new()),
            ..Self::hash()
        }
    }

    pub(super) fn take_kept(&mut self) -> Vec<Kept> {
        self.kept.take().unwrap_or_default()
    }
}

/// One host's way to the record.
pub(super) struct Notes {
    pub(super) host: usize,
    pub(super) record: Rc<RefCell<Record>>,
}

impl Sink for Notes {
    fn record(&mut self, now: Instant, direction: Direction, frame: &[u8]) {
        let record = &mut *self.record.borrow_mut();
        let way = 2 * self.host as u64 + u64::from(direction == Direction::Out);
        let numbers = [record.hash, now.as_nanos(), way, record.key.hash(frame)];
        record.hash = record.key.hash(&numbers.map(u64::to_le_bytes).concat());
        record.frames += 1;
        if let Some(kept) = &mut record.kept {
            kept.push(Kept {
                at: now,
                host: self.host,
                direction,
                bytes: frame.to_vec(),
            });
        }
    }

    fn flush(&mut self) {}
}
