//! Xen as its guest sees it: found, called, asked for the console, told that we are done.
//!
//! Constants and structures are those of Xen's public headers (`arch-x86/cpuid.h`, `xen.h`,
//! `hvm/hvm_op.h`, `hvm/params.h`, `sched.h`).

mod console;

use core::arch::asm;
use core::arch::x86_64::__cpuid;

pub(crate) use console::Console;

/// CPUID leaf 1, ECX: some hypervisor is there, which answers from [`LEAVES`] on.
const HYPERVISOR: u32 = 1 << 31;
/// Where a hypervisor's leaves may begin: Xen moves them up when it also poses as another one.
const LEAVES: core::ops::Range<u32> = 0x4000_0000..0x4001_0000;
const LEAVES_STEP: usize = 0x100;
/// "XenVMMXenVMM", in EBX, ECX and EDX.
const SIGNATURE: (u32, u32, u32) = (0x566e_6558, 0x6558_4d4d, 0x4d4d_566e);
/// The leaf, from the first one, whose EBX is the register that takes the hypercall page.
const PAGE_LEAF: u32 = 2;
/// In the hypercall page: the distance from one hypercall's code to the next one's.
const STUB: usize = 32;

// Hypercalls, and their commands.
const EVENT_CHANNEL_OP: usize = 32;
const EVENT_SEND: u64 = 4;
const SCHED_OP: usize = 29;
const SCHED_YIELD: u64 = 0;
const SCHED_SHUTDOWN: u64 = 2;
const HVM_OP: usize = 34;
const HVM_GET_PARAM: u64 = 1;

/// "This domain", where a call takes a domain.
const DOMID_SELF: u16 = 0x7ff0;

unsafe extern "C" {
    /// A page of `boot.s`, which Xen fills with the code of its calls.
    static hypercall_page: [u8; 4096];
}

/// Why a guest ends, as the toolstack is told.
#[derive(Clone, Copy)]
#[repr(u32)]
pub(crate) enum Reason {
    PowerOff = 0,
    Crash = 3,
}

/// What a guest was given by its toolstack.
#[derive(Clone, Copy)]
#[repr(u32)]
enum Parameter {
    /// The number of the console's page.
    ConsolePage = 17,
    /// The event channel by which console and guest wake each other.
    ConsoleEvent = 18,
}

/// Xen is there, and its hypercall page is filled.
#[derive(Clone, Copy)]
pub(crate) struct Xen(());

impl Xen {
    /// Looks for Xen, and prepares hypercalls; again is harmless. `None` anywhere else.
    pub(crate) fn find() -> Option<Self> {
        if __cpuid(1).ecx & HYPERVISOR == 0 {
            return None;
        }
        let base = LEAVES.step_by(LEAVES_STEP).find(|&leaf| {
            let found = __cpuid(leaf);
            (found.ebx, found.ecx, found.edx) == SIGNATURE
        })?;
        let register = __cpuid(base + PAGE_LEAF).ebx;
        // Addresses in this image are physical ones, and below 4 GiB.
        let page = (&raw const hypercall_page).addr() as u32;
        // SAFETY: Xen's own register, which fills the page that is kept for it.
        unsafe {
            asm!("wrmsr", in("ecx") register, in("eax") page, in("edx") 0, options(nostack));
        }
        Some(Self(()))
    }

    /// The console that `xl console` shows. `None` where the toolstack gave none.
    pub(crate) fn console(self) -> Option<Console> {
        let page = self.parameter(Parameter::ConsolePage)?;
        let event = self.parameter(Parameter::ConsoleEvent)?;
        Console::at(self, page, event)
    }

    /// Ends this guest; the toolstack reads the reason.
    pub(crate) fn shut_down(self, reason: Reason) -> ! {
        let reason = reason as u32;
        loop {
            // SAFETY: the call takes a pointer to a reason, and reads it.
            unsafe { self.call(SCHED_OP, SCHED_SHUTDOWN, (&raw const reason).addr()) };
        }
    }

    /// Lets others run: other guests, and dom0.
    fn give_way(self) {
        // SAFETY: this command takes nothing.
        unsafe { self.call(SCHED_OP, SCHED_YIELD, 0) };
    }

    /// Wakes whoever listens at the other end of an event channel.
    fn notify(self, event: u32) {
        // SAFETY: the command takes a pointer to the channel's number, and reads it.
        unsafe { self.call(EVENT_CHANNEL_OP, EVENT_SEND, (&raw const event).addr()) };
    }

    /// A parameter, if it was set.
    fn parameter(self, parameter: Parameter) -> Option<u64> {
        /// `struct xen_hvm_param`.
        #[repr(C)]
        struct Question {
            domain: u16,
            padding: u16,
            index: u32,
            value: u64,
        }
        let mut question = Question {
            domain: DOMID_SELF,
            padding: 0,
            index: parameter as u32,
            value: 0,
        };
        // SAFETY: the command takes a pointer to this structure, and writes its value.
        let result = unsafe { self.call(HVM_OP, HVM_GET_PARAM, (&raw mut question).addr()) };
        // Unset ones are 0, or all ones.
        (result == 0 && ![0, u64::MAX].contains(&question.value)).then_some(question.value)
    }

    /// Calls Xen. The result is negative for an error.
    ///
    /// # Safety
    /// `argument` is what this command takes: often the address of a structure.
    unsafe fn call(self, call: usize, command: u64, argument: usize) -> i64 {
        let result;
        let code = (&raw const hypercall_page).addr() + call * STUB;
        // SAFETY: `self` proves that code is there. It keeps to the registers named here, and to
        // memory that the argument names, says the caller.
        unsafe {
            asm!(
                "call {code}",
                code = in(reg) code,
                inlateout("rdi") command => _,
                inlateout("rsi") argument => _,
                lateout("rax") result,
                out("rcx") _, out("rdx") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            );
        }
        result
    }
}
