//! How much memory: a number with a unit.

use core::fmt;
use core::str::FromStr;

/// A number of bytes, as `64M`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Memory {
    pub(crate) bytes: usize,
}

impl Memory {
    /// Too little for a few connections with a super-frame each.
    const LEAST: u64 = 4 << 20;
    const MOST: u64 = 64 << 30;
}

impl FromStr for Memory {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const WRONG: &str = "write it as 64M or 1G";
        let (digits, shift) = match text.as_bytes() {
            [.., b'K' | b'k'] => (&text[..text.len() - 1], 10),
            [.., b'M' | b'm'] => (&text[..text.len() - 1], 20),
            [.., b'G' | b'g'] => (&text[..text.len() - 1], 30),
            _ => (text, 0),
        };
        let number: u64 = digits.parse().map_err(|_| WRONG)?;
        let bytes = number.checked_mul(1 << shift).ok_or(WRONG)?;
        if !(Self::LEAST..=Self::MOST).contains(&bytes) {
            return Err("it is 4M to 64G");
        }
        let bytes = usize::try_from(bytes).map_err(|_| WRONG)?;
        Ok(Self { bytes })
    }
}

impl fmt::Display for Memory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}M", self.bytes >> 20)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_has_a_unit_and_bounds() {
        assert_eq!("64M".parse(), Ok(Memory { bytes: 64 << 20 }));
        assert_eq!("8388608".parse(), Ok(Memory { bytes: 8 << 20 }));
        assert_eq!("1g".parse(), Ok(Memory { bytes: 1 << 30 }));
        for wrong in [
            "",
            "M",
            "64",
            "3M",
            "65G",
            "99999999999999999999G",
            "-1M",
            "1.5G",
        ] {
            assert!(wrong.parse::<Memory>().is_err(), "{wrong}");
        }
    }
}
