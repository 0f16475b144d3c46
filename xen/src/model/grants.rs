//! What the other domain may do with what was lent to it, as Xen sees to it.

#![allow(unsafe_code)]

use alloc::vec::Vec;
use core::ptr;
use core::sync::atomic::Ordering;

use super::Model;
use crate::grants::{PERMIT, READ_ONLY, READING, WRITING};
use crate::{
    Access, DomainId, Exhausted, GrantRef, Grants, PAGE_SIZE, PageAddress, SharedPage, StillInUse,
};

/// Xen does not allow the other domain what it wanted: the page is not lent, not to it, or not for
/// writing; or the bytes are not within it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadGrant;

impl Grants for Model {
    unsafe fn grant(
        &self,
        to: DomainId,
        address: PageAddress,
        access: Access,
    ) -> Result<GrantRef, Exhausted> {
        // SAFETY: the caller's promise.
        let grant = unsafe { self.table.grant(to, address, access) }?;
        self.addresses.borrow_mut()[grant.0 as usize] = address.get();
        Ok(grant)
    }

    fn revoke(&self, grant: GrantRef) -> Result<(), StillInUse> {
        self.table.revoke(grant)
    }
}

impl Model {
    /// How many pages are lent.
    #[must_use]
    pub fn grants_in_use(&self) -> usize {
        self.table.in_use()
    }

    /// What is lent to the back end now.
    #[must_use]
    pub fn lent(&self) -> Vec<(GrantRef, Access)> {
        let references = self.addresses.borrow().len() as u32;
        let lent = |grant| {
            let read_only = self.flags(grant).ok()? & READ_ONLY != 0;
            let access = if read_only {
                Access::ReadOnly
            } else {
                Access::ReadWrite
            };
            Some((grant, access))
        };
        (0..references).map(GrantRef).filter_map(lent).collect()
    }

    /// Copies out of a lent page.
    ///
    /// # Errors
    /// As [`BadGrant`] says.
    pub fn read(&self, grant: GrantRef, offset: usize, to: &mut [u8]) -> Result<(), BadGrant> {
        let from = self.reach(grant, offset, to.len(), Access::ReadOnly)?;
        // SAFETY: within a page that is lent, so nobody changes it now, or it is only used by
        // atomics; and one thread runs the model.
        unsafe { ptr::copy(from, to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    /// Copies into a page that is lent for writing.
    ///
    /// # Errors
    /// As [`BadGrant`] says.
    pub fn write(&self, grant: GrantRef, offset: usize, from: &[u8]) -> Result<(), BadGrant> {
        let to = self.reach(grant, offset, from.len(), Access::ReadWrite)?;
        // SAFETY: within a page that is lent for writing, to which no reference exists but to
        // atomics; and one thread runs the model.
        unsafe { ptr::copy(from.as_ptr(), to, from.len()) };
        Ok(())
    }

    /// Maps a page that is lent for writing: it cannot be taken back until it is unmapped.
    ///
    /// # Errors
    /// As [`BadGrant`] says.
    pub fn map(&self, grant: GrantRef) -> Result<SharedPage, BadGrant> {
        let page = self.reach(grant, 0, PAGE_SIZE, Access::ReadWrite)?;
        self.hold(grant)?;
        // SAFETY: lent for writing, so no reference exists but to atomics, and not taken back while
        // it is mapped. A test that uses it afterwards finds a page as full of anything as before.
        unsafe { SharedPage::at(PageAddress::containing(page)) }.ok_or(BadGrant)
    }

    /// Keeps a page in use, as a mapping does.
    ///
    /// # Errors
    /// As [`BadGrant`] says.
    pub fn hold(&self, grant: GrantRef) -> Result<(), BadGrant> {
        let used = if self.flags(grant)? & READ_ONLY != 0 {
            READING
        } else {
            READING | WRITING
        };
        let flags = self.table.flags(grant).ok_or(BadGrant)?;
        flags.fetch_or(used, Ordering::AcqRel);
        Ok(())
    }

    /// Lets go of a page that was mapped, or kept in use.
    pub fn let_go(&self, grant: GrantRef) {
        if let Some(flags) = self.table.flags(grant) {
            flags.fetch_and(!(READING | WRITING), Ordering::AcqRel);
        }
    }

    /// Where bytes of a lent page are.
    fn reach(
        &self,
        grant: GrantRef,
        offset: usize,
        len: usize,
        access: Access,
    ) -> Result<*mut u8, BadGrant> {
        let read_only = self.flags(grant)? & READ_ONLY != 0;
        let inside = offset.checked_add(len).is_some_and(|end| end <= PAGE_SIZE);
        if !inside || (read_only && access == Access::ReadWrite) {
            return Err(BadGrant);
        }
        let address = self.addresses.borrow()[grant.0 as usize];
        Ok(ptr::with_exposed_provenance_mut(address as usize + offset))
    }

    /// The flags of what is lent to the back end.
    fn flags(&self, grant: GrantRef) -> Result<u16, BadGrant> {
        let flags = self.table.flags(grant).ok_or(BadGrant)?;
        let flags = flags.load(Ordering::Acquire);
        let lent = flags & PERMIT != 0 && self.table.domain(grant) == Some(self.back_end);
        lent.then_some(flags).ok_or(BadGrant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_reached_while_it_is_lent_and_as_it_is_lent() {
        let model = Model::new(DomainId(0), 1);
        let page = SharedPage::new();
        let writable = model.share(DomainId(0), &page, Access::ReadWrite).unwrap();
        let readable = model.share(DomainId(0), &page, Access::ReadOnly).unwrap();
        let stranger = model.share(DomainId(1), &page, Access::ReadWrite).unwrap();
        assert_eq!(model.write(writable, 4094, b"ab"), Ok(()));
        assert_eq!(model.write(writable, 4095, b"ab"), Err(BadGrant));
        assert_eq!(model.write(readable, 0, b"ab"), Err(BadGrant));
        let mut bytes = [0; 2];
        assert_eq!(model.read(readable, 4094, &mut bytes), Ok(()));
        assert_eq!(&bytes, b"ab");
        assert_eq!(model.read(stranger, 0, &mut bytes), Err(BadGrant));
        assert_eq!(model.read(GrantRef(0), 0, &mut bytes), Err(BadGrant));
        assert_eq!(
            model.lent(),
            [(writable, Access::ReadWrite), (readable, Access::ReadOnly)]
        );
        model.revoke(writable).unwrap();
        assert_eq!(model.write(writable, 0, b"ab"), Err(BadGrant));
    }

    #[test]
    fn a_mapped_page_is_the_same_memory_and_stays_lent() {
        let model = Model::new(DomainId(0), 1);
        let page = SharedPage::new();
        let grant = model.share(DomainId(0), &page, Access::ReadWrite).unwrap();
        let mapped = model.map(grant).unwrap();
        mapped.u32(8).store(5, Ordering::Relaxed);
        assert_eq!(page.u32(8).load(Ordering::Relaxed), 5);
        assert_eq!(model.revoke(grant), Err(StillInUse));
        model.let_go(grant);
        assert_eq!(model.revoke(grant), Ok(()));
    }
}
