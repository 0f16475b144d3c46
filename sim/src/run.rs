//! Runs one script against one host.
//!
//! Every packet that the host sends must be expected, in order, within the tolerance of its time;
//! one that nobody expected fails the next `>` or the end of the script. A relative time counts
//! from when the step before it was due or, if that was a `>`, from when the packet was sent.
//!
//! Segments are compared as they are on the wire, cut to the MSS. A `>` longer than the MSS stands
//! for the run of full-sized segments, and a last one, that carry it: so the same line is true of a
//! host that sends super-frames and of one that does not.

mod calls;
mod compare;

use core::fmt;
use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use crate::connection::{Connection, peer_of_port};
use crate::host::{Emitted, Host};
use crate::run::calls::{File, Pending};
use crate::script::{Action, Descriptor, Script, Segment, Span, Step, Unreachable, When, pattern};
use crate::wire::{self, WireSegment};

/// How a script is run.
#[derive(Clone, Copy, Debug)]
pub struct Conditions {
    /// How far from its time a packet may come, or a call return.
    pub tolerance: Duration,
    /// A packet that is waited for may also be late by this part of the wait: 8 for an eighth.
    pub timer_slack: Option<u32>,
    /// Added to the peer's sequence numbers, so that a script can be run around a wrap of them.
    pub peer_offset: u32,
}

impl Conditions {
    /// Until when something may come that was waited for from `start` on and is due at `due`.
    fn latest(self, start: Duration, due: Duration) -> Duration {
        let wait = due.saturating_sub(start);
        due + self.tolerance + self.timer_slack.map_or(Duration::ZERO, |part| wait / part)
    }
}

/// Why a script failed.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The script.
    pub script: String,
    /// The line that was not so.
    pub line: usize,
    /// What should have been.
    pub expected: String,
    /// What was.
    pub got: String,
    /// What had happened before, a line each.
    pub trace: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{}:{}: expected {}",
            self.script, self.line, self.expected
        )?;
        writeln!(f, "  got {}", self.got)?;
        self.trace
            .iter()
            .try_for_each(|line| writeln!(f, "    {line}"))
    }
}

/// Runs `script` against `host`.
///
/// # Errors
/// The first line that is not true.
pub fn run(script: &Script, host: &mut dyn Host, conditions: Conditions) -> Result<(), Failure> {
    let mut run = Run {
        host,
        conditions,
        connections: Vec::new(),
        files: HashMap::new(),
        emitted: VecDeque::new(),
        pending: None,
        previous: Duration::ZERO,
        trace: Vec::new(),
    };
    let mut line = 0;
    let mut result = Ok(());
    for step in &script.steps {
        line = step.line;
        result = run.step(step);
        if result.is_err() {
            break;
        }
    }
    result.and_then(|()| run.finish()).map_err(|wrong| Failure {
        script: script.name.clone(),
        line: wrong.line.unwrap_or(line),
        expected: wrong.expected,
        got: wrong.got,
        trace: run.trace,
    })
}

/// How long a host waits, at most, while a call is blocked.
const RETRY: Duration = Duration::from_millis(1);

struct Run<'a> {
    host: &'a mut dyn Host,
    conditions: Conditions,
    connections: Vec<Connection>,
    files: HashMap<Descriptor, File>,
    /// Sent by the host, not yet compared.
    emitted: VecDeque<Emitted>,
    /// The call that blocks.
    pending: Option<Pending>,
    /// When the last step was.
    previous: Duration,
    trace: Vec<String>,
}

/// What was not so.
struct Wrong {
    /// The line, if it is not that of the current step.
    line: Option<usize>,
    expected: String,
    got: String,
}

impl Wrong {
    fn new(expected: impl fmt::Display, got: impl fmt::Display) -> Self {
        Self {
            line: None,
            expected: expected.to_string(),
            got: got.to_string(),
        }
    }
}

/// When an event may come.
#[derive(Clone, Copy)]
struct Window {
    from: Duration,
    to: Duration,
}

impl Run<'_> {
    fn step(&mut self, step: &Step) -> Result<(), Wrong> {
        let window = self.window(step.when);
        match &step.action {
            Action::Expect(expected) => {
                self.previous = self.expect(expected, window)?;
                return Ok(());
            }
            Action::Inject(segment) => {
                self.wait_until(window.from)?;
                self.inject(segment);
            }
            Action::Complain(unreachable) => {
                self.wait_until(window.from)?;
                self.complain(*unreachable);
            }
            Action::Call(call) => {
                self.wait_until(window.from)?;
                self.call(step.line, call, window)?;
            }
        }
        self.previous = window.from;
        Ok(())
    }

    /// The script is over: nothing may block, nothing may have been sent that nobody expected.
    fn finish(&mut self) -> Result<(), Wrong> {
        self.finish_pending()?;
        self.wait_until(self.host.now().max(self.previous) + self.conditions.tolerance)?;
        let Some(emitted) = self.emitted.pop_front() else {
            return Ok(());
        };
        let (segment, _) = self.decode(&emitted.packet, None)?;
        let got = format!("> {segment} at {}", seconds(emitted.at));
        Err(Wrong::new("nothing more", got))
    }

    fn window(&self, when: When) -> Window {
        let start = if when.relative {
            self.previous
        } else {
            Duration::ZERO
        };
        let from = start + when.from;
        let to = match when.span {
            Span::Point => from,
            Span::Window(to) | Span::Blocking(to) => start + to,
            // Longer than any timer that a script may wait for.
            Span::Any => from + Duration::from_secs(300),
        };
        Window { from, to }
    }

    fn wait_until(&mut self, until: Duration) -> Result<(), Wrong> {
        loop {
            self.retry_pending()?;
            if self.host.now() >= until {
                return Ok(());
            }
            self.receive(until);
        }
    }

    fn receive(&mut self, until: Duration) {
        let until = match self.pending {
            Some(_) => until.min(self.host.now() + RETRY),
            None => until,
        };
        self.emitted.extend(self.host.receive(until));
    }

    fn next_emitted(&mut self, until: Duration) -> Result<Option<Emitted>, Wrong> {
        while self.emitted.is_empty() && self.host.now() < until {
            self.retry_pending()?;
            self.receive(until);
        }
        Ok(self.emitted.pop_front())
    }

    fn inject(&mut self, segment: &Segment) {
        self.trace("<", self.host.now(), segment);
        let damage = segment.damage;
        let wire = self.connection(segment.peer).inject(segment);
        self.host.inject(&wire.to_host(damage));
    }

    fn complain(&mut self, message: Unreachable) {
        let text = format!("icmp unreachable code {} [{}]", message.code, message.seq);
        self.trace("<", self.host.now(), &text);
        let quoted = self.connection(1).quote(message.seq);
        self.host.inject(&wire::unreachable(message.code, &quoted));
    }

    /// Takes one segment, or the run of segments that carry `expected`; tells when the last came.
    fn expect(&mut self, expected: &Segment, window: Window) -> Result<Duration, Wrong> {
        let tolerance = self.conditions.tolerance;
        let latest = self.conditions.latest(self.previous, window.to);
        let wanted = format!("> {expected} at {}", window.text());
        let mut so_far: Option<Segment> = None;
        loop {
            let Some(emitted) = self.next_emitted(latest)? else {
                let got = so_far.map_or("nothing".to_owned(), |s| format!("only > {s}"));
                return Err(Wrong::new(wanted, got));
            };
            let (segment, full) = self.decode(&emitted.packet, expected.options.timestamps())?;
            self.trace(">", emitted.at, &segment);
            if emitted.at > latest || emitted.at + tolerance < window.from {
                let got = format!("it at {}: > {segment}", seconds(emitted.at));
                return Err(Wrong::new(wanted, got));
            }
            let is_full = segment.len == full;
            let run = match so_far {
                None => segment,
                Some(before) => match compare::join(&before, &segment) {
                    Some(joined) => joined,
                    None => return Err(Wrong::new(wanted, format!("> {before}, > {segment}"))),
                },
            };
            if run.len >= expected.len || !is_full {
                return match compare::differs(expected, &run, tolerance) {
                    None => Ok(emitted.at),
                    Some(what) => Err(Wrong::new(wanted, format!("another {what}: > {run}"))),
                };
            }
            so_far = Some(run);
        }
    }

    /// The segment in a packet that the host sent, and how much a full-sized one carries. Its
    /// payload must be the stream's.
    fn decode(
        &mut self,
        packet: &[u8],
        timestamps: Option<(u32, u32)>,
    ) -> Result<(Segment, u32), Wrong> {
        let wrong = |got: String| Wrong::new("a well-formed segment to a known peer", got);
        let segment = WireSegment::from_packet(packet).map_err(wrong)?;
        let segment = segment.ok_or_else(|| wrong("a packet that is not TCP".to_owned()))?;
        let peer = peer_of_port(segment.destination_port)
            .ok_or_else(|| wrong(format!("one to port {}", segment.destination_port)))?;
        let connection = self.connection(peer);
        let full = connection.full_size(&segment.options);
        let ours = connection.emit(&segment, timestamps.map(|(value, _)| value));
        let mut offsets = ours.seq.wrapping_sub(1)..;
        let is_stream = |byte: &u8| {
            offsets
                .next()
                .is_some_and(|offset| *byte == pattern(offset))
        };
        if !segment.payload.iter().all(is_stream) {
            return Err(Wrong::new(
                format!("the stream's bytes in > {ours}"),
                format!("{:02x?}", segment.payload),
            ));
        }
        Ok((ours, full))
    }

    fn connection(&mut self, peer: u16) -> &mut Connection {
        let known = self.connections.iter().position(|known| known.peer == peer);
        let at = known.unwrap_or_else(|| {
            let new = Connection::new(peer, self.conditions.peer_offset);
            self.connections.push(new);
            self.connections.len() - 1
        });
        &mut self.connections[at]
    }

    fn trace(&mut self, direction: &str, at: Duration, what: &dyn fmt::Display) {
        self.trace
            .push(format!("{} {direction} {what}", seconds(at)));
    }
}

impl Window {
    fn text(self) -> String {
        if self.from == self.to {
            return seconds(self.from);
        }
        format!("{}~{}", seconds(self.from), seconds(self.to))
    }
}

fn seconds(at: Duration) -> String {
    format!("{:.4}", at.as_secs_f64())
}

#[cfg(test)]
mod tests;
