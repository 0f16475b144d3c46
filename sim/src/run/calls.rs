//! The calls of a script's application, and the one that may block.

use core::time::Duration;

use crate::connection::{HOST_PORT, peer_of_port, peer_port};
use crate::host::Handle;
use crate::script::{Call, Descriptor, Errno, What, pattern};

use super::{Run, Window, Wrong, seconds};

/// A socket as the script sees it.
pub(super) struct File {
    handle: Handle,
    nonblocking: bool,
    /// The bytes read and written so far.
    read: u32,
    written: u32,
}

/// A call that has not returned.
pub(super) struct Pending {
    line: usize,
    call: Call,
    /// When it may return, and must have returned.
    due: Duration,
    latest: Duration,
    progress: Progress,
}

/// What a blocked call has done so far.
#[derive(Clone, Copy, Default)]
struct Progress {
    connecting: bool,
    written: usize,
}

impl Run<'_> {
    /// Makes a call; one that may not block gets no more than the tolerance.
    pub(super) fn call(&mut self, line: usize, call: &Call, window: Window) -> Result<(), Wrong> {
        self.finish_pending()?;
        self.trace("  ", self.host.now(), &call.text);
        self.pending = Some(Pending {
            line,
            call: call.clone(),
            due: window.to,
            latest: self.conditions.latest(window.from, window.to),
            progress: Progress::default(),
        });
        self.retry_pending()?;
        if window.from == window.to {
            self.finish_pending()?;
        }
        Ok(())
    }

    /// Waits for the blocked call to return.
    pub(super) fn finish_pending(&mut self) -> Result<(), Wrong> {
        while self.pending.is_some() {
            self.receive(self.host.now() + self.conditions.tolerance);
            self.retry_pending()?;
        }
        Ok(())
    }

    /// Tries the blocked call again.
    pub(super) fn retry_pending(&mut self) -> Result<(), Wrong> {
        let Some(mut pending) = self.pending.take() else {
            return Ok(());
        };
        let tolerance = self.conditions.tolerance;
        let now = self.host.now();
        let line = pending.line;
        let wanted = format!("{} until {}", pending.call.text, seconds(pending.due));
        let wrong = |got: String| Wrong {
            line: Some(line),
            expected: wanted.clone(),
            got,
        };
        let result = self.attempt(&pending.call, &mut pending.progress);
        match result.map_err(wrong)? {
            Err(Errno::Again) if self.blocks(pending.call.what) => {
                if now > pending.latest {
                    return Err(wrong("a call that still blocks".to_owned()));
                }
                self.pending = Some(pending);
                Ok(())
            }
            result if result != pending.call.result => Err(wrong(match result {
                Ok(value) => value.to_string(),
                Err(errno) => errno.to_string(),
            })),
            _ if now + tolerance < pending.due => {
                Err(wrong(format!("its return at {}", seconds(now))))
            }
            _ => Ok(()),
        }
    }

    fn blocks(&self, what: What) -> bool {
        let (What::Accept(on, _) | What::Connect(on, _) | What::Read(on, _) | What::Write(on, _)) =
            what
        else {
            return false;
        };
        self.files.get(&on).is_some_and(|file| !file.nonblocking)
    }

    /// The call's result, or [`Errno::Again`] for now.
    fn attempt(
        &mut self,
        call: &Call,
        progress: &mut Progress,
    ) -> Result<Result<usize, Errno>, String> {
        let nothing = |result: Result<(), Errno>| Ok(result.map(|()| 0));
        match call.what {
            What::Socket => {
                let made = self.host.socket();
                Ok(made.map(|handle| self.name(handle, call.result)))
            }
            What::Accept(on, peer) => self.accept(on, peer, call.result),
            What::Read(on, count) => self.read(on, count),
            What::Write(on, count) => self.write(on, count, progress),
            What::Connect(on, peer) => nothing(self.connect(on, peer, progress)?),
            What::Bind(on) => {
                let handle = self.handle(on)?;
                nothing(self.host.bind(handle, HOST_PORT))
            }
            What::Listen(on, backlog) => {
                let handle = self.handle(on)?;
                nothing(self.host.listen(handle, backlog))
            }
            What::Shutdown(on) => {
                let handle = self.handle(on)?;
                nothing(self.host.shutdown(handle))
            }
            What::Close(on) => {
                let handle = self.handle(on)?;
                self.files.remove(&on);
                nothing(self.host.close(handle))
            }
            What::Set(on, option) => {
                let handle = self.handle(on)?;
                nothing(self.host.set(handle, option))
            }
            What::Nonblocking(on) => {
                self.file(on)?.nonblocking = true;
                Ok(Ok(0))
            }
        }
    }

    /// Gives a socket the number that the script expects for it.
    fn name(&mut self, handle: Handle, expected: Result<usize, Errno>) -> usize {
        let number = expected.unwrap_or(0);
        let file = File {
            handle,
            nonblocking: false,
            read: 0,
            written: 0,
        };
        self.files.insert(Descriptor(number as u32), file);
        number
    }

    fn accept(
        &mut self,
        on: Descriptor,
        peer: Option<u16>,
        expected: Result<usize, Errno>,
    ) -> Result<Result<usize, Errno>, String> {
        let handle = self.handle(on)?;
        let (accepted, port) = match self.host.accept(handle) {
            Ok(accepted) => accepted,
            Err(errno) => return Ok(Err(errno)),
        };
        if peer.is_some() && peer_of_port(port) != peer {
            return Err(format!("the connection from port {port}"));
        }
        Ok(Ok(self.name(accepted, expected)))
    }

    fn connect(
        &mut self,
        on: Descriptor,
        peer: u16,
        progress: &mut Progress,
    ) -> Result<Result<(), Errno>, String> {
        let handle = self.handle(on)?;
        if progress.connecting {
            return Ok(self.host.connected(handle));
        }
        let started = self.host.connect(handle, peer_port(peer));
        progress.connecting = true;
        if started == Err(Errno::InProgress) && !self.file(on)?.nonblocking {
            return Ok(Err(Errno::Again));
        }
        Ok(started)
    }

    fn read(&mut self, on: Descriptor, count: usize) -> Result<Result<usize, Errno>, String> {
        let handle = self.handle(on)?;
        let mut bytes = vec![0; count];
        let count = match self.host.read(handle, &mut bytes) {
            Ok(count) => count,
            Err(errno) => return Ok(Err(errno)),
        };
        bytes.truncate(count);
        let file = self.file(on)?;
        let mut offsets = file.read..;
        let is_stream = |byte: &u8| {
            offsets
                .next()
                .is_some_and(|offset| *byte == pattern(offset))
        };
        if !bytes.iter().all(is_stream) {
            return Err(format!("other bytes: {bytes:02x?}"));
        }
        file.read += count as u32;
        Ok(Ok(count))
    }

    fn write(
        &mut self,
        on: Descriptor,
        count: usize,
        progress: &mut Progress,
    ) -> Result<Result<usize, Errno>, String> {
        let handle = self.handle(on)?;
        while progress.written < count {
            let start = self.file(on)?.written;
            let bytes: Vec<u8> = (start..)
                .take(count - progress.written)
                .map(pattern)
                .collect();
            match self.host.write(handle, &bytes) {
                Ok(written) => {
                    progress.written += written;
                    self.file(on)?.written += written as u32;
                }
                Err(Errno::Again) if progress.written > 0 && self.file(on)?.nonblocking => break,
                Err(errno) => return Ok(Err(errno)),
            }
        }
        Ok(Ok(progress.written))
    }

    fn file(&mut self, on: Descriptor) -> Result<&mut File, String> {
        let file = self.files.get_mut(&on);
        file.ok_or_else(|| format!("no socket {}", on.0))
    }

    fn handle(&mut self, on: Descriptor) -> Result<Handle, String> {
        self.file(on).map(|file| file.handle)
    }
}
