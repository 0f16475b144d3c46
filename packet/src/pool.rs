//! Where every buffer comes from and goes back to.
//!
//! A pool cuts one page-aligned slab into memory of three sizes and hands it out as [`Buf`]s. It is
//! not shared between threads: one stack, one pool. A slab lives as long as the program, because a
//! device may still hold an address in it, so a pool is made once for each place.
//!
//! It is all safe code: a slot is an `Rc` that the last handle puts back on its shelf, so taking and
//! giving back cost a few nanoseconds and allocate nothing.

use alloc::boxed::Box;
use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::fmt;
use core::ops::Deref;

/// The sizes of memory that a pool hands out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// 256 bytes: small frames, written bytes.
    Cell,
    /// 4 KiB, aligned to 4 KiB: bodies, pages granted to a back end.
    Page,
    /// 68 KiB, aligned to 4 KiB: one read from a tap, with a super-frame of up to 64 KiB in it.
    Bay,
}

impl Class {
    /// Every class, smallest first.
    pub const ALL: [Self; 3] = [Self::Cell, Self::Page, Self::Bay];

    /// The bytes in one piece of this class.
    #[must_use]
    pub const fn size(self) -> usize {
        match self {
            Self::Cell => 256,
            Self::Page => 4096,
            Self::Bay => 68 * 1024,
        }
    }
}

/// How many pieces of each class a pool may hand out. When a class is used up, [`Pool::take`]
/// answers `None` and the caller drops, waits or copies densely.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Pieces of 256 bytes.
    pub cells: usize,
    /// Pieces of 4 KiB.
    pub pages: usize,
    /// Pieces of 68 KiB.
    pub bays: usize,
}

impl Limits {
    /// Splits `bytes` of memory: a sixteenth for cells, seven for pages, eight for bays.
    #[must_use]
    pub const fn for_memory(bytes: usize) -> Self {
        Self {
            cells: bytes / 16 / Class::Cell.size(),
            pages: bytes / 16 * 7 / Class::Page.size(),
            bays: bytes / 2 / Class::Bay.size(),
        }
    }

    const fn count(&self, class: Class) -> usize {
        match class {
            Class::Cell => self.cells,
            Class::Page => self.pages,
            Class::Bay => self.bays,
        }
    }
}

/// What is out and what there is, of one class.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    /// Pieces that somebody holds.
    pub held: usize,
    /// Pieces in all.
    pub limit: usize,
}

/// Hands out memory; cheap to clone, all clones are the same pool.
#[derive(Clone)]
pub struct Pool(&'static Shelves);

struct Shelves([RefCell<Shelf>; 3]);

struct Shelf {
    class: Class,
    /// Pieces given back; the last one in is the first one out, for its bytes are still in the cache.
    free: Vec<Rc<Slot>>,
    /// The part of the slab from which nothing was taken yet. The kernel commits it as it is touched.
    fresh: &'static mut [u8],
    held: usize,
    limit: usize,
    /// Pieces that only [`Pool::take_receiving`] may take.
    reserve: usize,
}

struct Slot {
    memory: &'static mut [u8],
    class: Class,
    home: &'static Shelves,
}

/// Pages (and cells) kept for receiving alone, so that a full pool can still hear the
/// acknowledgement that drains it. At most an eighth of what there is.
const RESERVE: usize = 64;

impl Pool {
    /// Makes a pool and its slab. Neither is ever freed.
    #[must_use]
    pub fn new(limits: Limits) -> Self {
        let size = |class: Class| limits.count(class) * class.size();
        let page = Class::Page.size();
        // Pages and bays first: both are whole pages, so only the start needs aligning.
        let slab = Box::leak(
            vec![0; size(Class::Page) + size(Class::Bay) + size(Class::Cell) + page]
                .into_boxed_slice(),
        );
        let skip = slab.as_ptr().align_offset(page).min(page);
        let (pages, rest) = slab[skip..].split_at_mut(size(Class::Page));
        let (bays, rest) = rest.split_at_mut(size(Class::Bay));
        let (cells, _) = rest.split_at_mut(size(Class::Cell));
        let shelf = |class: Class, fresh: &'static mut [u8]| {
            let limit = limits.count(class);
            RefCell::new(Shelf {
                class,
                free: Vec::with_capacity(limit),
                fresh,
                held: 0,
                limit,
                reserve: if class == Class::Bay {
                    0
                } else {
                    RESERVE.min(limit / 8)
                },
            })
        };
        Self(Box::leak(Box::new(Shelves([
            shelf(Class::Cell, cells),
            shelf(Class::Page, pages),
            shelf(Class::Bay, bays),
        ]))))
    }

    /// Takes a piece, or `None` when all but the reserve are held. Its bytes are whatever the last
    /// holder left.
    #[must_use]
    pub fn take(&self, class: Class) -> Option<Buf> {
        self.take_from(class, false)
    }

    /// Takes a piece for a received frame: the only call that may dig into the reserve.
    #[must_use]
    pub fn take_receiving(&self, class: Class) -> Option<Buf> {
        self.take_from(class, true)
    }

    /// The smallest class that holds `len` bytes, if any does.
    #[must_use]
    pub fn class_for(len: usize) -> Option<Class> {
        Class::ALL.into_iter().find(|class| len <= class.size())
    }

    /// What is out and what there is.
    #[must_use]
    pub fn usage(&self, class: Class) -> Usage {
        let shelf = self.shelf(class).borrow();
        Usage {
            held: shelf.held,
            limit: shelf.limit,
        }
    }

    /// Whether more than three quarters of a class are held: time to copy densely and to refuse
    /// new work.
    #[must_use]
    pub fn is_low(&self, class: Class) -> bool {
        let Usage { held, limit } = self.usage(class);
        held > limit / 4 * 3
    }

    fn shelf(&self, class: Class) -> &RefCell<Shelf> {
        &self.0.0[class as usize]
    }

    #[inline(never)]
    fn take_from(&self, class: Class, receiving: bool) -> Option<Buf> {
        let mut shelf = self.shelf(class).borrow_mut();
        let reserve = if receiving { 0 } else { shelf.reserve };
        if shelf.held + reserve >= shelf.limit {
            return None;
        }
        let slot = match shelf.free.pop() {
            Some(slot) => slot,
            None => Rc::new(Slot {
                memory: shelf.cut()?,
                class,
                home: self.0,
            }),
        };
        shelf.held += 1;
        Some(Buf(slot))
    }
}

impl Shelf {
    #[cold]
    fn cut(&mut self) -> Option<&'static mut [u8]> {
        let fresh = core::mem::take(&mut self.fresh);
        let (piece, rest) = fresh.split_at_mut_checked(self.class.size())?;
        self.fresh = rest;
        Some(piece)
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map()
            .entries(Class::ALL.map(|class| (class, self.usage(class))))
            .finish()
    }
}

/// A counted handle to one piece of a pool. The bytes can be changed only while the handle is the
/// only one; the last handle puts the piece back.
#[derive(Clone)]
pub struct Buf(Rc<Slot>);

impl Buf {
    /// The bytes for writing, while nobody else holds them.
    #[must_use]
    pub fn bytes_mut(&mut self) -> Option<&mut [u8]> {
        Rc::get_mut(&mut self.0).map(|slot| &mut *slot.memory)
    }

    /// Which size this is.
    #[must_use]
    pub fn class(&self) -> Class {
        self.0.class
    }
}

impl Buf {
    /// The last handle puts the piece back on its shelf. Handles end in many places, so this is not
    /// repeated in all of them.
    #[inline(never)]
    fn give_back(&self) {
        let mut shelf = self.0.home.0[self.0.class as usize].borrow_mut();
        shelf.held -= 1;
        shelf.free.push(Rc::clone(&self.0));
    }
}

impl Deref for Buf {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        self.0.memory
    }
}

impl Drop for Buf {
    fn drop(&mut self) {
        if Rc::strong_count(&self.0) == 1 {
            self.give_back();
        }
    }
}

impl fmt::Debug for Buf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Buf({:?})", self.class())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool {
        Pool::new(Limits {
            cells: 16,
            pages: 16,
            bays: 2,
        })
    }

    #[test]
    fn a_piece_comes_back_and_is_handed_out_again() {
        let pool = pool();
        let mut first = pool.take(Class::Page).unwrap();
        first.bytes_mut().unwrap()[0] = 7;
        let second = first.clone();
        assert!(
            first.bytes_mut().is_none(),
            "shared bytes must not be changed"
        );
        drop(first);
        assert_eq!(pool.usage(Class::Page).held, 1);
        let address = second.as_ptr();
        drop(second);
        assert_eq!(pool.usage(Class::Page).held, 0);
        let again = pool.take(Class::Page).unwrap();
        assert_eq!(again.as_ptr(), address);
        assert_eq!(again[0], 7);
    }

    #[test]
    fn pages_and_bays_are_page_aligned() {
        let pool = pool();
        let taken: Vec<Buf> = [Class::Page, Class::Page, Class::Bay, Class::Bay]
            .into_iter()
            .map(|class| pool.take(class).unwrap())
            .collect();
        for buf in &taken {
            assert_eq!(buf.as_ptr().align_offset(4096), 0);
            assert_eq!(buf.len(), buf.class().size());
        }
    }

    #[test]
    fn the_reserve_is_for_receiving() {
        let pool = pool();
        let held: Vec<Buf> = core::iter::from_fn(|| pool.take(Class::Page)).collect();
        assert_eq!(held.len(), 14);
        let reserve: Vec<Buf> = core::iter::from_fn(|| pool.take_receiving(Class::Page)).collect();
        assert_eq!(reserve.len(), 2);
        assert!(pool.is_low(Class::Page));
    }
}
