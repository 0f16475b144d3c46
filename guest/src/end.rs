//! How a guest ends.

use core::arch::asm;

use crate::ports;
use crate::xen::{Reason, Xen};

/// QEMU's `isa-debug-exit` ends with status `2 * value + 1`. So these are 33 and 35, which QEMU
/// never returns by itself.
const DEBUG_EXIT: u16 = 0xf4;
const DONE: u32 = 16;
const FAILED: u32 = 17;

/// All is done.
pub(crate) fn power_off() -> ! {
    leave(Reason::PowerOff, DONE)
}

/// Something is wrong, which was said.
pub(crate) fn crash() -> ! {
    leave(Reason::Crash, FAILED)
}

/// Ends the guest on Xen, or QEMU; where neither is, the processor sleeps for good.
fn leave(reason: Reason, code: u32) -> ! {
    if let Some(xen) = Xen::find() {
        xen.shut_down(reason);
    }
    // SAFETY: nothing but QEMU's exit device answers at this port.
    unsafe { ports::write_u32(DEBUG_EXIT, code) }
    loop {
        // SAFETY: interrupts are off, so this never returns; that is what is wanted.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) }
    }
}
