//! The grant table, version 1 (`grant_table.h`): an array of 8-byte entries in pages that Xen reads.
//! A grant's reference is its entry's index.
//!
//! An entry is a page's number, a domain and flags. Writing the flags last lends the page; Xen sets
//! two of them while the other domain has it mapped or copies, and one compare-and-swap of all flags
//! to zero takes it back, if they are not set.

use alloc::vec::Vec;
use core::cell::RefCell;
use core::sync::atomic::{AtomicU16, Ordering};

use crate::{
    Access, DomainId, Exhausted, GrantRef, Grants, HypercallError, PAGE_SIZE, PageAddress,
    SharedPage, Space, StillInUse, Xen,
};

const ENTRY: usize = 8;
/// The references in one frame.
const IN_FRAME: usize = PAGE_SIZE / ENTRY;
/// The first references are the toolstack's: console and xenstore.
const RESERVED: u32 = 8;

// In an entry.
const FLAGS: usize = 0;
const DOMAIN: usize = 2;
const FRAME: usize = 4;

// Flags.
pub(crate) const PERMIT: u16 = 1;
pub(crate) const READ_ONLY: u16 = 4;
pub(crate) const READING: u16 = 8;
pub(crate) const WRITING: u16 = 16;

/// The grant table of this domain. Its size is fixed when it is made: 512 references a frame, less
/// the 8 reserved ones; when all are used, [`Grants::grant`] says so.
#[derive(Debug)]
pub struct GrantTable {
    frames: Vec<SharedPage>,
    free: RefCell<Vec<u32>>,
}

impl GrantTable {
    /// Lets Xen make the table this many frames long, or as many as it allows.
    ///
    /// # Errors
    /// What Xen says.
    pub fn new(xen: Xen, frames: usize) -> Result<Self, HypercallError> {
        let count = frames.min(xen.max_grant_frames()?);
        let frames: Result<Vec<SharedPage>, HypercallError> = (0..count)
            .map(|index| {
                let page = SharedPage::new();
                xen.map(Space::GrantTable, index as u64, &page)?;
                Ok(page)
            })
            .collect();
        Ok(Self::over(frames?))
    }

    /// The table in these pages.
    pub(crate) fn over(frames: Vec<SharedPage>) -> Self {
        let references = (frames.len() * IN_FRAME) as u32;
        Self {
            frames,
            free: RefCell::new((RESERVED..references).rev().collect()),
        }
    }

    /// How many pages are lent.
    #[must_use]
    pub fn in_use(&self) -> usize {
        self.frames.len() * IN_FRAME - RESERVED as usize - self.free.borrow().len()
    }

    /// The frame that an entry lies in, and where.
    fn entry(&self, grant: GrantRef) -> Option<(&SharedPage, usize)> {
        let index = grant.0 as usize;
        let frame = self.frames.get(index / IN_FRAME)?;
        Some((frame, index % IN_FRAME * ENTRY))
    }

    /// To whom an entry's page is lent.
    pub(crate) fn domain(&self, grant: GrantRef) -> Option<DomainId> {
        let (frame, at) = self.entry(grant)?;
        Some(DomainId(frame.u16(at + DOMAIN).load(Ordering::Relaxed)))
    }

    pub(crate) fn flags(&self, grant: GrantRef) -> Option<&AtomicU16> {
        let (frame, at) = self.entry(grant)?;
        Some(frame.u16(at + FLAGS))
    }
}

#[allow(unsafe_code)]
impl Grants for GrantTable {
    unsafe fn grant(
        &self,
        to: DomainId,
        address: PageAddress,
        access: Access,
    ) -> Result<GrantRef, Exhausted> {
        let grant = GrantRef(self.free.borrow_mut().pop().ok_or(Exhausted)?);
        let (frame, at) = self.entry(grant).ok_or(Exhausted)?;
        frame.u16(at + DOMAIN).store(to.0, Ordering::Relaxed);
        // The format's limit: 16 TiB of memory.
        let number = address.frame() as u32;
        frame.u32(at + FRAME).store(number, Ordering::Relaxed);
        let flags = match access {
            Access::ReadOnly => PERMIT | READ_ONLY,
            Access::ReadWrite => PERMIT,
        };
        // Release: who sees the flags sees the rest, and all that was written to the page.
        frame.u16(at + FLAGS).store(flags, Ordering::Release);
        Ok(grant)
    }

    fn revoke(&self, grant: GrantRef) -> Result<(), StillInUse> {
        // One that is lent no more is nobody's.
        let Some(flags) = self.flags(grant) else {
            return Ok(());
        };
        let seen = flags.load(Ordering::Relaxed);
        if seen & PERMIT == 0 || grant.0 < RESERVED {
            return Ok(());
        }
        if seen & (READING | WRITING) != 0 {
            return Err(StillInUse);
        }
        // Acquire: what the other side wrote to the page is there. If Xen has set a flag meanwhile,
        // the other side has just begun to use it.
        flags
            .compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Relaxed)
            .map_err(|_| StillInUse)?;
        self.free.borrow_mut().push(grant.0);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PEER: DomainId = DomainId(7);

    fn table(frames: usize) -> GrantTable {
        GrantTable::over((0..frames).map(|_| SharedPage::new()).collect())
    }

    #[test]
    fn an_entry_is_as_xen_reads_it() {
        let table = table(1);
        let page = SharedPage::new();
        let frame = page.address().frame() as u32;
        let writable = table.share(PEER, &page, Access::ReadWrite).unwrap();
        let readable = table.share(PEER, &page, Access::ReadOnly).unwrap();
        assert_eq!((writable, readable), (GrantRef(8), GrantRef(9)));
        let entry = |grant: u32| table.frames[0].read::<[u8; 8]>(grant as usize * 8);
        assert_eq!(entry(8)[..4], [1, 0, 7, 0]);
        assert_eq!(entry(9)[..4], [5, 0, 7, 0]);
        assert_eq!(entry(9)[4..], frame.to_le_bytes());
    }

    #[test]
    fn every_reference_but_the_reserved_ones_is_given_out_once_and_comes_back() {
        let table = table(2);
        let page = SharedPage::new();
        let lend = || table.share(PEER, &page, Access::ReadOnly);
        let mut given: Vec<u32> = core::iter::from_fn(|| lend().ok()).map(|g| g.0).collect();
        assert_eq!(given, (8..1024).collect::<Vec<u32>>());
        assert_eq!(table.in_use(), 1016);
        given
            .iter()
            .for_each(|g| table.revoke(GrantRef(*g)).unwrap());
        assert_eq!(table.in_use(), 0);
        given.clear();
        given.extend(core::iter::from_fn(|| lend().ok()).map(|g| g.0));
        given.sort_unstable();
        assert_eq!(given, (8..1024).collect::<Vec<u32>>());
    }

    #[test]
    fn a_page_in_use_stays_lent_until_it_is_let_go() {
        let table = table(1);
        let page = SharedPage::new();
        let grant = table.share(PEER, &page, Access::ReadWrite).unwrap();
        for flag in [READING, WRITING, READING | WRITING] {
            let flags = table.flags(grant).unwrap();
            flags.fetch_or(flag, Ordering::Relaxed);
            assert_eq!(table.revoke(grant), Err(StillInUse));
            assert_eq!(flags.load(Ordering::Relaxed), PERMIT | flag);
            assert_eq!(table.in_use(), 1);
            flags.fetch_and(!flag, Ordering::Relaxed);
        }
        assert_eq!(table.revoke(grant), Ok(()));
        assert_eq!(table.in_use(), 0);
    }

    #[test]
    fn what_the_toolstack_has_lent_stays_so() {
        let table = table(1);
        let flags = table.flags(GrantRef(1)).unwrap();
        flags.store(PERMIT, Ordering::Relaxed);
        assert_eq!(table.revoke(GrantRef(1)), Ok(()));
        assert_eq!(flags.load(Ordering::Relaxed), PERMIT);
    }

    #[test]
    fn what_is_not_lent_is_not_taken_back_twice() {
        let table = table(1);
        let page = SharedPage::new();
        let grant = table.share(PEER, &page, Access::ReadWrite).unwrap();
        for grant in [grant, grant, GrantRef(3), GrantRef(100), GrantRef(4096)] {
            assert_eq!(table.revoke(grant), Ok(()));
        }
        let again = || table.share(PEER, &page, Access::ReadWrite).unwrap();
        assert_ne!(again(), again());
        assert_eq!(table.in_use(), 2);
    }
}
