//! A failure for people: what was to happen, a trace in the words of a packet script, and a capture.

use core::fmt;
use core::net::{Ipv4Addr, SocketAddrV4};
use core::time::Duration;
use std::io::{self, Write};

use link::Direction;
use packet::Instant;

use super::plan::Plan;
use super::{Failure, Kept};
use crate::script::{Flags, Options, Segment};
use crate::wire::WireSegment;

/// The most lines of a trace: the last ones, and the handshake.
const LINES: usize = 80;

/// When a capture begins, as people count: 2001-09-09, a round number.
const START: Duration = Duration::from_secs(1_000_000_000);

/// What there is to see of a failure.
#[derive(Clone, Debug)]
pub struct Report {
    plan: String,
    failure: Failure,
    seed: u64,
    /// All that the failing host sent and received.
    frames: Vec<Kept>,
}

impl Report {
    pub(super) fn new(plan: &Plan, failure: &Failure, mut frames: Vec<Kept>) -> Self {
        frames.retain(|kept| kept.host == failure.host);
        Self {
            plan: format!("{plan:#?}"),
            failure: failure.clone(),
            seed: plan.seed,
            frames,
        }
    }

    /// What the seed stands for.
    #[must_use]
    pub fn plan(&self) -> &str {
        &self.plan
    }

    /// Writes what the failing host sent and received as a capture.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write_capture(&self, output: impl Write) -> io::Result<()> {
        let mut writer = pcap::Writer::new(output);
        for kept in &self.frames {
            let time = START + kept.at.since(Instant::ZERO);
            writer.record(time, kept.direction, &kept.bytes)?;
        }
        writer.flush()
    }

    fn lines(&self) -> Vec<String> {
        let mut trace = Trace {
            before: Instant::ZERO,
            first: [None; 2],
        };
        let frames = self.frames.iter().filter(|kept| kept.at <= self.failure.at);
        let segments = frames.filter_map(|kept| {
            let (addresses, segment) = WireSegment::from_frame(&kept.bytes)?;
            let ends = ends(addresses, &segment, kept.direction);
            let wanted = self.failure.connection.is_none_or(|wanted| wanted == ends);
            wanted.then(|| trace.line(kept, &segment))
        });
        segments.collect()
    }
}

/// The host's own end and the peer's.
fn ends(
    [source, destination]: [Ipv4Addr; 2],
    segment: &WireSegment,
    direction: Direction,
) -> (SocketAddrV4, SocketAddrV4) {
    let source = SocketAddrV4::new(source, segment.source_port);
    let destination = SocketAddrV4::new(destination, segment.destination_port);
    match direction {
        Direction::Out => (source, destination),
        Direction::In => (destination, source),
    }
}

/// Lines of a script, numbers counted from the SYNs.
struct Trace {
    before: Instant,
    /// The first sequence number that came in, and that went out.
    first: [Option<u32>; 2],
}

impl Trace {
    fn line(&mut self, kept: &Kept, wire: &WireSegment) -> String {
        let way = usize::from(kept.direction == Direction::Out);
        if wire.flags.has(Flags::SYN) {
            self.first[way] = Some(wire.seq);
        }
        let [ours, theirs] = [way, 1 - way].map(|way| self.first[way].unwrap_or(0));
        let segment = Segment {
            peer: 1,
            flags: wire.flags,
            seq: wire.seq.wrapping_sub(ours),
            len: wire.payload.len() as u32,
            ack: wire
                .flags
                .has(Flags::ACK)
                .then(|| wire.ack.wrapping_sub(theirs)),
            window: Some(wire.window),
            urgent: wire.urgent,
            options: match wire.options.is_empty() {
                true => Options::None,
                false => Options::List(wire.options.clone()),
            },
            damage: None,
        };
        let gap = kept.at.since(self.before).as_secs_f64();
        self.before = kept.at;
        let arrow = if kept.direction == Direction::Out {
            '>'
        } else {
            '<'
        };
        format!("+{gap:.6} {arrow} {segment}")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { at, host, what, .. } = &self.failure;
        let seconds = at.since(Instant::ZERO).as_secs_f64();
        writeln!(
            f,
            "seed {}: host {host} at {seconds:.6} s: {what}",
            self.seed
        )?;
        let lines = self.lines();
        match self.failure.connection {
            Some((local, remote)) => writeln!(f, "// {local} and {remote}, seen from the former")?,
            None => writeln!(f, "// every segment of host {host}")?,
        }
        if lines.len() <= LINES {
            return lines.iter().try_for_each(|line| writeln!(f, "{line}"));
        }
        let (start, end) = (&lines[..4], &lines[lines.len() - LINES + 4..]);
        start.iter().try_for_each(|line| writeln!(f, "{line}"))?;
        writeln!(f, "// {} lines are left out", lines.len() - LINES)?;
        end.iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}
