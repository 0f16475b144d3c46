//! What the toolstack gave us (`hvm/hvm_op.h`, `hvm/params.h`).

use super::{Call, Xen};
use crate::{DomainId, PageAddress, Port, SharedPage};

// The command.
const GET: u64 = 1;

/// What a guest is given by its toolstack (`hvm/params.h`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Parameter {
    /// The number of the xenstore's page.
    StorePage = 1,
    /// The port of the xenstore.
    StorePort = 2,
    /// The number of the console's page.
    ConsolePage = 17,
    /// The port of the console.
    ConsolePort = 18,
}

impl Xen {
    /// A parameter, if it was set.
    #[must_use]
    pub fn parameter(self, parameter: Parameter) -> Option<u64> {
        #[repr(C)]
        struct Question {
            domain: u16,
            padding: u16,
            index: u32,
            value: u64,
        }
        let mut question = Question {
            domain: DomainId::SELF.0,
            padding: 0,
            index: parameter as u32,
            value: 0,
        };
        // SAFETY: `struct xen_hvm_param`, of which Xen writes the value.
        unsafe { self.command(Call::Hvm, GET, &mut question) }.ok()?;
        // Unset ones are 0, or all ones.
        (![0, u64::MAX].contains(&question.value)).then_some(question.value)
    }

    /// A page that a parameter names, and its port: the xenstore's or the console's. `None` where
    /// the toolstack gave none.
    ///
    /// # Safety
    /// The page is mapped, at its own address.
    #[must_use]
    pub unsafe fn given(self, page: Parameter, port: Parameter) -> Option<(SharedPage, Port)> {
        let frame = u32::try_from(self.parameter(page)?).ok()?;
        let port = u32::try_from(self.parameter(port)?).ok()?;
        // SAFETY: mapped, says the caller; Xen keeps it apart from all memory that the memory map
        // calls free, for as long as the guest lives.
        let page = unsafe { SharedPage::at(PageAddress::of_frame(frame)) }?;
        Some((page, Port(port)))
    }
}
