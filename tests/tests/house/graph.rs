//! The graph of dependencies, as cargo tells it.

use std::collections::BTreeSet;
use std::env;
use std::fs;
use std::process::Command;

use serde_json::Value;

use crate::{NO_STD, none_of, root};

/// Who may know whom: a package, and which others of this workspace it may use. `packet` has the
/// words that all share.
const ARROWS: [(&str, &[&str]); 30] = [
    ("packet", &[]),
    ("ethernet", &["packet"]),
    ("arp", &["packet"]),
    ("ipv4", &["packet"]),
    ("udp", &["packet"]),
    ("dhcp", &["packet"]),
    ("tcp", &["packet"]),
    ("http", &["packet"]),
    ("runtime", &["packet"]),
    ("dns", &["packet", "runtime"]),
    ("archive", &["packet", "runtime"]),
    // Of `http` it uses the media types.
    ("pack", &["archive", "http"]),
    ("link", &["packet"]),
    ("memory", &["packet", "link"]),
    ("netfront", &["packet", "link", "xen"]),
    ("tap", &["packet", "link"]),
    ("pcap", &["packet", "link"]),
    ("xen", &["packet"]),
    (
        "stack",
        &[
            "packet", "ethernet", "arp", "ipv4", "udp", "dhcp", "tcp", "link", "runtime",
        ],
    ),
    ("inside", &["packet", "runtime", "http"]),
    ("hello", &["packet", "runtime", "http", "inside"]),
    ("site", &["packet", "runtime", "http", "inside"]),
    ("bench", &["packet", "runtime", "http", "inside"]),
    ("xtask", &[]),
    ("benchmarks", &["packet", "memory", "runtime", "stack"]),
    (
        "guest",
        &[
            "packet", "runtime", "stack", "link", "archive", "xen", "netfront",
        ],
    ),
    ("probe", &["guest", "runtime"]),
    // Of `ethernet`, `ipv4` and `http` it uses addresses, and the client side of `get`.
    (
        "host",
        &[
            "packet", "runtime", "archive", "dns", "stack", "link", "tap", "memory", "pcap",
            "hello", "site", "bench", "http", "ethernet", "ipv4", "sim",
        ],
    ),
    (
        "fuzz",
        &[
            "packet", "ethernet", "arp", "ipv4", "udp", "dhcp", "tcp", "link", "pcap", "runtime",
            "stack", "dns", "http", "archive", "xen", "netfront",
        ],
    ),
    (
        "sim",
        &[
            "packet", "ethernet", "arp", "ipv4", "tcp", "link", "memory", "tap", "pcap", "runtime",
            "stack", "http", "bench",
        ],
    ),
];

/// Whatever else `no_std` packages may use. Each is small, has no `std` in it once that feature is
/// off, and knows no operating system (docs/DEPENDENCIES.md).
const LIBRARIES: [&str; 8] = [
    "embedded-io",
    "embedded-io-async",
    "hashbrown",
    "heapless",
    "log",
    "nom",
    "siphasher",
    "zerocopy",
];

/// The guest is built for a target that says `linux`, and these would believe it.
const LINUX: [&str; 4] = ["getrandom", "libc", "mio", "rustix"];

#[test]
fn knows_only_whom_it_may_know() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    for package in members(&metadata) {
        let name = short(package);
        if name == "tests" {
            continue;
        }
        // The command's package is named like the project.
        let role = if name == "parhelion" { "host" } else { name };
        let Some((_, may)) = ARROWS.iter().find(|(whose, _)| *whose == role) else {
            wrong.push(format!(
                "{name} has no place in the graph: add it to ARROWS"
            ));
            continue;
        };
        for dependency in list(&package["dependencies"])
            .iter()
            .filter(|d| d["kind"].is_null())
        {
            let other = short(dependency);
            if !dependency["path"].is_null() && !may.contains(&other) {
                wrong.push(format!("{role} may not know {other}"));
            }
        }
    }
    none_of(wrong);
}

#[test]
fn libraries_without_std_use_few_others_and_no_default_features() {
    let metadata = metadata();
    let mut wrong = Vec::new();
    let no_std = members(&metadata).filter(|package| is_no_std(package));
    for (package, dependency) in no_std.flat_map(|package| {
        let dependencies = list(&package["dependencies"]).iter();
        dependencies.map(move |dependency| (package, dependency))
    }) {
        let (name, other) = (short(package), short(dependency));
        if !dependency["kind"].is_null() || !dependency["path"].is_null() {
            continue;
        }
        if !LIBRARIES.contains(&other) {
            wrong.push(format!("{name} uses {other}, which is not among LIBRARIES"));
        }
        if dependency["uses_default_features"] != false {
            wrong.push(format!("{name} uses {other} with its default features"));
        }
    }
    none_of(wrong);
}

/// `cargo tree` knows what is on when all of the workspace is built together with its tests; what
/// `cargo metadata` says of features holds for no build at all.
#[test]
fn std_is_on_nowhere_in_what_the_guest_may_use() {
    let packages = NO_STD.map(|name| format!("--package=parhelion-{name}"));
    let mut guest = vec![
        "tree",
        "--package=parhelion-guest",
        "--edges=normal,no-proc-macro",
    ];
    guest.extend(packages.iter().map(String::as_str));
    guest.extend(["--prefix=none", "--format={p}"]);
    let guest = cargo(&guest);
    let guest: BTreeSet<&str> = guest
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert!(guest.len() > NO_STD.len(), "the tree was not walked");

    let all = ["tree", "--workspace", "--edges=normal,dev,no-proc-macro"];
    let all = cargo(&[&all[..], &["--prefix=none", "--format={p};{f}"]].concat());
    let mut wrong = BTreeSet::new();
    for (package, features) in all.lines().filter_map(|line| line.split_once(';')) {
        let name = package.split(' ').next().unwrap_or_default();
        let features = features.trim_end_matches(" (*)");
        if guest.contains(name) && features.split(',').any(|feature| feature == "std") {
            let who = format!("cargo tree --workspace -e features -i {name}");
            wrong.insert(format!("{name} has `std` on ({who})"));
        }
    }
    let linux = LINUX.iter().filter(|name| guest.contains(*name));
    wrong.extend(linux.map(|name| format!("{name} asks Linux, and the guest may use it")));
    none_of(wrong.into_iter().collect());
}

#[test]
fn every_library_is_explained() {
    let page = fs::read_to_string(root().join("docs/DEPENDENCIES.md")).expect("the page exists");
    let metadata = metadata();
    let used: BTreeSet<&str> = members(&metadata)
        .flat_map(|package| list(&package["dependencies"]))
        .filter(|dependency| dependency["path"].is_null())
        .map(short)
        .collect();
    assert!(used.len() > 10, "the libraries were not found");
    let explained = |name: &str| page.contains(&format!("`{name}`"));
    let silent = used.iter().filter(|name| !explained(name));
    none_of(
        silent
            .map(|name| format!("docs/DEPENDENCIES.md does not explain {name}"))
            .collect(),
    );
}

#[test]
fn no_package_has_features() {
    let metadata = metadata();
    let with = members(&metadata).filter(|package| {
        package["features"]
            .as_object()
            .is_none_or(|features| !features.is_empty())
    });
    none_of(
        with.map(|package| format!("{} has features", short(package)))
            .collect(),
    );
}

#[test]
fn the_libraries_without_std_are_all_there() {
    let metadata = metadata();
    let there = members(&metadata)
        .filter(|package| is_no_std(package))
        .count();
    assert_eq!(there, NO_STD.len());
}

fn metadata() -> Value {
    let text = cargo(&["metadata", "--format-version=1", "--no-deps"]);
    serde_json::from_str(&text).expect("cargo writes JSON")
}

/// What cargo prints.
fn cargo(arguments: &[&str]) -> String {
    let program = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root())
        .output();
    let output = output.expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("cargo writes UTF-8")
}

/// The packages of this workspace.
fn members(metadata: &Value) -> impl Iterator<Item = &Value> {
    let ids: Vec<&str> = list(&metadata["workspace_members"])
        .iter()
        .map(text)
        .collect();
    list(&metadata["packages"])
        .iter()
        .filter(move |package| ids.contains(&text(&package["id"])))
}

fn is_no_std(package: &Value) -> bool {
    NO_STD.contains(&short(package))
}

/// The name without the family's.
fn short(package: &Value) -> &str {
    let name = text(&package["name"]);
    name.strip_prefix("parhelion-").unwrap_or(name)
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}
