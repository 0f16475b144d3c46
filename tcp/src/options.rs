//! The options of a header (RFC 9293, 3.2; RFC 7323).

use packet::Head;

/// The value and echo of a timestamps option (RFC 7323, 3.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timestamps {
    /// TSval: the sender's clock.
    pub value: u32,
    /// TSecr: the last value that the sender got from us.
    pub echo: u32,
}

/// The options that this implementation knows. Others are skipped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// The largest segment that the sender takes; on a SYN only.
    pub mss: Option<u16>,
    /// By how many bits the sender's windows are shifted; on a SYN only.
    pub window_scale: Option<u8>,
    /// Whether the sender takes selective acknowledgements; on a SYN only.
    pub sack_permitted: bool,
    /// Timestamps.
    pub timestamps: Option<Timestamps>,
}

/// The bytes that timestamps take in every segment of a connection that uses them.
pub(crate) const TIMESTAMPS_LEN: usize = 12;

const END: u8 = 0;
const NO_OPERATION: u8 = 1;
const MSS: u8 = 2;
const WINDOW_SCALE: u8 = 3;
const SACK_PERMITTED: u8 = 4;
const TIMESTAMPS: u8 = 8;

impl Options {
    /// Reads the options of a header. Unknown kinds are skipped; an option with an impossible length
    /// ends the list (RFC 9293, 3.2 [MUST-7]: it must not crash us, what was read stands).
    #[must_use]
    pub fn parse(bytes: &[u8]) -> Self {
        let mut options = Self::default();
        // As every implementation lines them up (RFC 7323, appendix A) in all but the first segments.
        if let [NO_OPERATION, NO_OPERATION, TIMESTAMPS, 10, body @ ..] = bytes
            && body.len() == 8
        {
            options.take(TIMESTAMPS, body);
            return options;
        }
        Self::parse_any(bytes)
    }

    #[inline(never)]
    fn parse_any(mut bytes: &[u8]) -> Self {
        let mut options = Self::default();
        while let Some((&kind, rest)) = bytes.split_first() {
            if kind == END {
                break;
            }
            if kind == NO_OPERATION {
                bytes = rest;
                continue;
            }
            let Some((&len, _)) = rest.split_first() else {
                break;
            };
            let Some((option, after)) = bytes.split_at_checked(usize::from(len)) else {
                break;
            };
            let Some(body) = option.get(2..) else { break };
            options.take(kind, body);
            bytes = after;
        }
        options
    }

    fn take(&mut self, kind: u8, body: &[u8]) {
        match (kind, body) {
            (MSS, &[a, b]) => self.mss = Some(u16::from_be_bytes([a, b])),
            (WINDOW_SCALE, &[shift]) => self.window_scale = Some(shift),
            (SACK_PERMITTED, []) => self.sack_permitted = true,
            (TIMESTAMPS, &[a, b, c, d, e, f, g, h]) => {
                self.timestamps = Some(Timestamps {
                    value: u32::from_be_bytes([a, b, c, d]),
                    echo: u32::from_be_bytes([e, f, g, h]),
                });
            }
            _ => {}
        }
    }

    /// Appends the options to `head`, padded to whole words, in the order that Linux uses, so that
    /// option lists can be compared.
    pub(crate) fn write(&self, head: &mut Head) {
        if let Some(mss) = self.mss {
            let [a, b] = mss.to_be_bytes();
            head.append(&[MSS, 4, a, b]);
        }
        match (self.sack_permitted, self.timestamps.is_some()) {
            (true, true) => head.append(&[SACK_PERMITTED, 2]),
            (true, false) => head.append(&[NO_OPERATION, NO_OPERATION, SACK_PERMITTED, 2]),
            (false, true) => head.append(&[NO_OPERATION, NO_OPERATION]),
            (false, false) => {}
        }
        if let Some(Timestamps { value, echo }) = self.timestamps {
            head.append(&[TIMESTAMPS, 10]);
            head.append(&value.to_be_bytes());
            head.append(&echo.to_be_bytes());
        }
        if let Some(shift) = self.window_scale {
            head.append(&[NO_OPERATION, WINDOW_SCALE, 3, shift]);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn impossible_lengths_end_the_list() {
        let mss = Options {
            mss: Some(1460),
            ..Options::default()
        };
        assert_eq!(Options::parse(&[2, 4, 5, 0xb4, 3, 0, 7]), mss);
        assert_eq!(Options::parse(&[2, 4, 5, 0xb4, 3, 1, 7]), mss);
        assert_eq!(Options::parse(&[2, 4, 5, 0xb4, 8, 10, 1]), mss);
        assert_eq!(Options::parse(&[2, 4, 5, 0xb4, 8]), mss);
        assert_eq!(Options::parse(&[254, 3, 9, 2, 4, 5, 0xb4]), mss);
        assert_eq!(Options::parse(&[0, 2, 4, 5, 0xb4]), Options::default());
        assert_eq!(Options::parse(&[2, 3, 5]), Options::default());
    }

    proptest! {
        #[test]
        fn parse_undoes_write(mss: Option<u16>, window_scale: Option<u8>, sack_permitted: bool, ts: Option<(u32, u32)>) {
            let timestamps = ts.map(|(value, echo)| Timestamps { value, echo });
            let options = Options { mss, window_scale, sack_permitted, timestamps };
            let mut bytes = Head::new();
            options.write(&mut bytes);
            prop_assert_eq!(bytes.len() % 4, 0);
            prop_assert_eq!(Options::parse(&bytes), options);
        }

        #[test]
        fn any_bytes_are_read(bytes: Vec<u8>) {
            let _ = Options::parse(&bytes);
        }
    }
}
