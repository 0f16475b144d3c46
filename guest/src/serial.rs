//! The first serial port of a PC (a 16550 UART at 0x3f8), polled: text out, nothing in.

use core::fmt;

use crate::ports;

const BASE: u16 = 0x3f8;
// Its registers, as distances from the base.
const DATA: u16 = 0;
const INTERRUPT_ENABLE: u16 = 1;
const FIFO_CONTROL: u16 = 2;
const LINE_CONTROL: u16 = 3;
const LINE_STATUS: u16 = 5;
const SCRATCH: u16 = 7;

/// Line status: the next byte may be written.
const TRANSMITTER_EMPTY: u8 = 1 << 5;
/// How often a busy port is asked before its byte is given up; 16 bytes at 115,200 baud leave in
/// 1.4 ms, a port read takes about 1 µs.
const PATIENCE: u32 = 10_000;

/// The port. Its state is in the device, so any number of these may exist.
pub(crate) struct Serial;

impl Serial {
    /// Sets the port up: 115,200 baud, 8 bits, no parity. `false` where there is none (a Xen PVH
    /// guest): what was written to the scratch register does not come back then.
    pub(crate) fn open() -> bool {
        write(SCRATCH, 0x5a);
        if read(SCRATCH) != 0x5a {
            return false;
        }
        write(INTERRUPT_ENABLE, 0);
        // With the top bit set, the first two registers are the divisor: 115,200 / 1.
        write(LINE_CONTROL, 0x80);
        write(DATA, 1);
        write(INTERRUPT_ENABLE, 0);
        write(LINE_CONTROL, 0x03);
        // Queues on and emptied.
        write(FIFO_CONTROL, 0x07);
        true
    }
}

impl fmt::Write for Serial {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            if byte == b'\n' {
                send(b'\r');
            }
            send(byte);
        }
        Ok(())
    }
}

fn send(byte: u8) {
    let mut tries = 0..PATIENCE;
    if tries.any(|_| read(LINE_STATUS) & TRANSMITTER_EMPTY != 0) {
        write(DATA, byte);
    }
}

fn write(register: u16, value: u8) {
    // SAFETY: a UART knows nothing of memory.
    unsafe { ports::write_u8(BASE + register, value) }
}

fn read(register: u16) -> u8 {
    // SAFETY: a UART knows nothing of memory.
    unsafe { ports::read_u8(BASE + register) }
}
