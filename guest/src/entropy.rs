//! Numbers that a stranger cannot guess, from the processor (Intel's manual, volume 1, 7.3.17).

use core::arch::asm;
use core::arch::x86_64::{__cpuid, __cpuid_count, _rdtsc};
use core::hint;

/// CPUID leaf 1, ECX.
const RDRAND: u32 = 1 << 30;
/// CPUID leaf 7, EBX.
const RDSEED: u32 = 1 << 18;
/// A source that has nothing this often has nothing at all. RDRAND gives after 10; RDSEED, where others
/// drink from the same source, may take longer.
const TRIES: u32 = 10_000;

/// A seed for all secrets. `None` where the processor has no such instruction, or it fails.
pub(crate) fn strong() -> Option<[u8; 32]> {
    let has_seeds = __cpuid(0).eax >= 7 && __cpuid_count(7, 0).ebx & RDSEED != 0;
    let has_numbers = __cpuid(1).ecx & RDRAND != 0;
    match (has_seeds, has_numbers) {
        // SAFETY: the processor has this instruction.
        (true, _) => seed(|| unsafe { rdseed() }),
        // SAFETY: as above.
        (false, true) => seed(|| unsafe { rdrand() }),
        (false, false) => None,
    }
}

/// A seed that a stranger may guess with some effort: what time it is, to the nanosecond, a few times.
pub(crate) fn weak() -> [u8; 32] {
    let mut seed = [0; 32];
    for word in seed.as_chunks_mut::<8>().0 {
        // SAFETY: the counter may be read at any time.
        let mix = |word: u64, _| word.rotate_left(7) ^ unsafe { _rdtsc() };
        *word = (0..64).fold(0, mix).to_le_bytes();
    }
    seed
}

fn seed(source: impl Fn() -> Option<u64>) -> Option<[u8; 32]> {
    let mut seed = [0; 32];
    for word in seed.as_chunks_mut::<8>().0 {
        let tries = (0..TRIES).inspect(|_| hint::spin_loop());
        *word = tries.into_iter().find_map(|_| source())?.to_le_bytes();
    }
    Some(seed)
}

/// # Safety
/// The processor has RDSEED.
unsafe fn rdseed() -> Option<u64> {
    let (value, is_good): (u64, u8);
    // SAFETY: it exists, says the caller, and changes registers alone.
    unsafe {
        asm!("rdseed {}", "setc {}", out(reg) value, out(reg_byte) is_good, options(nomem, nostack));
    }
    (is_good != 0).then_some(value)
}

/// # Safety
/// The processor has RDRAND.
unsafe fn rdrand() -> Option<u64> {
    let (value, is_good): (u64, u8);
    // SAFETY: as in `rdseed`.
    unsafe {
        asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) is_good, options(nomem, nostack));
    }
    (is_good != 0).then_some(value)
}
