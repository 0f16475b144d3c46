//! Lives of connections: how they are opened, then what happens, one thing after the other.

/// How it is opened, what the peer offers, and where its numbers begin.
const PASSIVE: &[u8] = &[0, 0b0011_1000, 1];
const ACTIVE: &[u8] = &[1, 0b0011_1000, 1];
const PASSIVE_SMALL_BUFFERS: &[u8] = &[4, 0b0000_0001, 0];
const PASSIVE_NO_OPTIONS: &[u8] = &[8, 0b0000_0011, 255];
/// The handshake is left to what follows.
const PASSIVE_HALF: &[u8] = &[2, 0b0011_1000, 3];
const ACTIVE_HALF: &[u8] = &[3, 0b0011_1000, 3];

/// Segments of the peer: their shape, flags (ACK comes of itself), window and length.
const ACK: &[u8] = &[0, 0, 0, 0x4e, 0x20, 0];
const TEXT: &[u8] = &[0, 0, 8, 0x4e, 0x20, 100];
const MUCH_TEXT: &[u8] = &[0, 0, 8, 0x4e, 0x20, 255];
const FIN: &[u8] = &[0, 0, 1, 0x4e, 0x20, 0];
const RESET: &[u8] = &[0, 0, 0x14, 0, 0, 0];
const SYN: &[u8] = &[0, 0, 0x12, 0x10, 0, 0];
const CLOSED_WINDOW: &[u8] = &[0, 0, 0, 0, 0, 0];
/// With a distance from where they would be: in what they acknowledge, or in their own place.
const OLD_ACK: &[u8] = &[0, 4, 0, 0x80, 0x4e, 0x20, 0];
const LATER_TEXT: &[u8] = &[0, 2, 8, 40, 0x40, 0, 30];
const LATER_RESET: &[u8] = &[0, 2, 4, 9, 0, 0, 0];
const LATER_SYN: &[u8] = &[0, 2, 0x12, 9, 0x40, 0, 0];

const TIMEOUT: &[u8] = &[7];
const READ: &[u8] = &[8, 7];
const WRITE: &[u8] = &[9, 3, 0];
const WRITE_MUCH: &[u8] = &[9, 0x1f, 0xff];
const SEND_MUCH: &[u8] = &[10, 0xf0, 0];
const FINISH: &[u8] = &[11];
const RELEASE: &[u8] = &[12, 1];
const LINK_FULL: &[u8] = &[13, 8];
const LINK_OPEN: &[u8] = &[13, 3];
const SUPER_FRAMES: &[u8] = &[15, 1];
const ACCEPT_OR_NOT: &[u8] = &[15, 192];
const LISTEN_OR_NOT: &[u8] = &[15, 193];
const AGAIN: &[u8] = &[15, 198];
const AGAIN_ACTIVE: &[u8] = &[15, 194];

const LIVES: [(&str, &[&[u8]]); 17] = [
    (
        "request",
        &[PASSIVE, TEXT, READ, WRITE, ACK, FIN, FINISH, ACK],
    ),
    (
        "active",
        &[ACTIVE, WRITE, ACK, TEXT, READ, FINISH, ACK, FIN],
    ),
    (
        "bulk-out",
        &[PASSIVE, SEND_MUCH, ACK, ACK, ACK, ACK, TIMEOUT, ACK],
    ),
    (
        "super-frames",
        &[
            PASSIVE,
            SUPER_FRAMES,
            SEND_MUCH,
            ACK,
            ACK,
            OLD_ACK,
            TIMEOUT,
            ACK,
        ],
    ),
    (
        "bulk-in",
        &[
            PASSIVE_SMALL_BUFFERS,
            MUCH_TEXT,
            MUCH_TEXT,
            READ,
            MUCH_TEXT,
            READ,
        ],
    ),
    (
        "loss",
        &[PASSIVE, SEND_MUCH, OLD_ACK, OLD_ACK, OLD_ACK, ACK, ACK],
    ),
    (
        "timeout",
        &[
            PASSIVE_NO_OPTIONS,
            WRITE_MUCH,
            TIMEOUT,
            TIMEOUT,
            TIMEOUT,
            ACK,
        ],
    ),
    (
        "zero-window",
        &[PASSIVE, CLOSED_WINDOW, WRITE, TIMEOUT, TIMEOUT, ACK],
    ),
    ("hole", &[PASSIVE, LATER_TEXT, TEXT, READ]),
    ("both-close", &[PASSIVE, FINISH, FIN, ACK, TIMEOUT]),
    ("reset", &[PASSIVE, WRITE, RESET]),
    ("challenge", &[PASSIVE, LATER_RESET, SYN, ACK]),
    (
        "link-full",
        &[PASSIVE, LINK_FULL, SEND_MUCH, ACK, LINK_OPEN, ACK],
    ),
    (
        "released",
        &[PASSIVE, WRITE_MUCH, RELEASE, TIMEOUT, TIMEOUT],
    ),
    ("half-open", &[PASSIVE_HALF, TIMEOUT, ACK, TEXT, READ]),
    ("simultaneous", &[ACTIVE_HALF, SYN, ACK, TEXT]),
    ("again", &[PASSIVE, FINISH, ACK, FIN, LATER_SYN, TIMEOUT]),
];

pub(super) fn all() -> Vec<(&'static str, Vec<u8>)> {
    let lives = LIVES.into_iter();
    lives.map(|(name, parts)| (name, parts.concat())).collect()
}

/// Several at once: how each is opened, then what happens to which of them.
struct Several {
    name: &'static str,
    opened: &'static [&'static [u8]],
    then: &'static [(u8, &'static [u8])],
}

const TOGETHER: [Several; 6] = [
    Several {
        name: "two-requests",
        opened: &[PASSIVE, PASSIVE_NO_OPTIONS],
        then: &[(0, TEXT), (1, TEXT), (1, READ), (0, READ), (0, WRITE)],
    },
    Several {
        name: "more-than-there-is-room-for",
        opened: &[PASSIVE; 8],
        then: &[(0, RELEASE), (6, ACK), (7, TIMEOUT), (6, TEXT), (6, READ)],
    },
    Several {
        name: "backlog-full",
        opened: &[PASSIVE, PASSIVE, PASSIVE],
        then: &[
            (0, RESET),
            (1, RESET),
            (2, RESET),
            (0, ACCEPT_OR_NOT),
            (0, AGAIN),
            (1, AGAIN),
            (2, AGAIN),
            (0, TIMEOUT),
            (0, ACCEPT_OR_NOT),
            (2, ACK),
        ],
    },
    Several {
        name: "time-wait-again",
        opened: &[PASSIVE, PASSIVE, PASSIVE],
        then: &[
            (0, FINISH),
            (0, FIN),
            (1, FINISH),
            (1, FIN),
            (2, FINISH),
            (2, FIN),
            (0, AGAIN),
            (0, TEXT),
            (1, AGAIN),
            (1, TEXT),
            (0, READ),
        ],
    },
    Several {
        name: "active",
        opened: &[ACTIVE, ACTIVE, PASSIVE],
        then: &[
            (0, WRITE),
            (1, WRITE_MUCH),
            (1, RESET),
            (1, AGAIN_ACTIVE),
            (0, LINK_FULL),
            (1, WRITE),
        ],
    },
    Several {
        name: "listener-gone",
        opened: &[PASSIVE_HALF, PASSIVE_HALF, PASSIVE],
        then: &[
            (0, ACK),
            (0, LISTEN_OR_NOT),
            (1, ACK),
            (0, LISTEN_OR_NOT),
            (1, SYN),
            (2, SEND_MUCH),
            (2, TIMEOUT),
        ],
    },
];

impl Several {
    fn bytes(&self) -> Vec<u8> {
        let mut bytes = vec![self.opened.len() as u8 - 2];
        bytes.extend(self.opened.concat());
        for (who, what) in self.then {
            bytes.push(what[0] | who << 5);
            bytes.extend_from_slice(&what[1..]);
        }
        bytes
    }
}

pub(super) fn together() -> Vec<(&'static str, Vec<u8>)> {
    let lives = TOGETHER.iter();
    lives.map(|life| (life.name, life.bytes())).collect()
}
