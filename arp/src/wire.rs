//! The packet of RFC 826, for IPv4 over Ethernet.

use core::net::Ipv4Addr;

use zerocopy::byteorder::network_endian::U16;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

/// The bytes of a packet for IPv4 over Ethernet.
pub const PACKET_LEN: usize = 28;

/// `ar$hrd`: Ethernet.
const ETHERNET: u16 = 1;
/// `ar$pro`: the EtherType of IPv4.
const IPV4: u16 = 0x0800;

/// What a packet says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Who has the target's address?
    Request,
    /// The sender has the sender's address.
    Reply,
}

/// A packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Packet {
    /// What it says.
    pub operation: Operation,
    /// The hardware address of who sent it.
    pub sender_mac: [u8; 6],
    /// The protocol address of who sent it; all zeros in a probe (RFC 5227, 1.1).
    pub sender: Ipv4Addr,
    /// The hardware address of whom it is for; meaningless in a request.
    pub target_mac: [u8; 6],
    /// The address that is asked for, or of whom the reply is for.
    pub target: Ipv4Addr,
}

/// Why bytes are not a packet that we understand. None of them is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It ends too early.
    Truncated,
    /// Other hardware than Ethernet, another protocol than IPv4, or lengths that are not theirs.
    NotIpv4OverEthernet,
    /// Neither a request nor a reply.
    Operation,
    /// The sender's hardware address is not one that a station can have.
    Sender,
}

/// How a packet lies in its frame.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Wire {
    hardware: U16,
    protocol: U16,
    hardware_len: u8,
    protocol_len: u8,
    operation: U16,
    sender_mac: [u8; 6],
    sender: [u8; 4],
    target_mac: [u8; 6],
    target: [u8; 4],
}

impl Packet {
    /// Reads a packet; what lies behind it is padding.
    ///
    /// # Errors
    /// As [`Malformed`] says.
    pub fn parse(bytes: &[u8]) -> Result<Self, Malformed> {
        let (wire, _) = Wire::ref_from_prefix(bytes).map_err(|_| Malformed::Truncated)?;
        let kind = (wire.hardware.get(), wire.protocol.get());
        let lens = (wire.hardware_len, wire.protocol_len);
        if kind != (ETHERNET, IPV4) || lens != (6, 4) {
            return Err(Malformed::NotIpv4OverEthernet);
        }
        let operation = match wire.operation.get() {
            1 => Operation::Request,
            2 => Operation::Reply,
            _ => return Err(Malformed::Operation),
        };
        // An entry with a group's address would send a neighbour's packets to everybody.
        if wire.sender_mac[0] & 1 == 1 || wire.sender_mac == [0; 6] {
            return Err(Malformed::Sender);
        }
        Ok(Self {
            operation,
            sender_mac: wire.sender_mac,
            sender: wire.sender.into(),
            target_mac: wire.target_mac,
            target: wire.target.into(),
        })
    }

    /// The packet as it is sent.
    #[must_use]
    pub fn to_bytes(&self) -> [u8; PACKET_LEN] {
        zerocopy::transmute!(Wire {
            hardware: U16::new(ETHERNET),
            protocol: U16::new(IPV4),
            hardware_len: 6,
            protocol_len: 4,
            operation: U16::new(match self.operation {
                Operation::Request => 1,
                Operation::Reply => 2,
            }),
            sender_mac: self.sender_mac,
            sender: self.sender.octets(),
            target_mac: self.target_mac,
            target: self.target.octets(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const REQUEST: Packet = Packet {
        operation: Operation::Request,
        sender_mac: [2, 0, 0, 0, 0, 1],
        sender: Ipv4Addr::new(10, 0, 0, 1),
        target_mac: [0; 6],
        target: Ipv4Addr::new(10, 0, 0, 2),
    };

    #[test]
    fn every_field_that_must_have_one_value_is_checked() {
        let changed = |at: usize, value: u8| {
            let mut bytes = REQUEST.to_bytes();
            bytes[at] = value;
            Packet::parse(&bytes).unwrap_err()
        };
        assert_eq!(changed(1, 6), Malformed::NotIpv4OverEthernet, "hardware");
        assert_eq!(changed(2, 0x86), Malformed::NotIpv4OverEthernet, "protocol");
        assert_eq!(changed(4, 8), Malformed::NotIpv4OverEthernet, "length");
        assert_eq!(changed(5, 16), Malformed::NotIpv4OverEthernet, "length");
        assert_eq!(changed(7, 3), Malformed::Operation);
        assert_eq!(changed(8, 3), Malformed::Sender, "a group");
        assert_eq!(
            Packet::parse(&REQUEST.to_bytes()[..27]),
            Err(Malformed::Truncated)
        );
    }

    proptest! {
        #[test]
        fn parse_gives_what_was_written(
            reply: bool, mut sender_mac: [u8; 6], sender: [u8; 4], target_mac: [u8; 6],
            target: [u8; 4], padding in prop::collection::vec(0u8..1, 0..20),
        ) {
            sender_mac[0] = sender_mac[0] & !1 | 2;
            let packet = Packet {
                operation: if reply { Operation::Reply } else { Operation::Request },
                sender_mac,
                sender: sender.into(),
                target_mac,
                target: target.into(),
            };
            let mut bytes = packet.to_bytes().to_vec();
            bytes.extend(padding);
            prop_assert_eq!(Packet::parse(&bytes), Ok(packet));
        }

        #[test]
        fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            if let Ok(packet) = Packet::parse(&bytes) {
                prop_assert_eq!(&packet.to_bytes()[..], &bytes[..PACKET_LEN]);
            }
        }
    }
}
