//! A tap against the real kernel, each test in a user and network namespace of its own: it runs
//! itself again under `unshare -Urn`. Where that is refused, the test says so and is skipped.
#![allow(clippy::unwrap_used, reason = "a test fails by it")]

mod attaching;
mod costs;
mod namespace;
mod traffic;
