//! The namespace that Linux's side of a script lives in.

use std::fs;
use std::io::Write as _;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use rustix::net::sockopt;
use tap::{Options, Tap};

use crate::frame::{HOST_MAC, PEER_MAC};
use crate::linux::context;
use crate::parhelion::pool;
use crate::wire::{HOST, PEER};

/// What is set otherwise than by default, and why. Every script that is true of Linux is true of
/// Linux *with these*.
const SETTINGS: [(&str, &str); 20] = [
    // What our stack does not do (yet): SACK and all that builds on it, ECN, Fast Open.
    ("ipv4/tcp_sack", "0"),
    ("ipv4/tcp_dsack", "0"),
    ("ipv4/tcp_recovery", "0"),
    ("ipv4/tcp_early_retrans", "0"),
    ("ipv4/tcp_frto", "0"),
    ("ipv4/tcp_ecn", "0"),
    ("ipv4/tcp_fastopen", "0"),
    ("ipv4/tcp_congestion_control", "reno"),
    // RFC 6298 doubles the timer from the first retransmission on, to 60 s.
    ("ipv4/tcp_syn_linear_timeouts", "0"),
    ("ipv4/tcp_rto_max_ms", "60000"),
    // RFC 1337: a reset does not end TIME-WAIT.
    ("ipv4/tcp_rfc1337", "1"),
    // What may be sent is sent, not kept until more of the window is there.
    ("ipv4/tcp_tso_win_divisor", "255"),
    // Nothing is remembered of a peer, nothing is limited but by what a script is about.
    ("ipv4/tcp_no_metrics_save", "1"),
    ("ipv4/tcp_invalid_ratelimit", "0"),
    ("ipv4/icmp_ratelimit", "0"),
    ("ipv4/tcp_limit_output_bytes", "4194304"),
    // A full queue drops, a written byte leaves, a window is what the buffer is.
    ("ipv4/tcp_syncookies", "0"),
    ("ipv4/tcp_autocorking", "0"),
    ("ipv4/tcp_moderate_rcvbuf", "0"),
    // No router solicitations on the tap.
    ("ipv6/conf/default/disable_ipv6", "1"),
];

/// Makes the tap and everything that belongs to it.
pub(super) fn set_up() -> Result<Tap, String> {
    for (name, value) in SETTINGS {
        // Settings that this kernel does not have are about things that it does not do.
        let path = format!("/proc/sys/net/{name}");
        if fs::exists(&path).is_ok_and(|exists| exists) {
            fs::write(&path, value).map_err(context(&path))?;
        }
    }
    let options = Options {
        name: "tap0",
        mac: Some(PEER_MAC),
        // The kernel cuts its super-frames: a script sees what a network would.
        offload: false,
        multi_queue: false,
    };
    let mut tap = Tap::open(&options, pool()).map_err(|error| error.to_string())?;
    // A script may send segments that no Ethernet carries.
    tap.set_mtu(u16::MAX);
    ip(&format!(
        "link set lo up\n\
         link set tap0 address {} mtu 1500 txqueuelen 10000 up\n\
         address add {HOST}/24 dev tap0\n\
         neighbour add {PEER} lladdr {} dev tap0 nud permanent\n",
        text(HOST_MAC),
        text(PEER_MAC),
    ))?;
    Ok(tap)
}

/// Switches off the immediate acknowledgements with which Linux starts a connection: a guess about
/// the peer's slow start that no RFC asks for.
pub(super) fn delay_acknowledgements(socket: &OwnedFd) {
    // Only a socket that is no TCP socket refuses.
    let _ = sockopt::set_tcp_quickack(socket, false);
}

fn ip(commands: &str) -> Result<(), String> {
    let missing = context("cannot run ip (Debian: apt install iproute2)");
    let mut ip = Command::new("ip");
    let ip = ip.args(["-batch", "-"]).stdin(Stdio::piped());
    let mut child = ip.spawn().map_err(missing)?;
    if let Some(mut stdin) = child.stdin.take() {
        stdin
            .write_all(commands.as_bytes())
            .map_err(context("ip"))?;
    }
    let status = child.wait().map_err(context("ip"))?;
    status
        .success()
        .then_some(())
        .ok_or_else(|| format!("ip: {status}"))
}

fn text(mac: [u8; 6]) -> String {
    mac.map(|byte| format!("{byte:02x}")).join(":")
}
