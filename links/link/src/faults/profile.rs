//! What goes wrong in one direction, and how a command line says so.

use core::fmt;
use core::str::FromStr;
use core::time::Duration;

/// What goes wrong in one direction. The default is a wire on which nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Profile {
    /// Frames that are lost.
    pub loss: Chance,
    /// Frames that come twice.
    pub duplicate: Chance,
    /// Frames that a few later ones overtake.
    pub reorder: Chance,
    /// Frames with one bit turned over, where a checksum finds it.
    pub corrupt: Chance,
    /// How long every frame is under way.
    pub delay: Duration,
    /// By how much the delay varies, either way. The order stays.
    pub jitter: Duration,
    /// Bits that pass in a second; any number without.
    pub rate: Option<u64>,
    /// What decides which frames it meets: the same seed, the same fate for the same frames.
    pub seed: u64,
}

/// How likely something is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Chance(u32);

impl Chance {
    const CERTAIN: u32 = 1_000_000;

    /// Happens to this many of a million; to all from there on.
    #[must_use]
    pub const fn per_million(count: u32) -> Self {
        Self(if count < Self::CERTAIN {
            count
        } else {
            Self::CERTAIN
        })
    }

    pub(super) fn happens(self, random: &mut packet::Random) -> bool {
        self.0 > 0 && random.below(u64::from(Self::CERTAIN)) < u64::from(self.0)
    }
}

/// Why a text is no [`Profile`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadProfile {
    /// A part that is none of those that there are.
    Key,
    /// A share that is not between `0%` and `100%`.
    Chance,
    /// A time that is not one like `20ms`, up to an hour.
    Duration,
    /// A rate that is not one like `100mbit`, from 1 kbit on.
    Rate,
    /// A seed that is not a number.
    Seed,
}

impl fmt::Display for BadProfile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Key => {
                "it is a list of loss, dup, reorder, corrupt, delay, jitter, rate and seed"
            }
            Self::Chance => "write a share as 1% or 0.01%",
            Self::Duration => "write a time as 20ms, 500us or 1s",
            Self::Rate => "write a rate as 100mbit, 56kbit or 1gbit",
            Self::Seed => "write the seed as a number",
        })
    }
}

impl core::error::Error for BadProfile {}

impl FromStr for Profile {
    type Err = BadProfile;

    /// Reads `loss=1%,dup=0.1%,reorder=2%,corrupt=0.01%,delay=20ms,jitter=5ms,rate=100mbit,seed=7`,
    /// any of them in any order.
    fn from_str(text: &str) -> Result<Self, BadProfile> {
        let mut profile = Self::default();
        for part in text.split(',') {
            let (key, value) = part.split_once('=').ok_or(BadProfile::Key)?;
            match key {
                "loss" => profile.loss = value.parse()?,
                "dup" => profile.duplicate = value.parse()?,
                "reorder" => profile.reorder = value.parse()?,
                "corrupt" => profile.corrupt = value.parse()?,
                "delay" => profile.delay = duration(value)?,
                "jitter" => profile.jitter = duration(value)?,
                "rate" => profile.rate = Some(rate(value)?),
                "seed" => profile.seed = value.parse().map_err(|_| BadProfile::Seed)?,
                _ => return Err(BadProfile::Key),
            }
        }
        Ok(profile)
    }
}

impl FromStr for Chance {
    type Err = BadProfile;

    /// Reads a percentage with up to four decimal places.
    fn from_str(text: &str) -> Result<Self, BadProfile> {
        let number = text.strip_suffix('%').ok_or(BadProfile::Chance)?;
        let (whole, places) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |text: &str| {
            let all = text.bytes().all(|byte| byte.is_ascii_digit());
            text.parse::<u32>().ok().filter(|_| all)
        };
        let (Some(whole), Some(fraction), 1..=4) = (digits(whole), digits(places), places.len())
        else {
            return Err(BadProfile::Chance);
        };
        let fraction = fraction * 10u32.pow(4 - places.len() as u32);
        let count = whole
            .checked_mul(10_000)
            .and_then(|whole| whole.checked_add(fraction));
        match count {
            Some(count @ ..=Self::CERTAIN) => Ok(Self(count)),
            _ => Err(BadProfile::Chance),
        }
    }
}

fn duration(text: &str) -> Result<Duration, BadProfile> {
    const LONGEST: Duration = Duration::from_secs(3600);
    let unit = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let number = text[..text.len() - unit.len()].parse::<u64>();
    let nanos = match unit {
        "us" => 1_000,
        "ms" => 1_000_000,
        "s" => 1_000_000_000,
        _ => return Err(BadProfile::Duration),
    };
    let nanos = number.ok().and_then(|number| number.checked_mul(nanos));
    let duration = nanos.map(Duration::from_nanos);
    duration
        .filter(|duration| *duration <= LONGEST)
        .ok_or(BadProfile::Duration)
}

fn rate(text: &str) -> Result<u64, BadProfile> {
    let unit = text.trim_start_matches(|character: char| character.is_ascii_digit());
    let number = text[..text.len() - unit.len()].parse::<u64>();
    let bits = match unit {
        "kbit" => 1_000,
        "mbit" => 1_000_000,
        "gbit" => 1_000_000_000,
        _ => return Err(BadProfile::Rate),
    };
    let bits = number.ok().and_then(|number| number.checked_mul(bits));
    bits.filter(|bits| *bits > 0).ok_or(BadProfile::Rate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_every_part_in_any_order() {
        let text =
            "loss=1%,dup=0.1%,reorder=2%,corrupt=0.01%,delay=20ms,jitter=5ms,rate=100mbit,seed=7";
        let profile = Profile {
            loss: Chance(10_000),
            duplicate: Chance(1_000),
            reorder: Chance(20_000),
            corrupt: Chance(100),
            delay: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            rate: Some(100_000_000),
            seed: 7,
        };
        assert_eq!(text.parse(), Ok(profile));
        assert_eq!("seed=7,delay=500us".parse::<Profile>().unwrap().seed, 7);
        assert_eq!(
            "loss=100%".parse::<Profile>().unwrap().loss,
            Chance(1_000_000)
        );
    }

    #[test]
    fn says_what_cannot_be_read() {
        for (text, wrong) in [
            ("", BadProfile::Key),
            ("loss", BadProfile::Key),
            ("lost=1%", BadProfile::Key),
            ("loss=1%,", BadProfile::Key),
            ("loss=1", BadProfile::Chance),
            ("loss=101%", BadProfile::Chance),
            ("loss=-1%", BadProfile::Chance),
            ("loss=+1%", BadProfile::Chance),
            ("loss=.1%", BadProfile::Chance),
            ("loss=0.00001%", BadProfile::Chance),
            ("loss=99999999999%", BadProfile::Chance),
            ("delay=20", BadProfile::Duration),
            ("delay=ms", BadProfile::Duration),
            ("delay=2h", BadProfile::Duration),
            ("delay=3601s", BadProfile::Duration),
            ("jitter=99999999999999999999s", BadProfile::Duration),
            ("rate=100", BadProfile::Rate),
            ("rate=0mbit", BadProfile::Rate),
            ("rate=99999999999999gbit", BadProfile::Rate),
            ("seed=x", BadProfile::Seed),
        ] {
            assert_eq!(text.parse::<Profile>(), Err(wrong), "{text}");
        }
    }

    #[test]
    fn chances_come_about_as_often_as_they_should() {
        let mut random = packet::Secrets::new([1; 32]).random("test");
        let mut of = |chance: Chance| (0..10_000).filter(|_| chance.happens(&mut random)).count();
        assert_eq!(of(Chance::per_million(0)), 0);
        assert_eq!(of(Chance::per_million(2_000_000)), 10_000);
        assert!((400..600).contains(&of(Chance::per_million(50_000))));
    }
}
