//! All that is said on the lab's serial port, by voices that name themselves: a line of the voice
//! `dom0` begins with `[dom0] `. What else is there (Xen's and Linux's own lines) is in the log only.

use core::time::Duration;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read, Write as _};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread;
use std::time::Instant;

/// What was said, and what is being said.
pub(crate) struct Console {
    incoming: Receiver<Line>,
    heard: Vec<Line>,
}

#[derive(Clone)]
pub(crate) struct Line {
    /// Since power-on.
    pub(crate) at: Duration,
    pub(crate) text: String,
}

/// One of those who speak, and how far it was listened to.
#[derive(Clone)]
pub(crate) struct Voice {
    name: String,
    next: usize,
}

impl Voice {
    /// The last line of a voice that ends.
    pub(crate) const END: &str = "(closed)";
}

impl Console {
    /// The console behind a serial port, from now (power-on) on; `log` gets every line, with its
    /// time.
    pub(crate) fn of(port: impl Read + Send + 'static, log: File) -> Self {
        let (sender, incoming) = mpsc::channel();
        thread::spawn(move || listen(port, log, &sender));
        Self {
            incoming,
            heard: Vec::new(),
        }
    }

    /// A voice, from power-on on.
    pub(crate) fn all_of(name: &str) -> Voice {
        Voice {
            name: name.to_owned(),
            next: 0,
        }
    }

    /// A voice, from what was not yet heard on.
    pub(crate) fn voice(&self, name: &str) -> Voice {
        Voice {
            name: name.to_owned(),
            next: self.heard.len(),
        }
    }

    /// Waits for the next line of this voice that holds `text`.
    pub(crate) fn hear(
        &mut self,
        voice: &mut Voice,
        text: &str,
        within: Duration,
    ) -> Result<Line, String> {
        let end = Instant::now() + within;
        loop {
            while let Some(line) = self.next(voice) {
                if line.text.contains(text) {
                    return Ok(line);
                }
                if line.text == Voice::END {
                    return Err(self.silence(voice, text, "before it ended"));
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            let why = match self.incoming.recv_timeout(left) {
                Ok(line) => {
                    self.heard.push(line);
                    continue;
                }
                Err(RecvTimeoutError::Timeout) => format!("within {} s", within.as_secs()),
                Err(RecvTimeoutError::Disconnected) => "before QEMU ended".to_owned(),
            };
            return Err(self.silence(voice, text, &why));
        }
    }

    /// The next line of this voice, if it comes within this time.
    pub(crate) fn next_within(
        &mut self,
        voice: &mut Voice,
        within: Duration,
    ) -> Result<Option<Line>, String> {
        let end = Instant::now() + within;
        loop {
            if let Some(line) = self.next(voice) {
                return Ok(Some(line));
            }
            let left = end.saturating_duration_since(Instant::now());
            match self.incoming.recv_timeout(left) {
                Ok(line) => self.heard.push(line),
                Err(RecvTimeoutError::Timeout) => return Ok(None),
                Err(RecvTimeoutError::Disconnected) => return Err("QEMU has ended".to_owned()),
            }
        }
    }

    /// The rest of what a voice has said until now, without its end.
    pub(crate) fn said(&mut self, voice: &mut Voice) -> String {
        self.heard.extend(self.incoming.try_iter());
        let mut text = String::new();
        while let Some(line) = self.next(voice) {
            if line.text != Voice::END {
                text.extend([&line.text, "\n"]);
            }
        }
        text
    }

    fn next(&self, voice: &mut Voice) -> Option<Line> {
        let front = format!("[{}] ", voice.name);
        while let Some(line) = self.heard.get(voice.next) {
            voice.next += 1;
            if let Some(text) = line.text.strip_prefix(&front) {
                let (at, text) = (line.at, text.to_owned());
                return Some(Line { at, text });
            }
        }
        None
    }

    /// Shows what was said last, for whoever wonders what went wrong.
    fn silence(&self, voice: &Voice, text: &str, why: &str) -> String {
        let last = self.heard.len().saturating_sub(30);
        for line in self.heard.iter().skip(last) {
            println!("{:8.2} {}", line.at.as_secs_f64(), line.text);
        }
        format!("{} did not say {text:?} {why}", voice.name)
    }
}

/// Passes lines on until the port is closed, or nobody listens any more.
fn listen(port: impl Read, mut log: File, sender: &Sender<Line>) {
    let power_on = Instant::now();
    let mut port = BufReader::new(port);
    let mut bytes = Vec::new();
    while port.read_until(b'\n', &mut bytes).is_ok_and(|len| len > 0) {
        let at = power_on.elapsed();
        let text = String::from_utf8_lossy(&bytes).trim_end().to_owned();
        bytes.clear();
        // A log that cannot be written is no reason to hear nothing.
        let _ = writeln!(log, "{:8.2} {text}", at.as_secs_f64());
        if sender.send(Line { at, text }).is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A console on which all of this was said.
    fn console(text: &'static str) -> Console {
        let log = File::options().write(true).open("/dev/null");
        Console::of(text.as_bytes(), log.expect("/dev/null"))
    }

    #[test]
    fn hears_each_voice_in_its_own_order() {
        let mut console = console("(XEN) [b] no\n[b] one\r\n[a] two\r\n[b] one more\n[b] (closed)");
        let (mut a, mut b) = (console.voice("a"), console.voice("b"));
        let beginning = b.clone();
        let hour = Duration::from_secs(3600);
        assert_eq!(console.hear(&mut a, "t", hour).expect("said").text, "two");
        assert_eq!(console.hear(&mut b, "one", hour).expect("said").text, "one");
        let line = console.hear(&mut b, "one", hour);
        assert_eq!(line.expect("said").text, "one more");
        assert!(
            console.hear(&mut b, "one", hour).is_err(),
            "not a third time"
        );
        let mut beginning = beginning;
        assert_eq!(console.said(&mut beginning), "one\none more\n");
    }
}
