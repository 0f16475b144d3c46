//! Who called whom, guessed: the guest carries no tables for unwinding.
//!
//! A word on the stack that points behind a call instruction is most likely where that call returns to.
//! It may be left over from an earlier call. `parhelion symbols` names the functions.

use core::arch::asm;
use core::fmt;
use core::ptr;

use crate::image;

/// As many as help.
const LIMIT: usize = 24;

/// Addresses behind calls, the innermost first.
pub(crate) struct Callers {
    /// Where on the stack to begin.
    from: usize,
}

impl Callers {
    /// Of whoever runs now.
    #[cfg_attr(test, expect(dead_code, reason = "tests panic elsewhere"))]
    pub(crate) fn here() -> Self {
        let from: usize;
        // SAFETY: reading this register changes nothing.
        unsafe { asm!("mov {}, rsp", out(reg) from, options(nomem, nostack, preserves_flags)) };
        Self { from }
    }

    /// Of what was running when the stack was filled down to `from`.
    pub(crate) fn above(from: usize) -> Self {
        Self { from }
    }

    fn addresses(&self) -> impl Iterator<Item = usize> {
        let stack = image::guards()[0] + 4096..image::stack_end();
        // Whatever the stack pointer was, these are words of the stack.
        let from = self.from.clamp(stack.start, stack.end);
        let words = from.next_multiple_of(size_of::<usize>())..stack.end;
        let words = words.step_by(size_of::<usize>()).map(|at| {
            // SAFETY: a word of the stack; whatever it is, it is a number.
            unsafe { ptr::read_volatile(at as *const usize) }
        });
        words.filter(|&word| is_behind_call(word)).take(LIMIT)
    }
}

impl fmt::Display for Callers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("callers, guessed:")?;
        for address in self.addresses() {
            write!(f, " {address:#x}")?;
        }
        Ok(())
    }
}

/// Whether an instruction that ends at `address` may be a call (Intel's manual, volume 2, CALL).
fn is_behind_call(address: usize) -> bool {
    /// The longest one.
    const LONGEST: usize = 7;
    let text = image::text();
    if address < text.start + LONGEST || address >= text.end {
        return false;
    }
    // SAFETY: bytes of our code, which may be read and never change.
    let before = |distance: usize| unsafe { ptr::read((address - distance) as *const u8) };
    // E8 and 4 bytes; or FF, a byte with 2 in bits 3 to 5, and up to 5 more.
    before(5) == 0xe8
        || (2..=LONGEST).any(|len| before(len) == 0xff && before(len - 1) >> 3 & 7 == 2)
}
