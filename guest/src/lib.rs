//! An application as an operating system: what a hypervisor boots.
//!
//! [`boot!`] makes a kernel of an application, in a package with a program of its own, as a library can
//! bring neither the arguments of the linker nor `panic = "abort"`:
//!
//! ```ignore
//! #![no_std]
//! #![no_main]
//! guest::boot!("hello", hello::main);
//! ```
//!
//! Its `build.rs` hands the linker, by `cargo:rustc-link-arg-bins`, these arguments: `-nostartfiles`,
//! `-nostdlib`, `-static`, `-no-pie`, `-Wl,--build-id=none`, and `-Wl,-T,` with the path of this
//! package's `linker.ld`. It is built for the host's own target by plain `cargo build`: nothing has to be
//! installed, and SSE may be used. (Nothing else of Linux is there: a `syscall` would be an invalid
//! instruction, or worse.)
//!
//! | file | does |
//! |---|---|
//! | `boot.s` | leads from the loader's 32-bit world to Rust |
//! | `start` | the first Rust: from bare memory to a heap |
//! | `loaded` | what the loader left in memory |
//! | `paging`, `image` | which memory may be written or executed, and where our parts lie |
//! | `heap`, `lone` | memory for whoever asks; statics of the only thread |
//! | `exceptions`, `callers` | what went wrong, and who called whom |
//! | `machine`, `application` | what an application gets of this machine, and the loop that runs it |
//! | `sizes`, `settings`, `address`, `entropy` | what it is made of: limits, settings, an address, secrets |
//! | `domain`, `bells`, `sleep`, `control` | Xen: what it shares with us, waiting, being asked to end |
//! | `bare`, `unplugged` | time and network of a machine without Xen |
//! | `outlet`, `terminal`, `serial`, `ports` | lines for people, and from them |
//! | `inside`, `milestones` | what can be seen from outside, and how long it took to be of use |
//! | `end` | how it ends |
//! | `mem.s` | what is left of a C library |
#![cfg_attr(not(test), no_std)]
#![allow(unsafe_code)]

extern crate alloc;

mod address;
mod application;
mod bare;
mod bells;
mod callers;
mod control;
mod domain;
mod end;
mod entropy;
mod exceptions;
mod heap;
mod image;
mod inside;
mod loaded;
mod lone;
mod machine;
mod milestones;
mod outlet;
mod paging;
mod ports;
mod serial;
mod settings;
mod sizes;
mod sleep;
mod start;
mod terminal;
mod unplugged;

#[cfg(not(test))]
use core::{arch::global_asm, panic::PanicInfo};

pub use archive::embed;
pub use start::start;

use outlet::say;

#[cfg(not(test))]
global_asm!(include_str!("boot.s"), options(att_syntax, raw));
#[cfg(not(test))]
global_asm!(include_str!("exceptions.s"), options(att_syntax, raw));
#[cfg(not(test))]
global_asm!(include_str!("mem.s"), options(att_syntax, raw));

#[cfg_attr(not(test), global_allocator)]
static HEAP: heap::Heap = heap::Heap::new();

/// Makes a kernel of an application: its name, its `main`, and, if it has files of its own, the archive
/// of them as an `Option<&'static [u8]>` ([`embed!`]).
#[macro_export]
macro_rules! boot {
    ($name:expr, $main:path) => {
        $crate::boot!($name, $main, None);
    };
    ($name:expr, $main:path, $content:expr) => {
        /// `boot.s` calls this, once.
        #[unsafe(no_mangle)]
        extern "C" fn start(start_info: u32) -> ! {
            $crate::start(start_info, $name, $main, $content)
        }
    };
}

#[cfg(not(test))]
#[panic_handler]
fn panic(info: &PanicInfo<'_>) -> ! {
    say(format_args!("Parhelion {info}"));
    say(format_args!("{}", callers::Callers::here()));
    end::leave(xen::Reason::Crash)
}
