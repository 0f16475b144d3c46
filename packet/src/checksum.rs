//! The Internet checksum (RFC 1071): the complement of the one's complement sum of 16-bit words.

use core::ops::Add;

/// From so many bytes on, lanes are faster than a chain of additions with carry.
const LONG: usize = 64;

/// A partial one's complement sum of big-endian 16-bit words. Sums of pieces add up to the sum of
/// the whole as long as each piece starts at an even offset; see [`Sum::at`] for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sum(u64);

impl Sum {
    /// The sum of `bytes`, a missing last byte taken as zero.
    #[inline]
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        // In the machine's own order of bytes: the sum then has its bytes swapped too (RFC 1071,
        // 2(B)). Words of 64 bits sum up as those of 16 do, for 2^64 and 2^16 are both 1 more than a
        // multiple of 2^16 - 1.
        let (many, rest) = match bytes.len() {
            ..LONG => (0, bytes),
            _ => Self::of_blocks(bytes),
        };
        let (words, rest) = rest.as_chunks::<8>();
        // No carry comes out of 128 bits.
        let mut sum = u128::from(many);
        for word in words {
            sum += u128::from(u64::from_ne_bytes(*word));
        }
        sum += u128::from(last_word(bytes, rest));
        let sum = Self(sum as u64) + Self((sum >> 64) as u64);
        Self(u64::from_be(sum.0))
    }

    /// The sum of many bytes, in the machine's own order, and the few that are left: four independent
    /// lanes of 32-bit words, which the processor adds side by side. A lane overflows only beyond 2^32
    /// words.
    #[inline(never)]
    fn of_blocks(bytes: &[u8]) -> (u64, &[u8]) {
        let (blocks, rest) = bytes.as_chunks::<16>();
        let mut lanes = [0u64; 4];
        for block in blocks {
            for (lane, bytes) in lanes.iter_mut().zip(block.as_chunks::<4>().0) {
                *lane += u64::from(u32::from_ne_bytes(*bytes));
            }
        }
        (lanes.into_iter().sum(), rest)
    }

    /// The sum of one 16-bit word.
    #[must_use]
    pub const fn word(word: u16) -> Self {
        Self(word as u64)
    }

    /// The sum of the two words of an address.
    #[must_use]
    pub const fn address(address: core::net::Ipv4Addr) -> Self {
        Self(address.to_bits() as u64)
    }

    /// This sum as part of a whole in which its bytes start at `offset`: at an odd one, every byte
    /// has the other place in its word (RFC 1071, 2(B)).
    #[must_use]
    pub const fn at(self, offset: usize) -> Self {
        if offset.is_multiple_of(2) {
            self
        } else {
            Self(self.0.swap_bytes())
        }
    }

    /// The sum in 16 bits, carries added in; not complemented. This is what a partial checksum
    /// field holds.
    #[inline]
    #[must_use]
    pub const fn fold(self) -> u16 {
        // 64 bits to 33, to 18, to 17, to 16; no branches.
        let sum = (self.0 >> 32) + (self.0 & 0xffff_ffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        let sum = (sum >> 16) + (sum & 0xffff);
        ((sum >> 16) + (sum & 0xffff)) as u16
    }

    /// The checksum to write.
    #[must_use]
    pub const fn finish(self) -> u16 {
        !self.fold()
    }

    /// Whether data with its checksum in place is intact.
    #[must_use]
    pub const fn is_valid(self) -> bool {
        self.finish() == 0
    }
}

/// The last bytes of `bytes`, fewer than a word, with zeros behind them. Where a whole word ends with
/// them it is read at once, and those before them are shifted out.
#[inline]
fn last_word(bytes: &[u8], rest: &[u8]) -> u64 {
    let missing = 8 * (8 - rest.len() as u32);
    match bytes.last_chunk() {
        Some(word) => (u64::from_le_bytes(*word).checked_shr(missing).unwrap_or(0)).to_le(),
        None => {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            u64::from_ne_bytes(word)
        }
    }
}

impl Add for Sum {
    type Output = Self;

    #[inline]
    fn add(self, other: Self) -> Self {
        // The carry comes back in at the end, as in 16 bits.
        let (sum, carry) = self.0.overflowing_add(other.0);
        Self(sum + u64::from(carry))
    }
}

impl core::iter::Sum for Sum {
    fn sum<I: Iterator<Item = Self>>(sums: I) -> Self {
        sums.fold(Self::default(), Add::add)
    }
}

/// The sum of the pseudo-header that TCP and UDP cover (RFC 9293, 3.1): addresses, protocol and the
/// length of the transport header with its payload.
#[must_use]
pub fn pseudo_header(
    source: core::net::Ipv4Addr,
    destination: core::net::Ipv4Addr,
    protocol: u8,
    len: usize,
) -> Sum {
    // The length field has 16 bits; a super-frame's is filled in anew for each segment.
    // Four small numbers: no carry can come out of 64 bits.
    let addresses = u64::from(source.to_bits()) + u64::from(destination.to_bits());
    Sum(addresses + u64::from(protocol) + u64::from(len as u16))
}

/// Changes `checksum` for a 16-bit word that changed from `old` to `new` (RFC 1624, equation 3).
/// Of the two forms of zero it gives all ones, which is right even where all that is covered is zero.
#[must_use]
pub const fn update(checksum: u16, old: u16, new: u16) -> u16 {
    match !Sum(!checksum as u64 + !old as u64 + new as u64).fold() {
        0 => 0xffff,
        sum => sum,
    }
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    /// RFC 1071, 4.1, word by word.
    fn plain(bytes: &[u8]) -> u16 {
        let mut sum = 0u32;
        for pair in bytes.chunks(2) {
            sum += u32::from(pair[0]) << 8 | u32::from(*pair.get(1).unwrap_or(&0));
            sum = (sum >> 16) + (sum & 0xffff);
        }
        sum as u16
    }

    #[test]
    fn the_example_of_rfc_1071() {
        let data = [0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7];
        assert_eq!(Sum::of(&data).fold(), 0xddf2);
    }

    proptest! {
        #[test]
        fn equals_the_plain_loop(data: Vec<u8>) {
            prop_assert_eq!(Sum::of(&data).fold(), plain(&data));
        }

        #[test]
        fn pieces_add_up(data: Vec<u8>, cut: usize) {
            let cut = cut % (data.len() + 1);
            let (front, back) = data.split_at(cut);
            let sum = Sum::of(front) + Sum::of(back).at(cut);
            // Zero has two forms in one's complement.
            prop_assert_eq!(sum.fold() % 0xffff, plain(&data) % 0xffff);
        }

        #[test]
        fn update_equals_a_new_sum(mut data: [u8; 20], at in 0usize..10, new: u16, empty: bool) {
            if empty {
                data = [0; 20];
            }
            let new = if empty { 0 } else { new };
            data[2 * at] |= 1;
            let before = Sum::of(&data).finish();
            let word = &mut data[2 * at..2 * at + 2];
            let old = u16::from_be_bytes([word[0], word[1]]);
            word.copy_from_slice(&new.to_be_bytes());
            let after = update(before, old, new);
            prop_assert_eq!(after % 0xffff, Sum::of(&data).finish() % 0xffff);
            prop_assert!((Sum::of(&data) + Sum::word(after)).is_valid());
        }
    }
}
