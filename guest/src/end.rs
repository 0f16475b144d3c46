//! How a guest ends.

use core::arch::asm;

use xen::Reason;

use crate::{domain, outlet, ports};

/// QEMU's `isa-debug-exit` ends with status `2 * value + 1`. So these are 33 and 35, which QEMU
/// never returns by itself.
const DEBUG_EXIT: u16 = 0xf4;
const DONE: u32 = 16;
const FAILED: u32 = 17;

/// Ends the guest on Xen, or QEMU; where neither is, the processor sleeps for good.
pub(crate) fn leave(reason: Reason) -> ! {
    outlet::drain();
    if let Some(xen) = domain::xen() {
        xen.shut_down(reason);
    }
    let code = match reason {
        Reason::Crash => FAILED,
        Reason::PowerOff | Reason::Reboot => DONE,
    };
    // SAFETY: nothing but QEMU's exit device answers at this port.
    unsafe { ports::write_u32(DEBUG_EXIT, code) }
    loop {
        // SAFETY: interrupts are off, so this never returns; that is what is wanted.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) }
    }
}

/// Says why this guest cannot go on, and ends it.
pub(crate) fn refuse(why: core::fmt::Arguments<'_>) -> ! {
    outlet::say(format_args!("Parhelion: {why}"));
    leave(Reason::Crash)
}
