//! The options of RFC 2132 that we speak.

use core::net::Ipv4Addr;

use heapless::{String, Vec};

use crate::Malformed;

/// A field of options ends here; what lies behind is padding.
const END: u8 = 255;
const PAD: u8 = 0;

const MASK: u8 = 1;
const ROUTERS: u8 = 3;
const NAME_SERVERS: u8 = 6;
const HOST_NAME: u8 = 12;
const DOMAIN: u8 = 15;
const MTU: u8 = 26;
const REQUESTED: u8 = 50;
const LEASE_TIME: u8 = 51;
pub(crate) const OVERLOAD: u8 = 52;
pub(crate) const KIND: u8 = 53;
const SERVER: u8 = 54;
const WANTED: u8 = 55;
const MAX_SIZE: u8 = 57;
const T1: u8 = 58;
const T2: u8 = 59;
const IDENTIFIER: u8 = 61;

/// What a client asks for.
pub(crate) const ASKED_FOR: [u8; 10] = [
    MASK,
    ROUTERS,
    NAME_SERVERS,
    HOST_NAME,
    DOMAIN,
    MTU,
    LEASE_TIME,
    SERVER,
    T1,
    T2,
];

/// The options of a message. Lists beyond their limits are cut, names beyond theirs left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Options {
    /// Which bits of the address are the network's (1).
    pub mask: Option<Ipv4Addr>,
    /// Routers, the preferred one first (3).
    pub routers: Vec<Ipv4Addr, 4>,
    /// Name servers, the preferred one first (6).
    pub name_servers: Vec<Ipv4Addr, 4>,
    /// The client's name (12).
    pub host_name: String<64>,
    /// The domain to look names up in (15).
    pub domain: String<255>,
    /// The most bytes of a packet on this network (26).
    pub mtu: Option<u16>,
    /// The address that the client would like (50).
    pub requested: Option<Ipv4Addr>,
    /// Seconds; all ones: for ever (51).
    pub lease_time: Option<u32>,
    /// Which server this is from, or for (54).
    pub server: Option<Ipv4Addr>,
    /// The options that the client asks for (55).
    pub wanted: Vec<u8, 16>,
    /// The longest message that the client takes (57).
    pub max_size: Option<u16>,
    /// Seconds until the client shall ask its server again (58).
    pub t1: Option<u32>,
    /// Seconds until it shall ask any server (59).
    pub t2: Option<u32>,
    /// What the server knows the client by (61).
    pub identifier: Vec<u8, 32>,
}

impl Options {
    /// Takes in one option. One that comes twice counts as one that goes on (RFC 2131, 4.1), where it
    /// can; else the first counts.
    pub(crate) fn take(&mut self, code: u8, value: &[u8]) -> Result<(), Malformed> {
        match code {
            MASK => first(&mut self.mask, address(value)?),
            ROUTERS => self
                .routers
                .extend(addresses(value)?.take(room(&self.routers))),
            NAME_SERVERS => {
                let room = room(&self.name_servers);
                self.name_servers.extend(addresses(value)?.take(room));
            }
            HOST_NAME => append(&mut self.host_name, value),
            DOMAIN => append(&mut self.domain, value),
            MTU => first(&mut self.mtu, u16::from_be_bytes(exactly(value)?)),
            REQUESTED => first(&mut self.requested, address(value)?),
            LEASE_TIME => first(&mut self.lease_time, seconds(value)?),
            SERVER => first(&mut self.server, address(value)?),
            WANTED => self
                .wanted
                .extend(value.iter().copied().take(room(&self.wanted))),
            MAX_SIZE => first(&mut self.max_size, u16::from_be_bytes(exactly(value)?)),
            T1 => first(&mut self.t1, seconds(value)?),
            T2 => first(&mut self.t2, seconds(value)?),
            // Cut, it would be another one.
            IDENTIFIER => drop(self.identifier.extend_from_slice(value)),
            _ => {}
        }
        Ok(())
    }

    /// Hands out each option that is there.
    pub(crate) fn each(&self, mut put: impl FnMut(u8, &[u8])) {
        let mut some = |code, value: &[u8]| {
            if !value.is_empty() {
                put(code, value);
            }
        };
        let octets = |address: Option<Ipv4Addr>| address.map(|address| address.octets());
        let list = |addresses: &[Ipv4Addr]| -> Vec<u8, 16> {
            addresses.iter().flat_map(Ipv4Addr::octets).collect()
        };
        some(MASK, octets(self.mask).as_slice().as_flattened());
        some(ROUTERS, &list(&self.routers));
        some(NAME_SERVERS, &list(&self.name_servers));
        some(HOST_NAME, self.host_name.as_bytes());
        some(DOMAIN, self.domain.as_bytes());
        some(
            MTU,
            self.mtu.map(u16::to_be_bytes).as_slice().as_flattened(),
        );
        some(REQUESTED, octets(self.requested).as_slice().as_flattened());
        some(
            LEASE_TIME,
            self.lease_time
                .map(u32::to_be_bytes)
                .as_slice()
                .as_flattened(),
        );
        some(SERVER, octets(self.server).as_slice().as_flattened());
        some(WANTED, &self.wanted);
        some(
            MAX_SIZE,
            self.max_size
                .map(u16::to_be_bytes)
                .as_slice()
                .as_flattened(),
        );
        some(T1, self.t1.map(u32::to_be_bytes).as_slice().as_flattened());
        some(T2, self.t2.map(u32::to_be_bytes).as_slice().as_flattened());
        some(IDENTIFIER, &self.identifier);
    }
}

/// The options in one field: each code and its value, up to the end of the field or its mark.
pub(crate) struct Items<'a>(pub(crate) &'a [u8]);

impl<'a> Iterator for Items<'a> {
    type Item = Result<(u8, &'a [u8]), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some((&PAD, rest)) = self.0.split_first() {
            self.0 = rest;
        }
        let (code, rest) = self.0.split_first().filter(|(code, _)| **code != END)?;
        let value = rest
            .split_first()
            .and_then(|(len, rest)| rest.split_at_checked(usize::from(*len)));
        let Some((value, rest)) = value else {
            self.0 = &[];
            return Some(Err(Malformed::Option));
        };
        self.0 = rest;
        Some(Ok((*code, value)))
    }
}

fn first<T>(place: &mut Option<T>, value: T) {
    place.get_or_insert(value);
}

fn exactly<const N: usize>(value: &[u8]) -> Result<[u8; N], Malformed> {
    value.try_into().map_err(|_| Malformed::Option)
}

fn address(value: &[u8]) -> Result<Ipv4Addr, Malformed> {
    exactly::<4>(value).map(Ipv4Addr::from)
}

fn seconds(value: &[u8]) -> Result<u32, Malformed> {
    exactly(value).map(u32::from_be_bytes)
}

fn addresses(value: &[u8]) -> Result<impl Iterator<Item = Ipv4Addr>, Malformed> {
    match value.as_chunks::<4>() {
        ([], _) | (_, [_, ..]) => Err(Malformed::Option),
        (addresses, []) => Ok(addresses.iter().copied().map(Ipv4Addr::from)),
    }
}

fn room<T, const N: usize>(list: &Vec<T, N>) -> usize {
    N - list.len()
}

/// Appends to a name what can be in one (some servers end it with a zero); what cannot be is left out,
/// whole.
fn append<const N: usize>(name: &mut String<N>, value: &[u8]) {
    let value = value.strip_suffix(&[0]).unwrap_or(value);
    let sound = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    if value.iter().all(sound)
        && let Ok(text) = core::str::from_utf8(value)
    {
        name.push_str(text).ok();
    }
}
