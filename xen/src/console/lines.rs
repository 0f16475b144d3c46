//! Lines out of what is typed. Whoever types on a console of Xen's sees only what is sent back, so that is
//! done here too.

use alloc::string::String;
use alloc::vec::Vec;

/// The longest line: what a Linux terminal takes (termios(3)). What is beyond is dropped.
pub const MAX_LINE: usize = 4096;

const BACKSPACE: u8 = 8;
const DELETE: u8 = 127;

/// A line that is being typed.
#[derive(Debug, Default)]
pub struct Lines {
    line: Vec<u8>,
    /// The last byte was a carriage return: a line feed behind it is of the same end.
    after_return: bool,
}

impl Lines {
    /// Nothing typed yet.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            line: Vec::new(),
            after_return: false,
        }
    }

    /// Takes in a byte, and tells the line that it has ended. `echo` is given what is to be sent back.
    /// What is no UTF-8 is replaced by U+FFFD.
    pub fn take(&mut self, byte: u8, echo: &mut dyn FnMut(&[u8])) -> Option<String> {
        let after_return = core::mem::replace(&mut self.after_return, byte == b'\r');
        match byte {
            b'\n' if after_return => {}
            b'\r' | b'\n' => {
                echo(b"\r\n");
                let line = core::mem::take(&mut self.line);
                return Some(String::from_utf8_lossy(&line).into_owned());
            }
            BACKSPACE | DELETE => self.erase(echo),
            // Other control characters, and the escapes of keys without a letter, are no text.
            0..b' ' if byte != b'\t' => {}
            _ if self.line.len() < MAX_LINE => {
                self.line.push(byte);
                echo(&[byte]);
            }
            _ => {}
        }
        None
    }

    /// Takes the last character back.
    fn erase(&mut self, echo: &mut dyn FnMut(&[u8])) {
        let is_continued = |byte: &u8| byte & 0xc0 == 0x80;
        while self.line.pop_if(|byte| is_continued(byte)).is_some() {}
        if self.line.pop().is_some() {
            echo(b"\x08 \x08");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lines of what is typed, and what is sent back.
    fn typed(bytes: &[u8]) -> (Vec<String>, Vec<u8>) {
        let (mut lines, mut sent) = (Lines::new(), Vec::new());
        let mut echo = |bytes: &[u8]| sent.extend_from_slice(bytes);
        let ended = bytes
            .iter()
            .filter_map(|byte| lines.take(*byte, &mut echo))
            .collect();
        (ended, sent)
    }

    #[test]
    fn a_line_ends_by_either_character_or_both() {
        assert_eq!(typed(b"\n").0, [""], "nothing came before it");
        let (lines, sent) = typed(b"one\rtwo\nthree\r\n\n\rrest");
        assert_eq!(lines, ["one", "two", "three", "", ""]);
        assert_eq!(sent, b"one\r\ntwo\r\nthree\r\n\r\n\r\nrest");
    }

    #[test]
    fn a_character_is_taken_back_whole() {
        let (lines, sent) = typed("ä\x7f\x08b\x03\r".as_bytes());
        assert_eq!(lines, ["b"]);
        assert_eq!(sent, "ä\x08 \x08b\r\n".as_bytes());
        let (lines, sent) = typed("xä\x7fy\x08\x08\x08z\r".as_bytes());
        assert_eq!(lines, ["z"]);
        assert_eq!(sent, "xä\x08 \x08y\x08 \x08\x08 \x08z\r\n".as_bytes());
        // An accent without a letter before it is taken back too.
        assert_eq!(typed(b"\xa4\x7fc\n").0, ["c"]);
    }

    #[test]
    fn a_line_without_end_is_cut() {
        let mut bytes = alloc::vec![b'x'; 3 * MAX_LINE];
        bytes.push(b'\n');
        let (lines, sent) = typed(&bytes);
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0].len(), MAX_LINE);
        assert_eq!(sent.len(), MAX_LINE + 2);
    }
}
