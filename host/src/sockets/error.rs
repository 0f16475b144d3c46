//! What the kernel's errors mean to an application.

use std::io;

use runtime::Error;
use rustix::io::Errno;

/// The error an application sees for `error`.
pub(super) fn of(error: &io::Error) -> Error {
    match Errno::from_io_error(error) {
        // No such port, or not even the protocol.
        Some(Errno::CONNREFUSED | Errno::NOPROTOOPT) => Error::Refused,
        // A broken pipe: the reset came earlier, and somebody else was told.
        Some(Errno::CONNRESET | Errno::PIPE | Errno::CONNABORTED) => Error::Reset,
        Some(Errno::TIMEDOUT) => Error::TimedOut,
        Some(Errno::ADDRINUSE) => Error::InUse,
        Some(Errno::ACCESS | Errno::PERM) => Error::Denied,
        Some(Errno::MSGSIZE) => Error::TooLarge,
        // Also out of ephemeral ports, which connect(2) calls "address not available".
        Some(
            Errno::ADDRNOTAVAIL
            | Errno::AGAIN
            | Errno::MFILE
            | Errno::NFILE
            | Errno::NOBUFS
            | Errno::NOMEM
            | Errno::NOSPC,
        ) => Error::NoBuffer,
        // No route, no such host, no such network, no such protocol in this kernel.
        _ => Error::Unreachable,
    }
}
