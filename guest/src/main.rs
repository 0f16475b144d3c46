//! The applications as an operating system: a kernel file that a hypervisor boots.
//!
//! So far it says what it was booted with, on the serial port of QEMU's `microvm` or on Xen's console,
//! and leaves. Not yet here: a heap, exceptions, Xen's network, the applications. Without an exception
//! table a fault of the processor ends in a triple fault, which resets the machine.
//!
//! - `boot.s` leads from the loader's 32-bit world to [`start`], by the PVH entry of Xen and QEMU;
//! - [`start_info`] reads what the loader tells; [`serial`] writes, over [`ports`];
//! - [`xen`] finds Xen, writes to its console, and tells it why we leave;
//! - `mem.s` is what is left of a C library; `linker.ld` says where everything lies.
//!
//! It is built for the host's own target by plain `cargo build`: nothing has to be installed, and
//! SSE may be used, which the bare target's code does not. (Nothing else of Linux is there: a
//! `syscall` would be an invalid instruction, or worse.)
#![no_std]
#![no_main]
#![allow(unsafe_code)]

mod ports;
mod serial;
mod start_info;
mod xen;

use core::arch::{asm, global_asm};
use core::fmt::{Arguments, Write as _};
use core::panic::PanicInfo;

use serial::Serial;
use xen::{Reason, Xen};

global_asm!(include_str!("boot.s"), options(att_syntax, raw));
global_asm!(include_str!("mem.s"), options(att_syntax, raw));

/// QEMU's `isa-debug-exit` ends with status `2 * value + 1`. So these are 33 and 35, which QEMU
/// never returns by itself.
const DEBUG_EXIT: u16 = 0xf4;
const DONE: u32 = 16;
const FAILED: u32 = 17;

/// `boot.s` calls this, once.
#[unsafe(no_mangle)]
extern "C" fn start(start_info: u32) -> ! {
    // SAFETY: the address is the loader's, `boot.s` has mapped 4 GiB, and nothing writes to memory
    // outside of the image, which the loader keeps apart from what it tells.
    let Some(machine) = (unsafe { start_info::read(start_info) }) else {
        panic!("no start information at {start_info:#x}");
    };
    say(format_args!(
        "Parhelion {}: hello from a PVH guest with {} KiB of memory, booted with {:?}",
        env!("CARGO_PKG_VERSION"),
        machine.memory / 1024,
        machine.command_line,
    ));
    exit(DONE, Reason::PowerOff)
}

#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say(format_args!("Parhelion {info}"));
    exit(FAILED, Reason::Crash)
}

/// A line on the serial port and on Xen's console, whichever there is.
fn say(line: Arguments<'_>) {
    // What they do not take is lost.
    if let Some(mut serial) = Serial::open() {
        let _ = writeln!(serial, "{line}");
    }
    if let Some(mut console) = Xen::find().and_then(Xen::console) {
        let _ = writeln!(console, "{line}");
        console.drain();
    }
}

/// Ends the guest on Xen, or QEMU; where neither is, the processor sleeps for good.
fn exit(code: u32, reason: Reason) -> ! {
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
