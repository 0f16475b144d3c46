//! Control messages (RFC 792): echo, and errors read and written.

use heapless::Vec;
use packet::Frame;
use packet::checksum::{self, Sum};

use crate::header::{Header, Quoted};
use crate::{Cidr, Protocol};

const ECHO_REPLY: u8 = 0;
const UNREACHABLE: u8 = 3;
const ECHO: u8 = 8;
const TIME_EXCEEDED: u8 = 11;
const PARAMETER_PROBLEM: u8 = 12;

/// The bytes of a message before what it carries.
const HEADER_LEN: usize = 8;
/// How much of the packet an error is about we quote: at least its header and 8 bytes more
/// (RFC 1122, 3.2.2), and no more than fits into a small buffer.
const QUOTE_LEN: usize = 128;
/// The most bytes of an error that we send.
pub const MAX_ERROR_LEN: usize = HEADER_LEN + QUOTE_LEN;

/// A message, as far as a host cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Somebody wants the same bytes back.
    Echo,
    /// A packet of ours did not arrive.
    Error(Error, Quoted<'a>),
    /// Nothing that concerns us: replies to questions we never ask, obsolete messages.
    Other,
}

/// What happened to a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Error {
    /// No way to its network or host: this may pass (RFC 1122, 3.2.2.1 and 4.2.3.9).
    Unreachable,
    /// The host was reached, and does not speak the protocol (code 2).
    ProtocolUnreachable,
    /// The host was reached, and nobody listens on the port (code 3).
    PortUnreachable,
    /// It would have had to be fragmented; the next network takes `mtu` bytes, or does not say
    /// (0, from routers older than RFC 1191).
    TooBig {
        /// The most bytes of a packet.
        mtu: u16,
    },
    /// It was under way for too long.
    TimeExceeded,
    /// Something in its header was not understood.
    ParameterProblem,
}

/// Why a message is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is shorter than its header, or quotes less of our packet than it must.
    Truncated,
    /// It is damaged.
    Checksum,
}

/// What we tell others about their packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Complaint {
    /// We do not speak that protocol.
    ProtocolUnreachable,
    /// Nobody listens on that port.
    PortUnreachable,
    /// The rest of its fragments did not come in time.
    ReassemblyTimeExceeded,
}

impl Complaint {
    const fn type_and_code(self) -> [u8; 2] {
        match self {
            Self::ProtocolUnreachable => [UNREACHABLE, 2],
            Self::PortUnreachable => [UNREACHABLE, 3],
            Self::ReassemblyTimeExceeded => [TIME_EXCEEDED, 1],
        }
    }

    /// The message that says it about `packet`, whose bytes begin with its IP header. Ask
    /// [`may_complain`] first.
    #[must_use]
    pub fn about(self, packet: &[u8]) -> Vec<u8, MAX_ERROR_LEN> {
        let quote = &packet[..packet.len().min(QUOTE_LEN)];
        let [kind, code] = self.type_and_code();
        let sum = Sum::of(&[kind, code]) + Sum::of(quote);
        let [high, low] = sum.finish().to_be_bytes();
        let header = [kind, code, high, low, 0, 0, 0, 0];
        header.into_iter().chain(quote.iter().copied()).collect()
    }
}

/// Whether an error about a packet may be sent (RFC 1122, 3.2.2): never about an error, a packet
/// for many hosts (seen at the link or in its address), another fragment than the first, or a
/// source that is not a single host. `payload` is what follows the IP header.
#[must_use]
pub fn may_complain(network: &Cidr, header: &Header, to_group: bool, payload: &[u8]) -> bool {
    let about_error =
        header.protocol == Protocol::ICMP && !payload.first().is_some_and(|kind| is_query(*kind));
    !about_error
        && !to_group
        && !network.is_group(header.destination)
        && header.fragment_offset == 0
        && !network.is_martian_source(header.source)
}

/// Questions and answers, as opposed to errors (RFC 1122, 3.2.2): echo, timestamp, information,
/// address mask.
const fn is_query(kind: u8) -> bool {
    matches!(kind, ECHO_REPLY | ECHO | 13..=18)
}

/// Reads the message that `frame`, without its IP header, holds.
///
/// # Errors
/// As [`Malformed`] says.
pub fn parse(frame: &Frame) -> Result<Message<'_>, Malformed> {
    let Some((header, rest)) = frame.head().split_first_chunk::<HEADER_LEN>() else {
        return Err(Malformed::Truncated);
    };
    if !frame.sum(0, frame.len()).is_some_and(Sum::is_valid) {
        return Err(Malformed::Checksum);
    }
    let [kind, code, _, _, _, _, mtu @ ..] = *header;
    let error = match (kind, code) {
        (ECHO, _) => return Ok(Message::Echo),
        (UNREACHABLE, 2) => Error::ProtocolUnreachable,
        (UNREACHABLE, 3) => Error::PortUnreachable,
        (UNREACHABLE, 4) => Error::TooBig {
            mtu: u16::from_be_bytes(mtu),
        },
        (UNREACHABLE, _) => Error::Unreachable,
        (TIME_EXCEEDED, _) => Error::TimeExceeded,
        (PARAMETER_PROBLEM, _) => Error::ParameterProblem,
        _ => return Ok(Message::Other),
    };
    let quoted = Quoted::parse(rest).ok_or(Malformed::Truncated)?;
    Ok(Message::Error(error, quoted))
}

/// Turns an echo request, of which `message` is the start, into its reply: the same bytes with
/// another type.
pub fn make_reply(message: &mut [u8]) {
    let Some([kind, code, high, low, ..]) = message.first_chunk_mut::<HEADER_LEN>() else {
        return;
    };
    let checksum = checksum::update(
        u16::from_be_bytes([*high, *low]),
        u16::from_be_bytes([*kind, *code]),
        u16::from_be_bytes([ECHO_REPLY, *code]),
    );
    *kind = ECHO_REPLY;
    [*high, *low] = checksum.to_be_bytes();
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use packet::{Limits, Part, Pool, RxMeta};
    use proptest::prelude::*;

    use super::*;
    use crate::Template;

    const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
    const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

    fn pool() -> Pool {
        Pool::new(Limits {
            cells: 8,
            pages: 8,
            bays: 1,
        })
    }

    /// A frame in pieces of at most `piece` bytes behind the first 64.
    fn frame(bytes: &[u8], piece: usize) -> Frame {
        let pool = pool();
        let (head, rest) = bytes.split_at(bytes.len().min(64));
        let part = |bytes| Part::copy_from(&pool, bytes).unwrap();
        let mut frame = Frame::new(part(head), RxMeta::default());
        rest.chunks(piece)
            .for_each(|piece| frame.push(part(piece)).unwrap());
        frame
    }

    fn packet_of_ours() -> alloc::vec::Vec<u8> {
        let mut packet = Template::new(US, Protocol::TCP).header(PEER, 120).to_vec();
        packet.extend(0..100);
        packet
    }

    #[test]
    fn a_complaint_is_understood() {
        let packet = packet_of_ours();
        for (complaint, error) in [
            (Complaint::ProtocolUnreachable, Error::ProtocolUnreachable),
            (Complaint::PortUnreachable, Error::PortUnreachable),
            (Complaint::ReassemblyTimeExceeded, Error::TimeExceeded),
        ] {
            let frame = frame(&complaint.about(&packet), 100);
            let quoted = Quoted {
                source: US,
                destination: PEER,
                protocol: Protocol::TCP,
                transport: &(0..36).collect::<alloc::vec::Vec<u8>>(),
            };
            let quoted = Message::Error(error, quoted);
            // The first 64 bytes: 8 of the message, 20 of the header.
            assert_eq!(parse(&frame), Ok(quoted));
        }
    }

    #[test]
    fn the_mtu_of_a_router_is_read() {
        let mut bytes = Complaint::PortUnreachable.about(&packet_of_ours());
        bytes[1] = 4;
        bytes[2..8].copy_from_slice(&[0, 0, 0, 0, 0x05, 0x14]);
        let checksum = Sum::of(&bytes).finish();
        bytes[2..4].copy_from_slice(&checksum.to_be_bytes());
        let message = frame(&bytes, 100);
        let Ok(Message::Error(error, _)) = parse(&message) else {
            panic!("not an error")
        };
        assert_eq!(error, Error::TooBig { mtu: 1300 });
    }

    #[test]
    fn damage_is_seen_in_every_part() {
        let mut bytes = [0; 200];
        bytes[0] = ECHO;
        bytes[2..4].copy_from_slice(&(!(u16::from(ECHO) << 8)).to_be_bytes());
        assert_eq!(parse(&frame(&bytes, 33)), Ok(Message::Echo));
        bytes[199] = 1;
        assert_eq!(parse(&frame(&bytes, 33)), Err(Malformed::Checksum));
        assert_eq!(parse(&frame(&bytes[..7], 33)), Err(Malformed::Truncated));
    }

    #[test]
    fn nobody_is_told_what_nobody_may_be_told() {
        let network: Cidr = "10.0.0.2/24".parse().unwrap();
        let header = |source: Ipv4Addr, destination: Ipv4Addr, protocol: Protocol| Header {
            source,
            destination,
            protocol,
            ecn: 0,
            identification: 0,
            fragment_offset: 0,
            more_fragments: false,
            header_len: 20,
            total_len: 100,
        };
        let udp = header(PEER, US, Protocol::UDP);
        assert!(may_complain(&network, &udp, false, &[]));
        assert!(
            !may_complain(&network, &udp, true, &[]),
            "a broadcast frame"
        );
        let mut later = udp;
        later.fragment_offset = 8;
        assert!(!may_complain(&network, &later, false, &[]));
        let group = header(PEER, Ipv4Addr::new(10, 0, 0, 255), Protocol::UDP);
        assert!(!may_complain(&network, &group, false, &[]));
        for source in [
            [0, 0, 0, 0],
            [127, 0, 0, 1],
            [224, 0, 0, 1],
            [10, 0, 0, 255],
        ] {
            let strange = header(source.into(), US, Protocol::UDP);
            assert!(!may_complain(&network, &strange, false, &[]));
        }
        let icmp = header(PEER, US, Protocol::ICMP);
        assert!(may_complain(&network, &icmp, false, &[ECHO]));
        assert!(!may_complain(&network, &icmp, false, &[UNREACHABLE]));
        assert!(!may_complain(&network, &icmp, false, &[]));
    }

    proptest! {
        #[test]
        fn a_reply_is_as_intact_as_its_request(mut bytes in prop::collection::vec(any::<u8>(), 8..300)) {
            bytes[..4].copy_from_slice(&[ECHO, 0, 0, 0]);
            let checksum = Sum::of(&bytes).finish();
            bytes[2..4].copy_from_slice(&checksum.to_be_bytes());
            let body = bytes[4..].to_vec();
            make_reply(&mut bytes);
            prop_assert_eq!(bytes[0], ECHO_REPLY);
            prop_assert!(Sum::of(&bytes).is_valid());
            prop_assert_eq!(&bytes[4..], body);
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in prop::collection::vec(any::<u8>(), 1..300), mend: bool) {
            if mend && bytes.len() >= 8 {
                bytes[0] %= 20;
                bytes[2..4].fill(0);
                let checksum = Sum::of(&bytes).finish();
                bytes[2..4].copy_from_slice(&checksum.to_be_bytes());
            }
            let intact = Sum::of(&bytes).is_valid();
            prop_assert!(intact || parse(&frame(&bytes, 50)).is_err());
            make_reply(&mut bytes);
        }
    }
}
