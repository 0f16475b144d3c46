//! Control messages that wait for the link.

use alloc::collections::VecDeque;
use core::net::Ipv4Addr;
use core::ops::Range;

use ethernet::EtherType;
use ipv4::{Header, Protocol, TokenBucket, icmp};
use link::{Full, Offload};
use packet::{Chunk, Class, Frame, Head, Instant, MAX_SPILL, Part, Pool, Random};
use tcp::{Blocked, Fill};

use crate::Drop;
use crate::interface::Interface;

/// Echo requests answered in a second, and at once: a flood of pings is answered, a flood that would
/// keep a core busy is not.
const ECHOES: (u32, u32) = (20_000, 2_000);
/// Errors sent in a second, and at once (RFC 1812, 4.3.2.8, asks for such a limit; Linux sends 1,000
/// a second to all hosts together).
const COMPLAINTS: (u32, u32) = (1_000, 50);

/// Messages that wait for the link. Full: a new one is dropped; who sent the cause of it does not
/// rely on an answer.
pub(crate) struct Outbox {
    pool: Pool,
    limit: usize,
    replies: VecDeque<Reply>,
    /// The one message that waits for its next hop's address (RFC 1122, 2.3.2.2: at least one).
    waiting: Option<Reply>,
    echoes: TokenBucket,
    complaints: TokenBucket,
    identifications: Random,
}

struct Reply {
    remote: Ipv4Addr,
    message: Frame,
    /// The bytes of it that left in fragments already.
    sent: usize,
    identification: u16,
}

impl Outbox {
    pub(crate) fn new(pool: Pool, limit: usize, identifications: Random) -> Self {
        Self {
            pool,
            limit,
            replies: VecDeque::new(),
            waiting: None,
            echoes: TokenBucket::new(ECHOES.0, ECHOES.1),
            complaints: TokenBucket::new(COMPLAINTS.0, COMPLAINTS.1),
            identifications,
        }
    }

    pub(crate) fn fill(&self) -> Fill {
        Fill {
            used: self.replies.len(),
            limit: self.limit,
        }
    }

    /// Answers an echo request with the frame that brought it.
    pub(crate) fn echo(
        &mut self,
        now: Instant,
        remote: Ipv4Addr,
        mut message: Frame,
    ) -> Result<(), Drop> {
        if !self.echoes.take(now) {
            return Err(Drop::IcmpLimit);
        }
        if message.head_mut().is_none() {
            // Somebody else still holds the bytes: a capture, the sender in the same memory.
            message = self.copy(&message).ok_or(Drop::NoMemory)?;
        }
        icmp::make_reply(message.head_mut().ok_or(Drop::NoMemory)?);
        self.push(remote, message)
    }

    /// Complains about a packet; the caller knows that it may.
    pub(crate) fn complain(
        &mut self,
        now: Instant,
        remote: Ipv4Addr,
        message: &[u8],
    ) -> Result<(), Drop> {
        if !self.complaints.take(now) {
            return Err(Drop::IcmpLimit);
        }
        let message = Part::copy_from(&self.pool, message).ok_or(Drop::NoMemory)?;
        self.push(remote, Frame::new(message, packet::RxMeta::default()))
    }

    /// Whether nothing waits for the link.
    pub(crate) fn is_empty(&self) -> bool {
        self.replies.is_empty()
    }

    /// Hands over what waits, as long as the link takes it.
    #[inline(never)]
    pub(crate) fn transmit(&mut self, now: Instant, interface: &mut Interface) {
        while let Some(mut reply) = self.replies.pop_front() {
            match reply.transmit(now, interface) {
                Ok(()) => {}
                Err(Blocked::Full) => return self.replies.push_front(reply),
                Err(Blocked::Unresolved) => {
                    if self.waiting.replace(reply).is_some() {
                        interface.stats.drop(Drop::Unreachable);
                    }
                }
                Err(Blocked::Unreachable) => interface.stats.drop(Drop::Unreachable),
            }
        }
    }

    /// Tries what waited for a next hop again: more is known of one now.
    pub(crate) fn retry(&mut self) {
        self.replies.extend(self.waiting.take());
    }

    /// Throws away what waits: our address is another one now.
    pub(crate) fn clear(&mut self) {
        self.replies.clear();
        self.waiting = None;
    }

    fn push(&mut self, remote: Ipv4Addr, message: Frame) -> Result<(), Drop> {
        // Bays are what links receive with: they come first.
        let large = message.memory_held() > Class::Page.size();
        if self.replies.len() >= self.limit || (large && self.pool.is_low(Class::Bay)) {
            return Err(Drop::NoMemory);
        }
        self.replies.push_back(Reply {
            remote,
            message,
            sent: 0,
            identification: self.identifications.next_u64() as u16,
        });
        Ok(())
    }

    /// The same frame with its first part copied.
    fn copy(&self, message: &Frame) -> Option<Frame> {
        let head = Part::copy_from(&self.pool, message.head())?;
        let mut copy = Frame::new(head, message.meta);
        let mut spill = message.parts().skip(1);
        spill.try_for_each(|part| copy.push(part.clone()).ok())?;
        Some(copy)
    }
}

impl Reply {
    fn transmit(&mut self, now: Instant, interface: &mut Interface) -> Result<(), Blocked> {
        let destination = interface.next_hop(now, self.remote)?;
        let len = self.message.len();
        let room = usize::from(interface.mtu).saturating_sub(ipv4::HEADER_LEN);
        if len <= room {
            let head = interface.icmp_head(destination, self.remote, len);
            return send(now, interface, head, &pieces(&self.message, 0..len));
        }
        // Only here does this host send fragments: what came in such pieces goes back in them.
        let step = (room & !7).max(8);
        while self.sent < len {
            let end = (self.sent + step).min(len);
            let header = Header {
                source: interface.address().ok_or(Blocked::Unreachable)?,
                destination: self.remote,
                protocol: Protocol::ICMP,
                ecn: 0,
                identification: self.identification,
                // A message is at most 65,515 bytes: it came in one packet.
                fragment_offset: self.sent as u16,
                more_fragments: end < len,
                header_len: ipv4::HEADER_LEN as u8,
                total_len: (end - self.sent + ipv4::HEADER_LEN) as u16,
            };
            let mut head = Head::new();
            head.prepend(&ipv4::write(&header));
            interface.put_in_frame(&mut head, destination, EtherType::IPV4);
            send(now, interface, head, &pieces(&self.message, self.sent..end))?;
            self.sent = end;
        }
        Ok(())
    }
}

fn send(
    now: Instant,
    interface: &mut Interface,
    mut head: Head,
    payload: &[Chunk],
) -> Result<(), Blocked> {
    interface
        .send(now, &mut head, payload, Offload::default())
        .map_err(|Full| Blocked::Full)
}

/// The bytes of `frame` in `range`.
fn pieces(frame: &Frame, range: Range<usize>) -> heapless::Vec<Chunk, { MAX_SPILL + 1 }> {
    let mut start = 0;
    let piece = |part: &Part| {
        let here = range.start.saturating_sub(start)..range.end.saturating_sub(start);
        start += part.len();
        part.slice(here).into()
    };
    let pieces = frame.parts().map(piece);
    pieces.filter(|piece: &Chunk| !piece.is_empty()).collect()
}
