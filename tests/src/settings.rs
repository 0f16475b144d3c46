//! The places on which the contract is run.

mod machine;
pub mod sockets;
pub mod stack;
pub mod tap;
