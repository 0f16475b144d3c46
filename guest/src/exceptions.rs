//! What an instruction that cannot be executed ends in: a line that says what it was, and the end.

use core::arch::asm;
use core::fmt;

use xen::Reason;

use crate::callers::Callers;
use crate::{end, image, say};

/// Exceptions of the processor; what comes above is for interrupts, which never are let through.
const EXCEPTIONS: usize = 32;
/// The distance of their entries (`exceptions.s`).
const ENTRY: usize = 16;
const CODE_SEGMENT: u64 = 8;
const TASK_SEGMENT: u16 = 16;
/// Of an entry of the table: present, an interrupt gate.
const GATE: u64 = 0x8e << 40;

const PAGE_FAULT: u64 = 14;
/// These have a stack of their own, as the one for exceptions may be what is broken: the NMI, a double
/// fault, a machine check.
const LAST: [usize; 3] = [2, 8, 18];

unsafe extern "C" {
    static exception_entries: u8;
    static mut gdt: [u64; 4];
}

/// Of the task state segment only the stacks for exceptions are used.
#[repr(C, packed(4))]
struct Task {
    reserved: u32,
    stacks: [u64; 3],
    more: u64,
    exception_stacks: [u64; 7],
    rest: [u8; 12],
}

static mut TASK: Task = Task {
    reserved: 0,
    stacks: [0; 3],
    more: 0,
    exception_stacks: [0; 7],
    rest: [0; 12],
};
static mut TABLE: [[u64; 2]; EXCEPTIONS] = [[0; 2]; EXCEPTIONS];

/// From now on exceptions are told.
///
/// # Safety
/// To be called once.
pub(crate) unsafe fn catch() {
    /// What `lidt` takes.
    #[repr(C, packed)]
    struct Pointer {
        last: u16,
        address: u64,
    }
    // SAFETY: nobody else has references to these, and this runs once.
    let (task, table, segments) = unsafe {
        (
            (&raw mut TASK).as_mut_unchecked(),
            (&raw mut TABLE).as_mut_unchecked(),
            (&raw mut gdt).as_mut_unchecked(),
        )
    };
    task.exception_stacks[0] = image::exception_stack_end() as u64;
    task.exception_stacks[1] = image::last_stack_end() as u64;
    let base = (&raw const *task).addr() as u64;
    let last = size_of::<Task>() as u64 - 1;
    // Present, an available 64-bit task state segment.
    segments[2] = last | (base & 0xff_ffff) << 16 | 0x89 << 40 | (base >> 24 & 0xff) << 56;
    segments[3] = base >> 32;

    let entries = (&raw const exception_entries).addr();
    for (number, gate) in table.iter_mut().enumerate() {
        let entry = (entries + number * ENTRY) as u64;
        let stack = if LAST.contains(&number) { 2 } else { 1 };
        let (low, middle) = (entry & 0xffff, entry >> 16 & 0xffff);
        *gate = [
            low | CODE_SEGMENT << 16 | stack << 32 | GATE | middle << 48,
            entry >> 32,
        ];
    }
    let pointer = Pointer {
        last: size_of_val(table) as u16 - 1,
        address: table.as_ptr().addr() as u64,
    };
    // SAFETY: both tables are as the processor wants them, and stay.
    unsafe {
        asm!("ltr {:x}", in(reg) TASK_SEGMENT, options(nostack));
        asm!("lidt [{}]", in(reg) &raw const pointer, options(nostack));
    }
}

/// What `exceptions.s` and the processor put on the stack.
#[repr(C)]
struct State {
    registers: [u64; 15],
    number: u64,
    code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

/// In the order of `State::registers`.
const REGISTERS: [&str; 15] = [
    "rax", "rbx", "rcx", "rdx", "rsi", "rdi", "rbp", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
    "r15",
];

/// `exceptions.s` calls this.
#[unsafe(no_mangle)]
extern "C" fn exception(state: &State) -> ! {
    let address: u64;
    // SAFETY: reading this register changes nothing.
    unsafe { asm!("mov {}, cr2", out(reg) address, options(nomem, nostack, preserves_flags)) };
    let what = What { state, address };
    say(format_args!(
        "Parhelion: {what}, by the instruction at {:#x}",
        state.rip
    ));
    say(format_args!("{state}"));
    say(format_args!("{}", Callers::above(state.rsp as usize)));
    end::leave(Reason::Crash)
}

/// What happened, in words.
struct What<'a> {
    state: &'a State,
    address: u64,
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { state, address } = self;
        let page = *address as usize & !0xfff;
        if state.number == PAGE_FAULT {
            // Of the code: 0 the page is there, 1 a write, 4 an execution.
            let tried = match state.code {
                _ if image::guards().contains(&page) => {
                    return write!(f, "stack overflow at {address:#x}");
                }
                code if code & 1 << 4 != 0 => "executed",
                code if code & 1 << 1 != 0 => "written",
                _ => "read",
            };
            let why = match state.code & 1 {
                0 => "there is no memory",
                _ => "that is not allowed",
            };
            return write!(f, "{address:#x} was {tried}, where {why}");
        }
        let name = match state.number {
            0 => "division by zero, or an overflow of it",
            2 => "non-maskable interrupt",
            3 => "breakpoint",
            6 => "invalid instruction",
            8 => "exception within an exception",
            13 => "general protection fault",
            16 | 19 => "floating point exception",
            17 => "misaligned access",
            18 => "machine check",
            _ => "exception",
        };
        write!(f, "{name} ({}, code {:#x})", state.number, state.code)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "rip={:#x} rsp={:#x} rflags={:#x}",
            self.rip, self.rsp, self.rflags
        )?;
        for (name, value) in REGISTERS.iter().zip(self.registers) {
            write!(f, " {name}={value:#x}")?;
        }
        Ok(())
    }
}
