//! A network of the test's own, and what every test does in it.

use std::collections::VecDeque;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};

use link::{Burst, Link};
use packet::{Frame, Instant, Limits, Pool};
use parhelion_tap::{Options, Tap};
use rustix::event::{PollFd, PollFlags, Timespec, poll};

pub(crate) const OUR_MAC: [u8; 6] = [0x02, 0, 0, 0, 0, 2];

/// Says that a process is in a namespace of its own already.
const INSIDE: &str = "PARHELION_TEST_NAMESPACE";

/// Runs `body`, which is the test `name`, in a fresh user and network namespace.
pub(crate) fn alone(name: &str, body: fn()) {
    if std::env::var_os(INSIDE).is_some() {
        return body();
    }
    let allowed = Command::new("unshare")
        .args(["-Urn", "test", "-w", "/dev/net/tun"])
        .stderr(Stdio::null())
        .status();
    if !allowed.is_ok_and(|status| status.success()) {
        return skip(name, "no namespace or no /dev/net/tun here");
    }
    let status = Command::new("unshare")
        .arg("-Urn")
        .arg(std::env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--include-ignored"])
        .env(INSIDE, "1")
        .status()
        .unwrap();
    assert!(status.success(), "{name} failed in its namespace");
}

/// Says that a test could not be done here, also to `cargo xtask test`, which counts such tests.
fn skip(name: &str, why: &str) {
    println!("skipped: {name}: {why}");
    if let Some(path) = std::env::var_os("PARHELION_SKIPS") {
        let file = OpenOptions::new().append(true).create(true).open(path);
        writeln!(file.unwrap(), "{name}: {why}").unwrap();
    }
}

/// Runs `ip` with these arguments.
pub(crate) fn ip(arguments: &str) {
    let status = Command::new("ip")
        .args(arguments.split(' '))
        .status()
        .unwrap();
    assert!(status.success(), "ip {arguments}");
}

pub(crate) fn pool() -> Pool {
    Pool::new(Limits {
        cells: 512,
        pages: 256,
        bays: 16,
    })
}

pub(crate) fn options(name: &str, offload: bool) -> Options<'_> {
    Options {
        name,
        mac: Some(OUR_MAC),
        offload,
        multi_queue: false,
    }
}

/// A tap whose kernel side is 10.9.0.1, and knows us as 10.9.0.2.
pub(crate) fn tap_with_addresses(offload: bool) -> Tap {
    let tap = Tap::open(&options("tap0", offload), pool()).unwrap();
    ip("addr add 10.9.0.1/24 dev tap0");
    ip("link set tap0 up");
    ip("neigh add 10.9.0.2 lladdr 02:00:00:00:00:02 dev tap0");
    tap
}

/// What a tap has received and nobody has asked for yet.
pub(crate) struct Inbox {
    readable: OwnedFd,
    frames: VecDeque<Frame>,
}

impl Inbox {
    pub(crate) fn of(tap: &Tap) -> Self {
        let readable = tap.as_fd().try_clone_to_owned().unwrap();
        Self {
            readable,
            frames: VecDeque::new(),
        }
    }

    /// The next frame for which `wanted` holds; waits up to five seconds for each.
    pub(crate) fn next(&mut self, link: &mut impl Link, wanted: impl Fn(&[u8]) -> bool) -> Frame {
        for _ in 0..100 {
            while let Some(frame) = self.frames.pop_front() {
                if wanted(frame.head()) {
                    return frame;
                }
            }
            let timeout = Timespec {
                tv_sec: 5,
                tv_nsec: 0,
            };
            let mut fds = [PollFd::new(&self.readable, PollFlags::IN)];
            assert!(
                poll(&mut fds, Some(&timeout)).unwrap() > 0,
                "the kernel sent nothing"
            );
            let mut burst = Burst::new();
            link.receive(Instant::ZERO, &mut burst).unwrap();
            self.frames.extend(burst.drain());
        }
        panic!("the kernel sent 100 bursts of something else");
    }
}
