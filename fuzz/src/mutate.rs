//! Damaging bytes, the same way each time.

/// A source of damaged bytes. The same seed gives the same ones.
pub struct Mutator {
    state: u64,
}

/// Values that stand at the edges of what fields may hold.
const EDGES: [u8; 8] = [0, 1, 0x0f, 0x20, 0x7f, 0x80, 0xfe, 0xff];

impl Mutator {
    /// A source with this seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        // An xorshift stands still at zero.
        Self {
            state: seed ^ 0x9e37_79b9_7f4a_7c15,
        }
    }

    /// Damages `bytes` in one to four places. `other` is a second input, pieces of which may be put
    /// in.
    #[must_use]
    pub fn mutate(&mut self, bytes: &[u8], other: &[u8]) -> Vec<u8> {
        let mut bytes = bytes.to_vec();
        for _ in 0..=self.below(4) {
            self.damage(&mut bytes, other);
        }
        bytes
    }

    fn damage(&mut self, bytes: &mut Vec<u8>, other: &[u8]) {
        if bytes.is_empty() {
            bytes.push(self.next() as u8);
        }
        let at = self.below(bytes.len());
        match self.below(9) {
            0 => bytes[at] ^= 1 << self.below(8),
            1 => bytes[at] = self.next() as u8,
            2 => bytes[at] = EDGES[self.below(EDGES.len())],
            3 => bytes[at] = bytes[at].wrapping_add(1),
            4 => bytes[at] = bytes[at].wrapping_sub(1),
            5 => bytes.truncate(at),
            6 => {
                let end = (at + 1 + self.below(16)).min(bytes.len());
                bytes.drain(at..end);
            }
            7 => {
                let end = (at + 1 + self.below(32)).min(bytes.len());
                let again = bytes[at..end].to_vec();
                let place = self.below(bytes.len());
                bytes.splice(place..place, again);
            }
            _ => {
                let start = self.below(other.len().max(1)).min(other.len());
                let end = (start + self.below(64)).min(other.len());
                bytes.splice(at..at, other[start..end].iter().copied());
            }
        }
    }

    /// A number below `bound`, which is not 0.
    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    /// Marsaglia's xorshift64.
    fn next(&mut self) -> u64 {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        self.state
    }
}
