//! Lines from standard input.
//!
//! The one thread that serves must not wait for somebody who types. What is typed may be shared with
//! the shell that started us, so the descriptor is not switched to `O_NONBLOCK` (that would outlive
//! us): it is asked whether something is there, and only read then. It is left alone until the
//! application wants a line, and while we are in the background of a terminal, where reading would
//! stop the process (SIGTTIN).

use core::cell::{Cell, RefCell};
use core::task::{Context, Poll, Waker};
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::rc::{Rc, Weak};

use mio::Interest;
use mio::event::Event;
use mio::unix::SourceFd;
use runtime::MAX_LINE;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::io::Errno;

use crate::reactor::{Owner, Reactor, Sink};

/// A terminal, a pipe or a file, line by line.
pub struct Input {
    descriptor: OwnedFd,
    reactor: Rc<Reactor>,
    owner: Owner,
    is_watched: Cell<bool>,
    /// Whether something may have come since nothing was there.
    may_be_readable: Cell<bool>,
    lines: RefCell<Lines>,
    reader: RefCell<Option<Waker>>,
}

/// Reads for one line before others have their turn: what is typed may never end it.
const READS: usize = 16;

#[derive(Default)]
struct Lines {
    /// Read and not yet given out: at most what one line and one read hold.
    bytes: Vec<u8>,
    ended: bool,
}

impl Input {
    /// The lines of `descriptor`.
    #[must_use]
    pub fn new(reactor: &Rc<Reactor>, descriptor: OwnedFd) -> Rc<Self> {
        Rc::new_cyclic(|input: &Weak<Self>| Self {
            descriptor,
            reactor: Rc::clone(reactor),
            owner: reactor.add_sink(Weak::<Self>::clone(input)),
            is_watched: Cell::new(false),
            may_be_readable: Cell::new(true),
            lines: RefCell::default(),
            reader: RefCell::default(),
        })
    }

    /// Waits for the next line; see [`runtime::Console::poll_line`].
    pub fn poll_line(&self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.watch();
        let mut lines = self.lines.borrow_mut();
        for _ in 0..READS {
            if let Some(line) = lines.take() {
                return Poll::Ready(Some(line));
            }
            if lines.ended {
                return Poll::Ready(None);
            }
            if !self.is_readable() {
                self.reader.replace(Some(cx.waker().clone()));
                return Poll::Pending;
            }
            if lines.read(&self.descriptor) == Err(Errno::AGAIN) {
                // Somebody else took what was there.
                self.may_be_readable.set(false);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// A file cannot be watched (`EPERM`, epoll_ctl(2)), and never needs to be: it has something or
    /// has ended.
    fn watch(&self) {
        if !self.is_watched.replace(true) {
            let descriptor = self.descriptor.as_raw_fd();
            let source = &mut SourceFd(&descriptor);
            let watched = self
                .reactor
                .register(source, self.owner, 0, Interest::READABLE);
            if let Err(error) = watched {
                log::debug!("standard input is not watched: {error}");
            }
        }
    }

    /// Whether a read would not wait.
    fn is_readable(&self) -> bool {
        if self.may_be_readable.get() {
            let mut asked = [PollFd::new(&self.descriptor, PollFlags::IN)];
            let now = Timespec::default();
            let there = matches!(rustix::event::poll(&mut asked, Some(&now)), Ok(1..));
            self.may_be_readable.set(there && self.is_ours());
        }
        self.may_be_readable.get()
    }

    /// Whether it is no terminal, or one that we are in the foreground of. Brought there later, we
    /// hear of what is typed then.
    fn is_ours(&self) -> bool {
        let foreground = rustix::termios::tcgetpgrp(&self.descriptor);
        foreground.is_err() || foreground == Ok(rustix::process::getpgrp())
    }
}

impl Sink for Input {
    fn event(&self, _: u32, _: &Event) {
        self.may_be_readable.set(true);
        let reader = self.reader.take();
        if let Some(reader) = reader {
            reader.wake();
        }
    }
}

impl Lines {
    /// Reads what is there, some at least. A failure other than being interrupted is an end.
    fn read(&mut self, descriptor: &OwnedFd) -> Result<(), Errno> {
        let mut bytes = [0; MAX_LINE];
        match rustix::io::read(descriptor, &mut bytes) {
            Err(error @ (Errno::INTR | Errno::AGAIN)) => return Err(error),
            Ok(0) | Err(_) => self.ended = true,
            Ok(count) => {
                self.bytes.extend_from_slice(&bytes[..count]);
                if !self.bytes.contains(&b'\n') {
                    self.bytes.truncate(MAX_LINE);
                }
            }
        }
        Ok(())
    }

    /// The next line, if all of it is there.
    fn take(&mut self) -> Option<String> {
        let end = self.bytes.iter().position(|byte| *byte == b'\n');
        let end = match end {
            Some(end) => end,
            // The last one needs no end.
            None if self.ended && !self.bytes.is_empty() => self.bytes.len(),
            None => return None,
        };
        let line = &self.bytes[..end];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        let text = String::from_utf8_lossy(&line[..line.len().min(MAX_LINE)]).into_owned();
        self.bytes.drain(..self.bytes.len().min(end + 1));
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use core::sync::atomic::{AtomicUsize, Ordering};
    use core::time::Duration;
    use std::fs::File;
    use std::io::{Seek as _, Write as _, pipe};
    use std::sync::Arc;
    use std::task::Wake;

    use super::*;

    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn poll(input: &Input, bell: &Arc<Bell>) -> Poll<Option<String>> {
        let waker = Waker::from(Arc::clone(bell));
        input.poll_line(&mut Context::from_waker(&waker))
    }

    fn line(text: &str) -> Poll<Option<String>> {
        Poll::Ready(Some(text.to_owned()))
    }

    #[test]
    fn a_pipe_wakes_its_reader_and_ends() {
        let reactor = Reactor::new().unwrap();
        let (reader, mut writer) = pipe().unwrap();
        let input = Input::new(&reactor, reader.into());
        let bell = Arc::<Bell>::default();
        assert_eq!(poll(&input, &bell), Poll::Pending);
        writer.write_all(b"hal").unwrap();
        assert!(reactor.wait(Some(Duration::from_secs(10))).unwrap());
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert_eq!(poll(&input, &bell), Poll::Pending, "half a line");
        writer.write_all(b"lo\nand more\r\n\nthe last").unwrap();
        assert!(reactor.wait(Some(Duration::from_secs(10))).unwrap());
        assert_eq!(bell.0.load(Ordering::Relaxed), 2);
        for expected in ["hallo", "and more", ""] {
            assert_eq!(poll(&input, &bell), line(expected));
        }
        assert_eq!(poll(&input, &bell), Poll::Pending);
        drop(writer);
        assert!(reactor.wait(Some(Duration::from_secs(10))).unwrap());
        assert_eq!(poll(&input, &bell), line("the last"));
        assert_eq!(poll(&input, &bell), Poll::Ready(None));
        assert_eq!(poll(&input, &bell), Poll::Ready(None));
    }

    #[test]
    fn a_file_has_its_lines_at_once() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(b"one\ntwo\xff\n").unwrap();
        file.rewind().unwrap();
        let reactor = Reactor::new().unwrap();
        let input = Input::new(&reactor, file.into());
        let bell = Arc::default();
        assert_eq!(poll(&input, &bell), line("one"));
        assert_eq!(poll(&input, &bell), line("two\u{fffd}"));
        assert_eq!(poll(&input, &bell), Poll::Ready(None));
        let nothing = Input::new(&reactor, File::open("/dev/null").unwrap().into());
        assert_eq!(poll(&nothing, &bell), Poll::Ready(None));
    }

    #[test]
    fn too_long_a_line_is_cut_and_takes_no_more_memory() {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&vec![b'x'; 100 * MAX_LINE + 7]).unwrap();
        file.write_all(b"\nnext\n").unwrap();
        file.rewind().unwrap();
        let input = Input::new(&Reactor::new().unwrap(), file.into());
        let bell = Arc::<Bell>::default();
        let mut first = poll(&input, &bell);
        while first.is_pending() {
            assert_eq!(bell.0.swap(0, Ordering::Relaxed), 1, "it goes on by itself");
            first = poll(&input, &bell);
        }
        assert_eq!(first, line(&"x".repeat(MAX_LINE)));
        assert_eq!(poll(&input, &bell), line("next"));
        assert!(input.lines.borrow().bytes.capacity() <= 4 * MAX_LINE);
    }

    #[test]
    fn a_line_without_end_leaves_others_their_turn() {
        let endless = File::open("/dev/zero").unwrap();
        let input = Input::new(&Reactor::new().unwrap(), endless.into());
        let bell = Arc::default();
        assert_eq!(poll(&input, &bell), Poll::Pending);
        assert_eq!(bell.0.load(Ordering::Relaxed), 1);
        assert!(input.lines.borrow().bytes.len() <= MAX_LINE);
    }
}
