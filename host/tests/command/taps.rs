//! Named taps, in a network namespace that each test makes for itself.
//!
//! A test runs itself again under `unshare`; there it may do as it likes.

use std::process::Command;

use crate::client::get;
use crate::server::{Server, allows, fails, run, skip};
use crate::serving::{Site, all_of, stops_with_statistics};

/// Set in the process that has the namespace.
const INSIDE: &str = "PARHELION_TEST_NAMESPACE";

const NAMESPACE: [&str; 4] = ["unshare", "--user", "--map-root-user", "--net"];

/// Whether this process has the namespace; if not, the test of this name was done in one that has, or
/// skipped.
pub(crate) fn is_inside(test: &str) -> bool {
    if std::env::var_os(INSIDE).is_some() {
        return true;
    }
    if !allows(&NAMESPACE) {
        skip(test, "network namespaces are refused");
        return false;
    }
    let tests = std::env::current_exe().unwrap();
    let [program, options @ ..] = NAMESPACE;
    let output = Command::new(program)
        .args(options)
        .arg(tests)
        .args(["--exact", test, "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{out}{err}");
    // A name that is no test's passes without having tested anything.
    assert!(out.contains("1 passed"), "{out}{err}");
    false
}

pub(crate) fn ip(arguments: &[&str]) -> bool {
    let run = Command::new("ip").args(arguments).status();
    run.is_ok_and(|status| status.success())
}

/// `ip` is not everywhere.
pub(crate) fn has_ip(test: &str) -> bool {
    let has = ip(&["link"]);
    if !has {
        skip(test, "there is no ip command");
    }
    has
}

#[test]
fn a_tap_that_it_makes() {
    if !is_inside("taps::a_tap_that_it_makes") {
        return;
    }
    let site = Site::new();
    let server = Server::start(&[&site.path(), "--link=tap:t0", "--host-address=10.0.0.1/24"]);
    assert_eq!(server.url, "http://10.0.0.2/");
    all_of(&server, &site);
    fails(
        &[],
        &["serve", "--link=tap:t0", "--host-address=10.0.0.1/24"],
        1,
        &["t0", "another program"],
    );
    stops_with_statistics(server);
}

#[test]
fn other_addresses_and_sizes() {
    if !is_inside("taps::other_addresses_and_sizes") {
        return;
    }
    let site = Site::new();
    let server = Server::start(&[
        &site.path(),
        "--link=tap:t0",
        "--address=192.168.77.9/28",
        "--host-address=192.168.77.1/28",
        "--mac=02:00:00:00:00:77",
        "--mtu=900",
        "--port=8000",
    ]);
    assert_eq!(server.url, "http://192.168.77.9:8000/");
    assert!(get(server.address(), "/large.bin").body == site.large);
    let neighbours = std::fs::read_to_string("/proc/net/arp").unwrap();
    assert!(neighbours.contains("02:00:00:00:00:77"), "{neighbours}");
}

#[test]
fn taps_that_exist_already() {
    if !is_inside("taps::taps_that_exist_already") || !has_ip("taps that exist already") {
        return;
    }
    for flags in [
        &[][..],
        &["vnet_hdr"],
        &["multi_queue"],
        &["multi_queue", "vnet_hdr"],
    ] {
        let add = [&["tuntap", "add", "dev", "t1", "mode", "tap"], flags].concat();
        assert!(ip(&add), "{add:?}");
        assert!(ip(&["addr", "add", "10.0.0.1/24", "dev", "t1"]));
        assert!(ip(&["link", "set", "t1", "up"]));
        let site = Site::new();
        let server = Server::start(&[&site.path(), "--link=tap:t1"]);
        assert!(
            get(server.address(), "/large.bin").body == site.large,
            "{flags:?}"
        );
        stops_with_statistics(server);
        assert!(
            ip(&["link", "del", "t1"]),
            "a tap that it did not make stays"
        );
    }
}

#[test]
fn published_and_fetched_over_two_stacks_of_ours() {
    if !is_inside("taps::published_and_fetched_over_two_stacks_of_ours") || !has_ip("publishing") {
        return;
    }
    assert!(ip(&["link", "set", "lo", "up"]));
    let site = Site::new();
    let server = Server::start(&[
        &site.path(),
        "--link=tap:t0",
        "--host-address=10.0.0.1/24",
        "--publish=10.0.0.1:8080",
    ]);
    assert!(get(server.address(), "/large.bin").body == site.large);
    // Our client over a second tap; the kernel forwards nothing, it is the server itself.
    let url = "http://10.1.0.1:8081/large.bin";
    let kernel = Server::start(&[&site.path(), "--link=sockets", "--port=8081"]);
    let path = kernel.scratch().join("copy");
    let arguments = [
        "get",
        url,
        "--link=tap:t1",
        "--address=10.1.0.2/24",
        "--host-address=10.1.0.1/24",
        "-o",
        path.to_str().unwrap(),
    ];
    let (code, output, errors) = run(&[], &arguments);
    assert_eq!(code, 0, "{output}{errors}");
    assert!(std::fs::read(&path).unwrap() == site.large);
}

#[test]
fn a_tap_that_is_deleted_ends_it() {
    if !is_inside("taps::a_tap_that_is_deleted_ends_it") || !has_ip("a deleted tap") {
        return;
    }
    let mut server = Server::start(&["--link=tap:t0", "--host-address=10.0.0.1/24"]);
    assert_eq!(get(server.address(), "/").status, 200);
    assert!(ip(&["link", "del", "t0"]));
    let (code, _, errors) = server.end();
    assert_eq!(code, 1, "{errors}");
    assert!(errors.contains("t0 is gone"), "{errors}");
}

#[test]
fn nobody_answers_at_an_empty_address() {
    if !is_inside("taps::nobody_answers_at_an_empty_address") {
        return;
    }
    let arguments = [
        "get",
        "http://10.1.0.9/",
        "--link=tap:t1",
        "--address=10.1.0.2/24",
        "--host-address=10.1.0.1/24",
    ];
    fails(&[], &arguments, 1, &["10.1.0.9", "cannot connect"]);
}
