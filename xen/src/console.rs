//! The console of a domain: a page with two rings of bytes, shared with a daemon in dom0 (`struct
//! xencons_interface` of Xen's `io/console.h`). `xl console` shows what is written, and sends what is typed.

mod lines;

use alloc::rc::Rc;
use core::fmt::{self, Write};

use packet::{Duration, Instant};

use crate::byte_ring::{Consumer, Layout, Producer};
use crate::{Events, Port, SharedPage, Wait};

pub use lines::{Lines, MAX_LINE};

const INPUT: Layout = Layout {
    bytes: 0,
    len: 1024,
    consumed: 0xc00,
    produced: 0xc04,
};
const OUTPUT: Layout = Layout {
    bytes: 0x400,
    len: 2048,
    consumed: 0xc08,
    produced: 0xc0c,
};

/// How long a daemon that has stopped to read is waited for, before the rest of what is written is lost.
const PATIENCE: Duration = Duration::from_secs(1);

/// The console. Where a page is opened again, as when a panic has something to say, it goes on where the
/// ring is.
pub struct Console {
    output: Producer,
    input: Consumer,
    port: Port,
    events: Rc<dyn Events>,
    /// Lines that found no room, since one did.
    lost: u32,
    /// How much room there was when the daemon was waited for in vain: not again, until it reads.
    stuck: Option<usize>,
}

impl Console {
    /// The console with this page and port, as the toolstack gave them.
    #[must_use]
    pub fn open(page: SharedPage, port: Port, events: Rc<dyn Events>) -> Self {
        Self {
            output: Producer::new(page.clone(), OUTPUT),
            input: Consumer::new(page, INPUT),
            port,
            events,
            lost: 0,
            stuck: None,
        }
    }

    /// The port that rings when something was typed, or read.
    #[must_use]
    pub const fn port(&self) -> Port {
        self.port
    }

    /// Writes a line if there is room for all of it, and otherwise counts it as lost; how many were is
    /// told before the next one. Nothing waits, and nothing is allocated.
    pub fn print(&mut self, line: fmt::Arguments<'_>) {
        let mut len = Measure(0);
        let _ = writeln!(len, "{line}");
        if self.lost > 0 {
            let _ = writeln!(len, "({} lines lost)", self.lost);
        }
        if len.0 > self.room() {
            self.lost = self.lost.saturating_add(1);
            return;
        }
        let lost = core::mem::take(&mut self.lost);
        if lost > 0 {
            let _ = writeln!(Writer::new(self, None), "({lost} lines lost)");
        }
        let _ = writeln!(Writer::new(self, None), "{line}");
        self.events.notify(self.port);
    }

    /// Writes a line, and waits for room as long as the daemon reads.
    pub fn print_patiently(&mut self, line: fmt::Arguments<'_>, wait: &dyn Wait) {
        let _ = writeln!(Writer::new(self, Some(Patience::new(wait))), "{line}");
        self.events.notify(self.port);
    }

    /// Waits until the daemon has read everything: what is still in the page when a domain ends is lost.
    pub fn drain(&mut self, wait: &dyn Wait) {
        self.wait_for_room(OUTPUT.len as usize, Patience::new(wait));
    }

    /// Takes in what was typed, as far as `into` has room, and tells how much that is. To be called
    /// whether the port was pending or not: waiting for room may have cleared that.
    pub fn read(&mut self, into: &mut [u8]) -> usize {
        // Before the ring is looked at: what comes afterwards rings again.
        self.events.take_pending(self.port);
        // A ring that is broken has nothing for us.
        let count = self.input.read(into).unwrap_or(0);
        if count > 0 {
            self.events.notify(self.port);
        }
        count
    }

    /// Writes bytes as they are, as far as there is room: the echo of what was typed.
    pub fn echo(&mut self, bytes: &[u8]) {
        if self.write(bytes) > 0 {
            self.events.notify(self.port);
        }
    }

    fn write(&mut self, bytes: &[u8]) -> usize {
        let written = self.output.write(bytes).unwrap_or(0);
        if written > 0 {
            self.stuck = None;
        }
        written
    }

    /// None in a ring that is broken.
    fn room(&self) -> usize {
        self.output.room().unwrap_or(0)
    }

    /// Whether there is so much room, perhaps after a while.
    fn wait_for_room(&mut self, room: usize, patience: Patience<'_>) -> bool {
        loop {
            self.events.take_pending(self.port);
            let free = self.room();
            if free >= room {
                return true;
            }
            if self.stuck == Some(free) || patience.wait.now() >= patience.end {
                self.stuck = Some(free);
                return false;
            }
            self.events.notify(self.port);
            patience.wait.wait(self.port, patience.end);
        }
    }
}

/// Waiting that has an end.
#[derive(Clone, Copy)]
struct Patience<'a> {
    wait: &'a dyn Wait,
    end: Instant,
}

impl<'a> Patience<'a> {
    fn new(wait: &'a dyn Wait) -> Self {
        let end = wait.now() + PATIENCE;
        Self { wait, end }
    }
}

/// Writes text to the console, with a terminal's ends of lines.
struct Writer<'a> {
    console: &'a mut Console,
    /// Without it, what does not fit is left out.
    patience: Option<Patience<'a>>,
}

impl<'a> Writer<'a> {
    const fn new(console: &'a mut Console, patience: Option<Patience<'a>>) -> Self {
        Self { console, patience }
    }

    fn all(&mut self, mut bytes: &[u8]) -> fmt::Result {
        loop {
            let written = self.console.write(bytes);
            bytes = bytes.get(written..).unwrap_or_default();
            if bytes.is_empty() {
                return Ok(());
            }
            let patience = self.patience.ok_or(fmt::Error)?;
            if !self.console.wait_for_room(1, patience) {
                return Err(fmt::Error);
            }
        }
    }
}

impl Write for Writer<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for line in text.as_bytes().split_inclusive(|byte| *byte == b'\n') {
            match line.strip_suffix(b"\n") {
                Some(line) => self.all(line).and_then(|()| self.all(b"\r\n"))?,
                None => self.all(line)?,
            }
        }
        Ok(())
    }
}

/// How many bytes a [`Writer`] would write.
struct Measure(usize);

impl Write for Measure {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let ends = text.bytes().filter(|byte| *byte == b'\n').count();
        self.0 += text.len() + ends;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
