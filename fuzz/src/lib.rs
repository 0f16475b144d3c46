//! What is done to the stack with bytes that nobody meant well.
//!
//! Each target is a plain function that takes any bytes and panics if something that must hold does
//! not. libFuzzer searches for such bytes (`fuzz/libfuzzer`, run by `cargo xtask fuzz`); the test of
//! this package runs every target over `fuzz/corpus/<target>/` and thousands of mutations of it, the
//! same ones each time, with the stable compiler. Bytes that once did harm stay in the corpus.
//!
//! | target | its bytes are | what must hold beside that nothing panics |
//! |---|---|---|
//! | [`ethernet`] | a frame | what is read is what would be written |
//! | [`arp`] | packets and questions to the cache | lists stay bounded, time goes on |
//! | [`ipv4`] | a packet, with repaired checksums if wished | lengths fit; complaints and replies are well formed |
//! | [`reassembly`] | fragments | a whole packet has the bytes that were sent; memory comes back |
//! | [`udp`] | datagrams and calls for bound ports | what is read is what would be written; queues stay bounded; memory comes back |
//! | [`dhcp`] | what servers answer, the link's ups and downs, time | what is asked is well formed; an address is ours as long as it is lent; silence without a link |
//! | [`tcp_header`] | a segment | a reset is never answered, nothing more than once |
//! | [`connection`] | segments near the window, time, calls | both streams are right; windows are kept; silence at the end |
//! | [`connections`] | the same for two to eight at once, some again | none has another's bytes; tables keep their limits |
//! | [`network`] | frames for a host that serves HTTP and echoes datagrams | all that it sends is well formed; silence at the end |
//! | [`http_request`] | a request's head | what is accepted, httparse accepts too, and reads the same in it |
//! | [`http_server`] | all that a client sends | the answer does not depend on where the bytes were cut |
//! | [`dns`] | an answer to a question | no address is made up; another id is not believed |
//! | [`archive`] | an archive | all that it says is in it can be read and packed again |
//! | [`pcap`] | a capture file | what was mended, written and read again is as it was |
//! | [`xenstore`] | our calls, and what the daemon says meanwhile | calls end, in time; an honest daemon's answers are right; what is dead stays so |
//! | [`netfront`] | what a back end, its rings, pages and texts do to Xen's network front end | honest frames are whole both ways; whatever was lent comes back, or is counted as lost |
#![forbid(unsafe_code)]

mod archive;
mod arp;
mod connection;
mod dhcp;
mod dns;
mod ethernet;
mod handler;
mod http_request;
mod http_server;
mod input;
mod ipv4;
mod mutate;
mod netfront;
mod network;
mod pcap;
mod pool;
mod reassembly;
pub mod seeds;
mod tcp_header;
mod udp;
mod xenstore;

pub use archive::archive;
pub use arp::arp;
pub use connection::{connection, connections};
pub use dhcp::dhcp;
pub use dns::dns;
pub use ethernet::ethernet;
pub use http_request::http_request;
pub use http_server::http_server;
pub use ipv4::ipv4;
pub use mutate::Mutator;
pub use netfront::netfront;
pub use network::network;
pub use pcap::pcap;
pub use reassembly::reassembly;
pub use tcp_header::tcp_header;
pub use udp::udp;
pub use xenstore::xenstore;

/// A target.
#[derive(Clone, Copy)]
pub struct Target {
    /// Its name, which is its corpus's.
    pub name: &'static str,
    /// What is done with the bytes.
    pub run: fn(&[u8]),
}

impl Target {
    const fn new(name: &'static str, run: fn(&[u8])) -> Self {
        Self { name, run }
    }
}

/// All targets.
pub const TARGETS: [Target; 17] = [
    Target::new("ethernet", ethernet),
    Target::new("arp", arp),
    Target::new("ipv4", ipv4),
    Target::new("reassembly", reassembly),
    Target::new("udp", udp),
    Target::new("dhcp", dhcp),
    Target::new("tcp_header", tcp_header),
    Target::new("connection", connection),
    Target::new("connections", connections),
    Target::new("network", network),
    Target::new("http_request", http_request),
    Target::new("http_server", http_server),
    Target::new("dns", dns),
    Target::new("archive", archive),
    Target::new("pcap", pcap),
    Target::new("xenstore", xenstore),
    Target::new("netfront", netfront),
];
