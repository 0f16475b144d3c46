//! What happens to connections that is worth a line beside the packets: for whoever writes these down.

use alloc::vec::Vec;
use core::fmt;
use core::net::SocketAddrV4;

use crate::tcb::Tcb;
use crate::tcp::Tcp;
use crate::{Error, State};

/// Something that happened to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Note {
    /// What [`Tcp::set_mark`] was told last.
    pub mark: u64,
    /// Our end of it.
    pub local: SocketAddrV4,
    /// The peer's.
    pub remote: SocketAddrV4,
    /// What happened.
    pub what: What,
}

/// What may happen to a connection. Displayed as a line for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// A SYN came for a listener.
    Asked,
    /// It went from one state to another, here with an error if there was one.
    Moved(State, State, Option<Error>),
    /// Nothing was acknowledged, or the window stayed closed, for so many milliseconds.
    TimedOut(u32),
    /// Duplicate acknowledgements mean a loss.
    LossFound,
    /// What was lost has arrived.
    Recovered,
    /// The peer takes nothing more.
    WindowClosed,
    /// The peer takes something again.
    WindowOpened,
}

/// What of a connection was noted last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Noted {
    state: State,
    window_is_closed: bool,
    in_fast_recovery: bool,
}

/// The last notes.
#[derive(Debug)]
pub(crate) struct Notes {
    notes: Vec<Note>,
    /// Where the next one goes.
    place: usize,
    mark: u64,
}

/// The most notes that are kept: connections end faster than anybody looks. Full: the oldest goes.
const LIMIT: usize = 1024;

impl Notes {
    pub(crate) fn new() -> Self {
        Self {
            notes: Vec::with_capacity(LIMIT),
            place: 0,
            mark: 0,
        }
    }

    pub(crate) fn push(&mut self, local: SocketAddrV4, remote: SocketAddrV4, what: What) {
        let mark = self.mark;
        let note = Note {
            mark,
            local,
            remote,
            what,
        };
        match self.notes.get_mut(self.place) {
            Some(oldest) => *oldest = note,
            None => self.notes.push(note),
        }
        self.place = (self.place + 1) % LIMIT;
    }

    /// Notes what of a connection is another now than when it was noted last.
    #[inline(always)]
    pub(crate) fn look_at(&mut self, tcb: &mut Tcb) {
        let now = Noted::of(tcb);
        if now != tcb.noted {
            self.push_changes(tcb, now);
        }
    }

    #[cold]
    fn push_changes(&mut self, tcb: &mut Tcb, now: Noted) {
        let before = core::mem::replace(&mut tcb.noted, now);
        let mut push = |what| self.push(tcb.local, tcb.remote, what);
        if before.state != now.state {
            push(What::Moved(before.state, now.state, tcb.user.error));
        }
        match (before.in_fast_recovery, now.in_fast_recovery) {
            (false, true) => push(What::LossFound),
            (true, false) => push(What::Recovered),
            _ => {}
        }
        match (before.window_is_closed, now.window_is_closed) {
            (false, true) => push(What::WindowClosed),
            (true, false) if now.state == State::Established => push(What::WindowOpened),
            _ => {}
        }
    }
}

impl Noted {
    /// Of a connection that begins in `state`.
    pub(crate) const fn new(state: State) -> Self {
        Self {
            state,
            window_is_closed: false,
            in_fast_recovery: false,
        }
    }

    fn of(tcb: &Tcb) -> Self {
        Self {
            state: tcb.state,
            window_is_closed: tcb.snd.wnd == 0 && tcb.state == State::Established,
            in_fast_recovery: tcb.recovery.is_fast(),
        }
    }
}

impl Tcp {
    /// What happens from now on is noted with this mark: which packet is at hand, for example.
    #[inline]
    pub const fn set_mark(&mut self, mark: u64) {
        self.shared.notes.mark = mark;
    }

    /// The last notes, the oldest first.
    pub fn notes(&self) -> impl Iterator<Item = &Note> {
        let Notes { notes, place, .. } = &self.shared.notes;
        let (newer, older) = notes.split_at_checked(*place).unwrap_or((notes, &[]));
        older.iter().chain(newer)
    }
}

impl fmt::Display for What {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Asked => f.write_str("LISTEN to SYN-RECEIVED"),
            Self::Moved(from, to, error) => {
                write!(f, "{} to {}", from.name(), to.name())?;
                error.map_or(Ok(()), |error| write!(f, ": {error}"))
            }
            Self::TimedOut(millis) => write!(f, "timeout after {millis} ms"),
            Self::LossFound => f.write_str("loss found, fast recovery begins"),
            Self::Recovered => f.write_str("fast recovery ends"),
            Self::WindowClosed => f.write_str("the peer's window is closed"),
            Self::WindowOpened => f.write_str("the peer's window is open again"),
        }
    }
}

#[cfg(test)]
mod tests {
    use core::net::Ipv4Addr;

    use super::*;

    #[test]
    fn a_note_is_small() {
        assert!(size_of::<Note>() <= 32, "{}", size_of::<Note>());
    }

    #[test]
    fn the_oldest_notes_go_first() {
        let end = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
        let mut notes = Notes::new();
        for mark in 0..LIMIT as u64 + 3 {
            notes.mark = mark;
            notes.push(end, end, What::Asked);
        }
        assert_eq!(notes.notes.len(), LIMIT);
        assert_eq!(notes.notes[notes.place].mark, 3);
    }
}
