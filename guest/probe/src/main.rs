//! A guest that says what it was booted with, or tries what must not work: `cargo xtask test` boots it.
//!
//! Setting: `try`, one of those below.
#![no_std]
#![no_main]
#![allow(unsafe_code)]

extern crate alloc;

use alloc::vec;
use core::arch::asm;
use core::hint::black_box;
use core::{mem, ptr};

use runtime::{Env, Failure};

guest::boot!("probe", main);

async fn main(env: Env) -> Result<(), Failure> {
    match env.config.text("try") {
        None => {}
        Some("write-code") => write(main as fn(Env) -> _ as *mut u8),
        Some("write-constant") => write(CONSTANT.as_ptr().cast_mut()),
        Some("execute-heap") => execute(vec![RETURN; 64].as_ptr()),
        Some("execute-stack") => execute(black_box([RETURN; 64]).as_ptr()),
        Some("null") => write(ptr::null_mut()),
        Some("overflow") => env.console.print(format_args!("{}", deeper(0))),
        Some("invalid") => invalid(),
        Some("memory") => drop(black_box(vec![1_u8; 1 << 40])),
        Some("panic") => panic!("as told"),
        Some("fail") => Err("as told")?,
        Some(other) => Err(alloc::format!("nobody can try {other:?}"))?,
    }
    Ok(())
}

static CONSTANT: [u8; 16] = [7; 16];
/// The instruction `ret`.
const RETURN: u8 = 0xc3;

fn write(place: *mut u8) {
    // SAFETY: none: this is what must be found out.
    unsafe { black_box(place).write_volatile(1) }
}

fn execute(code: *const u8) {
    // SAFETY: none, as above.
    let function = unsafe { mem::transmute::<*const u8, extern "C" fn()>(black_box(code)) };
    function();
}

fn invalid() {
    // SAFETY: it does not get to anything behind it.
    unsafe { asm!("ud2") }
}

fn deeper(depth: u64) -> u64 {
    let frame = black_box([depth; 64]);
    match depth {
        u64::MAX => 0,
        _ => deeper(depth + 1) + frame[0],
    }
}
