//! What a PVH loader tells the guest: which memory there is, and the command line
//! (`struct hvm_start_info` of Xen's `arch-x86/hvm/start_info.h`).

use alloc::string::String;
use core::ops::Range;
use core::ptr;
use core::slice;

use heapless::Vec;

const MAGIC: u32 = 0x336e_c578;
/// The memory map came with version 1.
const VERSION_WITH_MAP: u32 = 1;
/// Of a region: memory that the guest may use.
const RAM: u32 = 1;
/// More regions than this are not looked at; an e820 map never has more.
const MAX_REGIONS: usize = 128;
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
struct Entry {
    start: u64,
    len: u64,
    kind: u32,
    reserved: u32,
}

/// Addresses that are something: memory, or a table of the firmware's.
#[derive(Clone, Debug)]
pub(crate) struct Region {
    pub(crate) addresses: Range<usize>,
    pub(crate) is_ram: bool,
}

impl Region {
    /// Whether any of it is among the `len` addresses from `start` on.
    pub(crate) fn overlaps(&self, start: usize, len: usize) -> bool {
        self.addresses.start < start + len && start < self.addresses.end
    }
}

/// What this guest uses of it.
pub(crate) struct Machine {
    pub(crate) map: Vec<Region, MAX_REGIONS>,
    command_line: Vec<u8, MAX_COMMAND_LINE>,
}

impl Machine {
    /// Bytes of memory, in all regions together.
    pub(crate) fn memory(&self) -> usize {
        let ram = self.map.iter().filter(|region| region.is_ram);
        ram.map(|region| region.addresses.len()).sum()
    }

    /// The command line.
    pub(crate) fn command_line(&self) -> String {
        String::from_utf8_lossy(&self.command_line).into_owned()
    }
}

/// Reads the start information at `address`. `None` if it is none.
///
/// # Safety
/// `address` is what the loader left in `%ebx`, the first 4 GiB are mapped to themselves, and what
/// the loader wrote has not been overwritten.
pub(crate) unsafe fn read(address: u32) -> Option<Machine> {
    // SAFETY: the loader's structure, says the caller.
    let info: StartInfo = unsafe { load(address.into()) }?;
    if info.magic != MAGIC || info.version < VERSION_WITH_MAP {
        return None;
    }
    let mut map = Vec::new();
    for index in 0..u64::from(info.region_count).min(MAX_REGIONS as u64) {
        let at = info
            .memory_map
            .checked_add(index * size_of::<Entry>() as u64)?;
        // SAFETY: an entry of the loader's array.
        let entry: Entry = unsafe { load(at) }?;
        let region = Region {
            addresses: entry.start as usize..entry.start.saturating_add(entry.len) as usize,
            is_ram: entry.kind == RAM,
        };
        map.push(region).ok()?;
    }
    // SAFETY: the loader's string.
    let command_line = unsafe { text(info.command_line) };
    Some(Machine { map, command_line })
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

/// The text at `address` up to its zero byte; empty where there is none.
///
/// # Safety
/// If `address` is mapped, bytes are there, ended by a zero.
unsafe fn text(address: u64) -> Vec<u8, MAX_COMMAND_LINE> {
    let end = address.saturating_add(MAX_COMMAND_LINE as u64).min(MAPPED);
    if address == 0 || end <= address {
        return Vec::new();
    }
    // SAFETY: mapped, as was just checked, and nobody writes there now.
    let bytes = unsafe { slice::from_raw_parts(address as *const u8, (end - address) as usize) };
    bytes
        .iter()
        .copied()
        .take_while(|byte| *byte != 0)
        .collect()
}
