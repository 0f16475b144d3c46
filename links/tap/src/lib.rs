//! A Linux tap as a link.
//!
//! With `vnet_hdr` a 10-byte header before each frame says what virtio's does, so that super-frames
//! and partial checksums cross in both directions: 20 to 40 times the throughput of plain frames.
//! Reads and writes are plain non-blocking system calls: io_uring, scattered reads and AF_XDP were
//! all measured slower on a tap.
//!
//! Why not the crate tun-rs, which opens a tap too: tried without its default features, it asks the
//! kernel for IPv6 and UDP super-frames along with ours, which a stack without them cannot take; it
//! sets the interface up, which an unprivileged owner of a tap may not; it leaves the header's size
//! to whoever held a persistent tap before; and it hides which of busy, forbidden and missing an
//! error was. Each would need an `ioctl` of our own to undo, and six of those are all there is to a
//! tap: they are in `sys.rs`.
//!
//! The kernel's side of a tap (up, addresses, MTU) is not set here but by whoever owns the machine.
//! Several queues of one tap are several [`Tap`]s opened with [`Options::multi_queue`].

mod header;
mod open;
mod sys;

use std::io::IoSlice;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use link::{BURST_FRAMES, Burst, Caps, Full, Link, LinkError, LinkState, Transmit, copy_received};
pub use open::{OpenError, Options};
use packet::{Buf, Class, Frame, Instant, Part, Pool};
use rustix::io::Errno;

/// An Ethernet header with one 802.1Q tag.
const ETHERNET_HEADER: usize = 18;

/// The largest super-frame: an Ethernet header and the largest IPv4 packet.
const MAX_SUPER_FRAME: usize = 14 + 65_535;

/// Up to this many bytes, a received frame is copied out of the bay (8 to 16 ns): a scattered read
/// would cost 80 to 120 ns more, and keeping 68 KiB for it would be a waste.
const COPYBREAK: usize = 2048;

/// Below this much payload, one copy into a contiguous buffer and `write` are faster than `writev`
/// (680 against 800 ns).
const GATHER_FROM: usize = 16 * 1024;

/// The most pieces of payload in one `writev`; a frame in more is copied. The kernel's limit is
/// 1,024 (`IOV_MAX`).
const MAX_PARTS: usize = 64;

/// One queue of a tap.
#[derive(Debug)]
pub struct Tap {
    name: String,
    file: OwnedFd,
    caps: Caps,
    /// Whether a header stands before each frame.
    has_header: bool,
    pool: Pool,
    /// Where the next frame is read to.
    bay: Buf,
    /// Where small frames are put together.
    scratch: Vec<u8>,
    gone: bool,
    stats: Stats,
}

/// What happened at a tap.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Frames received.
    pub received: u64,
    /// Their bytes.
    pub received_bytes: u64,
    /// Frames lost because the pool had no buffer.
    pub no_buffer: u64,
    /// Frames lost because their header made no sense, or announced what was not asked for.
    pub malformed: u64,
    /// Frames sent.
    pub sent: u64,
    /// Their bytes.
    pub sent_bytes: u64,
    /// Frames lost because the kernel had no memory for them.
    pub no_memory: u64,
    /// Frames lost because the interface was not up.
    pub down: u64,
    /// Frames lost because the kernel did not take them, or because they are longer than the MTU
    /// allows or ask for an offload that this tap does not have: a bug of the sender.
    pub refused: u64,
}

impl Tap {
    /// Attaches to the tap of this name, however it was made, or makes it. A tap made here is gone
    /// when the last queue is closed.
    ///
    /// # Errors
    /// With one line that says what is wrong and what to do.
    pub fn open(options: &Options<'_>, pool: Pool) -> Result<Self, OpenError> {
        let attached = open::attach(options)?;
        let caps = Caps {
            mac: attached.mac,
            mtu: attached.mtu,
            checksum_offload: attached.offload,
            max_super_frame: attached.offload.then_some(MAX_SUPER_FRAME),
            max_parts: MAX_PARTS,
            gather_from: GATHER_FROM,
        };
        Ok(Self {
            name: options.name.to_owned(),
            file: attached.file,
            caps,
            has_header: attached.has_header,
            bay: pool.take(Class::Bay).ok_or(OpenError::NoBuffer)?,
            pool,
            scratch: Vec::with_capacity(header::LEN + GATHER_FROM + 256),
            gone: false,
            stats: Stats::default(),
        })
    }

    /// The name of the interface.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What happened at this queue.
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.stats
    }

    /// Follows the interface, whose MTU was changed after the tap was opened; before a stack has it.
    pub fn set_mtu(&mut self, mtu: u16) {
        self.caps.mtu = mtu;
    }

    /// Takes the frame that lies in the bay, `len` bytes with the header.
    fn received(&mut self, len: usize) -> Option<Frame> {
        let start = if self.has_header { header::LEN } else { 0 };
        let Some(meta) = header::parse(&self.bay[..start.min(len)]).filter(|_| len > start) else {
            self.stats.malformed += 1;
            return None;
        };
        if len - start > COPYBREAK
            && let Some(next) = self.pool.take_receiving(Class::Bay)
        {
            let bay = core::mem::replace(&mut self.bay, next);
            return Some(Frame::new(Part::new(bay, start..len), meta));
        }
        let pieces = core::iter::once(&self.bay[start..len]);
        let frame = copy_received(&self.pool, pieces, meta);
        self.stats.no_buffer += u64::from(frame.is_none());
        frame
    }

    /// Whether this tap takes such a frame.
    fn accepts(&self, frame: &Transmit<'_>) -> bool {
        let offload = frame.offload;
        let asks = offload.checksum.is_some() || offload.gso_size.is_some();
        let limit = match offload.gso_size {
            Some(_) => MAX_SUPER_FRAME,
            None => usize::from(self.caps.mtu) + ETHERNET_HEADER,
        };
        (self.caps.checksum_offload || !asks) && frame.len() <= limit
    }

    fn write(&mut self, frame: &Transmit<'_>) -> Result<usize, Errno> {
        let header = header::of(frame);
        let header = if self.has_header { &header[..] } else { &[] };
        let payload = frame.len() - frame.head.len();
        if payload >= GATHER_FROM && frame.payload.len() <= MAX_PARTS {
            let mut slices = [IoSlice::new(&[]); MAX_PARTS + 2];
            let pieces = [header, frame.head]
                .into_iter()
                .chain(frame.payload.iter().map(|c| &**c));
            for (slice, piece) in slices.iter_mut().zip(pieces) {
                *slice = IoSlice::new(piece);
            }
            return rustix::io::writev(&self.file, &slices[..frame.payload.len() + 2]);
        }
        self.scratch.clear();
        self.scratch.extend_from_slice(header);
        self.scratch.extend_from_slice(frame.head);
        for chunk in frame.payload {
            self.scratch.extend_from_slice(chunk);
        }
        rustix::io::write(&self.file, &self.scratch)
    }
}

impl Link for Tap {
    fn caps(&self) -> &Caps {
        &self.caps
    }

    fn state(&self) -> LinkState {
        if self.gone {
            LinkState::Down
        } else {
            LinkState::Up { epoch: 0 }
        }
    }

    fn receive(&mut self, _now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        // Frames that are dropped do not fill the burst, so the reads are bounded too.
        for _ in 0..2 * BURST_FRAMES {
            if burst.is_full() {
                break;
            }
            // The bay is ours alone, so it can always be written.
            let Some(room) = self.bay.bytes_mut() else {
                break;
            };
            match rustix::io::read(&self.file, room) {
                Ok(len) => {
                    let Some(frame) = self.received(len) else {
                        continue;
                    };
                    self.stats.received += 1;
                    self.stats.received_bytes += frame.len() as u64;
                    burst.push(frame);
                }
                Err(Errno::AGAIN) => break,
                Err(Errno::INTR) => {}
                Err(error) => {
                    self.gone |= is_gone(error);
                    return Err(failure(error));
                }
            }
        }
        Ok(())
    }

    fn transmit(&mut self, _now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        if !self.accepts(&frame) {
            self.stats.refused += 1;
            return Ok(());
        }
        match self.write(&frame) {
            Ok(_) => {
                self.stats.sent += 1;
                self.stats.sent_bytes += frame.len() as u64;
            }
            Err(Errno::AGAIN | Errno::INTR) => return Err(Full),
            Err(Errno::NOBUFS | Errno::NOMEM) => self.stats.no_memory += 1,
            Err(Errno::IO) => self.stats.down += 1,
            Err(error) if is_gone(error) => self.gone = true,
            Err(_) => self.stats.refused += 1,
        }
        Ok(())
    }

    fn flush(&mut self, _now: Instant) -> Result<(), LinkError> {
        if self.gone {
            Err(LinkError::Gone)
        } else {
            Ok(())
        }
    }

    /// There is nothing to ask for: a place polls the descriptor, which stays readable as long as
    /// a frame waits.
    fn arm(&mut self) -> bool {
        false
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// What a tap answers once its interface was deleted.
fn is_gone(error: Errno) -> bool {
    matches!(error, Errno::BADFD | Errno::NODEV)
}

fn failure(error: Errno) -> LinkError {
    if is_gone(error) {
        LinkError::Gone
    } else {
        LinkError::Device(error.raw_os_error())
    }
}
