//! What the loader left in memory: our command line, what memory there is, and files beside us.

use core::ops::Range;
use core::{ptr, slice};

use heapless::Vec;
use xen::{E820_ENTRY, MAX_MODULES, MemoryMap, PhysicalMemory, StartInfo};

use crate::{domain, image, paging};

/// `boot.s` maps what lies below 4 GiB.
const MAPPED: u64 = 1 << 32;
/// The first page is left alone, so that a null pointer is found out.
const NULL_PAGE: Range<u64> = 0..4096;
/// What is asked for of Xen, where the loader says nothing; an e820 map never has more.
const REGIONS: usize = 128;

/// What the loader left. It is copied, all but files, so all other memory may be used.
pub(crate) struct Loaded {
    info: StartInfo,
    pub(crate) map: MemoryMap,
}

impl Loaded {
    /// Reads the start information at `address`. `None` if it is none.
    pub(crate) fn read(address: u32) -> Option<Self> {
        let mut info = StartInfo::read(&Mapped, address.into())?;
        let map = info.memory_map.take().or_else(asked)?;
        Some(Self { info, map })
    }

    /// The command line.
    pub(crate) fn command_line(&self) -> &str {
        &self.info.command_line
    }

    /// What must be left alone: ourselves, and the files.
    pub(crate) fn taken(&self) -> Vec<Range<u64>, { MAX_MODULES + 2 }> {
        let image = image::whole();
        let modules = self.info.modules.iter().map(|module| module.range.clone());
        let ours = [NULL_PAGE, image.start as u64..image.end as u64];
        ours.into_iter().chain(modules).collect()
    }

    /// The first file that was loaded beside us.
    pub(crate) fn file(&self) -> Option<&'static [u8]> {
        let Range { start, end } = self.info.modules.first()?.range;
        if start == 0 || end > paging::HIGHEST as u64 || end <= start {
            return None;
        }
        // SAFETY: the loader put it there, in memory that is mapped, where nobody changes it: it is
        // among what is taken.
        Some(unsafe { slice::from_raw_parts(start as *const u8, (end - start) as usize) })
    }
}

/// The memory map as Xen gives it.
fn asked() -> Option<MemoryMap> {
    let mut entries = [[0; E820_ENTRY]; REGIONS];
    let count = domain::xen()?.memory_map(&mut entries).ok()?;
    Some(MemoryMap::from_xen(entries.get(..count)?))
}

/// Memory as `boot.s` has mapped it.
struct Mapped;

impl PhysicalMemory for Mapped {
    fn read(&self, address: u64, into: &mut [u8]) -> bool {
        let end = address.checked_add(into.len() as u64);
        if address == 0 || end.is_none_or(|end| end > MAPPED) {
            return false;
        }
        // SAFETY: mapped, as was just checked, and the loader's: outside of our image, so nobody has
        // a reference there.
        unsafe { ptr::copy_nonoverlapping(address as *const u8, into.as_mut_ptr(), into.len()) };
        true
    }
}
