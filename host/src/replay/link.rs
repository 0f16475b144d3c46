//! The link between a recording's clients and our server.

use core::cell::RefCell;
use core::net::Ipv4Addr;
use std::collections::{BTreeSet, HashMap, VecDeque};
use std::rc::Rc;

use link::{
    Burst, Caps, Direction, Full, Ipv4Layout, Link, LinkError, LinkState, Sink as _, Transmit,
    copy_received,
};
use packet::{Frame, Instant, Pool, RxMeta};
use pcap::{Recorder, Report};

use super::conversation::Conversation;
use super::plan::{Pair, Plan};
use super::segment::{ACK, SYN, Segment};
use super::tally::Tally;

/// The hardware address of all clients: the router that they are behind.
pub(crate) const ROUTER: [u8; 6] = [2, 0, 0, 0, 0, 1];

/// Answers to ARP that wait to be received. Full: the question is asked again.
const MAX_ANSWERS: usize = 64;

const HEADER: usize = 14;
const ARP: [u8; 2] = [0x08, 0x06];
const IPV4: [u8; 2] = [0x08, 0x00];
const PROTOCOL_ICMP: u8 = 1;
const PROTOCOL_TCP: u8 = 6;

/// Lets the frames for our address out of a recording through, translated for our server; keeps the
/// recorded server's, and learns from them; and answers for the clients where the recording cannot.
pub(crate) struct Replay<L> {
    link: L,
    /// How far the recording is.
    report: Rc<RefCell<Report>>,
    address: Ipv4Addr,
    plan: Plan,
    conversations: HashMap<Pair, Conversation>,
    /// When conversations want to follow up; each is here once at most.
    due: BTreeSet<(Instant, Pair)>,
    answers: VecDeque<Vec<u8>>,
    pool: Pool,
    burst: Burst,
    out: Option<Recorder>,
    tally: Rc<RefCell<Tally>>,
    /// The frame at hand; kept for its memory.
    copy: Vec<u8>,
}

/// What a replay needs beside its link.
pub(crate) struct Parts {
    pub(crate) report: Rc<RefCell<Report>>,
    pub(crate) address: Ipv4Addr,
    pub(crate) plan: Plan,
    pub(crate) pool: Pool,
    pub(crate) out: Option<Recorder>,
    pub(crate) tally: Rc<RefCell<Tally>>,
}

impl<L: Link> Replay<L> {
    pub(crate) fn new(link: L, parts: Parts) -> Self {
        Self {
            link,
            report: parts.report,
            address: parts.address,
            plan: parts.plan,
            conversations: HashMap::new(),
            due: BTreeSet::new(),
            answers: VecDeque::new(),
            pool: parts.pool,
            burst: Burst::new(),
            out: parts.out,
            tally: parts.tally,
            copy: Vec::new(),
        }
    }

    /// Translates a frame of the recording; `None` if our server is not to see it.
    fn recorded(&mut self, now: Instant, mut frame: Frame) -> Option<Frame> {
        let layout = Ipv4Layout::parse(frame.head())?;
        let addresses: &[u8; 8] = frame.head().get(layout.ip + 12..)?.first_chunk()?;
        let [a, b, c, d, e, f, g, h] = *addresses;
        let (source, destination) = (Ipv4Addr::new(a, b, c, d), Ipv4Addr::new(e, f, g, h));
        if source == self.address {
            self.learn(frame.head_mut()?);
            return None;
        }
        if destination != self.address {
            self.tally.borrow_mut().others += 1;
            return None;
        }
        if layout.protocol == PROTOCOL_TCP && layout.has_transport_header {
            self.client(now, frame.head_mut()?)?;
        } else if layout.protocol == PROTOCOL_ICMP && layout.has_transport_header {
            let echo = frame.head().get(layout.transport) == Some(&8);
            self.tally.borrow_mut().pings += u64::from(echo);
        }
        // Tags go, and the addresses are those of this link.
        frame.advance(layout.ip - HEADER);
        let header = frame.head_mut()?.first_chunk_mut::<HEADER>()?;
        header[..6].copy_from_slice(&self.link.caps().mac);
        header[6..12].copy_from_slice(&ROUTER);
        header[12..].copy_from_slice(&IPV4);
        Some(frame)
    }

    /// The recorded server has sent something.
    fn learn(&mut self, frame: &mut [u8]) {
        if let Some(segment) = Segment::parse(frame) {
            let pair = (segment.destination(), segment.source());
            if let Some(conversation) = self.conversations.get_mut(&pair) {
                conversation.recorded(&segment);
            }
        }
    }

    /// A client has sent something; `None` if it makes no sense any more.
    fn client(&mut self, now: Instant, frame: &mut [u8]) -> Option<()> {
        let number = self.report.borrow().number;
        let mut segment = Segment::parse(frame)?;
        let pair = (segment.source(), segment.destination());
        let is_open = segment.has(SYN) && !segment.has(ACK);
        let known = self.conversations.get(&pair);
        if is_open && known.is_none_or(|known| !known.is_opened_by(&segment)) {
            let facts = self.plan.facts.remove(&number)?;
            let new = Conversation::new(facts, &segment);
            if let Some(old) = self.conversations.insert(pair, new) {
                self.tally.borrow_mut().add(pair.0, &old);
            }
        }
        let Some(conversation) = self.conversations.get_mut(&pair) else {
            self.tally.borrow_mut().without_start += 1;
            return None;
        };
        let delivered = conversation.client(number, &mut segment);
        self.schedule(now, pair);
        delivered.then_some(())
    }

    /// Our server has sent the frame in `copy`.
    fn sent(&mut self, now: Instant) {
        let kind = self.copy.get(12..HEADER);
        if kind == Some(&ARP) {
            if self.answers.len() < MAX_ANSWERS {
                self.answers.extend(answer(&self.copy));
            }
        } else if let Some(segment) = Segment::parse(&mut self.copy) {
            let pair = (segment.destination(), segment.source());
            if let Some(conversation) = self.conversations.get_mut(&pair) {
                conversation.sent(&mut self.copy);
            }
            self.schedule(now, pair);
        } else if let Some(layout) = Ipv4Layout::parse(&self.copy) {
            let reply = self.copy.get(layout.transport) == Some(&0);
            let is_icmp = layout.protocol == PROTOCOL_ICMP && layout.has_transport_header;
            self.tally.borrow_mut().pongs += u64::from(is_icmp && reply);
        }
    }

    fn schedule(&mut self, now: Instant, pair: Pair) {
        let Some(conversation) = self.conversations.get_mut(&pair) else {
            return;
        };
        if conversation.wants_follow_up() && !conversation.scheduled {
            conversation.scheduled = true;
            self.due.insert((now + conversation.round_trip(), pair));
        }
    }

    /// What the clients say beyond the recording.
    fn made_up(&mut self, now: Instant, burst: &mut Burst) {
        while !burst.is_full()
            && let Some(answer) = self.answers.pop_front()
        {
            self.copied(&answer)
                .into_iter()
                .for_each(|frame| burst.push(frame));
        }
        while !burst.is_full()
            && let Some((at, pair)) = self.due.first().copied()
            && at <= now
        {
            self.due.pop_first();
            let Some(conversation) = self.conversations.get_mut(&pair) else {
                continue;
            };
            conversation.scheduled = false;
            if let Some(mut frame) = conversation.follow_up() {
                if let Some(header) = frame.first_chunk_mut::<12>() {
                    header[..6].copy_from_slice(&self.link.caps().mac);
                    header[6..].copy_from_slice(&ROUTER);
                }
                self.copied(&frame)
                    .into_iter()
                    .for_each(|frame| burst.push(frame));
            }
        }
    }

    fn copied(&self, frame: &[u8]) -> Option<Frame> {
        copy_received(&self.pool, core::iter::once(frame), RxMeta::default())
    }

    fn write_down(&mut self, now: Instant, way: Direction) {
        if let Some(out) = &mut self.out {
            out.record(now, way, &self.copy);
        }
    }
}

impl<L: Link> Link for Replay<L> {
    fn caps(&self) -> &Caps {
        self.link.caps()
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        self.made_up(now, burst);
        if burst.is_empty() {
            let mut recorded = core::mem::take(&mut self.burst);
            let result = self.link.receive(now, &mut recorded);
            for frame in recorded.drain() {
                let frame = self.recorded(now, frame);
                frame.into_iter().for_each(|frame| burst.push(frame));
            }
            self.burst = recorded;
            result?;
        }
        for frame in burst.frames() {
            self.copy.clear();
            frame
                .parts()
                .for_each(|part| self.copy.extend_from_slice(part));
            self.write_down(now, Direction::In);
        }
        Ok(())
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        self.copy.clear();
        self.copy.extend_from_slice(frame.head);
        frame
            .payload
            .iter()
            .for_each(|chunk| self.copy.extend_from_slice(chunk));
        self.sent(now);
        self.write_down(now, Direction::Out);
        self.link.transmit(now, frame)
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        self.link.flush(now)
    }

    fn next_event(&self) -> Option<Instant> {
        let answers = (!self.answers.is_empty()).then_some(Instant::ZERO);
        let due = self.due.first().map(|(at, _)| *at);
        [answers, due, self.link.next_event()]
            .into_iter()
            .flatten()
            .min()
    }

    fn arm(&mut self) -> bool {
        self.link.arm()
    }
}

/// What is told of conversations only at their end.
impl<L> Drop for Replay<L> {
    fn drop(&mut self) {
        let mut tally = self.tally.borrow_mut();
        for (pair, conversation) in &self.conversations {
            tally.add(pair.0, conversation);
        }
        tally.left_out = self.plan.left_out;
    }
}

/// The router's answer to a question of ours (RFC 826): whoever is asked for, it is behind it.
fn answer(request: &[u8]) -> Option<Vec<u8>> {
    let arp: &[u8; 28] = request.get(HEADER..)?.first_chunk()?;
    let (sender, target) = (arp.get(8..18)?, arp.get(24..28)?);
    // A question for itself is an announcement, and nobody else has the address.
    if arp[6..8] != [0, 1] || sender[6..] == *target || sender[6..] == [0; 4] {
        return None;
    }
    let mut reply = Vec::with_capacity(HEADER + 28);
    reply.extend_from_slice(&sender[..6]);
    reply.extend_from_slice(&ROUTER);
    reply.extend_from_slice(&ARP);
    reply.extend_from_slice(&arp[..6]);
    reply.extend_from_slice(&[0, 2]);
    reply.extend_from_slice(&ROUTER);
    reply.extend_from_slice(target);
    reply.extend_from_slice(sender);
    Some(reply)
}
