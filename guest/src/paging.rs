//! Which memory may be read, written or executed; no page allows both of the last two.
//!
//! Addresses are physical ones everywhere: a page is mapped to itself, or not at all. The image is mapped
//! as its parts are meant, the pages below stacks and the one at address 0 are not mapped, and all other
//! memory is for data. Pages are of 2 MiB, but where their 4 KiB differ.

use alloc::boxed::Box;
use core::arch::asm;

use xen::Region;

use crate::image;

const SMALL: usize = 4096;
const LARGE: usize = 2 << 20;
/// What one page directory maps: 512 large pages.
const DIRECTORY: usize = 1 << 30;
/// What `boot.s` has directories for.
const LOW: usize = 4 * DIRECTORY;
/// What one table of directories maps; memory above stays unused.
pub(crate) const HIGHEST: usize = 512 * DIRECTORY;

// Entries of page tables.
const PRESENT: u64 = 1;
const WRITABLE: u64 = 1 << 1;
const IS_LARGE: u64 = 1 << 7;
const NO_EXECUTE: u64 = 1 << 63;

const CODE: u64 = PRESENT;
const CONSTANTS: u64 = PRESENT | NO_EXECUTE;
const DATA: u64 = PRESENT | WRITABLE | NO_EXECUTE;
const NOTHING: u64 = 0;

#[repr(C, align(4096))]
struct Table([u64; 512]);

/// How many large pages may be split: those with the ends of code and of constants, a guard, or
/// address 0 in them.
const TABLES: usize = 8;

unsafe extern "C" {
    static mut directory_pointers: Table;
    static mut page_directories: [Table; LOW / DIRECTORY];
    static mut page_tables: [Table; TABLES];
}

/// Maps what is below 4 GiB of the memory `map`, and this image, each part as it is meant.
///
/// # Safety
/// To be called once, on the tables that `boot.s` made.
pub(crate) unsafe fn protect(map: &[Region]) {
    // SAFETY: nobody else has references to these tables, and this runs once.
    let (directories, tables) = unsafe {
        (
            (&raw mut page_directories).as_mut_unchecked(),
            (&raw mut page_tables).as_mut_unchecked(),
        )
    };
    let mut tables = tables.iter_mut();
    let entries = directories.iter_mut().flat_map(|table| &mut table.0);
    for (entry, start) in entries.zip((0..LOW).step_by(LARGE)) {
        let is_memory = map.iter().any(|region| overlaps(region, start, LARGE));
        let first = access(start, is_memory);
        let mut pages = (start..start + LARGE).step_by(SMALL);
        *entry = if pages.all(|page| access(page, is_memory) == first) {
            large(start, first)
        } else {
            let table = tables.next().expect("few large pages are split");
            for (entry, page) in table.0.iter_mut().zip((start..).step_by(SMALL)) {
                let access = access(page, is_memory);
                *entry = if access == NOTHING {
                    0
                } else {
                    page as u64 | access
                };
            }
            (&raw const *table).addr() as u64 | PRESENT | WRITABLE
        };
    }
    reload();
}

/// Maps what is above 4 GiB of the memory `map`, with directories from the heap.
///
/// # Safety
/// To be called once, after [`protect`].
pub(crate) unsafe fn map_high(map: &[Region]) {
    // SAFETY: nobody else has references to this table, and this runs once.
    let pointers = unsafe { (&raw mut directory_pointers).as_mut_unchecked() };
    let entries = pointers.0.iter_mut().zip((0..HIGHEST).step_by(DIRECTORY));
    for (entry, start) in entries.skip(LOW / DIRECTORY) {
        if !map.iter().any(|region| overlaps(region, start, DIRECTORY)) {
            continue;
        }
        let mut directory = Box::new(Table([0; 512]));
        for (entry, page) in directory.0.iter_mut().zip((start..).step_by(LARGE)) {
            if map.iter().any(|region| overlaps(region, page, LARGE)) {
                *entry = large(page, DATA);
            }
        }
        *entry = (&raw const *Box::leak(directory)).addr() as u64 | PRESENT | WRITABLE;
    }
    reload();
}

/// What may be done with the page at `page`.
fn access(page: usize, is_memory: bool) -> u64 {
    match page {
        0 => NOTHING,
        _ if image::guards().contains(&page) => NOTHING,
        _ if image::text().contains(&page) => CODE,
        _ if image::constants().contains(&page) => CONSTANTS,
        _ if is_memory || image::whole().contains(&page) => DATA,
        _ => NOTHING,
    }
}

/// Whether any of a region is among these addresses.
fn overlaps(region: &Region, start: usize, len: usize) -> bool {
    region.start < (start + len) as u64 && (start as u64) < region.end
}

fn large(start: usize, access: u64) -> u64 {
    match access {
        NOTHING => 0,
        access => start as u64 | access | IS_LARGE,
    }
}

/// Makes the processor forget what the tables said before.
fn reload() {
    // SAFETY: the root is the one that is in use.
    unsafe {
        asm!("mov {root}, cr3", "mov cr3, {root}", root = out(reg) _, options(nostack));
    }
}
