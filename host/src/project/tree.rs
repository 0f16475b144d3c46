//! Whether `std` is below an application: where it is to run there may be no operating system.
//!
//! Nobody but the compiler knows for sure, and only for a machine without one. What is looked at
//! here is what crates say of themselves: a library root that does not say `no_std`, or a feature
//! `std` that is on.

use std::collections::HashMap;
use std::fs;

use serde_json::Value;

use super::cargo::{self, Package};
use crate::cli::Below;
use crate::failure::Failure;

/// They need no `std` and ask Linux all the same: a guest is built as for Linux, which is not there.
const LINUX: [&str; 5] = ["getrandom", "libc", "linux-raw-sys", "mio", "rustix"];

/// Looks at every library that the application is built with.
pub(super) fn check(package: &Package, below: Below) -> Result<(), Failure> {
    let roots = roots()?;
    let name = package.name.as_str();
    let tree = cargo::ask(&[
        "tree",
        "--package",
        name,
        "--edges=normal,no-proc-macro",
        "--prefix=none",
        "--no-dedupe",
        "--format={p};{f}",
    ])?;
    for line in tree.lines() {
        let (described, features) = line.split_once(';').unwrap_or((line, ""));
        let mut words = described.split(' ');
        let crate_name = words.next().unwrap_or_default();
        let version = words.next().unwrap_or_default().trim_start_matches('v');
        let root = roots.get(&(crate_name.to_owned(), version.to_owned()));
        let text = root.and_then(|root| fs::read_to_string(root).ok());
        let (what, why) = if features.split(',').any(|feature| feature == "std") {
            (
                "`std`",
                "has its feature `std` on: take it with default-features = false",
            )
        } else if text.is_some_and(|text| !text.contains("no_std")) {
            ("`std`", "needs it: do without, or take another")
        } else if below == Below::Xen && LINUX.contains(&crate_name) {
            (
                "Linux",
                "calls it, and on Xen it is not there: do without, or take another",
            )
        } else {
            continue;
        };
        return Err(Failure::unusable(match crate_name == name {
            true => format!(
                "{name} is not a no_std library: begin its src/lib.rs with #![no_std]; an application \
                 also runs where there is no operating system"
            ),
            false => format!(
                "{name} has {what} in its tree: {crate_name} {why}; `cargo tree -e features -i \
                 {crate_name}` says who brings it"
            ),
        }));
    }
    Ok(())
}

/// The root of each library's source, by name and version.
fn roots() -> Result<HashMap<(String, String), String>, Failure> {
    let text = cargo::ask(&["metadata", "--format-version=1"])?;
    let metadata: Value = serde_json::from_str(&text)
        .map_err(|error| Failure::refused(format!("cannot understand cargo: {error}")))?;
    let packages = metadata["packages"].as_array().into_iter().flatten();
    let root = |package: &Value| {
        let name = package["name"].as_str()?.to_owned();
        let version = package["version"].as_str()?.to_owned();
        Some(((name, version), cargo::library(package)?.to_owned()))
    };
    Ok(packages.filter_map(root).collect())
}
