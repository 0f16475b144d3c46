//! Memory, and what Xen puts there (`memory.h`, `grant_table.h`).

use super::{Call, Xen};
use crate::{DomainId, HypercallError, SharedPage};

// Commands.
const ADD_TO_PHYSMAP: u64 = 7;
const MEMORY_MAP: u64 = 9;
const GRANT_QUERY_SIZE: u64 = 6;

/// Bytes of an entry of the memory map as [`Xen::memory_map`] gives it, all little endian and
/// unaligned: start (8), length (8), type (4).
pub const E820_ENTRY: usize = 20;

/// What Xen puts into a guest's memory on request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Space {
    /// The page that Xen shares with the guest.
    SharedInfo = 0,
    /// A frame of the grant table, which grows by it.
    GrantTable = 1,
}

impl Xen {
    /// Puts something of Xen's where `page` is; what was there is lost.
    ///
    /// # Errors
    /// What Xen says: the grant table has as many frames as it may have.
    pub fn map(self, space: Space, index: u64, page: &SharedPage) -> Result<(), HypercallError> {
        #[repr(C)]
        struct Add {
            domain: u16,
            size: u16,
            space: u32,
            index: u64,
            frame: u64,
        }
        let mut add = Add {
            domain: DomainId::SELF.0,
            size: 0,
            space: space as u32,
            index,
            frame: page.address().frame(),
        };
        // SAFETY: `struct xen_add_to_physmap`, which Xen reads. The memory that is replaced is a
        // page that may change at any time.
        unsafe { self.command(Call::Memory, ADD_TO_PHYSMAP, &mut add) }
    }

    /// Writes the memory map to `entries`; how many there are. More than there is room for are not
    /// given.
    ///
    /// # Errors
    /// What Xen says.
    pub fn memory_map(self, entries: &mut [[u8; E820_ENTRY]]) -> Result<usize, HypercallError> {
        #[repr(C)]
        struct Map {
            count: u32,
            entries: *mut [u8; E820_ENTRY],
        }
        let room = entries.len();
        let mut map = Map {
            count: u32::try_from(room).unwrap_or(u32::MAX),
            entries: entries.as_mut_ptr(),
        };
        // SAFETY: `struct xen_memory_map`, with room for as many entries as it says; Xen writes
        // both.
        unsafe { self.command(Call::Memory, MEMORY_MAP, &mut map) }?;
        Ok(room.min(map.count as usize))
    }

    /// How many frames the grant table may have.
    ///
    /// # Errors
    /// What Xen says.
    pub fn max_grant_frames(self) -> Result<usize, HypercallError> {
        #[repr(C)]
        struct Query {
            domain: u16,
            frames: u32,
            max_frames: u32,
            status: i16,
        }
        let mut query = Query {
            domain: DomainId::SELF.0,
            frames: 0,
            max_frames: 0,
            status: 0,
        };
        // SAFETY: `struct gnttab_query_size`, one of them, which Xen writes.
        unsafe { self.command(Call::GrantTable, GRANT_QUERY_SIZE, &mut query) }?;
        match query.status {
            0 => Ok(query.max_frames as usize),
            status => Err(HypercallError(i32::from(status).abs())),
        }
    }
}
