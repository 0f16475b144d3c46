//! One direction: the frames that are under way, and what befalls them.

use alloc::collections::VecDeque;
use core::time::Duration;

use packet::{Instant, Random, Secrets};

use super::{Profile, Stats};

/// The most frames under way in one direction. Full: what comes is lost, as in a router.
pub const QUEUE: usize = 1024;

/// How many later frames overtake one that is held back, at most: enough for a sender that takes
/// three duplicate acknowledgements for a loss (RFC 5681, 3.2) to be misled now and then.
const OVERTAKEN_BY: u64 = 5;

/// How long a frame is held back when nothing comes to overtake it.
const HELD_BACK: Duration = Duration::from_millis(10);

/// What can be under way.
pub(super) trait Cargo: Clone {
    /// Its length on the wire.
    fn len(&self) -> usize;

    /// Turns over one bit that a checksum covers. `false`: there is none, or no memory to do it in.
    fn corrupt(&mut self, random: &mut Random) -> bool;
}

/// One direction.
pub(super) struct Lane<C> {
    profile: Profile,
    random: Random,
    /// In the order in which they come out, which is that of their times.
    queue: VecDeque<(Instant, C)>,
    /// Those that wait to be overtaken.
    held: VecDeque<Held<C>>,
    /// When the wire is free again, where it has a rate.
    free_at: Instant,
    /// When the frame before comes out.
    last: Instant,
    pub(super) stats: Stats,
}

struct Held<C> {
    cargo: C,
    overtaken_by: u64,
    until: Instant,
}

impl<C: Cargo> Lane<C> {
    pub(super) fn new(profile: Profile, direction: &str) -> Self {
        let mut lane = Self {
            profile,
            random: Secrets::new([0; 32]).random(direction),
            queue: VecDeque::new(),
            held: VecDeque::new(),
            free_at: Instant::ZERO,
            last: Instant::ZERO,
            stats: Stats::default(),
        };
        lane.change(profile, direction);
        lane
    }

    /// From now on other things go wrong. What is under way stays.
    pub(super) fn change(&mut self, profile: Profile, direction: &str) {
        let mut seed = [0; 32];
        seed[..8].copy_from_slice(&profile.seed.to_le_bytes());
        self.random = Secrets::new(seed).random(direction);
        self.profile = profile;
    }

    /// Lets a frame in, or not.
    pub(super) fn push(&mut self, now: Instant, mut cargo: C) {
        let (profile, random) = (self.profile, &mut self.random);
        self.stats.frames += 1;
        if profile.loss.happens(random) {
            self.stats.lost += 1;
            return;
        }
        if profile.corrupt.happens(random) {
            if !cargo.corrupt(random) {
                // Ethernet's own checksum would have found it.
                self.stats.lost += 1;
                return;
            }
            self.stats.corrupted += 1;
        }
        if profile.duplicate.happens(random) {
            self.stats.duplicated += 1;
            self.enter(now, cargo.clone());
        }
        self.enter(now, cargo);
    }

    fn enter(&mut self, now: Instant, cargo: C) {
        if self.queue.len() + self.held.len() >= QUEUE {
            self.stats.overflowed += 1;
            return;
        }
        if self.profile.reorder.happens(&mut self.random) {
            self.stats.reordered += 1;
            let overtaken_by = 1 + self.random.below(OVERTAKEN_BY);
            let until = now + HELD_BACK;
            self.held.push_back(Held {
                cargo,
                overtaken_by,
                until,
            });
            return;
        }
        self.depart(now, cargo);
        for held in &mut self.held {
            held.overtaken_by -= 1;
        }
        self.let_go(now, |held| held.overtaken_by == 0);
    }

    fn depart(&mut self, now: Instant, cargo: C) {
        let Profile {
            delay,
            jitter,
            rate,
            ..
        } = self.profile;
        let start = self.free_at.max(now);
        if let Some(rate) = rate {
            let bits = 8 * cargo.len() as u64;
            self.free_at = start + Duration::from_nanos(bits.saturating_mul(1_000_000_000) / rate);
        } else {
            self.free_at = now;
        }
        let spread = 2 * jitter.as_nanos() as u64;
        let varied = delay + Duration::from_nanos(self.random.below(spread.saturating_add(1)));
        let due = self.free_at + varied.saturating_sub(jitter);
        self.last = self.last.max(due);
        self.queue.push_back((self.last, cargo));
    }

    /// Lets those depart that were held back for long enough.
    fn let_go(&mut self, now: Instant, is_over: impl Fn(&Held<C>) -> bool) {
        let mut at = 0;
        while let Some(held) = self.held.get(at) {
            if !is_over(held) {
                at += 1;
            } else if let Some(held) = self.held.remove(at) {
                self.depart(now, held.cargo);
            }
        }
    }

    /// What comes out next, if its time has come; it stays until [`Lane::pop`].
    pub(super) fn front(&mut self, now: Instant) -> Option<&C> {
        self.let_go(now, |held| held.until <= now);
        let (due, cargo) = self.queue.front()?;
        (*due <= now).then_some(cargo)
    }

    pub(super) fn pop(&mut self) -> Option<C> {
        let (_, cargo) = self.queue.pop_front()?;
        self.stats.delivered += 1;
        Some(cargo)
    }

    /// When the next one comes out, as far as is known.
    pub(super) fn next_event(&self) -> Option<Instant> {
        let due = self.queue.front().map(|(due, _)| *due);
        let until = self.held.iter().map(|held| held.until);
        until.chain(due).min()
    }
}
