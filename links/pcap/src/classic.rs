//! The older format: a header, then records (draft-ietf-opsawg-pcap).

use core::time::Duration;
use std::io::Read;

use crate::input::{Input, Order};
use crate::reader::{Found, MAX_PACKET};
use crate::{Error, LinkType, Wrong};

/// The bytes of the file's header behind its magic number.
const HEADER: usize = 20;
/// Where in them the link type is.
const NETWORK: usize = 16;
const RECORD_HEADER: usize = 16;

/// What the header says of all records.
pub(crate) struct Classic {
    order: Order,
    /// Nanoseconds in the unit of a record's fraction of a second.
    unit: u32,
    link_type: LinkType,
}

impl Classic {
    /// Reads the header behind `magic`; `None` if that is no capture's.
    pub(crate) fn new<R: Read>(
        magic: [u8; 4],
        input: &mut Input<R>,
    ) -> Result<Option<Self>, Error> {
        let (order, unit) = match magic {
            [0xa1, 0xb2, 0xc3, 0xd4] => (Order::Big, 1000),
            [0xd4, 0xc3, 0xb2, 0xa1] => (Order::Little, 1000),
            [0xa1, 0xb2, 0x3c, 0x4d] => (Order::Big, 1),
            [0x4d, 0x3c, 0xb2, 0xa1] => (Order::Little, 1),
            _ => return Ok(None),
        };
        let header = input.body(0, HEADER as u32)?;
        // The upper half says what stands behind each frame, which IP's length leaves out.
        let number = order.u32(header, NETWORK).unwrap_or_default() as u16;
        Ok(Some(Self {
            order,
            unit,
            link_type: LinkType::from_number(number),
        }))
    }

    pub(crate) fn next<R: Read>(&self, input: &mut Input<R>) -> Result<Option<Found>, Error> {
        let start = input.offset();
        let Some(header) = input.header::<RECORD_HEADER>()? else {
            return Ok(None);
        };
        let field = |at| self.order.u32(&header, at).unwrap_or_default();
        let [seconds, fraction, captured, wire_len] = [0, 4, 8, 12].map(field);
        if captured > MAX_PACKET {
            return Err(Error {
                offset: start,
                wrong: Wrong::Length(captured),
            });
        }
        input.body(start, captured)?;
        let nanos = u64::from(fraction) * u64::from(self.unit);
        Ok(Some(Found {
            time: Duration::from_secs(seconds.into()) + Duration::from_nanos(nanos),
            link_type: self.link_type,
            wire_len: wire_len as usize,
            start: 0,
            len: captured as usize,
        }))
    }
}
