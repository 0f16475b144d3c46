//! The question asked, and what an answer says (RFC 1035, 4; RFC 2308; RFC 5452).

use core::net::Ipv4Addr;

use heapless::Vec;
use packet::Duration;

use crate::Name;
use crate::reader::{Reader, Record};

/// The most bytes of a query: a header, a name, type and class.
pub const MAX_QUERY: usize = 12 + 255 + 4;

/// The most addresses of a name that are looked at; the rest is ignored.
pub const MAX_ADDRESSES: usize = 16;

/// The most aliases from a name to its addresses.
const MAX_ALIASES: usize = 8;

/// The most records of a message that are looked at. 512 bytes, what a query like ours is answered
/// with, have room for 30.
const MAX_RECORDS: u16 = 64;

/// How long an address and how long its absence may be believed, whatever the answer says: a day and
/// five minutes (RFC 2308, 5, allows hours; a stub that is wrong for as long is a nuisance).
const MAX_TTL: u32 = 24 * 60 * 60;
const MAX_NEGATIVE_TTL: u32 = 5 * 60;

const KIND_A: u16 = 1;
const KIND_CNAME: u16 = 5;
const KIND_SOA: u16 = 6;
const CLASS_IN: u16 = 1;

/// Bits of a header's second word.
const RESPONSE: u16 = 0x8000;
const OPCODE: u16 = 0x7800;
const TRUNCATED: u16 = 0x0200;
const RECURSION_DESIRED: u16 = 0x0100;
const RECURSION_AVAILABLE: u16 = 0x0080;
const CODE: u16 = 0x000f;

/// The addresses of a name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses(pub Vec<Ipv4Addr, MAX_ADDRESSES>);

/// What an answer says of the name that was asked for, and for how long that may be believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Its addresses: one at least.
    Addresses(Addresses, Duration),
    /// There is no such name.
    NoSuchName(Duration),
    /// There is such a name, and it has no IPv4 address.
    NoAddress(Duration),
    /// More than fits into a datagram.
    Truncated,
    /// The server could not or would not answer, or the rest of it is nonsense.
    Failed,
}

/// These bytes do not answer the question: a forgery, a late answer to an earlier one, noise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAnAnswer;

/// The question for the addresses of `name`. `id` should be hard to guess.
#[must_use]
pub fn query(id: u16, name: &Name) -> Vec<u8, MAX_QUERY> {
    let words = [id, RECURSION_DESIRED, 1, 0, 0, 0];
    let header = words.into_iter().flat_map(u16::to_be_bytes);
    let question = name.bytes().iter().copied().chain([0]);
    let kind = [KIND_A, CLASS_IN].into_iter().flat_map(u16::to_be_bytes);
    header.chain(question).chain(kind).collect()
}

/// Reads an answer to [`query`]: to this one, as its id and its question show.
///
/// # Errors
/// [`NotAnAnswer`]: go on waiting (RFC 5452, 9.1).
pub fn read(message: &[u8], id: u16, name: &Name) -> Result<Answer, NotAnAnswer> {
    let mut reader = Reader::new(message);
    let header = Header::read(&mut reader).ok_or(NotAnAnswer)?;
    let asked = reader.name().ok_or(NotAnAnswer)?;
    let kind = (reader.u16(), reader.u16());
    if header.id != id
        || header.flags & (RESPONSE | OPCODE) != RESPONSE
        || header.questions != 1
        || kind != (Some(KIND_A), Some(CLASS_IN))
        || asked != *name
    {
        return Err(NotAnAnswer);
    }
    if header.flags & TRUNCATED != 0 {
        return Ok(Answer::Truncated);
    }
    let answers = reader.clone();
    let Some(chain) = Chain::follow(&answers, header.answers, asked) else {
        return Ok(Answer::Failed);
    };
    // The zone's record stands among the authorities, behind the answers (RFC 2308, 2.1).
    let count = header.answers.saturating_add(header.authorities);
    let zone = records(reader, count).find_map(negative_ttl);
    Ok(match header.flags & CODE {
        0 if !chain.addresses.is_empty() => {
            let ttl = Duration::from_secs(chain.ttl.min(MAX_TTL).into());
            Answer::Addresses(Addresses(chain.addresses), ttl)
        }
        // A server that knows nothing itself, and asks nobody, refers to others.
        0 if header.flags & RECURSION_AVAILABLE == 0 && zone.is_none() => Answer::Failed,
        0 => Answer::NoAddress(zone.unwrap_or_default()),
        3 => Answer::NoSuchName(zone.unwrap_or_default()),
        _ => Answer::Failed,
    })
}

struct Header {
    id: u16,
    flags: u16,
    questions: u16,
    answers: u16,
    authorities: u16,
}

impl Header {
    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let header = Self {
            id: reader.u16()?,
            flags: reader.u16()?,
            questions: reader.u16()?,
            answers: reader.u16()?,
            authorities: reader.u16()?,
        };
        let _additional = reader.u16()?;
        Some(header)
    }
}

/// From a name over its aliases to its addresses.
struct Chain {
    addresses: Vec<Ipv4Addr, MAX_ADDRESSES>,
    /// The least of all links, in seconds.
    ttl: u32,
}

impl Chain {
    /// Follows the aliases that stand in the answer itself. `None`: it is malformed, or there are too
    /// many, or they lead in a circle.
    fn follow(answers: &Reader<'_>, count: u16, mut name: Name) -> Option<Self> {
        let mut chain = Self {
            addresses: Vec::new(),
            ttl: u32::MAX,
        };
        for _ in 0..=MAX_ALIASES {
            let mut alias = None;
            let mut read = 0;
            for record in records(answers.clone(), count) {
                read += 1;
                if record.owner != name || record.class != CLASS_IN {
                    continue;
                }
                if record.kind == KIND_A {
                    let address: [u8; 4] = record.data.try_into().ok()?;
                    chain.ttl = chain.ttl.min(seconds(record.ttl));
                    // The rest is ignored.
                    chain.addresses.push(address.into()).ok();
                } else if record.kind == KIND_CNAME {
                    alias = Some(record);
                }
            }
            if read < count.min(MAX_RECORDS) {
                return None;
            }
            match alias {
                Some(mut record) if chain.addresses.is_empty() => {
                    name = record.reader.name()?;
                    chain.ttl = chain.ttl.min(seconds(record.ttl));
                }
                _ => return Some(chain),
            }
        }
        None
    }
}

/// The records from `reader` on: `count`, or as many as there are, or as are looked at.
fn records(mut reader: Reader<'_>, count: u16) -> impl Iterator<Item = Record<'_>> {
    (0..count.min(MAX_RECORDS)).map_while(move |_| reader.record())
}

/// How long the absence of what was asked for may be believed: as the zone's own record says (RFC 2308,
/// 5); without it, not at all.
fn negative_ttl(record: Record<'_>) -> Option<Duration> {
    // Its last word is the zone's MINIMUM (RFC 1035, 3.3.13).
    let minimum = record.data.last_chunk()?;
    (record.kind == KIND_SOA && record.class == CLASS_IN).then(|| {
        let ttl = seconds(record.ttl).min(seconds(u32::from_be_bytes(*minimum)));
        Duration::from_secs(ttl.min(MAX_NEGATIVE_TTL).into())
    })
}

/// RFC 2181, 8: a time with its first bit set is none.
const fn seconds(ttl: u32) -> u32 {
    if ttl >> 31 == 0 { ttl } else { 0 }
}

#[cfg(test)]
mod tests;
