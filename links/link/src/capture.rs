//! Writing down what passes a link.

use alloc::vec::Vec;

use packet::{Instant, RxChecksum};

use crate::{Burst, Caps, Full, Ipv4Layout, Link, LinkError, LinkState, Transmit};

/// Which way a frame went, as seen from the stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Received.
    In,
    /// Sent.
    Out,
}

/// Where frames are written down.
pub trait Sink {
    /// Takes a whole frame. What cannot be written is the sink's to count: traffic goes on.
    fn record(&mut self, now: Instant, direction: Direction, frame: &[u8]);

    /// Writes down what it has kept back: nothing happens for a while.
    fn flush(&mut self);
}

/// Writes down every frame of a link, in both directions, as a cable would have carried it: a
/// checksum that was left to the device is completed in the copy. Super-frames stay whole. What
/// arrives damaged is written down damaged.
#[derive(Debug)]
pub struct Capture<L, S> {
    link: L,
    sink: S,
    /// The frame at hand in one piece; at most a super-frame.
    copy: Vec<u8>,
}

impl<L: Link, S: Sink> Capture<L, S> {
    /// Wraps `link`.
    #[must_use]
    pub fn new(link: L, sink: S) -> Self {
        let copy = Vec::new();
        Self { link, sink, copy }
    }

    /// The link inside.
    #[must_use]
    pub fn inner(&self) -> &L {
        &self.link
    }

    fn record(&mut self, now: Instant, direction: Direction, blank: bool) {
        if blank && let Some(layout) = Ipv4Layout::parse(&self.copy) {
            layout.complete(&mut self.copy);
        }
        self.sink.record(now, direction, &self.copy);
    }
}

impl<L: Link, S: Sink> Link for Capture<L, S> {
    fn caps(&self) -> &Caps {
        self.link.caps()
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let before = burst.len();
        let result = self.link.receive(now, burst);
        for frame in burst.frames().iter().skip(before) {
            self.copy.clear();
            frame
                .parts()
                .for_each(|part| self.copy.extend_from_slice(part));
            self.record(now, Direction::In, frame.meta.checksum == RxChecksum::Blank);
        }
        result
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        self.link.transmit(now, frame)?;
        self.copy.clear();
        self.copy.extend_from_slice(frame.head);
        frame
            .payload
            .iter()
            .for_each(|chunk| self.copy.extend_from_slice(chunk));
        let blank = frame.offload.checksum.is_some() || frame.offload.gso_size.is_some();
        self.record(now, Direction::Out, blank);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        self.link.flush(now)
    }

    fn next_event(&self) -> Option<Instant> {
        self.link.next_event()
    }

    fn arm(&mut self) -> bool {
        let work = self.link.arm();
        if !work {
            self.sink.flush();
        }
        work
    }
}

#[cfg(test)]
mod tests {
    use packet::{Chunk, Frame, Limits, Part, Pool, RxMeta};

    use super::*;
    use crate::{Offload, PartialChecksum};

    /// A link with one frame to be received.
    struct One(Option<Frame>);

    impl Link for One {
        fn caps(&self) -> &Caps {
            unreachable!("nobody asks")
        }

        fn state(&self) -> LinkState {
            LinkState::Up { epoch: 0 }
        }

        fn receive(&mut self, _: Instant, burst: &mut Burst) -> Result<(), LinkError> {
            self.0
                .take()
                .into_iter()
                .for_each(|frame| burst.push(frame));
            Ok(())
        }

        fn transmit(&mut self, now: Instant, _: Transmit<'_>) -> Result<(), Full> {
            match now {
                Instant::ZERO => Err(Full),
                _ => Ok(()),
            }
        }

        fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
            Ok(())
        }

        fn arm(&mut self) -> bool {
            false
        }
    }

    #[derive(Default)]
    struct Written(Vec<(Direction, Vec<u8>)>);

    impl Sink for &mut Written {
        fn record(&mut self, _: Instant, direction: Direction, frame: &[u8]) {
            self.0.push((direction, frame.to_vec()));
        }

        fn flush(&mut self) {}
    }

    /// TCP without text; its checksum is 0, which is wrong.
    const HEAD: [u8; 54] = [
        2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0x26, 0xce,
        10, 0, 0, 1, 10, 0, 0, 2, 0x80, 0, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 1, 0, 0, 0,
        0, 0,
    ];

    fn is_intact(frame: &[u8]) -> Option<bool> {
        Ipv4Layout::parse(frame).unwrap().is_intact(frame)
    }

    #[test]
    fn received_frames_are_written_as_they_are_unless_their_checksum_was_left_to_us() {
        let pool = Pool::new(Limits {
            cells: 8,
            pages: 0,
            bays: 0,
        });
        for (checksum, intact) in [
            (RxChecksum::Blank, true),
            (RxChecksum::Unknown, false),
            (RxChecksum::Valid, false),
        ] {
            let part = Part::copy_from(&pool, &HEAD).unwrap();
            let meta = RxMeta {
                checksum,
                gso_size: 0,
            };
            let mut written = Written::default();
            let mut burst = Burst::new();
            let mut link = Capture::new(One(Some(Frame::new(part, meta))), &mut written);
            link.receive(Instant::ZERO, &mut burst).unwrap();
            assert_eq!(burst.frames()[0].head(), HEAD, "the frame itself is left");
            link.receive(Instant::ZERO, &mut burst).unwrap();
            let [(Direction::In, frame)] = &written.0[..] else {
                panic!("not one frame");
            };
            assert_eq!(is_intact(frame), Some(intact), "{checksum:?}");
        }
    }

    #[test]
    fn sent_frames_are_written_once_and_completed() {
        let checksum = Some(PartialChecksum {
            start: 34,
            offset: 16,
        });
        let payload = [Chunk::Static(b"odd"), Chunk::Static(b"text")];
        let mut head = HEAD;
        head[17] += 7;
        let frame = |checksum| Transmit {
            head: &head,
            payload: &payload,
            offload: Offload {
                checksum,
                gso_size: None,
            },
        };
        let mut written = Written::default();
        let mut link = Capture::new(One(None), &mut written);
        assert_eq!(link.transmit(Instant::ZERO, frame(checksum)), Err(Full));
        let later = Instant::from_nanos(1);
        link.transmit(later, frame(checksum)).unwrap();
        link.transmit(later, frame(None)).unwrap();
        let [(Direction::Out, first), (Direction::Out, second)] = &written.0[..] else {
            panic!("not two frames");
        };
        assert!(first.ends_with(b"oddtext"));
        assert_eq!(
            [is_intact(first), is_intact(second)],
            [Some(true), Some(false)]
        );
    }
}
