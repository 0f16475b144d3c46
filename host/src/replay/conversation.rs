//! A recorded client against our server: one connection, as a state machine without input and output.
//!
//! The client's own numbers stay as they are: our server reads them from its SYN. What it says of the
//! server's stream was said of another stream, with other numbers and another length, and is
//! translated:
//!
//! - An acknowledgement of all that the recorded server had sent until then acknowledges all that
//!   ours has sent until then; of a part, the same part; a repeated one repeats the same.
//! - The echo of a timestamp is ours of the segment that is acknowledged.
//! - SACK blocks are left out: they cannot be in proportion and right.
//! - A client that has acknowledged everything, and then waits, does so for ours too: what ours still
//!   sends is acknowledged a round trip later by a copy of its last acknowledgement (a follow-up).
//! - Our SYN-ACK offers what the recorded one did: options that the recorded server did not take are
//!   removed from the client's SYN, and the SYN-ACK that leaves has the recorded options; windows
//!   behind it are in the recorded scale.

use core::time::Duration;
use std::collections::VecDeque;

use super::plan::Facts;
use super::segment::{
    ACK, FIN, Numbers, RST, SACK, SACK_PERMITTED, SYN, Segment, TIMESTAMPS, WINDOW_SCALE, rebuilt,
};
use super::stream::{REQUEST, RESPONSE, Stream};

/// Segments of ours whose timestamps are remembered until they are acknowledged. Full: the oldest is
/// forgotten, and the next one's is echoed in its place.
const MAX_STAMPS: usize = 256;

/// Bytes of ours that are acknowledged by follow-ups: an endless response must end.
const MAX_FOLLOW_UP: u64 = 64 << 20;

/// How soon a follow-up comes: the recorded round trip, within these.
const ROUND_TRIP: [Duration; 2] = [Duration::from_millis(1), Duration::from_secs(1)];

/// One connection.
pub(crate) struct Conversation {
    facts: Facts,
    /// The recorded server's stream, and the end of what it had sent until now.
    recorded: Option<Numbers>,
    recorded_end: u64,
    /// The same of ours.
    ours: Option<Numbers>,
    ours_end: u64,
    /// What was acknowledged last, of the recorded stream and of ours.
    acked: (u64, u64),
    window: u16,
    /// Ends of segments of ours that are not acknowledged, and their timestamps.
    stamps: VecDeque<(u64, u32)>,
    /// By how much the windows of our server are shifted.
    our_scale: u8,
    pub(crate) client: Stream,
    /// What ours has sent.
    server: Option<Stream>,
    /// The headers of the client's last segment.
    last: Vec<u8>,
    waits: bool,
    closed: bool,
    /// Whether its link will ask it for a follow-up.
    pub(crate) scheduled: bool,
    followed_up: u64,
    pub(crate) counts: Counts,
}

/// What happened in a conversation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Bytes of text of the recorded server, and of ours.
    pub(crate) recorded_bytes: u64,
    pub(crate) our_bytes: u64,
    /// Segments of the client that were delivered, and that made no sense any more.
    pub(crate) delivered: u64,
    pub(crate) left_out: u64,
    /// Acknowledgements that were made up.
    pub(crate) follow_ups: u64,
    /// Segments with a wrong checksum, in the recording.
    pub(crate) damaged: u64,
    /// The client or our server reset the connection.
    pub(crate) client_reset: bool,
    pub(crate) our_reset: bool,
}

impl Conversation {
    /// A connection that `syn` opens.
    pub(crate) fn new(facts: Facts, syn: &Segment<'_>) -> Self {
        Self {
            facts,
            recorded: None,
            recorded_end: 0,
            ours: None,
            ours_end: 0,
            acked: (0, 0),
            window: 0,
            stamps: VecDeque::new(),
            our_scale: 0,
            client: Stream::new(syn.seq(), REQUEST),
            server: None,
            last: Vec::new(),
            waits: false,
            closed: false,
            scheduled: false,
            followed_up: 0,
            counts: Counts::default(),
        }
    }

    /// Whether `syn` is this connection's, or a new one's between the same ends.
    pub(crate) fn is_opened_by(&self, syn: &Segment<'_>) -> bool {
        self.client.is_opened_by(syn.seq())
    }

    /// Learns from a segment of the recorded server.
    pub(crate) fn recorded(&mut self, segment: &Segment<'_>) {
        if segment.has(SYN | ACK) {
            self.recorded = Some(Numbers::new(segment.seq()));
        }
        let Some(numbers) = self.recorded else { return };
        let end = numbers.unwrap(self.recorded_end, segment.seq()) + segment.len();
        if end > self.recorded_end {
            let fin = u64::from(segment.has(FIN));
            self.counts.recorded_bytes = end.saturating_sub(1 + fin);
            self.recorded_end = end;
        }
    }

    /// Translates a segment of the client, frame `number` of the recording. `false`: it makes no
    /// sense to our server, and is left out.
    pub(crate) fn client(&mut self, number: u64, segment: &mut Segment<'_>) -> bool {
        if segment.is_damaged() {
            self.counts.damaged += 1;
        } else if self.client.take(segment) {
            self.waits = false;
        }
        let delivered = match (segment.has(SYN), segment.has(ACK)) {
            (true, _) => self.open(segment),
            (false, true) => self.acknowledge(segment),
            (false, false) => true,
        };
        if self.facts.settled.front().is_some_and(|at| *at <= number) {
            self.facts.settled.pop_front();
            self.waits = true;
        }
        if segment.has(RST) && !segment.is_damaged() {
            self.counts.client_reset = true;
            self.closed = true;
        }
        match delivered {
            true => self.counts.delivered += 1,
            false => self.counts.left_out += 1,
        }
        delivered
    }

    /// Learns from a frame of our server, and makes it what leaves.
    pub(crate) fn sent(&mut self, frame: &mut Vec<u8>) {
        let Some(mut segment) = Segment::parse(frame) else {
            return;
        };
        if segment.has(RST) {
            self.counts.our_reset = true;
            self.closed = true;
            return;
        }
        if segment.has(SYN) {
            self.ours = Some(Numbers::new(segment.seq()));
            self.server
                .get_or_insert_with(|| Stream::new(segment.seq(), RESPONSE));
            self.our_scale = segment.window_scale().unwrap_or(0);
        }
        if let Some(server) = &mut self.server {
            server.take(&segment);
        }
        let Some(numbers) = self.ours else { return };
        let end = numbers.unwrap(self.ours_end, segment.seq()) + segment.len();
        if end > self.ours_end {
            let fin = u64::from(segment.has(FIN));
            self.counts.our_bytes = end.saturating_sub(1 + fin);
            self.ours_end = end;
            if let Some((value, _)) = segment.timestamps() {
                if self.stamps.len() >= MAX_STAMPS {
                    self.stamps.pop_front();
                }
                self.stamps.push_back((end, value));
            }
        }
        match segment.has(SYN) {
            true => *frame = self.offer(&segment).unwrap_or_else(|| frame.clone()),
            false => self.rescale(&mut segment),
        }
    }

    /// Responses that ours has begun.
    pub(crate) fn responses(&self) -> u64 {
        self.server.as_ref().map_or(0, |server| server.marks)
    }

    /// Whether a follow-up is due a [round trip](Self::round_trip) from now.
    pub(crate) fn wants_follow_up(&self) -> bool {
        let open = self.waits && !self.closed && self.followed_up < MAX_FOLLOW_UP;
        open && self.ours_end > self.acked.1 && !self.last.is_empty()
    }

    pub(crate) fn round_trip(&self) -> Duration {
        let [least, most] = ROUND_TRIP;
        self.facts.round_trip.clamp(least, most)
    }

    /// The client's last acknowledgement, for all that ours has sent by now.
    pub(crate) fn follow_up(&mut self) -> Option<Vec<u8>> {
        if !self.wants_follow_up() {
            return None;
        }
        self.followed_up += self.ours_end - self.acked.1;
        self.counts.follow_ups += 1;
        self.acked.1 = self.ours_end;
        let (ack, echo) = (self.ours?.wrap(self.ours_end), self.echo());
        let mut last = self.last.clone();
        let mut segment = Segment::parse(&mut last)?;
        segment.set_seq(self.client.next_seq());
        segment.set_ack(ack);
        if let Some(echo) = echo {
            segment.set_echo(echo);
        }
        Some(last)
    }

    /// A SYN asks for no more than the recorded server gave.
    fn open(&mut self, segment: &mut Segment<'_>) -> bool {
        let Some(offer) = &self.facts.offer else {
            return true;
        };
        for kind in [WINDOW_SCALE, SACK_PERMITTED, TIMESTAMPS] {
            if find(offer, kind).is_none() {
                segment.remove(kind);
            }
        }
        true
    }

    /// Translates what a segment says of the server's stream.
    fn acknowledge(&mut self, segment: &mut Segment<'_>) -> bool {
        let before = Numbers::new(segment.ack().wrapping_sub(1));
        let recorded = *self.recorded.get_or_insert(before);
        let Some(ours) = self.ours else {
            return false;
        };
        let ack = recorded.unwrap(self.recorded_end, segment.ack());
        // The capture may lack what the server sent, but not that the client has it.
        self.recorded_end = self.recorded_end.max(ack);
        let mapped = self.map(ack);
        let is_pure = segment.len() == 0 && !segment.has(RST);
        let advances = mapped > self.acked.1;
        let repeats = ack == self.acked.0 || segment.window() != self.window;
        if is_pure && !advances && !repeats && mapped < self.ours_end {
            // It would look like a sign of loss, which it was not.
            self.acked.0 = self.acked.0.max(ack);
            return false;
        }
        self.acked = (self.acked.0.max(ack), mapped);
        self.window = segment.window();
        segment.set_ack(ours.wrap(mapped));
        segment.remove(SACK);
        if let Some(echo) = self.echo() {
            segment.set_echo(echo);
        }
        let stamps = segment.option(TIMESTAMPS);
        let options = stamps.map(|at| [&[1, 1], &segment.headers()[at]].concat());
        self.last = rebuilt(segment, ACK, &options.unwrap_or_default());
        true
    }

    /// What an acknowledgement of `ack` of the recorded stream is of ours.
    fn map(&self, ack: u64) -> u64 {
        let (before, mapped) = self.acked;
        let part = match () {
            () if ack >= self.recorded_end => return self.ours_end,
            () if ack <= before => return mapped,
            // Behind the SYN, which is acknowledged as a whole.
            () => {
                let (text, of) = (u128::from(ack.max(1) - 1), self.recorded_end - 1);
                let ours = u128::from(self.ours_end.max(1) - 1);
                1 + (text * ours / u128::from(of.max(1))) as u64
            }
        };
        part.clamp(mapped, self.ours_end.max(mapped))
    }

    /// The timestamp of ours that an acknowledgement echoes.
    fn echo(&mut self) -> Option<u32> {
        let acked = self.acked.1;
        while self.stamps.len() > 1 && self.stamps.front().is_some_and(|(end, _)| *end < acked) {
            self.stamps.pop_front();
        }
        self.stamps.front().map(|(_, value)| *value)
    }

    /// Our SYN-ACK with the recorded one's options; its timestamps are ours.
    fn offer(&self, segment: &Segment<'_>) -> Option<Vec<u8>> {
        let mut options = self.facts.offer.clone()?;
        if let (Some(at), Some((value, echo))) = (find(&options, TIMESTAMPS), segment.timestamps())
        {
            let stamps = options.get_mut(at + 2..at + 10)?;
            stamps[..4].copy_from_slice(&value.to_be_bytes());
            stamps[4..].copy_from_slice(&echo.to_be_bytes());
        }
        Some(rebuilt(segment, segment.flags(), &options))
    }

    /// A window behind the SYN-ACK, in the scale that was offered.
    fn rescale(&self, segment: &mut Segment<'_>) {
        let Some(offer) = &self.facts.offer else {
            return;
        };
        let at = find(offer, WINDOW_SCALE).and_then(|at| offer.get(at + 2));
        let scale = at.map_or(0, |scale| *scale).min(14);
        let window = u32::from(segment.window()) << self.our_scale.min(14);
        segment.set_window(u16::try_from(window >> scale).unwrap_or(u16::MAX));
    }
}

/// Where the option of this kind starts in a list of them.
fn find(options: &[u8], kind: u8) -> Option<usize> {
    let mut at = 0;
    loop {
        match options.get(at..)? {
            [0, ..] | [] => return None,
            [1, ..] => at += 1,
            [found, len, rest @ ..] if *len >= 2 && rest.len() + 2 >= usize::from(*len) => {
                if *found == kind {
                    return Some(at);
                }
                at += usize::from(*len);
            }
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests;
