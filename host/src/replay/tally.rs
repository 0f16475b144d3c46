//! What a replay has done, a line for each connection.

use core::fmt;
use core::net::SocketAddrV4;
use core::task::{Context, Poll};
use std::collections::BTreeMap;
use std::io::{self, Write};

use pcap::Anomalies;
use runtime::Console;

use super::conversation::{Conversation, Counts};

/// Connections that have a line of their own; of the others only the number is told.
const MAX_LINES: usize = 1000;

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// By the client's address and port; one that was used again is one line.
    connections: BTreeMap<SocketAddrV4, Line>,
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    /// Frames between others.
    pub(crate) others: u64,
    /// Segments of connections whose SYN the recording lacks.
    pub(crate) without_start: u64,
    /// Connections that were too many.
    pub(crate) left_out: u64,
}

#[derive(Debug, Default)]
struct Line {
    connections: u64,
    requests: u64,
    responses: u64,
    repeated: u64,
    missing: u64,
    counts: Counts,
}

impl Tally {
    /// Adds a conversation that is over.
    pub(crate) fn add(&mut self, client: SocketAddrV4, conversation: &Conversation) {
        let line = self.connections.entry(client).or_default();
        let new = conversation.counts;
        line.connections += 1;
        line.requests += conversation.client.marks;
        line.responses += conversation.responses();
        line.repeated += conversation.client.repeated;
        line.missing += conversation.client.missing();
        let old = line.counts;
        line.counts = Counts {
            recorded_bytes: old.recorded_bytes + new.recorded_bytes,
            our_bytes: old.our_bytes + new.our_bytes,
            delivered: old.delivered + new.delivered,
            left_out: old.left_out + new.left_out,
            follow_ups: old.follow_ups + new.follow_ups,
            damaged: old.damaged + new.damaged,
            client_reset: old.client_reset | new.client_reset,
            our_reset: old.our_reset | new.our_reset,
        };
    }

    /// Prints it all.
    pub(crate) fn print(&self, anomalies: &Anomalies, output: &mut impl Write) -> io::Result<()> {
        for (client, line) in self.connections.iter().take(MAX_LINES) {
            line.print(*client, output)?;
        }
        if let Some(more) = self.connections.len().checked_sub(MAX_LINES + 1) {
            writeln!(output, "  and {} other clients", more + 1)?;
        }
        if self.pings > 0 {
            writeln!(output, "  {} pings, {} answered", self.pings, self.pongs)?;
        }
        for (count, what) in [
            (self.others, "frames between others"),
            (
                self.without_start,
                "segments of connections whose start is not recorded",
            ),
            (self.left_out, "connections too many"),
            (anomalies.other_links, "records of something else"),
        ] {
            if count > 0 {
                writeln!(output, "  left out: {count} {what}")?;
            }
        }
        for (count, what) in [
            (anomalies.cut, "frames cut by the capture"),
            (
                anomalies.partial_checksums,
                "checksums that the sender left to its network card: completed",
            ),
            (
                anomalies.super_frames,
                "packets longer than 1500 bytes, not as they were on the wire",
            ),
            (
                anomalies.no_length,
                "packets whose length was left to the network card: filled in",
            ),
        ] {
            if count > 0 {
                writeln!(output, "  recorded: {count} {what}")?;
            }
        }
        Ok(())
    }
}

impl Line {
    fn print(&self, client: SocketAddrV4, output: &mut impl Write) -> io::Result<()> {
        let counts = self.counts;
        write!(
            output,
            "  {client}  {} requests, {} responses, {} bytes (recorded: {})",
            self.requests, self.responses, counts.our_bytes, counts.recorded_bytes
        )?;
        for (count, what) in [
            (self.connections.saturating_sub(1), "more connections"),
            (self.repeated, "segments sent again"),
            (self.missing, "bytes not recorded"),
            (counts.damaged, "damaged segments"),
            (counts.left_out, "acknowledgements left out"),
            (counts.follow_ups, "acknowledgements made up"),
        ] {
            if count > 0 {
                write!(output, ", {count} {what}")?;
            }
        }
        for (happened, what) in [
            (counts.client_reset, "reset by the client"),
            (counts.our_reset, "reset by our server"),
        ] {
            if happened {
                write!(output, ", {what}")?;
            }
        }
        writeln!(output)
    }
}

/// The application's console: its lines are for whoever asks for more.
pub(crate) struct Quiet;

impl Console for Quiet {
    fn print(&self, line: fmt::Arguments<'_>) {
        log::info!("{line}");
    }

    fn poll_line(&self, _: &mut Context<'_>) -> Poll<Option<String>> {
        Poll::Ready(None)
    }
}
