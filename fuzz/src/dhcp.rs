//! Answers of servers, news of the link and time, for a client of DHCP.

use core::net::Ipv4Addr;

use dhcp::{Client, Event, Kind, Message, Options};
use packet::{Duration, Instant, Secrets};

use crate::input::Input;

/// 400 years. The longest lease lasts 136, and time itself ends after 584, when its nanoseconds do not fit
/// in 64 bits.
const LATEST: Instant = Instant::from_millis(400 * 365 * 24 * 3600 * 1000);

const MAC: [u8; 6] = [2, 0, 0, 0, 0, 2];
const OTHER_MAC: [u8; 6] = [2, 0, 0, 0, 0, 3];
/// What the client says of its own list.
const MOST_EVENTS: usize = 16;

/// Does what the bytes say.
pub fn dhcp(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let mut host = Host::new();
    while !input.is_empty() {
        host.step(&mut input);
    }
    host.end();
}

struct Host {
    client: Client,
    now: Instant,
    mac: [u8; 6],
    /// The number of the last question, and the address that is to be probed.
    xid: u32,
    probed: Ipv4Addr,
}

impl Host {
    fn new() -> Self {
        let mut client = Client::new(&Secrets::new([1; 32]));
        client.link_up(Instant::from_millis(1000), MAC, 1500);
        let mut host = Self {
            client,
            now: Instant::from_millis(1000),
            mac: MAC,
            xid: 0,
            probed: Ipv4Addr::UNSPECIFIED,
        };
        host.pass(host.now);
        host
    }

    fn step(&mut self, input: &mut Input<'_>) {
        match input.byte() % 8 {
            0 | 1 => self.answer(input),
            2 => self.bytes(input),
            3 => self
                .client
                .probed(self.now, self.probed, input.byte() & 1 == 0),
            4 => {
                self.mac = if input.byte() & 7 == 0 {
                    OTHER_MAC
                } else {
                    MAC
                };
                self.client.link_up(self.now, self.mac, input.word());
            }
            5 => self.client.link_down(),
            6 => self.now += Duration::from_secs(input.word().into()),
            _ => self.now = self.client.poll_timeout().unwrap_or(self.now).max(self.now),
        }
        self.now = self.now.min(LATEST);
        self.pass(self.now);
    }

    /// A well-formed answer, sensible or not.
    fn answer(&mut self, input: &mut Input<'_>) {
        let (kind, which) = (input.byte(), input.byte());
        let [lease_time, t1, t2, mtu] = [(); 4].map(|()| input.word());
        let mut options = Options {
            server: Some(Ipv4Addr::new(10, 0, 0, which & 1)),
            mask: (which & 2 == 0).then_some(Ipv4Addr::new(255, 255, 255, 0)),
            lease_time: (which & 4 == 0).then_some(lease_time.into()),
            t1: (which & 8 == 0).then_some(t1.into()),
            t2: (which & 16 == 0).then_some(t2.into()),
            mtu: (which & 32 == 0).then_some(mtu),
            ..Options::default()
        };
        if which & 64 == 0 {
            options.lease_time = options.lease_time.map(|time| time << 16 | time);
        }
        let message = Message {
            kind: [Kind::Offer, Kind::Ack, Kind::Nak, Kind::Request][usize::from(kind % 4)],
            xid: self.xid ^ u32::from(kind & 128),
            secs: 0,
            broadcast: false,
            ciaddr: Ipv4Addr::UNSPECIFIED,
            yiaddr: Ipv4Addr::new(10, 0, 0, 2 + (kind >> 5 & 1)),
            chaddr: self.mac,
            options,
        };
        self.client.receive(self.now, &message.write()).ok();
    }

    /// Any bytes; with the number and the address that are asked for, if wished.
    fn bytes(&mut self, input: &mut Input<'_>) {
        let (repaired, len) = (input.byte() & 1 == 0, input.word() & 0x7ff);
        let mut bytes = input.take(len.into()).to_vec();
        if repaired && bytes.len() >= 34 {
            bytes[4..8].copy_from_slice(&self.xid.to_be_bytes());
            bytes[28..34].copy_from_slice(&self.mac);
        }
        if let Ok(message) = Message::parse(&bytes) {
            assert_eq!(
                Message::parse(&message.write()),
                Ok(message),
                "read and written"
            );
        }
        self.client.receive(self.now, &bytes).ok();
    }

    /// Does what has become due, and looks at what comes of it.
    fn pass(&mut self, now: Instant) {
        self.client.handle_timeout(now);
        let next = self.client.poll_timeout();
        assert!(next.is_none_or(|next| next > now), "time stands still");
        let lease = self.client.lease();
        if let Some(times) = lease.and_then(|lease| lease.times) {
            assert!(times.t1 < times.t2 && times.t2 < times.end && now < times.end);
        }
        let ours = lease.map(|lease| lease.address);
        assert!(ours.is_none_or(|address| address.octets()[0] != 0));
        while let Some(sent) = self.client.poll_transmit() {
            let message = Message::parse(&sent.message).expect("what we say is well formed");
            assert_eq!(message.chaddr, self.mac);
            assert!(sent.message.len() >= 300, "a relay would drop it");
            assert!(sent.source.is_unspecified() || Some(sent.source) == ours);
            assert!(sent.destination.is_broadcast() || Some(sent.source) == ours);
            self.xid = message.xid;
        }
        let events = core::iter::from_fn(|| self.client.poll_event());
        let mut count = 0;
        for event in events {
            if let Event::Probe(address) = event {
                self.probed = address;
            }
            count += 1;
        }
        assert!(count <= MOST_EVENTS, "{count} events waited");
    }

    /// Without a link it falls silent: a lease runs out, and that is all.
    fn end(&mut self) {
        self.client.link_down();
        for _ in 0..2 {
            let Some(next) = self.client.poll_timeout() else {
                return;
            };
            self.now = self.now.max(next);
            self.pass(self.now);
        }
        assert_eq!(self.client.poll_timeout(), None, "it never rests");
    }
}
