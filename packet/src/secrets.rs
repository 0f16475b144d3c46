//! Numbers that a stranger cannot guess.

use core::hash::Hasher;

use siphasher::sip::SipHasher24;

/// The one secret of a place, drawn at start from its entropy. Everything unguessable comes from it
/// by name, so that the same seed gives the same bytes on every run.
#[derive(Clone)]
pub struct Secrets {
    seed: [u8; 32],
}

impl Secrets {
    /// Secrets from a seed: 32 bytes of entropy, or anything at all in a simulation.
    #[must_use]
    pub const fn new(seed: [u8; 32]) -> Self {
        Self { seed }
    }

    /// The key for one purpose, such as `"tcp isn"`. Different names give unrelated keys.
    #[must_use]
    pub fn key(&self, purpose: &str) -> Key {
        let keyed = |half: &[u8], bytes: &[u8], label: u8| {
            let mut key = [0; 16];
            key.copy_from_slice(half);
            let mut hasher = SipHasher24::new_with_key(&key);
            hasher.write(bytes);
            hasher.write_u8(label);
            hasher.finish().to_le_bytes()
        };
        let (left, right) = self.seed.split_at(16);
        let mut key = [0; 16];
        for (half, label) in key.chunks_exact_mut(8).zip(0..) {
            half.copy_from_slice(&keyed(
                right,
                &keyed(left, purpose.as_bytes(), label),
                label,
            ));
        }
        Key(SipHasher24::new_with_key(&key))
    }

    /// A stream of random numbers for one purpose.
    #[must_use]
    pub fn random(&self, purpose: &str) -> Random {
        Random {
            key: self.key(purpose),
            counter: 0,
        }
    }
}

/// A keyed hash function (SipHash-2-4): without the key its values cannot be told from random.
#[derive(Clone)]
pub struct Key(SipHasher24);

impl Key {
    /// The hash of `bytes`.
    #[must_use]
    pub fn hash(&self, bytes: &[u8]) -> u64 {
        self.0.hash(bytes)
    }
}

/// A stream of random numbers: the keyed hash of a counter.
#[derive(Clone)]
pub struct Random {
    key: Key,
    counter: u64,
}

impl Random {
    /// The next 64 random bits.
    pub fn next_u64(&mut self) -> u64 {
        self.counter += 1;
        self.key.hash(&self.counter.to_le_bytes())
    }

    /// A random number from 0 to `limit - 1`; 0 if `limit` is 0. The bias is below `limit / 2^64`.
    pub fn below(&mut self, limit: u64) -> u64 {
        ((u128::from(self.next_u64()) * u128::from(limit)) >> 64) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_depend_on_seed_and_purpose_alone() {
        let secrets = Secrets::new([1; 32]);
        assert_eq!(
            secrets.key("a").hash(b"x"),
            Secrets::new([1; 32]).key("a").hash(b"x")
        );
        assert_ne!(secrets.key("a").hash(b"x"), secrets.key("b").hash(b"x"));
        for byte in 0..32 {
            let mut seed = [1; 32];
            seed[byte] = 2;
            assert_ne!(
                secrets.key("a").hash(b"x"),
                Secrets::new(seed).key("a").hash(b"x")
            );
        }
    }

    #[test]
    fn below_stays_below_and_reaches_everything() {
        let mut random = Secrets::new([3; 32]).random("test");
        let mut seen = [false; 7];
        for _ in 0..200 {
            seen[random.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
        assert_eq!(random.below(0), 0);
    }
}
