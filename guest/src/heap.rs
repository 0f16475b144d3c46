//! Memory for whoever asks: all that the machine has, but for the image and what the loader left.

use core::alloc::{GlobalAlloc, Layout};
use core::ops::Range;

use talc::TalcCell;
use talc::source::Manual;

/// The allocator of the program.
pub(crate) struct Heap(TalcCell<Manual>);

// SAFETY: there is one processor, and no interrupt is ever let through: so there is one thread.
unsafe impl Sync for Heap {}

impl Heap {
    /// A heap without memory.
    pub(crate) const fn new() -> Self {
        Self(TalcCell::new(Manual))
    }

    /// Adds memory.
    ///
    /// # Safety
    /// It may be read and written, and is used by nobody.
    pub(crate) unsafe fn claim(&self, memory: Range<usize>) {
        // SAFETY: as the caller says. What is too small for a heap is left alone.
        let _ = unsafe { self.0.claim(memory.start as *mut u8, memory.len()) };
    }
}

// SAFETY: each call is passed on as it is.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the same.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are the same.
        unsafe { self.0.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller's promises are the same.
        unsafe { self.0.realloc(memory, layout, size) }
    }
}
