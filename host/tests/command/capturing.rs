//! `--capture`: whatever carries the frames, and nothing wrong in them for others.

use core::time::Duration;
use std::path::Path;
use std::process::Command;
use std::time::Instant;

use link::Ipv4Layout;
use pcap::Reader;

use crate::client::get;
use crate::server::{Server, fails, publish, run};
use crate::serving::Site;
use crate::taps::{has_ip, is_inside};

/// What tshark finds wrong with segments and packets.
const WRONG: &str =
    "_ws.expert.severity == error || tcp.checksum.status == 0 || ip.checksum.status == 0";

/// What there is in a capture.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    pub(crate) frames: usize,
    pub(crate) arp: usize,
    pub(crate) tcp: usize,
}

/// Looks at a capture, whose checksums must all be right.
#[track_caller]
pub(crate) fn look(capture: &Path) -> Contents {
    let file = std::fs::read(capture).unwrap();
    let mut reader = Reader::new(&file[..]).unwrap();
    let mut contents = Contents::default();
    while let Some(record) = reader.next_record().unwrap() {
        contents.frames += 1;
        contents.arp += usize::from(record.bytes[12..14] == [8, 6]);
        if let Some(layout) = Ipv4Layout::parse(record.bytes) {
            assert_ne!(layout.is_intact(record.bytes), Some(false), "{record:?}");
            contents.tcp += usize::from(layout.protocol == 6);
        }
    }
    contents
}

/// Lets tshark look at a capture too, where there is one.
#[track_caller]
pub(crate) fn tshark_agrees(capture: &Path) {
    let mut tshark = Command::new("tshark");
    for check in ["tcp.check_checksum:TRUE", "ip.check_checksum:TRUE"] {
        tshark.args(["-o", check]);
    }
    // The images of a test are none.
    tshark.args(["--disable-protocol", "png"]);
    if let Ok(output) = tshark.arg("-r").arg(capture).args(["-Y", WRONG]).output() {
        assert!(output.status.success());
        assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    }
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
    tshark_agrees(&path);
    let contents = look(&path);
    assert_eq!(contents.frames, said(&output));
    assert!(contents.arp >= 2 && contents.tcp > 10, "{contents:?}");

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
    tshark_agrees(&path);
    let contents = look(&path);
    assert!(contents.tcp > 10, "{contents:?}");
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
    // Two SYNs, their acknowledgement, a request, a response.
    tshark_agrees(&path);
    let contents = look(&path);
    assert!(contents.tcp >= 5, "{contents:?}");
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
