//! Lines on standard output.
//!
//! The one thread that serves must not wait for a pipe that nobody reads or a terminal that is held
//! (Ctrl-S). So lines are gathered, and written before the program sleeps and only as far as the
//! output takes them at once; what does not fit is dropped and counted.

use core::cell::{Cell, RefCell};
use core::fmt::{self, Write as _};
use core::task::{Context, Poll};
use core::time::Duration;
use std::io;
use std::rc::Rc;

use anstream::{AutoStream, ColorChoice};
use clap::builder::styling::{AnsiColor, Style};
use runtime::{Console, Request};
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::input::Input;

/// Standard output, for an application and for the command itself; and what is typed, for an
/// application.
pub(crate) struct Output {
    lines: RefCell<Lines>,
    /// Whether requests are left out.
    quiet: bool,
    colours: bool,
    /// Requests answered, and the bytes of their bodies.
    served: Cell<(u64, u64)>,
    input: Rc<Input>,
}

#[derive(Default)]
struct Lines {
    /// Not yet written; at most [`LIMIT`] bytes.
    pending: String,
    /// Lines that found no room since the last that did.
    dropped: u64,
    /// Nobody will ever read again.
    closed: bool,
}

/// The most bytes that wait for the output: about a thousand lines.
const LIMIT: usize = 64 * 1024;

/// A pipe that has room at all takes this much without waiting (`PIPE_BUF`, pipe(7)).
const AT_ONCE: usize = 4096;

impl Output {
    pub(crate) fn new(quiet: bool, input: Rc<Input>) -> Self {
        Self {
            lines: RefCell::default(),
            quiet,
            colours: AutoStream::choice(&io::stdout()) != ColorChoice::Never,
            served: Cell::default(),
            input,
        }
    }

    /// Writes what can be written at once. `false`: something is left.
    pub(crate) fn flush(&self) -> bool {
        self.lines.borrow_mut().flush(Duration::ZERO)
    }

    /// Writes the rest, waiting for the output a second at most: the last thing the command does.
    pub(crate) fn finish(&self) {
        self.lines.borrow_mut().flush(Duration::from_secs(1));
    }

    /// How many requests were logged, and the bytes of their bodies.
    pub(crate) fn served(&self) -> (u64, u64) {
        self.served.get()
    }

    /// Tells that it serves, and what lies between a client and the application.
    pub(crate) fn announce(&self, url: &str, way: &[String], app: &str) {
        self.styled(
            Style::new().bold(),
            format_args!("Parhelion serves {app} at {url}"),
        );
        self.print(format_args!("  {} - HTTP - {app}", way.join(" - ")));
        self.print(format_args!("  Ctrl-C ends it"));
    }

    fn styled(&self, style: Style, line: fmt::Arguments<'_>) {
        match self.colours {
            true => self.print(format_args!("{style}{line}{style:#}")),
            false => self.print(line),
        }
    }
}

impl Console for Output {
    fn print(&self, line: fmt::Arguments<'_>) {
        self.lines.borrow_mut().push(line);
    }

    fn log_request(&self, request: &Request<'_>) {
        let (requests, bytes) = self.served.get();
        self.served.set((requests + 1, bytes + request.bytes));
        let style = match request.status {
            _ if self.quiet => return,
            500.. => AnsiColor::Red.on_default(),
            400.. => AnsiColor::Yellow.on_default(),
            _ => Style::new(),
        };
        self.styled(style, format_args!("{request}"));
    }

    fn poll_line(&self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.input.poll_line(cx)
    }
}

impl Lines {
    fn push(&mut self, line: fmt::Arguments<'_>) {
        let before = self.pending.len();
        if self.dropped > 0 {
            // Only kept if the line behind it is.
            let dropped = self.dropped;
            let _ = writeln!(self.pending, "({dropped} lines left out: no room)");
        }
        let _ = writeln!(self.pending, "{line}");
        if self.pending.len() > LIMIT {
            let new = self.pending.split_off(before);
            self.flush(Duration::ZERO);
            if self.pending.len() + new.len() > LIMIT {
                self.dropped += 1;
                return;
            }
            self.pending.push_str(&new);
        }
        self.dropped = 0;
    }

    fn flush(&mut self, patience: Duration) -> bool {
        let mut written = 0;
        while written < self.pending.len() && !self.closed && is_writable(patience) {
            let rest = &self.pending.as_bytes()[written..];
            match rustix::io::write(rustix::stdio::stdout(), &rest[..rest.len().min(AT_ONCE)]) {
                Ok(count) => written += count,
                Err(Errno::INTR) => {}
                Err(Errno::AGAIN) => break,
                Err(_) => self.closed = true,
            }
        }
        if self.closed {
            self.pending.clear();
        } else {
            self.pending.drain(..written);
        }
        self.pending.is_empty()
    }
}

fn is_writable(patience: Duration) -> bool {
    let mut output = [PollFd::from_borrowed_fd(
        rustix::stdio::stdout(),
        PollFlags::OUT,
    )];
    let patience = Timespec::try_from(patience).ok();
    matches!(rustix::event::poll(&mut output, patience.as_ref()), Ok(1..))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_without_room_are_dropped_and_counted() {
        let mut lines = Lines::default();
        let line = "x".repeat(LIMIT / 2);
        lines.push(format_args!("{line}"));
        let full = lines.pending.len();
        // As if the output took nothing: what `push` does when `flush` wrote nothing.
        lines.dropped = 3;
        lines.push(format_args!("y"));
        assert_eq!(&lines.pending[full..], "(3 lines left out: no room)\ny\n");
        assert_eq!(lines.dropped, 0);
    }
}
