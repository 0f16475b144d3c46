//! `--capture`: whatever carries the frames, and nothing wrong in them for others.

use core::time::Duration;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use crate::client::get;
use crate::server::{Server, fails, publish, run, skip};
use crate::serving::Site;
use crate::taps::{has_ip, is_inside};

/// What tshark finds wrong with segments and packets.
const WRONG: &str = "_ws.expert.severity == error || _ws.malformed \
                     || tcp.checksum.status == 0 || ip.checksum.status == 0";

/// Lets tshark look at a capture, where there is one: counts of frames by what they are.
#[track_caller]
fn look(test: &str, capture: &Path) -> Option<BTreeMap<String, usize>> {
    let tshark = |filter: &[&str]| {
        let checks = ["tcp.check_checksum:TRUE", "ip.check_checksum:TRUE"];
        let mut tshark = Command::new("tshark");
        tshark.arg("-r").arg(capture).args(filter);
        tshark.args(checks.iter().flat_map(|check| ["-o", check]));
        let output = tshark.output().ok()?;
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{errors}");
        Some(String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let Some(wrong) = tshark(&["-Y", WRONG]) else {
        skip(test, "there is no tshark");
        return None;
    };
    assert_eq!(wrong, "");
    let mut counts = BTreeMap::new();
    for line in tshark(&["-T", "fields", "-e", "_ws.col.Protocol"])?.lines() {
        *counts.entry(line.to_owned()).or_default() += 1;
    }
    Some(counts)
}

/// How many frames the command says it wrote.
#[track_caller]
fn said(output: &str) -> usize {
    let line = output.lines().find(|line| line.contains("capture"));
    let count = line.and_then(|line| line.split_whitespace().nth(1));
    let count = count.unwrap_or_else(|| panic!("no count in {output}"));
    count.parse().unwrap()
}

#[test]
fn over_a_tap_with_offloads_and_by_our_client() {
    let test = "capturing::over_a_tap_with_offloads_and_by_our_client";
    if !is_inside(test) || !has_ip(test) {
        return;
    }
    let site = Site::new();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("served.pcapng");
    let option = format!("--capture={}", path.display());
    let host = "--host-address=10.0.0.1/24";
    let server = Server::start(&[&site.path(), "--link=tap:t0", host, &option]);
    assert!(get(server.address(), "/large.bin").body == site.large);
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
    if let Some(counts) = look(test, &path) {
        assert_eq!(counts.values().sum::<usize>(), said(&output));
        assert!(counts["ARP"] >= 2 && counts["TCP"] > 10, "{counts:?}");
        assert!(counts.keys().any(|key| key.contains("HTTP")), "{counts:?}");
    }

    let kernel = Server::start(&[&site.path(), "--link=sockets", "--port=8081"]);
    let path = directory.path().join("fetched.pcapng");
    let option = format!("--capture={}", path.display());
    let copy = kernel.scratch().join("copy").display().to_string();
    let (code, _, errors) = run(
        &[],
        &[
            "get",
            "http://10.1.0.1:8081/large.bin",
            "--link=tap:t1",
            "--address=10.1.0.2/24",
            "--host-address=10.1.0.1/24",
            "-o",
            &copy,
            &option,
        ],
    );
    assert_eq!(code, 0, "{errors}");
    assert!(std::fs::read(&copy).unwrap() == site.large);
    if let Some(counts) = look(test, &path) {
        assert!(counts["TCP"] > 10, "{counts:?}");
    }
}

#[test]
fn in_memory_and_however_it_ends() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("capture.pcapng");
    let option = format!("--capture={}", path.display());
    let server = Server::start(&["--link=memory", &publish(), &option]);
    assert_eq!(get(server.address(), "/").status, 200);
    // The frames are in the file as soon as the server has nothing to do, so no end is too sudden.
    let start = Instant::now();
    while std::fs::metadata(&path).unwrap().len() < 2000 {
        assert!(start.elapsed() < Duration::from_secs(30), "kept back");
        std::thread::sleep(Duration::from_millis(2));
    }
    let id = rustix::process::Pid::from_raw(server.id() as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::KILL).unwrap();
    let test = "capturing::in_memory_and_however_it_ends";
    if let Some(counts) = look(test, &path) {
        // Two SYNs, their acknowledgement, a request, a response.
        assert!(counts.values().sum::<usize>() >= 5, "{counts:?}");
    }
}

#[test]
fn what_cannot_be_captured_is_one_line() {
    for (arguments, word) in [
        (
            &["serve", "--link=sockets", "--capture=file"][..],
            "--link tap:NAME",
        ),
        (
            &["get", "http://127.0.0.1/", "--capture=file"],
            "--link tap:NAME",
        ),
        (
            &["serve", "--link=memory", "--capture=/none/file"],
            "/none/file",
        ),
        (&["serve", "--link=memory", "--capture=/"], "cannot write /"),
    ] {
        fails(&[], arguments, 2, &["--capture", word]);
    }
}
