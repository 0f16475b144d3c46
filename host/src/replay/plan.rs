//! What has to be known of a recording before it is played.
//!
//! Two things lie ahead of their use: what the recorded server offered when our server has to answer
//! a SYN, and, when a client has acknowledged everything, whether it went on to wait for more. So the
//! file is read once for these, and then once more to be played.

use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::collections::{HashMap, VecDeque};
use std::io::Read;

use pcap::{Error, Frames};

use super::segment::{ACK, FIN, Numbers, SYN, Segment};

/// The most connections of a recording; more are left out, and counted.
pub(crate) const MAX_CONVERSATIONS: usize = 1 << 17;

/// A client's end of a connection, and the server's.
pub(crate) type Pair = (SocketAddrV4, SocketAddrV4);

/// What is known ahead of one connection.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Facts {
    /// The options of the recorded SYN-ACK; `None` if there is none.
    pub(crate) offer: Option<Vec<u8>>,
    /// Numbers of frames with which the client has acknowledged all that the recorded server sent
    /// before the client went on (or fell silent).
    pub(crate) settled: VecDeque<u64>,
    /// From the recorded SYN-ACK to its acknowledgement.
    pub(crate) round_trip: Duration,
}

/// What is known ahead of a recording.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// The server: the one that the first SYN went to, or the first to the address asked for.
    pub(crate) server: Option<SocketAddrV4>,
    /// Facts by the number of the frame that has the connection's SYN.
    pub(crate) facts: HashMap<u64, Facts>,
    /// Connections that are too many.
    pub(crate) left_out: u64,
}

/// A connection as far as the file was read.
struct Track {
    syn: u64,
    server: Option<Numbers>,
    /// The end of what the server has sent.
    server_end: u64,
    client: Numbers,
    client_end: u64,
    /// When the SYN-ACK passed, until it is acknowledged.
    offered_at: Option<Duration>,
    /// The first frame that acknowledges all there is, and whether it also brings something.
    candidate: Option<(u64, bool)>,
    facts: Facts,
}

impl Plan {
    /// Reads a recording to its end, or to where it goes wrong: playing it will tell.
    pub(crate) fn read<R: Read>(mut frames: Frames<R>, address: Option<Ipv4Addr>) -> Self {
        let mut plan = Self::default();
        let mut tracks = HashMap::new();
        let mut frame = Vec::new();
        let mut number = 0;
        while let Ok::<_, Error>(Some(recorded)) = frames.next_frame() {
            number += 1;
            frame.clear();
            frame.extend_from_slice(recorded.frame);
            if let Some(segment) = Segment::parse(&mut frame) {
                plan.segment(&mut tracks, address, (number, recorded.time), &segment);
            }
        }
        tracks
            .into_values()
            .for_each(|track: Track| plan.keep(track));
        plan
    }

    fn segment(
        &mut self,
        tracks: &mut HashMap<Pair, Track>,
        address: Option<Ipv4Addr>,
        (number, time): (u64, Duration),
        segment: &Segment<'_>,
    ) {
        let (source, destination) = (segment.source(), segment.destination());
        let is_open = segment.has(SYN) && !segment.has(ACK);
        if is_open && self.server.is_none() && address.is_none_or(|ours| ours == *destination.ip())
        {
            self.server = Some(destination);
        }
        let Some(server) = self.server else { return };
        if source.ip() == server.ip() {
            if let Some(track) = tracks.get_mut(&(destination, source)) {
                track.server(time, segment);
            }
            return;
        }
        if destination.ip() != server.ip() || segment.is_damaged() {
            return;
        }
        let pair = (source, destination);
        let client = Numbers::new(segment.seq());
        if is_open && tracks.get(&pair).is_none_or(|track| track.client != client) {
            if tracks.len() + self.facts.len() >= MAX_CONVERSATIONS {
                self.left_out += 1;
            } else if let Some(old) = tracks.insert(pair, Track::new(number, client)) {
                self.keep(old);
            }
        } else if let Some(track) = tracks.get_mut(&pair) {
            track.client(number, time, segment);
        }
    }

    fn keep(&mut self, mut track: Track) {
        track
            .facts
            .settled
            .extend(track.candidate.map(|(number, _)| number));
        self.facts.insert(track.syn, track.facts);
    }
}

impl Track {
    fn new(syn: u64, client: Numbers) -> Self {
        Self {
            syn,
            server: None,
            server_end: 0,
            client,
            client_end: 1,
            offered_at: None,
            candidate: None,
            facts: Facts::default(),
        }
    }

    fn server(&mut self, time: Duration, segment: &Segment<'_>) {
        if segment.has(SYN | ACK) && self.facts.offer.is_none() {
            self.facts.offer = Some(segment.options().to_vec());
            self.offered_at = Some(time);
            self.server = Some(Numbers::new(segment.seq()));
        }
        let Some(numbers) = self.server else { return };
        let end = numbers.unwrap(self.server_end, segment.seq()) + segment.len();
        if end > self.server_end {
            self.server_end = end;
            self.candidate = None;
        }
    }

    fn client(&mut self, number: u64, time: Duration, segment: &Segment<'_>) {
        if let Some(offered_at) = self.offered_at.take() {
            self.facts.round_trip = time.saturating_sub(offered_at);
        }
        let end = self.client.unwrap(self.client_end, segment.seq()) + segment.len();
        let is_new = end > self.client_end;
        self.client_end = self.client_end.max(end);
        if is_new && let Some((number, is_new)) = self.candidate.take() {
            // One that brought something itself was not waiting.
            self.facts.settled.extend((!is_new).then_some(number));
        }
        if !segment.has(ACK) {
            return;
        }
        let before = Numbers::new(segment.ack().wrapping_sub(1));
        let numbers = *self.server.get_or_insert(before);
        let ack = numbers.unwrap(self.server_end, segment.ack());
        if ack >= self.server_end {
            self.server_end = ack;
            // The end of the client's stream is the last that comes: nothing waits behind it.
            let is_new = is_new && !segment.has(FIN);
            self.candidate.get_or_insert((number, is_new));
        }
    }
}

#[cfg(test)]
mod tests;
