//! Ethernet II: hardware addresses, frame headers, 802.1Q tags.
//!
//! [`Header::parse`] reads the header of a received frame, with up to two VLAN tags in it;
//! [`Header::to_bytes`] writes one without tags. Whether a frame is for us is the stack's question.
//!
//! Not here: IEEE 802.3 frames with a length instead of a type (refused), the frame check sequence
//! (the device's), sending with tags. RFC 894, IEEE 802.1Q-2018 clause 9.
#![no_std]
#![forbid(unsafe_code)]

mod header;
mod mac;

pub use header::{EtherType, HEADER_LEN, Header, MIN_FRAME_LEN, Malformed};
pub use mac::{Mac, ParseMacError};
