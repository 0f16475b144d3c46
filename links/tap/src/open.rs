//! Attaching to a tap.

use core::fmt;
use std::os::fd::OwnedFd;

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketType};
use rustix::rand::GetRandomFlags;

use crate::header;
use crate::sys::{self, Name};

/// What to open.
#[derive(Clone, Copy, Debug)]
pub struct Options<'a> {
    /// The name of the interface, such as `tap0`.
    pub name: &'a str,
    /// Our own hardware address, which is not that of the kernel's side; `None` for a random one.
    pub mac: Option<[u8; 6]>,
    /// Whether to use super-frames and partial checksums where the tap has them. Without, every
    /// frame is one of the wire: what a link under fault injection needs.
    pub offload: bool,
    /// Whether a tap that does not exist yet is made with several queues.
    pub multi_queue: bool,
}

/// Why a tap could not be opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenError {
    /// The name cannot be that of an interface.
    BadName(String),
    /// The kernel has no taps.
    NoDriver,
    /// `/dev/net/tun` is something else.
    NotTheDriver,
    /// We may not open `/dev/net/tun` at all.
    DriverForbidden,
    /// The tap does not exist, and we may not make it.
    Missing(String),
    /// The tap belongs to somebody else.
    Forbidden(String),
    /// Somebody uses the tap already.
    Busy(String),
    /// An interface of this name exists, and is no tap.
    NotATap(String),
    /// The pool has no bay to read into.
    NoBuffer,
    /// Anything else that the kernel answered: in which step, and its error number.
    System(&'static str, i32),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::BadName(name) => write!(
                f,
                "{name:?} is not the name of an interface: use 1 to 15 letters and digits"
            ),
            Self::NoDriver => f.write_str("there is no /dev/net/tun: run `modprobe tun` as root"),
            Self::NotTheDriver => f.write_str(
                "/dev/net/tun is something else: move it away and run `mknod /dev/net/tun c 10 200` as \
                 root",
            ),
            Self::DriverForbidden => {
                f.write_str("no permission to open /dev/net/tun: run as root, or `chmod 666` it")
            }
            Self::Missing(name) => write!(
                f,
                "there is no tap {name}: run `ip tuntap add dev {name} mode tap user $USER` as root"
            ),
            Self::Forbidden(name) => write!(
                f,
                "the tap {name} belongs to another user: make it again with `user $USER`, or run \
                 as root"
            ),
            Self::Busy(name) => write!(
                f,
                "another program uses the tap {name}: stop it, or make a tap with another name"
            ),
            Self::NotATap(name) => write!(
                f,
                "the interface {name} is not a tap: name another, or delete it with `ip link del \
                 {name}`"
            ),
            Self::NoBuffer => f.write_str("no buffer to receive into: give the stack more memory"),
            Self::System(step, error) => write!(
                f,
                "cannot {step}: {}",
                std::io::Error::from_raw_os_error(*error)
            ),
        }
    }
}

impl core::error::Error for OpenError {}

/// A tap that was attached to.
pub(crate) struct Attached {
    pub(crate) file: OwnedFd,
    pub(crate) mac: [u8; 6],
    pub(crate) mtu: u16,
    pub(crate) has_header: bool,
    pub(crate) offload: bool,
}

pub(crate) fn attach(options: &Options<'_>) -> Result<Attached, OpenError> {
    let name = Name::new(options.name).ok_or(OpenError::BadName(options.name.to_owned()))?;
    let socket = rustix::net::socket(AddressFamily::INET, SocketType::DGRAM, None)
        .map_err(failed("open a socket"))?;
    let exists = rustix::net::netdevice::name_to_index(&socket, options.name).is_ok();
    let file = open_queue(&name, options).map_err(|error| match error {
        Refusal::Open(Errno::NOENT | Errno::NODEV | Errno::NXIO) => OpenError::NoDriver,
        Refusal::Open(Errno::ACCESS | Errno::PERM) => OpenError::DriverForbidden,
        Refusal::Open(error) => failed("open /dev/net/tun")(error),
        Refusal::Attach(error) => refused(error, options.name, exists),
    })?;

    // What holds is what the tap says, not what was asked for: when other queues are attached, it
    // keeps the kind of header that they use.
    let flags = sys::flags(&file).map_err(failed("read the flags of the tap"))?;
    let has_header = flags & sys::IFF_VNET_HDR != 0;
    if has_header {
        // A persistent tap remembers what its last user wanted.
        sys::set_header_len(&file, header::LEN).map_err(failed("set the size of its header"))?;
        sys::set_little_endian(&file).map_err(failed("set the byte order of its header"))?;
    }
    let offload = options.offload && has_header;
    let wanted = if offload {
        sys::TUN_F_CSUM | sys::TUN_F_TSO4
    } else {
        0
    };
    sys::set_offload(&file, wanted).map_err(failed("set the offloads of the tap"))?;
    let mtu = sys::mtu(&socket, &name).map_err(failed("read the MTU of the tap"))?;
    let mac = match options.mac {
        Some(mac) => mac,
        None => random_mac().map_err(failed("draw a random hardware address"))?,
    };
    // A tap's MTU ends at 65,521 (an Ethernet header below 65,535).
    let mtu = u16::try_from(mtu).unwrap_or(u16::MAX);
    Ok(Attached {
        file,
        mac,
        mtu,
        has_header,
        offload,
    })
}

enum Refusal {
    Open(Errno),
    Attach(Errno),
}

/// The kernel wants to be told of several queues exactly when the tap was made so; we cannot know,
/// so both are tried.
fn open_queue(name: &Name, options: &Options<'_>) -> Result<OwnedFd, Refusal> {
    let kind = sys::IFF_TAP | sys::IFF_NO_PI;
    let header = if options.offload {
        sys::IFF_VNET_HDR
    } else {
        0
    };
    let queues = |several| if several { sys::IFF_MULTI_QUEUE } else { 0 };
    let mut refusal = Errno::INVAL;
    for several in [options.multi_queue, !options.multi_queue] {
        let access = OFlags::RDWR | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file =
            rustix::fs::open("/dev/net/tun", access, Mode::empty()).map_err(Refusal::Open)?;
        match sys::attach(&file, name, kind | header | queues(several)) {
            Ok(()) => return Ok(file),
            Err(error) => refusal = error,
        }
        if refusal != Errno::INVAL {
            break;
        }
    }
    Err(Refusal::Attach(refusal))
}

fn refused(error: Errno, name: &str, exists: bool) -> OpenError {
    let name = name.to_owned();
    match error {
        Errno::BUSY => OpenError::Busy(name),
        Errno::PERM | Errno::ACCESS if exists => OpenError::Forbidden(name),
        Errno::PERM | Errno::ACCESS => OpenError::Missing(name),
        Errno::INVAL if exists => OpenError::NotATap(name),
        Errno::NOTTY => OpenError::NotTheDriver,
        error => failed("attach to the tap")(error),
    }
}

fn failed(step: &'static str) -> impl Fn(Errno) -> OpenError {
    move |error| OpenError::System(step, error.raw_os_error())
}

/// A random address: locally administered, for one station (IEEE 802, 8.2).
fn random_mac() -> Result<[u8; 6], Errno> {
    let mut mac = [0; 6];
    // Up to 256 bytes come whole.
    rustix::rand::getrandom(&mut mac, GetRandomFlags::empty())?;
    mac[0] = mac[0] & 0xfc | 0x02;
    Ok(mac)
}
