//! The processor's I/O ports, by which a PC speaks to its simplest devices.

use core::arch::asm;

/// Has a PC's two interrupt controllers (8259) keep everything to themselves. A guest with a BIOS finds
/// its timer's interrupt pending, which would end each sleep at once; others do not have them.
pub(crate) fn mask_interrupts() {
    for mask in [0x21, 0xa1] {
        // SAFETY: what is masked does not touch memory.
        unsafe { write_u8(mask, 0xff) };
    }
}

/// Writes a byte to a port.
///
/// # Safety
/// The device behind the port must not touch memory because of it.
pub(crate) unsafe fn write_u8(port: u16, value: u8) {
    // SAFETY: an `out` touches neither memory nor flags; what the device does is the caller's
    // promise.
    unsafe {
        asm!("out dx, al", in("dx") port, in("al") value, options(nomem, nostack, preserves_flags));
    }
}

/// Writes four bytes to a port.
///
/// # Safety
/// As for [`write_u8`].
pub(crate) unsafe fn write_u32(port: u16, value: u32) {
    // SAFETY: as in `write_u8`.
    unsafe {
        asm!("out dx, eax", in("dx") port, in("eax") value, options(nomem, nostack, preserves_flags));
    }
}

/// Reads a byte from a port; 0xff where no device is.
///
/// # Safety
/// As for [`write_u8`].
pub(crate) unsafe fn read_u8(port: u16) -> u8 {
    let value;
    // SAFETY: as in `write_u8`.
    unsafe {
        asm!("in al, dx", in("dx") port, out("al") value, options(nomem, nostack, preserves_flags));
    }
    value
}
