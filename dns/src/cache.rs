//! What was answered, as long as it holds.

use alloc::vec::Vec;

use packet::{Duration, Instant};

use crate::message::Addresses;
use crate::{Error, Name};

/// The most names that are remembered (about 400 bytes each). Full: the one that holds no longer than
/// the others is forgotten.
const LIMIT: usize = 128;

#[derive(Default)]
pub(crate) struct Cache(Vec<Entry>);

struct Entry {
    name: Name,
    known: Result<Addresses, Error>,
    until: Instant,
}

impl Cache {
    /// What is known of `name`.
    pub(crate) fn find(&self, now: Instant, name: &Name) -> Option<&Result<Addresses, Error>> {
        let entry = self.0.iter().find(|entry| entry.name == *name)?;
        (entry.until > now).then_some(&entry.known)
    }

    /// Remembers `known` for as long as it holds.
    pub(crate) fn keep(
        &mut self,
        now: Instant,
        name: &Name,
        known: &Result<Addresses, Error>,
        ttl: Duration,
    ) {
        let until = now + ttl;
        self.0
            .retain(|entry| entry.until > now && entry.name != *name);
        if until <= now {
            return;
        }
        if self.0.len() >= LIMIT {
            let first = (0..self.0.len()).min_by_key(|index| self.0[*index].until);
            first.map(|index| self.0.swap_remove(index));
        }
        self.0.push(Entry {
            name: name.clone(),
            known: known.clone(),
            until,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KNOWN: Result<Addresses, Error> = Err(Error::NoSuchName);

    fn at(seconds: u64) -> Instant {
        Instant::from_millis(seconds * 1000)
    }

    #[test]
    fn nothing_is_remembered_for_longer_than_it_holds() {
        let mut cache = Cache::default();
        let name: Name = "a.example".parse().unwrap();
        cache.keep(at(0), &name, &KNOWN, Duration::from_secs(10));
        assert_eq!(cache.find(at(9), &name), Some(&KNOWN));
        assert_eq!(cache.find(at(10), &name), None);
        cache.keep(at(9), &name, &KNOWN, Duration::ZERO);
        assert_eq!(cache.find(at(9), &name), None, "what is newer counts");
    }

    #[test]
    fn the_first_to_end_makes_room() {
        let mut cache = Cache::default();
        let name = |number| alloc::format!("n{number}").parse::<Name>().unwrap();
        for number in 0..LIMIT as u64 + 1 {
            // The second holds for the shortest time.
            let ttl = if number == 1 { 1 } else { 60 + number };
            cache.keep(at(0), &name(number), &KNOWN, Duration::from_secs(ttl));
        }
        assert_eq!(cache.0.len(), LIMIT);
        assert_eq!(cache.find(at(0), &name(1)), None);
        assert!(cache.find(at(0), &name(0)).is_some());
        assert!(cache.find(at(0), &name(LIMIT as u64)).is_some());
    }
}
