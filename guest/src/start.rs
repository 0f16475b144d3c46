//! The first Rust: from bare memory to a heap.

use alloc::boxed::Box;
use core::ops::Range;

use runtime::{Env, Failure};

use crate::application::Application;
use crate::loaded::Loaded;
use crate::machine;
use crate::{HEAP, exceptions, paging, ports};

/// What `boot.s` has mapped.
const LOW: u64 = 4 << 30;

/// Runs an application on the machine that the loader left: [`boot!`](crate::boot) calls it.
pub fn start<F>(
    start_info: u32,
    name: &'static str,
    main: impl FnOnce(Env) -> F + 'static,
    content: Option<&'static [u8]>,
) -> !
where
    F: Future<Output = Result<(), Failure>> + 'static,
{
    // SAFETY: this is the first Rust to run, and it runs once.
    let (loaded, memory) = unsafe { set_up(start_info) };
    let application = Application {
        name,
        content: loaded.file().or(content),
        main: Box::new(|env| Box::pin(main(env))),
    };
    machine::run(application, &loaded, memory)
}

/// Makes of what the loader left a machine on which Rust can run; tells how much memory it has.
///
/// # Safety
/// To be called once, before anything else.
unsafe fn set_up(start_info: u32) -> (Loaded, usize) {
    ports::mask_interrupts();
    // SAFETY: once, says the caller.
    unsafe { exceptions::catch() };
    let Some(loaded) = Loaded::read(start_info) else {
        panic!("no start information at {start_info:#x}, or no memory map");
    };
    // SAFETY: once, on the tables of `boot.s`.
    unsafe { paging::protect(loaded.map.regions()) };
    // SAFETY: mapped, and nobody's.
    let low = unsafe { claim(&loaded, 0..LOW) };
    // SAFETY: once, after `protect`.
    unsafe { paging::map_high(loaded.map.regions()) };
    // SAFETY: mapped, and nobody's.
    let high = unsafe { claim(&loaded, LOW..paging::HIGHEST as u64) };
    (loaded, low + high)
}

/// Gives the heap what is free between these addresses; tells how much that is.
///
/// # Safety
/// All memory there is mapped, and was given to nobody before.
unsafe fn claim(loaded: &Loaded, between: Range<u64>) -> usize {
    let mut claimed = 0;
    for piece in loaded.map.usable(&loaded.taken()) {
        let (start, end) = (piece.start.max(between.start), piece.end.min(between.end));
        if start < end {
            claimed += (end - start) as usize;
            // SAFETY: memory for data that nobody has, says the caller.
            unsafe { HEAP.claim(start as usize..end as usize) };
        }
    }
    claimed
}
