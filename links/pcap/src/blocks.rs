//! The newer format: blocks in sections (draft-ietf-opsawg-pcapng).

use core::time::Duration;
use std::io::Read;

use crate::input::{Input, Order};
use crate::reader::{Found, MAX_PACKET};
use crate::{Error, LinkType, Wrong};

/// Types of blocks.
const SECTION: u32 = 0x0a0d_0d0a;
const INTERFACE: u32 = 1;
const OBSOLETE_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

/// Options of an interface: in which units it counts time, and from when.
const RESOLUTION: u16 = 9;
const TIME_OFFSET: u16 = 14;

/// The least length of a block: its type, and its length twice.
const MIN_BLOCK: u32 = 12;
/// The most bytes of a block that is read and not skipped: a packet with many options.
const MAX_BLOCK: u32 = 2 * MAX_PACKET;
/// The most interfaces of a section: more than a machine has.
const MAX_INTERFACES: usize = 4096;

/// The section that is being read.
pub(crate) struct Section {
    order: Order,
    interfaces: Vec<Interface>,
    /// The time of the packet before: that of one without its own.
    time: Duration,
}

#[derive(Clone, Copy)]
struct Interface {
    link_type: LinkType,
    snaplen: u32,
    units: Units,
    /// Seconds to be added.
    offset: i64,
}

/// How an interface counts time: in powers of ten or of two of a second.
#[derive(Clone, Copy)]
enum Units {
    Decimal(u32),
    Binary(u32),
}

impl Section {
    /// Whether a file starts with a section.
    pub(crate) fn is_start(magic: [u8; 4]) -> bool {
        // The same in both orders.
        magic == SECTION.to_be_bytes()
    }

    /// Reads the first section's header, behind its type.
    pub(crate) fn new<R: Read>(input: &mut Input<R>) -> Result<Self, Error> {
        let mut section = Self {
            order: Order::Little,
            interfaces: Vec::new(),
            time: Duration::ZERO,
        };
        let len: [u8; 4] = input.header()?.unwrap_or_default();
        section.start(0, len, input)?;
        Ok(section)
    }

    pub(crate) fn next<R: Read>(&mut self, input: &mut Input<R>) -> Result<Option<Found>, Error> {
        loop {
            let start = input.offset();
            let Some(header) = input.header::<8>()? else {
                return Ok(None);
            };
            let [a, b, c, d, len @ ..] = header;
            if Self::is_start([a, b, c, d]) {
                self.start(start, len, input)?;
                continue;
            }
            let [kind, len] = [0, 4].map(|at| self.order.u32(&header, at).unwrap_or_default());
            let body = length(start, len)?;
            match kind {
                INTERFACE | OBSOLETE_PACKET | SIMPLE_PACKET | ENHANCED_PACKET => {
                    if len > MAX_BLOCK {
                        return Err(at(start, Wrong::Length(len)));
                    }
                }
                _ => {
                    input.skip(start, body.into())?;
                    self.trailer(start, len, input)?;
                    continue;
                }
            }
            let bytes = input.body(start, body + 4)?;
            let (bytes, trailer) = bytes.split_at_checked(body as usize).unwrap_or_default();
            if self.order.u32(trailer, 0) != Some(len) {
                return Err(at(start, Wrong::Trailer));
            }
            if kind == INTERFACE {
                let interface = self.interface(start, bytes)?;
                self.interfaces.push(interface);
                continue;
            }
            let found = self.packet(start, kind, bytes)?;
            self.time = found.time;
            return Ok(Some(found));
        }
    }

    /// A section begins: its order of bytes is in the number behind its length.
    fn start<R: Read>(
        &mut self,
        start: u64,
        len: [u8; 4],
        input: &mut Input<R>,
    ) -> Result<(), Error> {
        let magic = input.body(start, 4)?;
        self.order = match magic {
            [0x1a, 0x2b, 0x3c, 0x4d] => Order::Big,
            [0x4d, 0x3c, 0x2b, 0x1a] => Order::Little,
            _ => return Err(at(start, Wrong::NotACapture)),
        };
        let len = self.order.u32(&len, 0).unwrap_or_default();
        let rest = length(start, len)?.checked_sub(4);
        let rest = rest.ok_or_else(|| at(start, Wrong::Length(len)))?;
        input.skip(start, rest.into())?;
        self.trailer(start, len, input)?;
        self.interfaces.clear();
        Ok(())
    }

    fn trailer<R: Read>(&self, start: u64, len: u32, input: &mut Input<R>) -> Result<(), Error> {
        let trailer = input.body(start, 4)?;
        match self.order.u32(trailer, 0) == Some(len) {
            true => Ok(()),
            false => Err(at(start, Wrong::Trailer)),
        }
    }

    fn interface(&self, start: u64, body: &[u8]) -> Result<Interface, Error> {
        let (Some(number), Some(snaplen)) = (self.order.u16(body, 0), self.order.u32(body, 4))
        else {
            return Err(at(start, Wrong::Length(body.len() as u32 + MIN_BLOCK)));
        };
        if self.interfaces.len() >= MAX_INTERFACES {
            return Err(at(start, Wrong::TooManyInterfaces));
        }
        let mut interface = Interface {
            link_type: LinkType::from_number(number),
            snaplen,
            // Microseconds, unless said otherwise.
            units: Units::Decimal(6),
            offset: 0,
        };
        let mut options = body.get(8..).unwrap_or_default();
        while let (Some(code @ 1..), Some(len)) =
            (self.order.u16(options, 0), self.order.u16(options, 2))
        {
            let value = options.get(4..4 + usize::from(len)).unwrap_or_default();
            match (code, value) {
                (RESOLUTION, &[code]) => {
                    let units = Units::new(code);
                    interface.units = units.ok_or_else(|| at(start, Wrong::Resolution(code)))?;
                }
                (TIME_OFFSET, value) => interface.offset = self.order.i64(value, 0).unwrap_or(0),
                _ => {}
            }
            let next = 4 + usize::from(len).next_multiple_of(4);
            options = options.get(next..).unwrap_or_default();
        }
        Ok(interface)
    }

    fn packet(&self, start: u64, kind: u32, body: &[u8]) -> Result<Found, Error> {
        let too_short = || at(start, Wrong::Length(body.len() as u32 + MIN_BLOCK));
        let field = |at| self.order.u32(body, at).ok_or_else(too_short);
        let (number, header) = match kind {
            SIMPLE_PACKET => (0, 4),
            // Behind it stands how many packets were lost.
            OBSOLETE_PACKET => (self.order.u16(body, 0).unwrap_or_default().into(), 20),
            _ => (field(0)?, 20),
        };
        let interface = self.interfaces.get(number as usize);
        let interface = *interface.ok_or_else(|| at(start, Wrong::Interface(number)))?;
        let (time, captured, wire_len) = match kind {
            SIMPLE_PACKET => {
                let wire_len = field(0)?;
                let limit = Some(interface.snaplen).filter(|snaplen| *snaplen != 0);
                let here = body.len() as u32 - 4;
                let captured = here.min(wire_len).min(limit.unwrap_or(u32::MAX));
                (self.time, captured, wire_len)
            }
            _ => {
                let ticks = u64::from(field(4)?) << 32 | u64::from(field(8)?);
                (interface.time(ticks), field(12)?, field(16)?)
            }
        };
        let room = body.len() - header;
        if captured as usize > room || captured > MAX_PACKET {
            return Err(at(start, Wrong::Length(captured)));
        }
        Ok(Found {
            time,
            link_type: interface.link_type,
            wire_len: wire_len as usize,
            start: header,
            len: captured as usize,
        })
    }
}

impl Interface {
    /// The time since 1970; the nearest that can be told for one before that.
    fn time(&self, ticks: u64) -> Duration {
        let time = Duration::from_nanos(self.units.nanos(ticks));
        let offset = Duration::from_secs(self.offset.unsigned_abs());
        match self.offset {
            0.. => time.saturating_add(offset),
            _ => time.saturating_sub(offset),
        }
    }
}

impl Units {
    /// From the option's code; `None` for finer units than 64 bits of them make sense.
    fn new(code: u8) -> Option<Self> {
        let power = u32::from(code & 0x7f);
        match code {
            0..=19 => Some(Self::Decimal(power)),
            0x80..=0xbf => Some(Self::Binary(power)),
            _ => None,
        }
    }

    fn nanos(self, ticks: u64) -> u64 {
        let ticks = u128::from(ticks);
        let nanos = match self {
            Self::Decimal(power) => ticks * 1_000_000_000 / 10u128.pow(power),
            Self::Binary(power) => (ticks * 1_000_000_000) >> power,
        };
        u64::try_from(nanos).unwrap_or(u64::MAX)
    }
}

/// The bytes between a block's two lengths.
fn length(start: u64, len: u32) -> Result<u32, Error> {
    let body = len.checked_sub(MIN_BLOCK);
    body.filter(|_| len.is_multiple_of(4))
        .ok_or_else(|| at(start, Wrong::Length(len)))
}

fn at(offset: u64, wrong: Wrong) -> Error {
    Error { offset, wrong }
}
