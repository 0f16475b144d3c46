//! Lines for people, and lines from them.

use alloc::string::String;
use core::fmt::{self, Write as _};
use core::net::SocketAddr;
use core::task::{Context, Poll};
use core::time::Duration;

/// Where lines go to and come from: a terminal, a hypervisor's console, a test's buffer.
pub trait Console {
    /// Writes one line; never waits. A place that cannot keep up drops lines and says how many.
    fn print(&self, line: fmt::Arguments<'_>);

    /// Reports one answered request. A place may colour it, or be told to keep quiet about them.
    fn log_request(&self, request: &Request<'_>) {
        self.print(format_args!("{request}"));
    }

    /// Waits for the next line typed in, without its end; `None` when there will be no more. At
    /// most one task may wait: the last that asked.
    ///
    /// A line has at most [`MAX_LINE`] bytes: what is beyond is dropped. What is no UTF-8 is replaced
    /// by U+FFFD.
    fn poll_line(&self, cx: &mut Context<'_>) -> Poll<Option<String>>;
}

/// The longest line that anybody reads: what a Linux terminal takes (termios(3)).
pub const MAX_LINE: usize = 4096;

/// An answered request, for the log. Method and target are what the peer sent, escaped when shown,
/// so that nobody can write control characters into a log or on a terminal.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Who asked.
    pub peer: SocketAddr,
    /// Such as `GET`.
    pub method: &'a str,
    /// What was asked for.
    pub target: &'a str,
    /// The status code of the answer.
    pub status: u16,
    /// Bytes of the answer's body.
    pub bytes: u64,
    /// From the head's last byte to the answer's last byte handed over.
    pub took: Duration,
}

impl fmt::Display for Request<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.peer)?;
        for part in [self.method, self.target] {
            for character in part.chars() {
                if character.is_ascii_graphic() {
                    f.write_char(character)?;
                } else {
                    write!(f, "{}", character.escape_unicode())?;
                }
            }
            f.write_char(' ')?;
        }
        // In tenths, rounded. (Floating point would be 20 KiB of a guest.)
        let tenths = (self.took.as_nanos() as u64 + 50_000) / 100_000;
        let (millis, tenth) = (tenths / 10, tenths % 10);
        write!(f, "{} {} B {millis}.{tenth} ms", self.status, self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::*;

    #[test]
    fn what_a_peer_sent_cannot_steer_a_terminal() {
        let request = Request {
            peer: "10.0.0.1:1024".parse().unwrap(),
            method: "GET",
            target: "/\x1b[2J\r\n x\u{202e}",
            status: 404,
            bytes: 9,
            took: Duration::from_micros(1500),
        };
        let line = request.to_string();
        assert_eq!(
            line,
            "10.0.0.1:1024 GET /\\u{1b}[2J\\u{d}\\u{a}\\u{20}x\\u{202e} 404 9 B 1.5 ms"
        );
    }
}
