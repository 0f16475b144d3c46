//! What the processor says of Xen, by CPUID (`arch-x86/cpuid.h`).

use core::arch::x86_64::{__cpuid, __cpuid_count};
use core::ops::Range;

/// Leaf 1, ECX: some hypervisor is there, which answers in [`LEAVES`].
const HYPERVISOR: u32 = 1 << 31;
/// Where a hypervisor's leaves may begin: Xen moves its own up when it also poses as another one.
const LEAVES: Range<u32> = 0x4000_0000..0x4001_0000;
const LEAVES_STEP: usize = 0x100;
/// "XenVMMXenVMM", in EBX, ECX and EDX.
const SIGNATURE: (u32, u32, u32) = (0x566e_6558, 0x6558_4d4d, 0x4d4d_566e);

// Leaves, counted from the first of Xen's.
const HYPERCALLS: u32 = 2;
const TIME: u32 = 3;

/// Xen's leaves.
#[derive(Clone, Copy, Debug)]
pub struct Cpuid {
    base: u32,
}

impl Cpuid {
    /// Looks for Xen. `None` anywhere else.
    #[must_use]
    pub fn find() -> Option<Self> {
        if __cpuid(1).ecx & HYPERVISOR == 0 {
            return None;
        }
        let is_xen = |&leaf: &u32| {
            let found = __cpuid(leaf);
            (found.ebx, found.ecx, found.edx) == SIGNATURE
        };
        let base = LEAVES.step_by(LEAVES_STEP).find(is_xen)?;
        Some(Self { base })
    }

    /// The frequency of the time stamp counter in kHz.
    #[must_use]
    pub fn counter_kilohertz(self) -> u32 {
        __cpuid_count(self.base + TIME, 0).ecx
    }

    /// The model-specific register that takes the hypercall page.
    pub(crate) fn hypercall_register(self) -> u32 {
        __cpuid(self.base + HYPERCALLS).ebx
    }
}
