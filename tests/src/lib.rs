//! Tests that need more than one crate.
//!
//! [`contract`] is what every place promises an application; [`settings`] are the places it is run
//! on (`tests/contract.rs`).
#![forbid(unsafe_code)]
#![expect(clippy::unwrap_used, reason = "all of it is tests")]

pub mod contract;
pub mod settings;
