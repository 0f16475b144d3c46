//! Where lines for people go: Xen's console, and the serial port where there is one. Before there is either,
//! Xen's own log (`xl dmesg`, with `guest_loglvl=all`).

use core::cell::{Cell, RefCell};
use core::fmt::{self, Write as _};

use log::{LevelFilter, Log, Metadata, Record};
use xen::Console;

use crate::lone::Lone;
use crate::ports;
use crate::serial::Serial;
use crate::sleep::Sleep;

static CONSOLE: Lone<RefCell<Option<(Console, Sleep)>>> = Lone::new(RefCell::new(None));
/// Whether there is a serial port, once that is known.
static SERIAL: Lone<Cell<Option<bool>>> = Lone::new(Cell::new(None));

/// From now on lines go to this console too.
pub(crate) fn open(console: Console, sleep: Sleep) {
    CONSOLE.replace(Some((console, sleep)));
}

/// A line of ours: waits for room a moment, if it must.
pub(crate) fn say(line: fmt::Arguments<'_>) {
    let is_heard = serial(line);
    let console = with_console(|console, sleep| console.print_patiently(line, sleep));
    if !is_heard && console.is_none() {
        // It does not fail.
        let _ = writeln!(XenLog, "{line}");
    }
}

/// A line of the application's: where there is no room, it is left out, and that is told later.
pub(crate) fn print(line: fmt::Arguments<'_>) {
    serial(line);
    with_console(|console, _| console.print(line));
}

/// Waits until all has been read: what has not when a guest ends is lost.
pub(crate) fn drain() {
    with_console(|console, sleep| console.drain(sleep));
}

/// Runs `call` with the console, if there is one. Within another such call it is not: a panic in there
/// still has the serial port.
pub(crate) fn with_console<T>(call: impl FnOnce(&mut Console, &Sleep) -> T) -> Option<T> {
    let mut console = CONSOLE.try_borrow_mut().ok()?;
    let (console, sleep) = console.as_mut()?;
    Some(call(console, sleep))
}

/// Writes a line to the serial port, if there is one.
fn serial(line: fmt::Arguments<'_>) -> bool {
    // A test is a program of Linux, and has no ports.
    if cfg!(test) {
        return true;
    }
    let is_there = SERIAL.get().unwrap_or_else(Serial::open);
    SERIAL.set(Some(is_there));
    if is_there {
        // It does not fail.
        let _ = writeln!(Serial, "{line}");
    }
    is_there
}

/// The port that Xen listens to.
struct XenLog;

impl fmt::Write for XenLog {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        for byte in text.bytes() {
            // SAFETY: elsewhere nothing is at this port, or a device like it.
            unsafe { ports::write_u8(0xe9, byte) };
        }
        Ok(())
    }
}

/// What the layers say about themselves.
struct Diary;

impl Log for Diary {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let level = record.level().as_str();
        let target = record.target().trim_start_matches("parhelion_");
        let layer = target.split("::").next().unwrap_or_default();
        print(format_args!("{level} in {layer}: {}", record.args()));
    }

    fn flush(&self) {}
}

/// Shows what the layers say, up to this level.
pub(crate) fn show_log(level: LevelFilter) {
    // Fails only if it was done before.
    let _ = log::set_logger(&Diary);
    log::set_max_level(level);
}
