//! Capture files: read, written, and as a link.
//!
//! [`Reader`] reads pcap (micro- and nanoseconds, both byte orders) and pcapng; what precedes a
//! malformed record is good, and the error says where the file goes wrong. [`Frames`] makes of the
//! records Ethernet frames as a receiver would have seen them, whatever the capture was taken from
//! and wherever: what had to be made up for is counted in [`Anomalies`]. [`PcapLink`] lets them
//! arrive in the capture's own time. [`Recorder`] writes pcapng with nanoseconds, for
//! [`link::Capture`](::link::Capture).
//!
//! The formats: draft-ietf-opsawg-pcap and draft-ietf-opsawg-pcapng; link types as assigned in
//! draft-ietf-opsawg-pcaplinktype. The reader is our own, see docs/DEPENDENCIES.md.
//!
//! Not read: compressed files, and link types but Ethernet, Linux cooked (SLL, SLL2) and raw IP.
#![forbid(unsafe_code)]

mod blocks;
mod classic;
mod error;
mod frames;
mod input;
mod link;
mod link_type;
mod reader;
mod recorder;
mod writer;

pub use self::link::{PcapLink, Report};
pub use error::{Error, Wrong};
pub use frames::{Anomalies, Frames, Recorded};
pub use link_type::LinkType;
pub use reader::{Reader, Record};
pub use recorder::Recorder;
pub use writer::Writer;
