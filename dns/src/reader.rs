//! Names and records of a message (RFC 1035, 4.1).

use crate::Name;

/// Reads a message from front to back. Whatever it is asked for, `None` says that the message does
/// not have it.
#[derive(Clone)]
pub(crate) struct Reader<'a> {
    message: &'a [u8],
    at: usize,
}

/// A resource record.
pub(crate) struct Record<'a> {
    pub(crate) owner: Name,
    pub(crate) kind: u16,
    pub(crate) class: u16,
    /// Seconds.
    pub(crate) ttl: u32,
    pub(crate) data: &'a [u8],
    /// The same data, to read names from that are compressed.
    pub(crate) reader: Reader<'a>,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(message: &'a [u8]) -> Self {
        Self { message, at: 0 }
    }

    pub(crate) fn u16(&mut self) -> Option<u16> {
        self.take(2)?.try_into().ok().map(u16::from_be_bytes)
    }

    fn u32(&mut self) -> Option<u32> {
        self.take(4)?.try_into().ok().map(u32::from_be_bytes)
    }

    fn take(&mut self, count: usize) -> Option<&'a [u8]> {
        let bytes = self.message.get(self.at..)?.get(..count)?;
        self.at += count;
        Some(bytes)
    }

    /// A name, of which the rest may stand earlier in the message. A pointer leads before everything
    /// that was read of this name so far, and there are no more of them than a name has labels: so there
    /// is an end to it, and soon.
    pub(crate) fn name(&mut self) -> Option<Name> {
        const POINTER: u8 = 0b1100_0000;
        const MAX_POINTERS: usize = 127;
        let mut name = Name::root();
        let mut reader = self.clone();
        // Where this reader goes on: behind the first pointer, or the end.
        let mut behind = None;
        let mut earliest = self.at;
        let mut pointers = 0;
        loop {
            let len = *reader.take(1)?.first()?;
            match len & POINTER {
                0 if len == 0 => break,
                0 => name.push(reader.take(len.into())?)?,
                POINTER => {
                    let low = *reader.take(1)?.first()?;
                    behind.get_or_insert(reader.at);
                    let target = usize::from(u16::from_be_bytes([len & !POINTER, low]));
                    pointers += 1;
                    if target >= earliest || pointers > MAX_POINTERS {
                        return None;
                    }
                    (earliest, reader.at) = (target, target);
                }
                // Reserved (RFC 1035, 4.1.4).
                _ => return None,
            }
        }
        self.at = behind.unwrap_or(reader.at);
        Some(name)
    }

    pub(crate) fn record(&mut self) -> Option<Record<'a>> {
        let owner = self.name()?;
        let (kind, class, ttl) = (self.u16()?, self.u16()?, self.u32()?);
        let len = self.u16()?;
        let reader = self.clone();
        let data = self.take(len.into())?;
        Some(Record {
            owner,
            kind,
            class,
            ttl,
            data,
            reader,
        })
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use proptest::prelude::*;

    use super::*;

    fn name_at(message: &[u8], at: usize) -> Option<alloc::string::String> {
        let mut reader = Reader { message, at };
        reader.name().map(|name| name.to_string())
    }

    #[test]
    fn pointers_are_followed() {
        let message = b"\x03org\0\x07example\xc0\x00\x03www\xc0\x05\xff";
        assert_eq!(name_at(message, 0).unwrap(), "org.");
        assert_eq!(name_at(message, 5).unwrap(), "example.org.");
        let mut reader = Reader { message, at: 15 };
        assert_eq!(reader.name().unwrap().to_string(), "www.example.org.");
        assert_eq!(reader.take(1), Some(&[0xff][..]), "behind the pointer");
    }

    #[test]
    fn pointers_that_lead_nowhere_end() {
        for (message, at) in [
            (&b"\xc0\x00"[..], 0),
            (b"\x01a\xc0\x00", 0),
            (b"\x01a\xc0\x04\x01b\xc0\x00", 4),
            (b"\x01a\xc0\x05\0\0", 0),
            (b"\xc0\x02\xc0\x00", 2),
            (b"\xc0", 0),
            (b"\x05abc", 0),
            (b"\x80abc", 0),
            (b"\x40abc", 0),
            (b"", 0),
        ] {
            assert_eq!(name_at(message, at), None, "{message:?}");
        }
    }

    #[test]
    fn pointers_to_pointers_end_soon() {
        let mut message = b"\x03org\0\xc0\x00".to_vec();
        for at in (5u16..).step_by(2).take(200) {
            message.extend((0xc000 | at).to_be_bytes());
        }
        assert_eq!(name_at(&message, 5 + 2 * 126).unwrap(), "org.");
        assert_eq!(name_at(&message, 5 + 2 * 127), None);
    }

    #[test]
    fn a_name_does_not_grow_by_pointers() {
        // Each label behind a pointer to the one before.
        let mut message = alloc::vec![63];
        message.extend([b'a'; 63]);
        message.push(0);
        let mut last = 0u16;
        for _ in 0..3 {
            let start = message.len() as u16;
            message.push(63);
            message.extend([b'b'; 63]);
            message.extend((0xc000 | last).to_be_bytes());
            last = start;
        }
        assert_eq!(
            name_at(&message, last.into()),
            None,
            "256 bytes with its end"
        );
        assert!(name_at(&message, last as usize - 66).is_some());
    }

    proptest! {
        #[test]
        fn any_bytes_are_survived(message: alloc::vec::Vec<u8>, at in 0usize..64) {
            let mut reader = Reader { message: &message, at };
            while reader.record().is_some() {}
            name_at(&message, at);
        }
    }
}
