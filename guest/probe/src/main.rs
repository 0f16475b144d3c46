//! A guest that says what it was booted with, or tries what must not work: `cargo xtask test` boots it.
//!
//! Setting: `try`, one of those below.
#![no_std]
#![no_main]
#![allow(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::string::ToString as _;
use alloc::vec;
use alloc::vec::Vec;
use core::arch::asm;
use core::hint::black_box;
use core::{mem, ptr};

use runtime::{Env, Failure};

guest::boot!("probe", main);

async fn main(env: Env) -> Result<(), Failure> {
    match env.config.text("try") {
        None => {}
        Some("copies") => {
            copies()?;
            env.console.print(format_args!("copies are right"));
        }
        Some("have") => {
            have(env.config.value("mebibytes", 0)?)?;
            env.console.print(format_args!("all of it is there"));
        }
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
        Some(other) => Err(format!("nobody can try {other:?}"))?,
    }
    Ok(())
}

static CONSTANT: [u8; 16] = [7; 16];
/// The instruction `ret`.
const RETURN: u8 = 0xc3;

/// What the compiler takes from a C library elsewhere, compared with the plain way of doing it.
fn copies() -> Result<(), Failure> {
    const ROOM: usize = 512;
    let fresh: Vec<u8> = (0..ROOM).map(|at| (at * 7 + at / 256) as u8).collect();
    for len in (0..=140).chain([255, 256, 300]) {
        for (from, to) in [
            (0, 200),
            (200, 0),
            (50, 51),
            (51, 50),
            (50, 66),
            (66, 50),
            (9, 9),
        ] {
            let mut moved = fresh.clone();
            moved.copy_within(from..from + len, to);
            let right = |at: usize| match at.checked_sub(to).filter(|at| *at < len) {
                Some(inside) => fresh[from + inside],
                None => fresh[at],
            };
            if (0..ROOM).any(|at| moved[at] != right(at)) {
                Err(format!(
                    "{len} bytes from {from} to {to} are not what they were"
                ))?;
            }
        }
        let mut filled = fresh.clone();
        filled[3..3 + len].fill(black_box(0x5a));
        let right = |at: usize| {
            if (3..3 + len).contains(&at) {
                0x5a
            } else {
                fresh[at]
            }
        };
        if (0..ROOM).any(|at| filled[at] != right(at)) {
            Err(format!("{len} bytes are not filled"))?;
        }
        let ours = &fresh[5..5 + len];
        let mut other = black_box(ours.to_vec());
        let is_equal = other == ours;
        let mut is_ordered = true;
        for at in 0..len {
            other[at] ^= 0x80;
            is_ordered &= (other.as_slice() < ours) == (other[at] < ours[at]);
            other[at] ^= 0x80;
        }
        if !is_equal || !is_ordered {
            Err(format!("{len} bytes are compared wrongly"))?;
        }
    }
    Ok(())
}

/// Takes so much memory, and writes to both ends of each piece.
fn have(mebibytes: usize) -> Result<(), Failure> {
    const PIECE: usize = 100;
    for _ in 0..mebibytes / PIECE {
        let mut piece: Vec<u8> = Vec::new();
        let taken = piece.try_reserve_exact(PIECE << 20);
        taken.map_err(|error| error.to_string())?;
        let room = piece.spare_capacity_mut();
        for at in [0, room.len() - 1] {
            black_box(&mut room[at]).write(1);
        }
        mem::forget(piece);
    }
    Ok(())
}

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
