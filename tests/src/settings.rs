//! The places on which the contract is run.

pub mod sockets;
pub mod stack;
