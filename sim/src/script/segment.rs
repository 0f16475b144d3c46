//! A TCP segment in a script's terms: what a line says, and what came out, in the same words.

use core::fmt;

/// A segment. Numbers are a script's: ours count from our SYN, the peer's are as written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Segment {
    /// Which of the script's peers: `#2`; 1 if not said.
    pub peer: u16,
    /// The flags.
    pub flags: Flags,
    /// The first sequence number.
    pub seq: u32,
    /// The bytes of payload.
    pub len: u32,
    /// The acknowledgement number; compared if written.
    pub ack: Option<u32>,
    /// The window field, unscaled; compared if written.
    pub window: Option<u16>,
    /// The urgent pointer.
    pub urgent: u16,
    /// The options.
    pub options: Options,
    /// What is wrong with it, for segments that come in.
    pub damage: Option<Damage>,
}

/// The flags, as bits of the header's byte 13.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Flags(pub u8);

impl Flags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset the connection.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement field counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);

    /// In the order in which they are written.
    const LETTERS: [(char, u8); 8] = [
        ('S', 0x02),
        ('F', 0x01),
        ('R', 0x04),
        ('P', 0x08),
        ('.', 0x10),
        ('U', 0x20),
        ('E', 0x40),
        ('W', 0x80),
    ];

    /// Whether all of `flags` are set.
    #[must_use]
    pub const fn has(self, flags: Self) -> bool {
        self.0 & flags.0 == flags.0
    }

    /// These without `flags`.
    #[must_use]
    pub const fn without(self, flags: Self) -> Self {
        Self(self.0 & !flags.0)
    }

    /// The flags that `letters` stand for; `-` for none.
    #[must_use]
    pub fn from_letters(letters: &str) -> Option<Self> {
        if letters == "-" {
            return Some(Self(0));
        }
        let mut flags = 0;
        for letter in letters.chars() {
            let (_, bit) = Self::LETTERS.iter().find(|(known, _)| *known == letter)?;
            flags |= bit;
        }
        (flags != 0).then_some(Self(flags))
    }
}

/// The options of a segment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Options {
    /// `<...>`: whatever they are.
    Any,
    /// `<mss 1460>`; nothing written is none. Their order and padding are not compared: no RFC
    /// says how they go.
    #[default]
    None,
    /// These.
    List(Vec<SegmentOption>),
}

impl Options {
    /// The options in order.
    pub fn iter(&self) -> core::slice::Iter<'_, SegmentOption> {
        match self {
            Self::List(list) => list.iter(),
            Self::Any | Self::None => [].iter(),
        }
    }

    /// The timestamps' value and echo, if there are any and both are known.
    #[must_use]
    pub fn timestamps(&self) -> Option<(u32, u32)> {
        self.iter().find_map(|option| match option {
            SegmentOption::Timestamps(Value(Some(value)), Value(Some(echo))) => {
                Some((*value, *echo))
            }
            _ => None,
        })
    }

    /// The maximum segment size, if it is there (before the end) and known.
    #[must_use]
    pub fn mss(&self) -> Option<u16> {
        let mut before_end = self.iter().take_while(|o| **o != SegmentOption::End);
        before_end.find_map(|option| match option {
            SegmentOption::Mss(Value(size)) => *size,
            _ => None,
        })
    }
}

/// A number; `*` where any will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Value<T>(pub Option<T>);

impl<T: PartialEq> Value<T> {
    /// Whether `other` is what is asked for.
    pub fn accepts(&self, other: &Self) -> bool {
        self.0.is_none() || self == other
    }
}

impl<T: fmt::Display> fmt::Display for Value<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(value) => value.fmt(f),
            None => f.write_str("*"),
        }
    }
}

/// One option.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SegmentOption {
    /// `eol`
    End,
    /// `nop`
    NoOperation,
    /// `mss 1460`
    Mss(Value<u16>),
    /// `wscale 7`
    WindowScale(Value<u8>),
    /// `sackOK`
    SackPermitted,
    /// `sack 1:1001 2001:3001`
    Sack(Vec<(u32, u32)>),
    /// `TS val 100 ecr 0`
    Timestamps(Value<u32>, Value<u32>),
    /// `opt 254 0102`: a kind and its data
    Other(u8, Vec<u8>),
}

/// What is wrong with a segment that comes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// `badsum`: the checksum does not match.
    Checksum,
    /// `doff 4`: the data offset is this many words, whatever the header's length.
    DataOffset(u8),
}

/// The byte at `offset` of every stream: sent, injected, and compared with. The period is prime to
/// all powers of two, so a stream moved by a power of two is seen.
#[must_use]
pub const fn pattern(offset: u32) -> u8 {
    (offset % 251) as u8
}

impl fmt::Display for Flags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0 == 0 {
            return f.write_str("-");
        }
        for (letter, bit) in Self::LETTERS {
            if self.0 & bit != 0 {
                write!(f, "{letter}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Segment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.peer != 1 {
            write!(f, "#{} ", self.peer)?;
        }
        let end = self.seq.wrapping_add(self.len);
        write!(f, "{} {}:{end}({})", self.flags, self.seq, self.len)?;
        if let Some(ack) = self.ack {
            write!(f, " ack {ack}")?;
        }
        if let Some(window) = self.window {
            write!(f, " win {window}")?;
        }
        if self.urgent != 0 {
            write!(f, " urg {}", self.urgent)?;
        }
        match &self.options {
            Options::None => {}
            Options::Any => f.write_str(" <...>")?,
            Options::List(list) => {
                let texts: Vec<String> = list.iter().map(ToString::to_string).collect();
                write!(f, " <{}>", texts.join(","))?;
            }
        }
        match self.damage {
            None => Ok(()),
            Some(Damage::Checksum) => f.write_str(" badsum"),
            Some(Damage::DataOffset(words)) => write!(f, " doff {words}"),
        }
    }
}

impl fmt::Display for SegmentOption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::End => f.write_str("eol"),
            Self::NoOperation => f.write_str("nop"),
            Self::Mss(size) => write!(f, "mss {size}"),
            Self::WindowScale(shift) => write!(f, "wscale {shift}"),
            Self::SackPermitted => f.write_str("sackOK"),
            Self::Sack(blocks) => {
                f.write_str("sack")?;
                blocks
                    .iter()
                    .try_for_each(|(left, right)| write!(f, " {left}:{right}"))
            }
            Self::Timestamps(value, echo) => write!(f, "TS val {value} ecr {echo}"),
            Self::Other(kind, data) => {
                write!(f, "opt {kind} ")?;
                data.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }
    }
}
