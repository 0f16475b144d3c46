//! What memory there is: the map that a loader passes on, or that Xen is asked for. Both are e820's, the
//! first in entries of 24 bytes (`struct hvm_memmap_table_entry`), the second in 20, packed
//! (`XENMEM_memory_map`).

use core::ops::Range;

use heapless::Vec;
use zerocopy::little_endian::{U32, U64};
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned};

use crate::E820_ENTRY;

/// More regions than this are left out; an e820 map has no more.
pub const MAX_REGIONS: usize = 128;

/// Of a region: memory that may be used (`XEN_HVM_MEMMAP_TYPE_RAM`).
const RAM: u32 = 1;
const PAGE: u64 = 4096;

/// An entry as Xen itself writes it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct PackedEntry {
    start: U64,
    len: U64,
    kind: U32,
}

/// An entry as a loader writes it.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable, KnownLayout, Unaligned)]
#[repr(C)]
pub(crate) struct Entry {
    packed: PackedEntry,
    reserved: U32,
}

/// A piece of the address space.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Region {
    /// Its first address.
    pub start: u64,
    /// The address behind it.
    pub end: u64,
    /// Whether it is memory that may be used. Whatever else there is may not be touched.
    pub is_ram: bool,
}

/// The map, in the order in which it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemoryMap {
    regions: Vec<Region, MAX_REGIONS>,
}

impl MemoryMap {
    /// The map that [`Xen::memory_map`](crate::Xen::memory_map) gives.
    #[must_use]
    pub fn from_xen(entries: &[[u8; E820_ENTRY]]) -> Self {
        let entries = entries.iter();
        entries.map(|entry| zerocopy::transmute!(*entry)).collect()
    }

    /// All regions.
    #[must_use]
    pub fn regions(&self) -> &[Region] {
        &self.regions
    }

    /// Bytes of memory, in all regions together.
    #[must_use]
    pub fn ram(&self) -> u64 {
        let lens = self.usable(&[]).map(|range| range.end - range.start);
        lens.fold(0, u64::saturating_add)
    }

    /// Memory that nobody has: whole pages of what is RAM, and in no other region and nothing of `taken`.
    pub fn usable(&self, taken: &[Range<u64>]) -> impl Iterator<Item = Range<u64>> {
        let ram = self.regions.iter().enumerate();
        let ram = ram.filter(|(_, region)| region.is_ram);
        ram.flat_map(move |(index, region)| {
            let mut next = region.start;
            core::iter::from_fn(move || {
                while next < region.end {
                    let start = next;
                    let obstacle = self.obstacle(index, start..region.end, taken);
                    next = obstacle.end;
                    let whole = start.next_multiple_of(PAGE)..obstacle.start / PAGE * PAGE;
                    if !whole.is_empty() {
                        return Some(whole);
                    }
                }
                None
            })
        })
    }

    /// The first thing in `range`, which lies in the region `index`, that others have; what is at its
    /// end, if nothing. A region that came earlier counts, so that no memory is found twice.
    fn obstacle(&self, index: usize, range: Range<u64>, taken: &[Range<u64>]) -> Range<u64> {
        let others = self.regions.iter().enumerate();
        let others = others.filter(|(other, region)| !region.is_ram || *other < index);
        others
            .map(|(_, region)| region.start..region.end)
            .chain(taken.iter().cloned())
            .filter(|other| !other.is_empty())
            .filter(|other| other.start < range.end && other.end > range.start)
            .min_by_key(|other| other.start)
            .map_or(range.end..range.end, |other| {
                other.start.max(range.start)..other.end
            })
    }
}

impl FromIterator<PackedEntry> for MemoryMap {
    fn from_iter<I: IntoIterator<Item = PackedEntry>>(entries: I) -> Self {
        let mut map = Self::default();
        for entry in entries {
            let start = entry.start.get();
            // Some loaders end the map with an empty entry. Of one that wraps nothing can be believed.
            let Some(end) = start
                .checked_add(entry.len.get())
                .filter(|end| *end > start)
            else {
                continue;
            };
            let is_ram = entry.kind.get() == RAM;
            // A map that is full is at its limit: the rest is not used.
            let _ = map.regions.push(Region { start, end, is_ram });
        }
        map
    }
}

impl From<Entry> for PackedEntry {
    fn from(entry: Entry) -> Self {
        entry.packed
    }
}

#[cfg(test)]
mod tests {
    use std::vec;
    use std::vec::Vec;

    use proptest::prelude::*;

    use super::*;

    fn map(entries: &[(u64, u64, u32)]) -> MemoryMap {
        let entries: Vec<[u8; E820_ENTRY]> = entries.iter().map(packed).collect();
        MemoryMap::from_xen(&entries)
    }

    fn packed((start, len, kind): &(u64, u64, u32)) -> [u8; E820_ENTRY] {
        let kind = kind.to_le_bytes();
        let bytes = [&start.to_le_bytes()[..], &len.to_le_bytes(), &kind].concat();
        bytes.try_into().expect("20 bytes")
    }

    fn usable(map: &MemoryMap, taken: &[Range<u64>]) -> Vec<Range<u64>> {
        map.usable(taken).collect()
    }

    #[test]
    fn memory_is_what_is_left_of_ram() {
        // As `xl` makes it, with the image and a module inside.
        let map = map(&[(0, 0x400_0000, 1), (0xfeff_8000, 0x8000, 2), (0, 0, 0)]);
        assert_eq!(map.regions().len(), 2);
        assert_eq!(map.ram(), 0x400_0000);
        let taken = [0x20_0000..0x26_7001, 0..0x10_0000, 0x3ff_fff0..0x400_0000];
        let expected = [0x10_0000..0x20_0000, 0x26_8000..0x3ff_f000];
        assert_eq!(usable(&map, &taken), expected);
    }

    #[test]
    fn where_regions_overlap_nothing_is_found_twice_and_ram_loses() {
        let map = map(&[
            (0, 0x8000, 1),
            (0x4000, 0x8000, 1),
            (0x6000, 0x1000, 2),
            (0xb800, 0x10, 9),
        ]);
        let expected = [0..0x6000, 0x7000..0x8000, 0x8000..0xb000];
        assert_eq!(usable(&map, &[]), expected);
    }

    #[test]
    fn memory_lies_anywhere_and_neighbours_take_nothing_of_it() {
        let map = map(&[(0, 0x4000, 2), (0x4000, 0x4000, 1), (0x1_0000, 0x1000, 1)]);
        assert_eq!(map.ram(), 0x5000);
        let taken = [0..0, 0x8000..0x9000, 0x1_0fff..0x1_1000];
        assert_eq!(usable(&map, &taken).first(), Some(&(0x4000..0x8000)));
        assert_eq!(usable(&map, &taken).len(), 1);
    }

    #[test]
    fn what_wraps_or_is_too_much_is_left_out() {
        assert_eq!(map(&[(u64::MAX, 2, 1), (5, u64::MAX, 1)]).ram(), 0);
        assert_eq!(map(&vec![(0, 4096, 1); 500]).regions().len(), MAX_REGIONS);
    }

    proptest! {
        #[test]
        fn each_byte_that_is_found_is_free(
            entries in prop::collection::vec((0_u64..0x40, 0_u64..0x20, 0_u32..3), 0..12),
            taken in prop::collection::vec((0_u64..0x40, 0_u64..0x10), 0..4),
        ) {
            // In quarters of a page.
            let unit = 1024;
            let scaled: Vec<_> = entries.iter().map(|(s, l, k)| (s * unit, l * unit, *k)).collect();
            let taken: Vec<_> = taken.iter().map(|(s, l)| s * unit..(s + l) * unit).collect();
            let map = map(&scaled);
            let found = usable(&map, &taken);
            for page in 0..0x20 {
                let range = page * PAGE..(page + 1) * PAGE;
                let is_in = |start: u64, len: u64, at: u64| start <= at && at < start + len;
                let quarters: Vec<u64> = (0..4).map(|q| range.start + q * unit).collect();
                let holders = found.iter().filter(|f| f.start <= range.start && range.end <= f.end);
                let holders = holders.count();
                prop_assert!(holders <= 1, "found twice");
                let is_blocked = quarters.iter().any(|at| {
                    scaled.iter().any(|(s, l, k)| *k != RAM && is_in(*s, *l, *at))
                        || taken.iter().any(|range| range.contains(at))
                });
                let is_ram = scaled.iter().any(|(s, l, k)| {
                    *k == RAM && quarters.iter().all(|at| is_in(*s, *l, *at))
                });
                if holders == 1 {
                    prop_assert!(!is_blocked);
                } else {
                    // A page that lies across two regions of memory may be left out.
                    prop_assert!(is_blocked || !is_ram || scaled.len() > 1);
                }
            }
        }
    }
}
