//! Replies that belong to no control block: resets, SYN-ACKs, and the ACKs of TIME-WAIT.

use alloc::collections::VecDeque;
use core::net::{Ipv4Addr, SocketAddrV4};

use packet::{Duration, Head, Instant};

use crate::header::{HEADER_LEN, Header};
use crate::inspect::Fill;
use crate::output::{Blocked, Outgoing, Output, pseudo_sum};
use crate::segment::Segment;
use crate::{Flags, Options, Seq, Stats};

/// The most replies that wait. Full: a reply is dropped and counted; the peer asks again.
const LIMIT: usize = 256;

/// A whole segment without text.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) seq: Seq,
    pub(crate) ack: Seq,
    pub(crate) flags: Flags,
    pub(crate) window: u16,
    pub(crate) options: Options,
}

impl Reply {
    /// The header of this segment with `text_len` bytes of text; in the checksum field, only the sum
    /// of the pseudo-header.
    pub(crate) fn head(&self, text_len: usize) -> Head {
        let mut head = Head::new();
        self.options.write(&mut head);
        let len = HEADER_LEN + head.len();
        let header = Header {
            source: self.local.port().into(),
            destination: self.remote.port().into(),
            seq: self.seq.0.into(),
            ack: self.ack.0.into(),
            data_offset: ((len / 4) << 4) as u8,
            flags: self.flags.0,
            window: self.window.into(),
            checksum: pseudo_sum(self.local, self.remote, len + text_len).into(),
            urgent: 0.into(),
        };
        head.prepend::<HEADER_LEN>(&zerocopy::transmute!(header));
        head
    }
}

/// The replies that wait for the link.
pub(crate) struct Outbox {
    replies: VecDeque<Reply>,
    resets: Bucket,
}

impl Outbox {
    pub(crate) fn new(resets_per_second: u32) -> Self {
        Self {
            replies: VecDeque::new(),
            resets: Bucket::new(resets_per_second),
        }
    }

    pub(crate) fn push(&mut self, reply: Reply, stats: &mut Stats) {
        if self.replies.len() < LIMIT {
            self.replies.push_back(reply);
        } else {
            stats.replies_dropped += 1;
        }
    }

    /// Answers a segment that belongs to nothing (RFC 9293, 3.10.7.1): the reset takes its number
    /// from the acknowledgement, or acknowledges the segment if that had none.
    pub(crate) fn reset(&mut self, now: Instant, seg: &Segment, stats: &mut Stats) {
        if seg.flags.has(Flags::RST) {
            return;
        }
        if !self.resets.take(now) {
            stats.replies_dropped += 1;
            return;
        }
        let (seq, ack, flags) = if seg.flags.has(Flags::ACK) {
            (seg.ack, Seq(0), Flags::RST)
        } else {
            (
                Seq(0),
                Seq(seg.seq.0.wrapping_add(seg.len())),
                Flags::RST.with(Flags::ACK),
            )
        };
        let (local, remote) = (seg.local, seg.remote);
        stats.resets_sent += 1;
        let options = Options::default();
        self.push(
            Reply {
                local,
                remote,
                seq,
                ack,
                flags,
                window: 0,
                options,
            },
            stats,
        );
    }

    /// Hands everything to the link. What it cannot take now stays; what nobody can be reached for
    /// goes.
    pub(crate) fn transmit(
        &mut self,
        output: &mut dyn Output,
        stats: &mut Stats,
    ) -> Result<(), Blocked> {
        while let Some(reply) = self.replies.front() {
            let sent = output.transmit(Outgoing {
                local: *reply.local.ip(),
                remote: *reply.remote.ip(),
                head: &mut reply.head(0),
                payload: &[],
                gso_size: None,
                again: false,
            });
            match sent {
                Ok(()) => stats.segments_sent += 1,
                Err(Blocked::Full) => return Err(Blocked::Full),
                Err(Blocked::Unresolved | Blocked::Unreachable) => stats.replies_dropped += 1,
            }
            self.replies.pop_front();
        }
        Ok(())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    pub(crate) fn fill(&self) -> Fill {
        Fill {
            used: self.replies.len(),
            limit: LIMIT,
        }
    }

    /// Forgets replies to `remote`, to which there is no way.
    pub(crate) fn forget(&mut self, remote: Ipv4Addr) {
        self.replies.retain(|reply| *reply.remote.ip() != remote);
    }
}

/// So many in a second, and as many at once.
struct Bucket {
    per_second: u32,
    tokens: u32,
    filled: Instant,
}

impl Bucket {
    const fn new(per_second: u32) -> Self {
        Self {
            per_second,
            tokens: per_second,
            filled: Instant::ZERO,
        }
    }

    fn take(&mut self, now: Instant) -> bool {
        let elapsed = now.since(self.filled).min(Duration::from_secs(1));
        let earned =
            (elapsed.as_nanos() as u64 * u64::from(self.per_second) / 1_000_000_000) as u32;
        if earned > 0 {
            self.tokens = self.tokens.saturating_add(earned).min(self.per_second);
            self.filled = now;
        }
        let allowed = self.tokens > 0;
        self.tokens = self.tokens.saturating_sub(1);
        allowed
    }
}

#[cfg(test)]
mod tests;
