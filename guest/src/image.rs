//! Where the parts of this program lie, as `linker.ld` and `boot.s` say.

use core::ops::Range;

unsafe extern "C" {
    static text_start: u8;
    static rodata_start: u8;
    static data_start: u8;
    static image_end: u8;
    static stack_guard: u8;
    static stack_top: u8;
    static exception_guard: u8;
    static exception_top: u8;
    static last_guard: u8;
    static last_top: u8;
    static entry_ticks: u64;
}

/// Code, which is executed and read.
pub(crate) fn text() -> Range<usize> {
    (&raw const text_start).addr()..(&raw const rodata_start).addr()
}

/// Constants, which are read.
pub(crate) fn constants() -> Range<usize> {
    (&raw const rodata_start).addr()..(&raw const data_start).addr()
}

/// All of it, with the memory that it has from the start on.
pub(crate) fn whole() -> Range<usize> {
    (&raw const text_start).addr()..(&raw const image_end).addr()
}

/// The end of the stack on which everything runs.
pub(crate) fn stack_end() -> usize {
    (&raw const stack_top).addr()
}

/// The end of the stack for exceptions.
pub(crate) fn exception_stack_end() -> usize {
    (&raw const exception_top).addr()
}

/// The end of the stack for exceptions within exceptions.
pub(crate) fn last_stack_end() -> usize {
    (&raw const last_top).addr()
}

/// The pages below the stacks, in which nothing may be.
pub(crate) fn guards() -> [usize; 3] {
    [
        (&raw const stack_guard).addr(),
        (&raw const exception_guard).addr(),
        (&raw const last_guard).addr(),
    ]
}

/// The processor's time stamp counter at our first instruction.
pub(crate) fn entry() -> u64 {
    // SAFETY: `boot.s` has written it before any Rust ran, and nobody does afterwards.
    unsafe { entry_ticks }
}
