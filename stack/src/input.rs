//! The way in: from a burst to segments for TCP and messages for us.
//!
//! Frames come in trains: most have the sender of the one before, and its very Ethernet header, which
//! then need not be looked at again.

use core::net::Ipv4Addr;

use arp::Operation;
use ethernet::{EtherType, Mac};
use ipv4::icmp::{self, Complaint, Message};
use ipv4::{Header, Protocol, Quoted};
use link::Burst;
use packet::{Duration, Frame, Instant};
use tcp::{IcmpError, Packet};

use crate::host::Host;
use crate::{Drop, dhcp};

/// How long a neighbour that was just confirmed is not confirmed again: a lookup a second instead of
/// one a frame.
const HEARD_FOR: Duration = Duration::from_secs(1);

impl Host {
    /// Takes in all frames of `burst`.
    pub(crate) fn input(&mut self, now: Instant, burst: &mut Burst) {
        for frame in burst.drain() {
            self.interface.stats.frames_received += 1;
            self.interface.stats.bytes_received += frame.len() as u64;
            self.tcp.set_mark(self.interface.recorder.next());
            self.interface.recorder.received(now, &frame);
            if let Err(reason) = self.frame(now, frame) {
                self.interface.stats.drop(reason);
                self.interface.recorder.dropped(reason.name());
            }
        }
        // What time and users do belongs to what is sent next.
        self.tcp.set_mark(self.interface.recorder.next());
    }

    fn frame(&mut self, now: Instant, frame: Frame) -> Result<(), Drop> {
        if let Some((header, source)) = self.sender
            && frame.head().first_chunk() == Some(&header)
        {
            return self.ipv4(now, frame, header.len(), source);
        }
        self.other_frame(now, frame)
    }

    /// A frame with another header than the one before.
    #[inline(never)]
    fn other_frame(&mut self, now: Instant, frame: Frame) -> Result<(), Drop> {
        let (header, len) = ethernet::Header::parse(frame.head())?;
        let for_us = header.destination == self.interface.mac;
        if !for_us && !header.destination.is_broadcast() {
            return Err(Drop::OtherStation);
        }
        if !header.source.is_station() {
            return Err(Drop::EthernetSource);
        }
        if header.vlan.is_some() {
            return Err(Drop::Vlan);
        }
        match header.ether_type {
            EtherType::IPV4 if for_us => {
                let untagged = frame
                    .head()
                    .first_chunk()
                    .filter(|bytes| bytes.len() == len);
                self.sender = untagged.map(|bytes| (*bytes, header.source));
                self.ipv4(now, frame, len, header.source)
            }
            // Nothing else that we speak goes to all hosts, and a packet for one host has no business
            // in a frame for all (RFC 1122, 3.3.6).
            EtherType::IPV4 => self.configuration(now, frame, len),
            EtherType::ARP => self.arp(now, frame.head().get(len..).unwrap_or_default()),
            _ => Err(Drop::EtherType),
        }
    }

    #[inline(never)]
    fn arp(&mut self, now: Instant, bytes: &[u8]) -> Result<(), Drop> {
        let packet = arp::Packet::parse(bytes)?;
        let asks_us = Some(packet.target) == self.interface.address();
        if asks_us && packet.operation == Operation::Request && !self.arp_requests.take(now) {
            return Err(Drop::ArpLimit);
        }
        self.interface.neighbours.receive(now, &packet);
        self.neighbour_events(now);
        Ok(())
    }

    /// Reads the packet that begins `start` bytes behind the start of `frame`, which `from` sent.
    fn ipv4(&mut self, now: Instant, frame: Frame, start: usize, from: Mac) -> Result<(), Drop> {
        let bytes = frame.head().get(start..).unwrap_or_default();
        let header = Header::parse(bytes, frame.len().saturating_sub(start))?;
        let Some(network) =
            (self.interface.network).filter(|network| header.destination == network.address())
        else {
            return self.configuration(now, frame, start);
        };
        if network.is_martian_source(header.source) {
            return Err(Drop::Martian);
        }
        self.heard(now, header.source, from);
        if !header.is_fragment() {
            return self.whole(now, &header, frame, start);
        }
        let mut packet = frame;
        packet.advance(start);
        packet.truncate(header.total_len.into());
        match self.reassembly.receive(now, &header, &packet)? {
            Some(whole) => self.whole(now, &whole.header, whole.packet, 0),
            None => Ok(()),
        }
    }

    /// Tells the neighbour cache who sent a packet.
    fn heard(&mut self, now: Instant, source: Ipv4Addr, from: Mac) {
        let (last, at) = self.heard;
        if last != (source, from) || now.since(at) >= HEARD_FOR {
            self.tell_neighbours(now, source, from);
        }
    }

    #[inline(never)]
    fn tell_neighbours(&mut self, now: Instant, source: Ipv4Addr, from: Mac) {
        self.heard = ((source, from), now);
        let neighbours = &mut self.interface.neighbours;
        match self.interface.routes.next_hop(source) {
            Some(hop) if hop == source => neighbours.heard(now, source, from.0),
            Some(gateway) => neighbours.forwarded(now, gateway, from.0),
            None => {}
        }
        self.neighbour_events(now);
    }

    /// Takes in a whole packet, which begins `start` bytes behind the start of `frame`.
    fn whole(
        &mut self,
        now: Instant,
        header: &Header,
        mut frame: Frame,
        start: usize,
    ) -> Result<(), Drop> {
        if header.protocol != Protocol::TCP {
            frame.advance(start);
            frame.truncate(header.total_len.into());
            return self.packet(now, header, frame);
        }
        let packet = Packet {
            source: header.source,
            destination: header.destination,
            start: start + usize::from(header.header_len),
            len: header.payload_len(),
        };
        // TCP counts for itself what it drops.
        if let Err(reason) = self.tcp.receive(now, &packet, frame) {
            self.interface.recorder.dropped(reason.name());
        }
        Ok(())
    }

    /// Hands a whole packet to whom it is for, if that is not TCP.
    #[inline(never)]
    fn packet(&mut self, now: Instant, header: &Header, mut packet: Frame) -> Result<(), Drop> {
        match header.protocol {
            Protocol::ICMP => {
                packet.advance(header.header_len.into());
                self.icmp(now, header, packet)
            }
            Protocol::UDP => self.udp(now, header, packet),
            _ => {
                self.complain(now, header, Complaint::ProtocolUnreachable, packet.head())?;
                Err(Drop::Protocol)
            }
        }
    }

    fn udp(&mut self, now: Instant, header: &Header, mut packet: Frame) -> Result<(), Drop> {
        let start = packet.parts().next().cloned();
        packet.advance(header.header_len.into());
        if self.dhcp.is_some() && dhcp::is_for_client(&packet) {
            return self.lease_message(now, header, packet);
        }
        let ends = udp::Packet {
            source: header.source,
            destination: header.destination,
        };
        match (self.udp.receive(&ends, packet), start) {
            (Err(udp::Drop::NoPort), Some(start)) => {
                self.complain(now, header, Complaint::PortUnreachable, &start)
            }
            // UDP counts for itself what it drops.
            _ => Ok(()),
        }
    }

    /// Tells the sender of a packet, which begins with `start`, what is wrong with it.
    fn complain(
        &mut self,
        now: Instant,
        header: &Header,
        complaint: Complaint,
        start: &[u8],
    ) -> Result<(), Drop> {
        let payload = start.get(header.header_len.into()..).unwrap_or_default();
        let Some(network) = &self.interface.network else {
            return Ok(());
        };
        if icmp::may_complain(network, header, false, payload) {
            let message = complaint.about(start);
            self.outbox.complain(now, header.source, &message)?;
        }
        Ok(())
    }

    fn icmp(&mut self, now: Instant, header: &Header, message: Frame) -> Result<(), Drop> {
        match icmp::parse(&message)? {
            Message::Error(error, quoted) => self.icmp_error(now, error, &quoted),
            Message::Other => Err(Drop::IcmpOther),
            Message::Echo => {
                self.outbox.echo(now, header.source, message)?;
                self.interface.stats.echoes += 1;
                Ok(())
            }
        }
    }

    /// An error about a packet of ours; whether it may be believed is TCP's to say (RFC 5927), and
    /// UDP's users'.
    fn icmp_error(
        &mut self,
        now: Instant,
        error: icmp::Error,
        quoted: &Quoted<'_>,
    ) -> Result<(), Drop> {
        if Some(quoted.source) != self.interface.address() {
            return Err(Drop::IcmpOther);
        }
        match quoted.protocol {
            Protocol::TCP => {
                // TCP does not discover path MTUs yet.
                let kind = tcp_error(error).ok_or(Drop::IcmpOther)?;
                let ends = (quoted.source, quoted.destination);
                self.tcp.icmp_error(now, ends, quoted.transport, kind);
            }
            Protocol::UDP => {
                let (remote, error) = (quoted.destination, udp_error(error));
                self.udp.icmp_error(remote, quoted.transport, error);
            }
            _ => return Err(Drop::IcmpOther),
        }
        Ok(())
    }
}

fn tcp_error(error: icmp::Error) -> Option<IcmpError> {
    match error {
        icmp::Error::PortUnreachable | icmp::Error::ProtocolUnreachable => Some(IcmpError::Refused),
        icmp::Error::Unreachable | icmp::Error::TimeExceeded | icmp::Error::ParameterProblem => {
            Some(IcmpError::Unreachable)
        }
        icmp::Error::TooBig { .. } => None,
    }
}

fn udp_error(error: icmp::Error) -> udp::Error {
    match error {
        icmp::Error::PortUnreachable | icmp::Error::ProtocolUnreachable => udp::Error::Refused,
        icmp::Error::Unreachable | icmp::Error::TimeExceeded | icmp::Error::ParameterProblem => {
            udp::Error::Unreachable
        }
        icmp::Error::TooBig { .. } => udp::Error::TooLarge,
    }
}
