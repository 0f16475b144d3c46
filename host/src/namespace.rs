//! A user and a network namespace of our own, so that a tap can be made without being root.
//!
//! In a new user namespace a process has every capability over what the namespace owns, and a
//! network namespace made together with it is owned by it. Our user and group stay what they are:
//! each is mapped to itself, so files look and behave as before.

use std::{fs, io};

use crate::sys;

/// Enters both. Only while the process has one thread; sockets opened before stay in the outer
/// network.
pub(crate) fn enter() -> io::Result<()> {
    let user = rustix::process::geteuid().as_raw();
    let group = rustix::process::getegid().as_raw();
    sys::unshare_user_and_network()?;
    fs::write("/proc/self/uid_map", format!("{user} {user} 1"))?;
    // Without this the kernel lets nobody but root map a group (user_namespaces(7)).
    fs::write("/proc/self/setgroups", "deny")?;
    fs::write("/proc/self/gid_map", format!("{group} {group} 1"))?;
    tune();
    Ok(())
}

/// What a person can do about a refusal.
pub(crate) fn advice(error: &io::Error) -> &'static str {
    const APPARMOR: &str = "/proc/sys/kernel/apparmor_restrict_unprivileged_userns";
    match error.raw_os_error() {
        // What the kernel answers when there are as many as there may be (user_namespaces(7)).
        Some(libc::ENOSPC | libc::EUSERS) => "raise it with `sysctl user.max_user_namespaces=1000`",
        _ if fs::exists(APPARMOR).unwrap_or(false) => {
            "run as root, or `sysctl kernel.apparmor_restrict_unprivileged_userns=0`"
        }
        _ => "run as root, or where user namespaces are allowed",
    }
}

/// Lets the kernel's stack in this namespace use nearly all ports for outgoing connections: all of
/// them go from one address to one address and port, so their number bounds the connections. And
/// keeps it from asking around for IPv6, which nobody here speaks.
///
/// Where `/proc/sys` is read-only (containers) the default range of 28,232 ports must do.
fn tune() {
    let _ = fs::write("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
    let _ = fs::write("/proc/sys/net/ipv4/tcp_tw_reuse", "1");
    let _ = fs::write("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
}
