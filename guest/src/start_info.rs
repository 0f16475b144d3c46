//! What a PVH loader tells the guest: how much memory there is, and the command line
//! (`struct hvm_start_info` of Xen's `arch-x86/hvm/start_info.h`).

use core::ptr;
use core::slice;
use core::str;

const MAGIC: u32 = 0x336e_c578;
/// The memory map came with version 1.
const VERSION_WITH_MAP: u32 = 1;
/// Of a region: memory that the guest may use.
const RAM: u32 = 1;
/// More regions than this are not looked at; an e820 map never has more.
const MAX_REGIONS: u32 = 128;
/// A longer command line is cut; QEMU and Xen end theirs well before.
const MAX_COMMAND_LINE: usize = 4096;
/// `boot.s` maps what lies below 4 GiB.
const MAPPED: u64 = 1 << 32;

#[repr(C)]
struct StartInfo {
    magic: u32,
    version: u32,
    flags: u32,
    module_count: u32,
    modules: u64,
    command_line: u64,
    rsdp: u64,
    memory_map: u64,
    region_count: u32,
    reserved: u32,
}

#[repr(C)]
struct Region {
    start: u64,
    len: u64,
    kind: u32,
    reserved: u32,
}

/// What this guest uses of it.
pub(crate) struct Machine {
    /// Bytes of memory, in all regions together.
    pub(crate) memory: u64,
    /// The command line, as far as it is text.
    pub(crate) command_line: &'static str,
}

/// Reads the start information at `address`. `None` if it is none.
///
/// # Safety
/// `address` is what the loader left in `%ebx`, the first 4 GiB are mapped to themselves, and what
/// the loader wrote has not been overwritten and never will be.
pub(crate) unsafe fn read(address: u32) -> Option<Machine> {
    // SAFETY: the loader's structure, says the caller.
    let info: StartInfo = unsafe { load(address.into()) }?;
    if info.magic != MAGIC || info.version < VERSION_WITH_MAP {
        return None;
    }
    let mut memory = 0_u64;
    for index in 0..u64::from(info.region_count.min(MAX_REGIONS)) {
        let at = info
            .memory_map
            .checked_add(index * size_of::<Region>() as u64)?;
        // SAFETY: an entry of the loader's array.
        let region: Region = unsafe { load(at) }?;
        if region.kind == RAM {
            memory = memory.saturating_add(region.len);
        }
    }
    // SAFETY: the loader's string; it stays as it is, says the caller.
    let command_line = unsafe { text(info.command_line) };
    Some(Machine {
        memory,
        command_line,
    })
}

/// The structure at `address`; `None` where nothing is mapped.
///
/// # Safety
/// If `address` is mapped, a `T` is there, of which every bit pattern is one.
unsafe fn load<T>(address: u64) -> Option<T> {
    let end = address.checked_add(size_of::<T>() as u64)?;
    if address == 0 || end > MAPPED {
        return None;
    }
    // SAFETY: mapped, as was just checked; unaligned reads are allowed here.
    Some(unsafe { ptr::read_unaligned(address as *const T) })
}

/// The text at `address` up to its zero byte; empty where there is none, or it is not UTF-8.
///
/// # Safety
/// If `address` is mapped, bytes are there that nobody ever changes, ended by a zero.
unsafe fn text(address: u64) -> &'static str {
    if address == 0 {
        return "";
    }
    // SAFETY: bytes are there, up to the zero.
    let byte = |index: &usize| unsafe { load::<u8>(address.saturating_add(*index as u64)) };
    let len = (0..MAX_COMMAND_LINE)
        .take_while(|index| byte(index).is_some_and(|b| b != 0))
        .count();
    // SAFETY: these bytes have just been read, and nobody changes them.
    let bytes = unsafe { slice::from_raw_parts(address as *const u8, len) };
    str::from_utf8(bytes).unwrap_or_default()
}
