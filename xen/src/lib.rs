//! What a guest says to its hypervisor, and to the other domains on it.
//!
//! Whatever two domains share is a [`SharedPage`]: memory that the other side may change at any
//! moment, so it is only ever read and written by atomics and copies. A domain lends a page by
//! [`Grants`] and rings a bell by [`Events`]; both are traits, so the protocols over them run in a
//! guest and, against a model, in the tests of an ordinary machine. [`FrontRing`] is the ring of
//! requests and responses that every device of Xen's speaks over.
//!
//! What another domain writes never makes this crate panic, hang or leave its tables: it is an
//! error, and the device that hears it is given up. Xen itself is trusted, as a processor is.
//!
//! Constants and layouts are those of Xen's public headers (`xen/include/public`), each named where
//! it is used.
#![no_std]

extern crate alloc;

mod cpuid;
mod error;
mod events;
mod grants;
pub mod model;
mod names;
mod ring;
mod shared_page;
mod sys;

pub use cpuid::Cpuid;
pub use error::HypercallError;
pub use events::{EventChannels, Events};
pub use grants::{Access, Exhausted, GrantTable, Grants, StillInUse};
pub use names::{DomainId, GrantRef, PAGE_SIZE, PageAddress, Port};
pub use ring::{Broken, FrontRing, InFlight, RingFull};
pub use shared_page::SharedPage;
pub use sys::{E820_ENTRY, Parameter, Reason, Space, Xen};
