//! A page that another domain reads and writes at the same time.

#![allow(unsafe_code)]

use alloc::alloc::{alloc_zeroed, handle_alloc_error};
use core::alloc::Layout;
use core::fmt;
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use zerocopy::{FromBytes, Immutable, IntoBytes};

use crate::{PAGE_SIZE, PageAddress};

/// 4 KiB that are shared with another domain, or with Xen. Clones are the same page.
///
/// There is no reference to its bytes but as atomics, which both sides may change at once: a value
/// is read into a variable of ours once, and judged there. Atomics order what they are told to;
/// between a store and a load of another place a [`fence`](core::sync::atomic::fence) is needed.
///
/// Offsets are the caller's own: one outside of the page is a bug of ours, and panics.
#[derive(Clone)]
pub struct SharedPage(NonNull<u8>);

// SAFETY: its bytes are only used by atomics; in a test the other side may be another thread.
unsafe impl Send for SharedPage {}

impl SharedPage {
    /// A page of zeros. Its memory is never given back, for the other side may hold on to it: made
    /// once for a device and used again.
    #[must_use]
    pub fn new() -> Self {
        const LAYOUT: Layout = match Layout::from_size_align(PAGE_SIZE, PAGE_SIZE) {
            Ok(layout) => layout,
            Err(_) => unreachable!(),
        };
        // SAFETY: the layout is not empty.
        let memory = unsafe { alloc_zeroed(LAYOUT) };
        NonNull::new(memory).map_or_else(|| handle_alloc_error(LAYOUT), Self)
    }

    /// The page at `address`, which Xen or the toolstack put there. `None` for address 0.
    ///
    /// # Safety
    /// The page is mapped for reading and writing for good, and nothing else in this domain uses it
    /// but by such a type.
    #[must_use]
    pub unsafe fn at(address: PageAddress) -> Option<Self> {
        let address = usize::try_from(address.get()).ok()?;
        NonNull::new(ptr::with_exposed_provenance_mut(address)).map(Self)
    }

    /// Where it is.
    #[must_use]
    pub fn address(&self) -> PageAddress {
        PageAddress::containing(self.0.as_ptr())
    }

    /// The byte at `offset`.
    #[inline]
    #[must_use]
    pub fn u8(&self, offset: usize) -> &AtomicU8 {
        // SAFETY: in the page, which lives for good and is only used by atomics.
        unsafe { AtomicU8::from_ptr(self.place(offset, 1)) }
    }

    /// The two bytes at `offset`, a multiple of 2.
    #[inline]
    #[must_use]
    pub fn u16(&self, offset: usize) -> &AtomicU16 {
        // SAFETY: as above, and aligned.
        unsafe { AtomicU16::from_ptr(self.place(offset, 2).cast()) }
    }

    /// The four bytes at `offset`, a multiple of 4.
    #[inline]
    #[must_use]
    pub fn u32(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: as above, and aligned.
        unsafe { AtomicU32::from_ptr(self.place(offset, 4).cast()) }
    }

    /// The eight bytes at `offset`, a multiple of 8.
    #[inline]
    #[must_use]
    pub fn u64(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: as above, and aligned.
        unsafe { AtomicU64::from_ptr(self.place(offset, 8).cast()) }
    }

    /// Copies a structure out. It may be torn, if the other side writes it now.
    #[inline]
    #[must_use]
    pub fn read<T: FromBytes + IntoBytes>(&self, offset: usize) -> T {
        let mut value = T::new_zeroed();
        self.read_bytes(offset, value.as_mut_bytes());
        value
    }

    /// Copies a structure in.
    #[inline]
    pub fn write<T: IntoBytes + Immutable>(&self, offset: usize, value: &T) {
        self.write_bytes(offset, value.as_bytes());
    }

    /// Copies bytes out, each read once.
    #[inline]
    pub fn read_bytes(&self, offset: usize, bytes: &mut [u8]) {
        let mut at = offset;
        let words = if offset.is_multiple_of(4) {
            bytes.len() / 4 * 4
        } else {
            0
        };
        let (words, rest) = bytes.split_at_mut(words);
        for word in words.as_chunks_mut().0 {
            *word = self.u32(at).load(Ordering::Relaxed).to_ne_bytes();
            at += 4;
        }
        for byte in rest {
            *byte = self.u8(at).load(Ordering::Relaxed);
            at += 1;
        }
    }

    /// Copies bytes in.
    #[inline]
    pub fn write_bytes(&self, offset: usize, bytes: &[u8]) {
        let mut at = offset;
        let words = if offset.is_multiple_of(4) {
            bytes.len() / 4 * 4
        } else {
            0
        };
        let (words, rest) = bytes.split_at(words);
        for word in words.as_chunks().0 {
            self.u32(at)
                .store(u32::from_ne_bytes(*word), Ordering::Relaxed);
            at += 4;
        }
        for byte in rest {
            self.u8(at).store(*byte, Ordering::Relaxed);
            at += 1;
        }
    }

    /// Makes all of it zero.
    pub fn clear(&self) {
        for offset in (0..PAGE_SIZE).step_by(8) {
            self.u64(offset).store(0, Ordering::Relaxed);
        }
    }

    #[inline]
    fn place(&self, offset: usize, size: usize) -> *mut u8 {
        assert!(
            offset < PAGE_SIZE && offset.is_multiple_of(size),
            "outside of a shared page, or across its words"
        );
        // SAFETY: in the page: multiples of 1, 2, 4 and 8 below its end leave room for as much.
        unsafe { self.0.as_ptr().add(offset) }
    }
}

impl Default for SharedPage {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for SharedPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SharedPage({:#x})", self.address().get())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clones_are_the_same_page_and_a_new_one_is_zeros() {
        let page = SharedPage::new();
        assert_eq!(page.address().get() % 4096, 0);
        assert!((0..PAGE_SIZE).all(|at| page.u8(at).load(Ordering::Relaxed) == 0));
        let other = page.clone();
        page.u32(4092).store(0x0403_0201, Ordering::Relaxed);
        assert_eq!(other.u16(4094).load(Ordering::Relaxed), 0x0403);
        other.clear();
        assert_eq!(page.u32(4092).load(Ordering::Relaxed), 0);
    }

    #[test]
    fn bytes_come_out_as_they_went_in() {
        let page = SharedPage::new();
        for offset in 0..9 {
            for len in 0..12 {
                let bytes: alloc::vec::Vec<u8> = (1..=len).collect();
                page.clear();
                page.write_bytes(offset, &bytes);
                let mut around = [0; 24];
                page.read_bytes(0, &mut around);
                let end = offset + bytes.len();
                assert_eq!(&around[offset..end], &bytes[..]);
                assert!(
                    around[..offset]
                        .iter()
                        .chain(&around[end..])
                        .all(|b| *b == 0)
                );
            }
        }
    }

    #[test]
    fn a_structure_ends_where_the_page_does() {
        let page = SharedPage::new();
        page.write(4084, &[1_u32, 2, 3]);
        assert_eq!(page.read::<[u32; 3]>(4084), [1, 2, 3]);
    }

    #[test]
    #[should_panic(expected = "outside of a shared page")]
    fn there_is_nothing_behind_it() {
        SharedPage::new().write(4088, &[1_u32, 2, 3]);
    }
}
