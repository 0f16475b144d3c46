//! Where the machine refuses namespaces or taps: it serves all the same, and says what was refused.

use crate::server::{Server, allows, publish, skip};
use crate::serving::{Site, all_of};

/// A user namespace in which there may be no others.
const NO_NAMESPACES: [&str; 6] = [
    "unshare",
    "--user",
    "--map-root-user",
    "sh",
    "-c",
    "echo 0 > /proc/sys/user/max_user_namespaces && exec \"$0\" \"$@\"",
];

/// A mount namespace in which the tap driver is something else.
const NO_TAPS: [&str; 7] = [
    "unshare",
    "--user",
    "--map-root-user",
    "--mount",
    "sh",
    "-c",
    "mount --bind /dev/null /dev/net/tun && exec \"$0\" \"$@\"",
];

#[test]
fn without_namespaces() {
    if !allows(&NO_NAMESPACES) {
        return skip("serving without namespaces", "user namespaces are refused");
    }
    serves_and_says_why_not(&NO_NAMESPACES, "namespace");
}

#[test]
fn without_taps() {
    if !allows(&NO_TAPS) {
        return skip("serving without taps", "mount namespaces are refused");
    }
    serves_and_says_why_not(&NO_TAPS, "/dev/net/tun");
}

fn serves_and_says_why_not(wrapper: &[&str], what: &str) {
    let site = Site::new();
    let server = Server::start_behind(wrapper, &[&site.path(), &publish()]);
    all_of(&server, &site);
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
    let notices: Vec<&str> = output
        .lines()
        .filter(|line| line.contains("to have a tap"))
        .collect();
    assert!(notices.len() == 1 && notices[0].contains(what), "{output}");
}
