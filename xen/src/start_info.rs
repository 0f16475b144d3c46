//! What a PVH loader tells a guest: `struct hvm_start_info` of Xen's `arch-x86/hvm/start_info.h`, in its
//! versions 0 and 1. QEMU writes it too.
//!
//! All of it lies somewhere in memory that the map calls free. So it is copied out before anything is
//! allocated; only the modules stay where they are, and their [`Module::range`] is to be kept out of
//! [`MemoryMap::usable`].

use core::ops::Range;

use heapless::{String, Vec};
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::memory_map::{Entry, MAX_REGIONS, MemoryMap, PackedEntry};

/// A longer command line is cut; QEMU and Xen end theirs well before.
pub const MAX_COMMAND_LINE: usize = 4096;
/// More modules than this are left out. `xl` passes one, its `ramdisk=`.
pub const MAX_MODULES: usize = 4;

const MAGIC: u32 = 0x336e_c578;
/// The memory map came with version 1.
const VERSION_WITH_MAP: u32 = 1;

/// Physical memory, as a loader left it.
pub trait PhysicalMemory {
    /// Copies what is at `address`. `false`: it cannot be read there.
    fn read(&self, address: u64, into: &mut [u8]) -> bool;
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct Header {
    magic: U32,
    version: U32,
    flags: U32,
    module_count: U32,
    modules: U64,
    command_line: U64,
    rsdp: U64,
}

/// What version 1 has behind it.
#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct MapPlace {
    address: U64,
    count: U32,
    reserved: U32,
}

#[derive(FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
struct ModuleEntry {
    address: U64,
    len: U64,
    command_line: U64,
    reserved: U64,
}

/// A file that was loaded beside the kernel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Module {
    /// Where it lies.
    pub range: Range<u64>,
}

/// What is used of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StartInfo {
    /// The command line, as far as it is text.
    pub command_line: String<MAX_COMMAND_LINE>,
    /// What was loaded beside the kernel.
    pub modules: Vec<Module, MAX_MODULES>,
    /// The map of memory. `None`: the loader has passed none on (version 0), and Xen is to be asked.
    pub memory_map: Option<MemoryMap>,
}

impl StartInfo {
    /// Reads the information at `address`. `None` if it is none.
    #[must_use]
    pub fn read(memory: &dyn PhysicalMemory, address: u64) -> Option<Self> {
        let header: Header = load(memory, address)?;
        if header.magic.get() != MAGIC {
            return None;
        }
        let memory_map = if header.version.get() >= VERSION_WITH_MAP {
            let place = load(memory, address.checked_add(size_of::<Header>() as u64)?)?;
            read_map(memory, &place)
        } else {
            None
        };
        Some(Self {
            command_line: text(memory, header.command_line.get()),
            modules: read_modules(memory, &header),
            memory_map,
        })
    }
}

/// `None` where there is no map: one without an entry is none either.
fn read_map(memory: &dyn PhysicalMemory, place: &MapPlace) -> Option<MemoryMap> {
    let count = place.count.get().min(MAX_REGIONS as u32);
    let entries = (0..count).map_while(|index| entry::<Entry>(memory, place.address.get(), index));
    let map: MemoryMap = entries.map(PackedEntry::from).collect();
    (!map.regions().is_empty()).then_some(map)
}

fn read_modules(memory: &dyn PhysicalMemory, header: &Header) -> Vec<Module, MAX_MODULES> {
    let count = header.module_count.get().min(MAX_MODULES as u32);
    let entries = (0..count).map_while(|index| entry(memory, header.modules.get(), index));
    let modules = entries.filter_map(|entry: ModuleEntry| {
        let start = entry.address.get();
        let end = start.checked_add(entry.len.get())?;
        Some(Module { range: start..end })
    });
    modules.collect()
}

/// The text at `address` up to its zero byte, as far as it is UTF-8; none at address 0.
fn text(memory: &dyn PhysicalMemory, address: u64) -> String<MAX_COMMAND_LINE> {
    let mut text = String::new();
    if address == 0 {
        return text;
    }
    let byte = |index: u64| load::<u8>(memory, address.checked_add(index)?);
    let bytes: Vec<u8, MAX_COMMAND_LINE> = (0..MAX_COMMAND_LINE as u64)
        .map_while(|index| byte(index).filter(|byte| *byte != 0))
        .collect();
    let valid = bytes.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    // As long as the bytes are, and so it fits.
    let _ = text.push_str(valid);
    text
}

/// One of an array at `address`.
fn entry<T: FromBytes + IntoBytes>(
    memory: &dyn PhysicalMemory,
    address: u64,
    index: u32,
) -> Option<T> {
    let offset = u64::from(index) * size_of::<T>() as u64;
    load(memory, address.checked_add(offset)?)
}

fn load<T: FromBytes + IntoBytes>(memory: &dyn PhysicalMemory, address: u64) -> Option<T> {
    let mut value = T::new_zeroed();
    memory.read(address, value.as_mut_bytes()).then_some(value)
}

#[cfg(test)]
mod tests;
