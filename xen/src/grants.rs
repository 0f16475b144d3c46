//! Lending pages to another domain.

#![allow(unsafe_code)]

mod table;

use core::fmt;

use crate::{DomainId, GrantRef, PageAddress, SharedPage};

pub use table::GrantTable;
pub(crate) use table::{PERMIT, READ_ONLY, READING, WRITING};

/// What another domain may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Look at it.
    ReadOnly,
    /// Look at it and change it.
    ReadWrite,
}

/// Lends pages and takes them back. None of it calls the hypervisor, except now and then for more
/// room.
pub trait Grants {
    /// Lets `to` use the page at `address`.
    ///
    /// # Errors
    /// [`Exhausted`] when as many pages are lent as may be at once.
    ///
    /// # Safety
    /// Until [`Grants::revoke`] has succeeded, the page is not given back to an allocator. Lent for
    /// reading, nobody changes it; lent for writing, no Rust reference to any byte of it exists.
    /// All of the page may be seen by the other domain.
    unsafe fn grant(
        &self,
        to: DomainId,
        address: PageAddress,
        access: Access,
    ) -> Result<GrantRef, Exhausted>;

    /// Takes a page back. After it has succeeded nobody else reads or writes the page.
    ///
    /// # Errors
    /// [`StillInUse`] when the other domain is using it right now, or has mapped it. The page stays
    /// lent: ask again later, or never touch it again.
    fn revoke(&self, grant: GrantRef) -> Result<(), StillInUse>;

    /// Lets `to` use a shared page, which is made for that.
    ///
    /// # Errors
    /// As for [`Grants::grant`].
    fn share(
        &self,
        to: DomainId,
        page: &SharedPage,
        access: Access,
    ) -> Result<GrantRef, Exhausted> {
        // SAFETY: a shared page is never given back, and no reference to its bytes exists but to
        // atomics.
        unsafe { self.grant(to, page.address(), access) }
    }
}

/// All references of the grant table are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exhausted;

/// The other domain has not let go of a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillInUse;

impl fmt::Display for Exhausted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the grant table is full")
    }
}

impl fmt::Display for StillInUse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other domain still uses a page that was lent to it")
    }
}

impl core::error::Error for Exhausted {}
impl core::error::Error for StillInUse {}
