//! What a front end remembers of its requests, by the number that the response brings back.

use alloc::boxed::Box;
use alloc::vec::Vec;

/// A fixed number of places for `T`, each named by a 16-bit number that a request carries. A number
/// that comes back is good only while something is in its place.
#[derive(Debug)]
pub struct InFlight<T> {
    places: Box<[Option<T>]>,
    /// Never longer than there are places.
    free: Vec<u16>,
}

impl<T> InFlight<T> {
    /// `places` empty places.
    #[must_use]
    pub fn new(places: u16) -> Self {
        Self {
            places: (0..places).map(|_| None).collect(),
            free: (0..places).rev().collect(),
        }
    }

    /// How many places are taken.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len() - self.free.len()
    }

    /// Whether no place is taken.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Puts `value` somewhere, and tells where.
    ///
    /// # Errors
    /// Gives it back when no place is free.
    pub fn insert(&mut self, value: T) -> Result<u16, T> {
        let Some(id) = self.free.pop() else {
            return Err(value);
        };
        self.places[usize::from(id)] = Some(value);
        Ok(id)
    }

    /// What is in a place.
    #[must_use]
    pub fn get(&self, id: u16) -> Option<&T> {
        self.places.get(usize::from(id))?.as_ref()
    }

    /// Takes what is in a place. `None` for a number that names nothing: the other side made it up.
    pub fn take(&mut self, id: u16) -> Option<T> {
        let value = self.places.get_mut(usize::from(id))?.take()?;
        self.free.push(id);
        Some(value)
    }

    /// Takes everything out, in no order.
    pub fn drain(&mut self) -> impl Iterator<Item = T> {
        let ids = 0..self.places.len() as u16;
        ids.filter_map(|id| self.take(id))
    }
}
