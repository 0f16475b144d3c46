//! What a seed stands for.

use core::ops::Range;
use core::time::Duration;

use link::{Chance, Profile, Profiles};
use packet::{Instant, Random, Secrets};

use super::HOSTS;

/// A world before it begins.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) hosts: Vec<HostPlan>,
    pub(super) mtu: u16,
    pub(super) transfers: Vec<Transfer>,
    pub(super) cuts: Vec<Cut>,
    /// A host that is gone from this moment on, for ever.
    pub(super) vanishes: Option<(usize, Instant)>,
    /// When nothing goes wrong any more.
    pub(super) heals_at: Instant,
}

/// What a host has.
#[derive(Debug)]
pub(super) struct HostPlan {
    /// Until the network heals, and from then on.
    pub(super) faults: Profiles,
    pub(super) healed: Profiles,
    /// Whether it has too little memory.
    pub(super) tight: bool,
    pub(super) send_buffer: usize,
    pub(super) receive_buffer: usize,
    pub(super) nagle: bool,
}

/// A cable that carries nothing for a while.
#[derive(Debug)]
pub(super) struct Cut {
    pub(super) host: usize,
    pub(super) time: Range<Instant>,
    /// Whether the host sees that its link is down.
    pub(super) is_seen: bool,
}

/// A conversation between two applications.
#[derive(Debug)]
pub(super) struct Transfer {
    pub(super) client: Side,
    pub(super) server: Side,
    pub(super) start: Instant,
    pub(super) kind: Kind,
    /// Bytes to the server, and to the client.
    pub(super) up: u64,
    pub(super) down: u64,
    /// Neither side closes before the world ends.
    pub(super) lingers: bool,
}

/// What is talked about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Both send at the same time.
    Streams,
    /// The server sends back what it gets.
    Echo,
    /// A page by HTTP.
    Page,
}

/// What one application does.
#[derive(Clone, Debug)]
pub(super) struct Side {
    pub(super) host: usize,
    /// The most bytes that it writes at once.
    pub(super) piece: usize,
    /// Whether it writes copies or hands over chunks.
    pub(super) copies: bool,
    /// How often, in a thousand reads, it stops reading, and for how long at most.
    pub(super) pauses: (u64, Duration),
    /// How many received chunks it keeps for a while.
    pub(super) keeps: usize,
    /// Whether it closes its half as soon as it has sent all, or when the other has closed.
    pub(super) closes_first: bool,
    /// Whether it leaves when it has sent and got all, without waiting for the other's end.
    pub(super) leaves: bool,
    /// After so many bytes, either way, it throws the connection away.
    pub(super) aborts_after: Option<u64>,
}

impl Plan {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let dice = &mut Dice(Secrets::new(bytes).random("simulation"));
        let heals_at = Instant::from_millis(20_000);
        let count = if dice.percent(25) {
            2 + 1 + dice.below(2) as usize
        } else {
            2
        }
        .min(HOSTS);
        let delay = Duration::from_micros(dice.pick(&[0, 50, 1_000, 20_000, 150_000]));
        let calm = dice.percent(15);
        let hosts = (0..count)
            .map(|_| HostPlan::new(dice, delay, calm))
            .collect();
        let cuts = (0..dice.pick(&[0, 0, 1, 2]))
            .map(|_| Cut::new(dice, count))
            .collect();
        let vanishes = dice.percent(8).then(|| {
            let at = Instant::from_millis(dice.below(5_000));
            (dice.below(count as u64) as usize, at)
        });
        let transfers = (0..1 + dice.below(6))
            .map(|_| Transfer::new(dice, count))
            .collect();
        Self {
            seed,
            hosts,
            mtu: dice.pick(&[1500, 1500, 1500, 576, 9000]),
            transfers,
            cuts,
            vanishes,
            heals_at,
        }
    }

    /// Whether a transfer has an end that vanishes.
    pub(super) fn is_doomed(&self, transfer: &Transfer) -> bool {
        let ends = [transfer.client.host, transfer.server.host];
        self.vanishes.is_some_and(|(host, _)| ends.contains(&host))
    }
}

impl HostPlan {
    fn new(dice: &mut Dice, delay: Duration, calm: bool) -> Self {
        let rate = dice.pick(&[None, None, Some(100_000_000), Some(2_000_000)]);
        let healed = || Profile {
            delay: delay / 2,
            rate,
            ..Profile::default()
        };
        let mut faulty = || Profile {
            loss: dice.chance(&[0, 1, 5, 20]),
            duplicate: dice.chance(&[0, 0, 1, 10]),
            reorder: dice.chance(&[0, 1, 5, 20]),
            corrupt: dice.chance(&[0, 0, 1, 5]),
            jitter: delay / dice.pick(&[2, 8, 1000]),
            seed: dice.below(u64::MAX),
            ..healed()
        };
        let faults = match calm {
            true => Profiles {
                outward: healed(),
                inward: healed(),
            },
            false => Profiles {
                outward: faulty(),
                inward: Profile {
                    // Two flipped bits in one frame may cancel out in its checksum: one at most.
                    corrupt: Chance::default(),
                    ..faulty()
                },
            },
        };
        Self {
            faults,
            healed: Profiles {
                outward: healed(),
                inward: healed(),
            },
            tight: dice.percent(10),
            send_buffer: dice.pick(&[2_048, 65_536, 65_536, 1 << 20]),
            receive_buffer: dice.pick(&[4_096, 65_536, 65_536, 1 << 19]),
            nagle: dice.percent(70),
        }
    }
}

impl Cut {
    fn new(dice: &mut Dice, hosts: usize) -> Self {
        let start = Instant::from_millis(dice.below(10_000));
        Self {
            host: dice.below(hosts as u64) as usize,
            time: start..start + Duration::from_millis(1 + dice.below(8_000)),
            is_seen: dice.percent(50),
        }
    }
}

impl Transfer {
    fn new(dice: &mut Dice, hosts: usize) -> Self {
        let client = dice.below(hosts as u64) as usize;
        let server = (client + 1 + dice.below(hosts as u64 - 1) as usize) % hosts;
        let kind = dice.pick(&[Kind::Streams, Kind::Streams, Kind::Echo, Kind::Page]);
        let mut len = || {
            let most = dice.pick(&[1, 2_000, 20_000, 20_000, 100_000]);
            if dice.percent(10) {
                0
            } else {
                dice.below(most)
            }
        };
        let (up, down) = (len(), len());
        let mut client = Side::new(dice, client);
        let mut server = Side::new(dice, server);
        if !client.closes_first && !server.closes_first {
            client.closes_first = true;
        }
        let lingers = kind == Kind::Streams && dice.percent(25);
        let total = up + down;
        match dice.below(12) {
            0 if !lingers => client.aborts_after = Some(dice.below(total + 1)),
            1 if !lingers => server.aborts_after = Some(dice.below(total + 1)),
            _ => {}
        }
        Self {
            client,
            server,
            start: Instant::from_millis(dice.pick(&[0, 0, 100, 3_000])),
            kind,
            up,
            down: if kind == Kind::Echo { up } else { down },
            lingers,
        }
    }

    /// Whether one of both throws the connection away.
    pub(super) fn is_aborted(&self) -> bool {
        self.client.aborts_after.is_some() || self.server.aborts_after.is_some()
    }
}

impl Side {
    fn new(dice: &mut Dice, host: usize) -> Self {
        Self {
            host,
            piece: dice.pick(&[100, 1_460, 10_000, 60_000]),
            copies: dice.percent(50),
            pauses: (
                dice.pick(&[0, 0, 20, 200]),
                Duration::from_millis(dice.pick(&[10, 1_000, 30_000])),
            ),
            keeps: dice.pick(&[0, 0, 1, 20]) as usize,
            closes_first: dice.percent(50),
            leaves: dice.percent(30),
            aborts_after: None,
        }
    }
}

/// Random numbers in the words of a plan.
pub(super) struct Dice(pub(super) Random);

impl Dice {
    pub(super) fn below(&mut self, limit: u64) -> u64 {
        self.0.below(limit)
    }

    fn percent(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn pick<T: Copy>(&mut self, among: &[T]) -> T {
        among[self.below(among.len() as u64) as usize]
    }

    /// One of these percentages.
    fn chance(&mut self, percent: &[u32]) -> Chance {
        Chance::per_million(10_000 * self.pick(percent))
    }
}
