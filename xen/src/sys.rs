//! Hypercalls: the only place where this crate speaks to Xen itself.
//!
//! Xen fills a page with the code of its calls, when the page's address is written to a register
//! that CPUID names. To be done in 64-bit mode: at that moment Xen takes note of how wide our
//! structures are.

#![allow(unsafe_code)]

mod event;
mod memory;
mod parameter;
mod sched;

use core::arch::asm;

use crate::{Cpuid, HypercallError, PageAddress};

pub use memory::{E820_ENTRY, Space};
pub use parameter::Parameter;
pub use sched::Reason;

/// In the hypercall page: the distance from one call's code to the next one's.
const STUB: u64 = 32;
/// We run on one processor, the first.
const PROCESSOR: u64 = 0;

/// The calls (`xen.h`).
#[derive(Clone, Copy)]
enum Call {
    Memory = 12,
    GrantTable = 20,
    Vcpu = 24,
    Sched = 29,
    EventChannel = 32,
    Hvm = 34,
}

/// Xen is there, and takes calls. Copies are the same Xen.
#[derive(Clone, Copy, Debug)]
pub struct Xen {
    page: PageAddress,
    cpuid: Cpuid,
}

impl Xen {
    /// Looks for Xen, and lets it fill the hypercall page; again is harmless. `None` anywhere else.
    ///
    /// # Safety
    /// The page is this domain's own and at this physical address as well as at this virtual one,
    /// may be executed there for good, and holds nothing else. The processor is in 64-bit mode at
    /// its highest privilege.
    #[must_use]
    pub unsafe fn find(page: PageAddress) -> Option<Self> {
        let cpuid = Cpuid::find()?;
        let register = cpuid.hypercall_register();
        let (low, high) = (page.get() as u32, (page.get() >> 32) as u32);
        // SAFETY: Xen's own register, which fills the page that the caller keeps for it.
        unsafe {
            asm!("wrmsr", in("ecx") register, in("eax") low, in("edx") high, options(nostack));
        }
        Some(Self { page, cpuid })
    }

    /// What the processor says of this Xen.
    #[must_use]
    pub const fn cpuid(self) -> Cpuid {
        self.cpuid
    }

    /// Calls Xen with a command and its argument, and a third argument that few calls look at.
    ///
    /// # Safety
    /// The argument is what this command takes: mostly the address of a structure, which the
    /// command may read and write, as well as whatever is named in it.
    unsafe fn call(
        self,
        call: Call,
        command: u64,
        argument: u64,
        count: u64,
    ) -> Result<(), HypercallError> {
        let code = self.page.get() + call as u64 * STUB;
        let result: i64;
        // SAFETY: `self` proves that code is there. It keeps to the registers named here, and to
        // memory that the argument names, says the caller.
        unsafe {
            asm!(
                "call {code}",
                code = in(reg) code,
                inlateout("rdi") command => _,
                inlateout("rsi") argument => _,
                inlateout("rdx") count => _,
                lateout("rax") result,
                out("rcx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
        // Error numbers are negative, and small; of these calls none has another result.
        if result < 0 {
            return Err(HypercallError(-result as i32));
        }
        Ok(())
    }

    /// As [`Xen::call`], with the address of a structure.
    ///
    /// # Safety
    /// The structure is what this command takes, and so is what is named in it.
    unsafe fn command<T>(
        self,
        call: Call,
        command: u64,
        argument: &mut T,
    ) -> Result<(), HypercallError> {
        let address = (&raw mut *argument).expose_provenance() as u64;
        // SAFETY: of a structure that we may write; the rest is the caller's promise. Of the calls
        // here only one looks at the count, and wants 1.
        unsafe { self.call(call, command, address, 1) }
    }
}
