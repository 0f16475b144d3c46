//! A message (RFC 2131, 2 and 4.1).

use core::net::Ipv4Addr;

use heapless::Vec;
use zerocopy::network_endian::{U16, U32};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::Options;
use crate::options::{Items, KIND, OVERLOAD};

/// The most bytes that [`Message::write`] makes: with every option at its longest.
pub const MAX_LEN: usize = 768;

/// Relays that know BOOTP alone drop less (RFC 1542, 2.1: 64 bytes of options at least).
const MIN_LEN: usize = 300;

const REQUEST: u8 = 1;
const REPLY: u8 = 2;
const ETHERNET: u8 = 1;
const COOKIE: [u8; 4] = [99, 130, 83, 99];
const BROADCAST: u16 = 0x8000;
const END: u8 = 255;

/// What a message says (RFC 2132, 9.6).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Is a server there?
    Discover = 1,
    /// You could have this.
    Offer = 2,
    /// I would like this, or to keep it.
    Request = 3,
    /// Somebody has this address already.
    Decline = 4,
    /// It is yours.
    Ack = 5,
    /// It is not.
    Nak = 6,
    /// I do not need it any longer.
    Release = 7,
    /// I have an address; what else is there to know?
    Inform = 8,
}

/// A message. The other fixed fields are zero in what we write, and nothing to us in what we read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// What it says; whether it is a request or a reply follows from that.
    pub kind: Kind,
    /// Which exchange it belongs to.
    pub xid: u32,
    /// Seconds since the client began.
    pub secs: u16,
    /// Whether replies must be broadcast.
    pub broadcast: bool,
    /// The client's address, if it has one.
    pub ciaddr: Ipv4Addr,
    /// "Your" address: the one that the client gets.
    pub yiaddr: Ipv4Addr,
    /// The client's hardware address.
    pub chaddr: [u8; 6],
    /// The rest.
    pub options: Options,
}

/// Why bytes are not a message that we understand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends within its fixed fields.
    Truncated,
    /// Other hardware than Ethernet.
    Hardware,
    /// BOOTP without DHCP, or neither.
    Cookie,
    /// An option that goes beyond its field, or has a length that is not its own.
    Option,
    /// No kind of message, or a reply that says to be a request.
    Kind,
}

/// How the fixed fields lie.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Wire {
    op: u8,
    htype: u8,
    hlen: u8,
    hops: u8,
    xid: U32,
    secs: U16,
    flags: U16,
    ciaddr: [u8; 4],
    yiaddr: [u8; 4],
    siaddr: [u8; 4],
    giaddr: [u8; 4],
    chaddr: [u8; 6],
    chaddr_rest: [u8; 10],
    sname: [u8; 64],
    file: [u8; 128],
    cookie: [u8; 4],
}

impl Message {
    /// Reads a message: the payload of a datagram.
    ///
    /// # Errors
    /// As [`Malformed`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (wire, field) = Wire::ref_from_prefix(bytes).map_err(|_| Malformed::Truncated)?;
        if (wire.htype, wire.hlen) != (ETHERNET, 6) {
            return Err(Malformed::Hardware);
        }
        if wire.cookie != COOKIE {
            return Err(Malformed::Cookie);
        }
        let (mut options, mut kind) = (Options::default(), None);
        let (in_file, in_sname) = overloaded(field)?;
        // In this order (RFC 2131, 4.1).
        let file = in_file.then_some(&wire.file[..]);
        let sname = in_sname.then_some(&wire.sname[..]);
        for field in [Some(field), file, sname].into_iter().flatten() {
            for item in Items(field) {
                match item? {
                    (KIND, value) => kind = kind.or(Some(Kind::of(value)?)),
                    (code, value) => options.take(code, value)?,
                }
            }
        }
        let kind = kind.ok_or(Malformed::Kind)?;
        if wire.op != kind.op() {
            return Err(Malformed::Kind);
        }
        Ok(Self {
            kind,
            xid: wire.xid.get(),
            secs: wire.secs.get(),
            broadcast: wire.flags.get() & BROADCAST != 0,
            ciaddr: wire.ciaddr.into(),
            yiaddr: wire.yiaddr.into(),
            chaddr: wire.chaddr,
            options,
        })
    }

    /// The message as it is sent.
    #[must_use]
    pub fn write(&self) -> Vec<u8, MAX_LEN> {
        let wire = Wire {
            op: self.kind.op(),
            htype: ETHERNET,
            hlen: 6,
            hops: 0,
            xid: self.xid.into(),
            secs: self.secs.into(),
            flags: if self.broadcast { BROADCAST } else { 0 }.into(),
            ciaddr: self.ciaddr.octets(),
            yiaddr: self.yiaddr.octets(),
            siaddr: [0; 4],
            giaddr: [0; 4],
            chaddr: self.chaddr,
            chaddr_rest: [0; 10],
            sname: [0; 64],
            file: [0; 128],
            cookie: COOKIE,
        };
        // All of it fits: MAX_LEN counts every option at its longest.
        let mut bytes: Vec<u8, MAX_LEN> = wire.as_bytes().iter().copied().collect();
        let mut put = |code: u8, value: &[u8]| {
            bytes.extend([code, value.len() as u8]);
            bytes.extend(value.iter().copied());
        };
        put(KIND, &[self.kind as u8]);
        self.options.each(put);
        bytes.extend([END]);
        if bytes.len() < MIN_LEN {
            bytes.resize_default(MIN_LEN).ok();
        }
        bytes
    }
}

impl Kind {
    fn of(value: &[u8]) -> Result<Self, Malformed> {
        Ok(match value {
            [1] => Self::Discover,
            [2] => Self::Offer,
            [3] => Self::Request,
            [4] => Self::Decline,
            [5] => Self::Ack,
            [6] => Self::Nak,
            [7] => Self::Release,
            [8] => Self::Inform,
            _ => return Err(Malformed::Kind),
        })
    }

    const fn op(self) -> u8 {
        match self {
            Self::Offer | Self::Ack | Self::Nak => REPLY,
            _ => REQUEST,
        }
    }
}

/// Whether options go on in `file`, and in `sname` (RFC 2132, 9.3).
fn overloaded(field: &[u8]) -> Result<(bool, bool), Malformed> {
    for item in Items(field) {
        match item? {
            (OVERLOAD, [value @ 1..=3]) => return Ok((value & 1 != 0, value & 2 != 0)),
            (OVERLOAD, _) => return Err(Malformed::Option),
            _ => {}
        }
    }
    Ok((false, false))
}

#[cfg(test)]
mod tests;
