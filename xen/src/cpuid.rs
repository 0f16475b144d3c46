//! What the processor says of Xen, by CPUID (`arch-x86/cpuid.h`).

use core::arch::x86_64::{__cpuid, __cpuid_count, CpuidResult};
use core::ops::Range;

use crate::DomainId;

/// Leaf 1, ECX: some hypervisor is there, which answers in [`LEAVES`].
const HYPERVISOR: u32 = 1 << 31;
/// Where a hypervisor's leaves may begin: Xen moves its own up when it also poses as another one.
const LEAVES: Range<u32> = 0x4000_0000..0x4001_0000;
const LEAVES_STEP: usize = 0x100;
/// "XenVMMXenVMM", in EBX, ECX and EDX.
const SIGNATURE: (u32, u32, u32) = (0x566e_6558, 0x6558_4d4d, 0x4d4d_566e);

// Leaves, counted from the first of Xen's.
const VERSION: u32 = 1;
const HYPERCALLS: u32 = 2;
const TIME: u32 = 3;
const GUEST: u32 = 4;

/// Leaf [`GUEST`], EAX: the domain's number is in ECX.
const HAS_DOMAIN: u32 = 1 << 4;
/// Leaf [`TIME`], EAX: reading the time stamp counter is left to Xen, which takes microseconds.
const EMULATED: u32 = 1;

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

    /// Xen's version: major, minor.
    #[must_use]
    pub fn version(self) -> (u16, u16) {
        let version = self.leaf(VERSION).eax;
        ((version >> 16) as u16, version as u16)
    }

    /// This domain's own number, if Xen is new enough to tell.
    #[must_use]
    pub fn domain(self) -> Option<DomainId> {
        let guest = self.leaf(GUEST);
        (guest.eax & HAS_DOMAIN != 0).then_some(DomainId(guest.ecx as u16))
    }

    /// The frequency of the time stamp counter in kHz.
    #[must_use]
    pub fn counter_kilohertz(self) -> u32 {
        __cpuid_count(self.base + TIME, 0).ecx
    }

    /// Whether reading the time stamp counter is left to Xen (`tsc_mode` in the configuration).
    #[must_use]
    pub fn is_counter_emulated(self) -> bool {
        __cpuid_count(self.base + TIME, 0).eax & EMULATED != 0
    }

    /// The model-specific register that takes the hypercall page.
    pub(crate) fn hypercall_register(self) -> u32 {
        self.leaf(HYPERCALLS).ebx
    }

    fn leaf(self, leaf: u32) -> CpuidResult {
        __cpuid(self.base + leaf)
    }
}
