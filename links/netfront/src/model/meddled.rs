//! Xen as a front end sees it, where something may happen before each call.
//!
//! In one program the other side has its turn only when we are done; but a real one goes on while we
//! look at a ring. A call of Xen lies between two such looks.

#![allow(unsafe_code)]

use alloc::boxed::Box;
use alloc::rc::Rc;
use core::cell::RefCell;

use xen::model::Model;
use xen::{
    Access, DomainId, Events, Exhausted, GrantRef, Grants, HypercallError, PageAddress, Port,
    StillInUse,
};

/// A model of Xen that somebody meddles with.
pub struct Meddled {
    xen: Rc<Model>,
    meddle: RefCell<Box<dyn FnMut(bool)>>,
}

impl Meddled {
    /// Nobody meddles yet.
    #[must_use]
    pub fn new(xen: Rc<Model>) -> Self {
        let meddle: Box<dyn FnMut(bool)> = Box::new(|_| ());
        Self {
            xen,
            meddle: RefCell::new(meddle),
        }
    }

    /// This happens from now on before each call; `true` if that takes a page back.
    pub fn set(&self, meddle: impl FnMut(bool) + 'static) {
        *self.meddle.borrow_mut() = Box::new(meddle);
    }

    fn meddle(&self, takes_back: bool) {
        (self.meddle.borrow_mut())(takes_back);
    }
}

impl Grants for Meddled {
    unsafe fn grant(
        &self,
        to: DomainId,
        address: PageAddress,
        access: Access,
    ) -> Result<GrantRef, Exhausted> {
        self.meddle(false);
        // SAFETY: the caller's promise.
        unsafe { self.xen.grant(to, address, access) }
    }

    fn revoke(&self, grant: GrantRef) -> Result<(), StillInUse> {
        self.meddle(true);
        self.xen.revoke(grant)
    }
}

impl Events for Meddled {
    fn allocate(&self, remote: DomainId) -> Result<Port, HypercallError> {
        self.xen.allocate(remote)
    }

    fn notify(&self, port: Port) {
        self.meddle(false);
        self.xen.notify(port);
    }

    fn take_pending(&self, port: Port) -> bool {
        self.meddle(false);
        self.xen.take_pending(port)
    }

    fn close(&self, port: Port) {
        self.xen.close(port);
    }
}
