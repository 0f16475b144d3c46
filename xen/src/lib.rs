//! What a guest says to its hypervisor, and to the other domains on it.
//!
//! Whatever two domains share is a [`SharedPage`]: memory that the other side may change at any
//! moment, so it is only ever read and written by atomics and copies. A domain lends a page by
//! [`Grants`] and rings a bell by [`Events`]; both are traits, so the protocols over them run in a
//! guest and, against a model, in the tests of an ordinary machine. [`FrontRing`] is the ring of
//! requests and responses that every device of Xen's speaks over.
//!
//! Over pages of their own there are the [`Store`], in which devices are found and a [`ShutdownWatch`] is
//! kept, the [`Console`], and the [`Clock`]. What the loader tells of the machine is a [`StartInfo`] and
//! its [`MemoryMap`].
//!
//! What another domain writes never makes this crate panic, hang or leave its tables: it is an
//! error, and the device that hears it is given up. Xen itself is trusted, as a processor is.
//!
//! Constants and layouts are those of Xen's public headers (`xen/include/public`), each named where
//! it is used.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod byte_ring;
mod clock;
mod console;
mod cpuid;
mod error;
mod events;
mod grants;
mod memory_map;
pub mod model;
mod names;
mod ring;
mod shared_page;
mod shutdown;
mod start_info;
mod store;
mod sys;
mod wait;

pub use clock::Clock;
pub use console::{Console, Lines, MAX_LINE};
pub use cpuid::Cpuid;
pub use error::HypercallError;
pub use events::{EventChannels, Events};
pub use grants::{Access, Exhausted, GrantTable, Grants, StillInUse};
pub use memory_map::{MAX_REGIONS, MemoryMap, Region};
pub use names::{DomainId, GrantRef, PAGE_SIZE, PageAddress, Port};
pub use ring::{Broken, FrontRing, InFlight, RingFull};
pub use shared_page::SharedPage;
pub use shutdown::{ShutdownRequest, ShutdownWatch};
pub use start_info::{MAX_COMMAND_LINE, MAX_MODULES, Module, PhysicalMemory, StartInfo};
pub use store::{
    Cause, MAX_PATH, MAX_PAYLOAD, MAX_WATCHES, PATIENCE, Refusal, Store, StoreError, Transaction,
    Watch,
};
pub use sys::{E820_ENTRY, Parameter, Reason, Space, Xen};
pub use wait::Wait;
