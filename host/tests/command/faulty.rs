//! A network that loses, duplicates, reorders and corrupts, both ways, with a kernel at its other
//! end.

use core::time::Duration;
use std::time::Instant;

use crate::client::get;
use crate::server::{Server, fails, run};
use crate::serving::Site;
use crate::taps::{has_ip, ip, is_inside};

const BAD: &str = "--faults=loss=5%,dup=3%,reorder=5%,corrupt=0.1%,seed=7";

/// The counts of one direction, in the order of their line.
#[track_caller]
fn counts(output: &str, direction: &str) -> [u64; 6] {
    let line = output
        .lines()
        .find(|line| line.trim().starts_with(direction) && line.contains("met faults"));
    let line = line.unwrap_or_else(|| panic!("no line of faults for {direction} in {output}"));
    assert!(
        !line.contains("refused"),
        "more than a frame of the wire: {line}"
    );
    let words = line.split(|character: char| !character.is_ascii_digit());
    let counts: Vec<u64> = words.filter_map(|word| word.parse().ok()).collect();
    counts
        .try_into()
        .unwrap_or_else(|_| panic!("six counts in {line}"))
}

#[test]
fn both_directions_bring_every_byte() {
    if !is_inside("faulty::both_directions_bring_every_byte") || !has_ip("faults on a tap") {
        return;
    }
    let site = Site::new();
    // The tap has offloads, and keeps them from us.
    assert!(ip(&[
        "tuntap", "add", "dev", "t0", "mode", "tap", "vnet_hdr"
    ]));
    let server = Server::start(&[
        &site.path(),
        "--link=tap:t0",
        "--host-address=10.0.0.1/24",
        BAD,
    ]);
    assert!(get(server.address(), "/large.bin").body == site.large);
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
    for direction in ["sent", "received"] {
        let [frames, lost, _, duplicated, reordered, _] = counts(&output, direction);
        assert!(frames > 500, "{direction}: {output}");
        assert!(
            lost.min(duplicated).min(reordered) > 5,
            "{direction}: {output}"
        );
    }

    // Now the kernel sends: it would send super-frames if it could. It has no SACK from us and is
    // slow here, so it is given less.
    std::fs::write(
        format!("{}/part.bin", site.path()),
        &site.large[..1_000_000],
    )
    .unwrap();
    let kernel = Server::start(&[&site.path(), "--link=sockets", "--port=8081"]);
    let copy = kernel.scratch().join("copy");
    let (code, output, errors) = run(
        &[],
        &[
            "get",
            "http://10.1.0.1:8081/part.bin",
            "--link=tap:t1",
            "--address=10.1.0.2/24",
            "--host-address=10.1.0.1/24",
            BAD,
            "-o",
            copy.to_str().unwrap(),
        ],
    );
    assert_eq!(code, 0, "{output}{errors}");
    assert!(std::fs::read(&copy).unwrap() == site.large[..1_000_000]);
    let [frames, lost, ..] = counts(&errors, "received");
    assert!(
        frames >= 1_000_000 / 1460,
        "frames of the wire, each counted: {errors}"
    );
    assert!(lost > 20, "{errors}");
}

#[test]
fn a_delay_is_waited_for() {
    let site = Site::new();
    let at = crate::server::publish();
    let server = Server::start(&[
        &site.path(),
        "--link=memory",
        &at,
        "--faults-out=delay=60ms",
        "--faults-in=delay=40ms",
    ]);
    let start = Instant::now();
    assert_eq!(get(server.address(), "/").status, 200);
    // The handshake of the inner connection, and the request.
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[test]
fn what_cannot_be_read_or_done_is_one_line() {
    for (arguments, word) in [
        (&["serve", "--faults=loss=1"][..], "1%"),
        (&["serve", "--faults-in=lose=1%"], "reorder"),
        (&["serve", "--faults-out=delay=1h"], "20ms"),
        (&["serve", "--link=sockets", "--faults=loss=1%"], "--link"),
        (&["get", "http://127.0.0.1/", "--faults=loss=1%"], "--link"),
    ] {
        fails(&[], arguments, 2, &["--faults", word]);
    }
}
