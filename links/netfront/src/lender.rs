//! Pages lent to the back end, one use at a time.
//!
//! Nothing is ever read by us while the back end may write it, nor changed while it may read it: a
//! page is granted when it is posted and revoked when its response has come, and only then is it
//! memory of ours again. Neither calls the hypervisor, as a grant is an entry in a table that is
//! shared with it.

#![allow(unsafe_code)]

use alloc::rc::Rc;
use core::mem;

use packet::{Buf, Chunk};
use xen::{Access, DomainId, Exhausted, GrantRef, Grants, PageAddress, SharedPage};

/// The most pages that a back end may keep from us for good (XSA-396); a device that has lost more
/// is closed.
const MOST_LEAKED: u64 = 32;

/// Lends to one back end.
pub(crate) struct Lender {
    grants: Rc<dyn Grants>,
    to: DomainId,
    /// Pages that did not come back, of this back end and of those before it.
    leaked: u64,
}

/// A page on loan, with what keeps its memory alive.
#[derive(Debug)]
#[must_use = "a page on loan is given back with `Lender::take_back`, or is lost"]
pub(crate) struct Loan<T> {
    grant: GrantRef,
    /// Dropped by nobody but who has taken the page back.
    memory: mem::ManuallyDrop<T>,
}

impl<T> Loan<T> {
    const fn new(grant: GrantRef, memory: T) -> Self {
        let memory = mem::ManuallyDrop::new(memory);
        Self { grant, memory }
    }

    /// What the other side asks for it by.
    pub(crate) const fn reference(&self) -> u32 {
        self.grant.0
    }

    /// The same loan, kept in mind as something else.
    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Loan<U> {
        let memory = mem::ManuallyDrop::into_inner(self.memory);
        Loan::new(self.grant, change(memory))
    }
}

impl Lender {
    pub(crate) const fn new(grants: Rc<dyn Grants>, to: DomainId, leaked: u64) -> Self {
        Self { grants, to, leaked }
    }

    /// Lends a whole page that was just taken from the pool, for writing.
    pub(crate) fn lend_page(&self, mut page: Buf) -> Result<Loan<Buf>, Exhausted> {
        let bytes = page.bytes_mut().ok_or(Exhausted)?;
        let address = PageAddress::containing(bytes.as_mut_ptr());
        // SAFETY: the page is the buffer's alone, and nobody touches that before it is taken back:
        // a loan does not show it, and one that is lost is not dropped.
        let grant = unsafe { self.grants.grant(self.to, address, Access::ReadWrite) }?;
        Ok(Loan::new(grant, page))
    }

    /// Lends the page in which `chunk` begins, for reading. The caller has found out that the back
    /// end may see all of that page.
    pub(crate) fn lend_chunk(&self, chunk: Chunk) -> Result<Loan<Chunk>, Exhausted> {
        let address = PageAddress::containing(chunk.as_ptr());
        // SAFETY: what a chunk lies in is not changed as long as there is a handle to it, and the
        // loan keeps one; it is not dropped either if the loan is lost.
        let grant = unsafe { self.grants.grant(self.to, address, Access::ReadOnly) }?;
        Ok(Loan::new(grant, chunk))
    }

    /// Lends a page that is shared anyhow.
    pub(crate) fn lend_shared(
        &self,
        page: &SharedPage,
        access: Access,
    ) -> Result<Loan<()>, Exhausted> {
        Ok(Loan::new(self.grants.share(self.to, page, access)?, ()))
    }

    /// Takes a page back. `None` if the back end does not let go of it: then it is lost for good.
    pub(crate) fn take_back<T>(&mut self, loan: Loan<T>) -> Option<T> {
        if self.grants.revoke(loan.grant).is_err() {
            self.leaked += 1;
            return None;
        }
        Some(mem::ManuallyDrop::into_inner(loan.memory))
    }

    /// How many pages were lost.
    pub(crate) const fn leaked(&self) -> u64 {
        self.leaked
    }

    /// Whether more was lost than may be.
    pub(crate) const fn lost_too_much(&self) -> bool {
        self.leaked > MOST_LEAKED
    }
}
