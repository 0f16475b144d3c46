//! Listening: who may come in, and the handshakes under way.
//!
//! A handshake is an entry of a few dozen bytes until its last ACK comes: a flood of SYNs fills one
//! bounded table and nothing else, and never occupies the listener.

use alloc::collections::VecDeque;
use core::net::SocketAddrV4;

use packet::{Deadlines, Duration, Instant, Slab};

use crate::handshake::{DEFAULT_MSS, initial_window, scale_of};
use crate::ids::{ConnectionId, ListenerId};
use crate::outbox::Reply;
use crate::output::{Blocked, Outgoing, Output};
use crate::segment::Segment;
use crate::timestamps::Clock;
use crate::{Config, Error, Flags, Options, Seq, Stats};

/// RFC 6298, 2.1: before any sample.
const SYN_ACK_TIMEOUT: Duration = Duration::from_secs(1);

/// How often a SYN-ACK is repeated before the handshake is forgotten, after a minute in all.
const SYN_ACK_REPEATS: u8 = 5;

/// One listening port.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) port: u16,
    /// Established connections that nobody has accepted.
    pub(crate) accept_queue: VecDeque<ConnectionId>,
    pub(crate) waits_to_accept: bool,
}

/// A handshake of which the SYN has come and the SYN-ACK went out: SYN-RECEIVED of RFC 9293.
#[derive(Clone, Debug)]
pub(crate) struct HalfOpen {
    pub(crate) local: SocketAddrV4,
    pub(crate) remote: SocketAddrV4,
    pub(crate) irs: Seq,
    pub(crate) iss: Seq,
    /// When the SYN-ACK was sent first.
    pub(crate) sent: Instant,
    /// Our timestamp offset and the peer's value, if it uses timestamps.
    pub(crate) timestamps: Option<(u32, u32)>,
    pub(crate) mss: u16,
    /// The shift of the peer's windows, if it scales them.
    pub(crate) scale: Option<u8>,
    repeats: u8,
    /// Which listener it is for.
    pub(crate) listener: u8,
    waits: bool,
}

impl HalfOpen {
    /// What a SYN asks for.
    pub(crate) fn new(now: Instant, syn: &Segment, listener: u32, iss: Seq, offset: u32) -> Self {
        Self {
            local: syn.local,
            remote: syn.remote,
            irs: syn.seq,
            iss,
            sent: now,
            timestamps: syn.options.timestamps.map(|stamps| (offset, stamps.value)),
            mss: syn.options.mss.unwrap_or(DEFAULT_MSS),
            scale: scale_of(&syn.options),
            repeats: 0,
            listener: listener as u8,
            waits: false,
        }
    }

    pub(crate) fn was_repeated(&self) -> bool {
        self.repeats > 0
    }

    fn syn_ack(&self, now: Instant, config: &Config) -> Reply {
        let stamp = |(offset, recent)| Clock::new(now, offset, recent).stamp(now);
        Reply {
            local: self.local,
            remote: self.remote,
            seq: self.iss,
            ack: Seq(self.irs.0.wrapping_add(1)),
            flags: Flags::SYN.with(Flags::ACK),
            window: initial_window(config),
            options: Options {
                mss: Some(config.mss()),
                window_scale: self.scale.map(|_| Config::WINDOW_SCALE),
                sack_permitted: false,
                timestamps: self.timestamps.map(stamp),
            },
        }
    }

    /// The acknowledgement that tells a peer with another idea of the handshake where we are.
    pub(crate) fn challenge(&self, now: Instant, config: &Config) -> Reply {
        let mut reply = self.syn_ack(now, config);
        reply.flags = Flags::ACK;
        reply.seq = Seq(self.iss.0.wrapping_add(1));
        // Only a SYN's window is not scaled (RFC 7323, 2.3).
        reply.window >>= reply.options.window_scale.unwrap_or(0);
        reply.options = Options {
            timestamps: reply.options.timestamps,
            ..Options::default()
        };
        reply
    }
}

/// All listeners, and all handshakes under way.
pub(crate) struct Listeners {
    listeners: Slab<Listener>,
    half_open: Slab<HalfOpen>,
    deadlines: Deadlines,
    /// Entries whose SYN-ACK is to be sent.
    ready: VecDeque<u32>,
}

impl Listeners {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            // An entry names its listener in 8 bits.
            listeners: Slab::new(config.listeners.min(256)),
            half_open: Slab::new(config.half_open),
            deadlines: Deadlines::new(),
            ready: VecDeque::new(),
        }
    }

    /// Whether there is no listener.
    pub(crate) fn is_empty(&self) -> bool {
        self.listeners.is_empty()
    }

    pub(crate) fn listen(&mut self, port: u16) -> Result<ListenerId, Error> {
        if self.on_port(port).is_some() {
            return Err(Error::InUse);
        }
        let listener = Listener {
            port,
            accept_queue: VecDeque::new(),
            waits_to_accept: false,
        };
        let slot = self
            .listeners
            .insert(listener)
            .map_err(|_| Error::NoBuffer)?;
        Ok(ListenerId {
            slot,
            generation: self.listeners.generation(slot),
        })
    }

    /// Ends a listener; its handshakes are forgotten, its unaccepted connections are returned.
    pub(crate) fn unlisten(&mut self, id: ListenerId) -> Option<Listener> {
        self.by_id(id)?;
        for slot in self.half_open.slots().collect::<alloc::vec::Vec<_>>() {
            if self
                .half_open
                .get(slot)
                .is_some_and(|entry| u32::from(entry.listener) == id.slot)
            {
                self.deadlines.set(slot, Some(Instant::ZERO));
                if let Some(entry) = self.half_open.get_mut(slot) {
                    entry.repeats = SYN_ACK_REPEATS;
                }
            }
        }
        self.listeners.remove(id.slot)
    }

    pub(crate) fn by_id(&mut self, id: ListenerId) -> Option<&mut Listener> {
        if self.listeners.generation(id.slot) != id.generation {
            return None;
        }
        self.listeners.get_mut(id.slot)
    }

    pub(crate) fn by_slot(&mut self, slot: u32) -> Option<&mut Listener> {
        self.listeners.get_mut(slot)
    }

    pub(crate) fn id(&self, slot: u32) -> ListenerId {
        ListenerId {
            slot,
            generation: self.listeners.generation(slot),
        }
    }

    /// The listener on `port`. There are few, so they are searched.
    pub(crate) fn on_port(&self, port: u16) -> Option<u32> {
        self.listeners.slots().find(|slot| {
            self.listeners
                .get(*slot)
                .is_some_and(|listener| listener.port == port)
        })
    }

    /// Starts a handshake; `None` when too many are under way.
    pub(crate) fn start(&mut self, entry: HalfOpen) -> Option<u32> {
        let slot = self.half_open.insert(entry).ok()?;
        self.send_again(slot);
        Some(slot)
    }

    pub(crate) fn half_open(&self, slot: u32) -> Option<&HalfOpen> {
        self.half_open.get(slot)
    }

    pub(crate) fn half_open_count(&self) -> usize {
        self.half_open.len()
    }

    /// The SYN-ACK of a handshake is to be sent, first or once more.
    pub(crate) fn send_again(&mut self, slot: u32) {
        if let Some(entry) = self.half_open.get_mut(slot)
            && !entry.waits
        {
            entry.waits = true;
            self.ready.push_back(slot);
        }
    }

    /// Takes out a handshake that is over.
    pub(crate) fn end(&mut self, slot: u32) -> Option<HalfOpen> {
        self.deadlines.set(slot, None);
        let entry = self.half_open.remove(slot)?;
        if entry.waits {
            self.ready.retain(|ready| *ready != slot);
        }
        Some(entry)
    }

    pub(crate) fn poll_timeout(&self) -> Option<Instant> {
        self.deadlines.next()
    }

    /// Repeats the SYN-ACKs whose time has come; returns one handshake that has failed.
    pub(crate) fn pop_failed(&mut self, now: Instant) -> Option<HalfOpen> {
        while let Some(slot) = self.deadlines.pop_expired(now) {
            let Some(entry) = self.half_open.get_mut(slot) else {
                continue;
            };
            if entry.repeats >= SYN_ACK_REPEATS {
                return self.end(slot);
            }
            entry.repeats += 1;
            self.send_again(slot);
        }
        None
    }

    /// Whether a SYN-ACK waits for the link.
    pub(crate) fn has_output(&self) -> bool {
        !self.ready.is_empty()
    }

    /// Hands the SYN-ACKs to the link. One to an unresolved neighbour waits for its turn again.
    pub(crate) fn transmit(
        &mut self,
        now: Instant,
        config: &Config,
        stats: &mut Stats,
        output: &mut dyn Output,
    ) -> Result<(), Blocked> {
        for _ in 0..self.ready.len() {
            let Some(slot) = self.ready.pop_front() else {
                break;
            };
            let Some(entry) = self.half_open.get_mut(slot) else {
                continue;
            };
            let reply = entry.syn_ack(now, config);
            let sent = output.transmit(Outgoing {
                local: *entry.local.ip(),
                remote: *entry.remote.ip(),
                head: &mut reply.head(0),
                payload: &[],
                gso_size: None,
                again: entry.repeats > 0,
            });
            match sent {
                Err(Blocked::Full) => {
                    self.ready.push_front(slot);
                    return Err(Blocked::Full);
                }
                Err(Blocked::Unresolved) => {
                    self.ready.push_back(slot);
                    continue;
                }
                Err(Blocked::Unreachable) => {}
                Ok(()) => {
                    stats.segments_sent += 1;
                    stats.segments_resent += u64::from(entry.repeats > 0);
                }
            }
            entry.waits = false;
            let wait = SYN_ACK_TIMEOUT * (1 << entry.repeats);
            self.deadlines.set(slot, Some(now + wait));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_handshake_under_way_is_small() {
        assert!(size_of::<HalfOpen>() <= 48, "{}", size_of::<HalfOpen>());
    }
    /// RFC 7323, 2.2 and 2.3.
    #[test]
    fn only_the_window_of_the_syn_ack_is_not_scaled() {
        let address = SocketAddrV4::new(core::net::Ipv4Addr::LOCALHOST, 80);
        let mut entry = HalfOpen {
            local: address,
            remote: address,
            irs: Seq(1),
            iss: Seq(2),
            sent: Instant::ZERO,
            timestamps: None,
            mss: 1460,
            scale: Some(0),
            repeats: 0,
            listener: 0,
            waits: false,
        };
        let config = Config {
            receive_buffer: 12_800,
            ..Config::default()
        };
        let windows = |entry: &HalfOpen| {
            let syn_ack = entry.syn_ack(Instant::ZERO, &config);
            let challenge = entry.challenge(Instant::ZERO, &config);
            (syn_ack.window, challenge.window)
        };
        assert_eq!(windows(&entry), (12_800, 12_800 >> Config::WINDOW_SCALE));
        entry.scale = None;
        assert_eq!(windows(&entry), (12_800, 12_800));
    }
}
