//! The rules of the house, checked: who may know whom, what is `no_std`, where `unsafe` is, and how
//! the sources are written (docs/ARCHITECTURE.md).

mod clauses;
mod graph;
mod journey;
mod sources;

use std::path::{Path, PathBuf};

/// The packages (without `parhelion-`) whose libraries need no operating system.
const NO_STD: [&str; 20] = [
    "packet", "ethernet", "arp", "ipv4", "udp", "dhcp", "tcp", "http", "stack", "dns", "archive",
    "link", "memory", "netfront", "xen", "runtime", "hello", "site", "bench", "inside",
];

/// The only folders and files that may say `unsafe`.
const UNSAFE: [&str; 11] = [
    "guest/src/",
    "guest/probe/src/",
    "xen/src/grants.rs",
    "xen/src/grants/table.rs",
    "xen/src/model/grants.rs",
    "xen/src/shared_page.rs",
    "xen/src/sys",
    "links/netfront/src/lender.rs",
    "links/netfront/src/model/meddled.rs",
    "links/tap/src/sys.rs",
    "host/src/sys.rs",
];

/// The root of the workspace.
fn root() -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR"));
    tests
        .parent()
        .expect("tests lies in the workspace")
        .to_owned()
}

/// All that is wrong at once, a line each, rather than the first of it.
fn none_of(wrong: Vec<String>) {
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}
