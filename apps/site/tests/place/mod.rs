//! A place in memory for applications: peers that play a script, files, and a console that
//! remembers. Their tests share it.
#![allow(dead_code, reason = "each test file uses some of it")]

use core::cell::{Cell, RefCell};
use core::net::SocketAddr;
use core::task::{Context, Poll};
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;

use packet::{Chunk, Duration, Instant, Secrets};
use runtime::{
    Config, Console, DatagramId, Entropy, Env, Error, Executor, FileId, FlowId, ListenerId,
    Metadata, Network, Peer, Place, Storage, StorageError, run,
};

/// What one peer sends, piece by piece, and what it does then.
#[derive(Clone, Default)]
pub(crate) struct Script {
    pub(crate) pieces: Vec<&'static [u8]>,
    /// It waits for us to finish first.
    pub(crate) stays: bool,
    /// It resets once it has got so many bytes without a copy.
    pub(crate) patience: Option<u64>,
}

impl From<&str> for Script {
    fn from(text: &str) -> Self {
        Self {
            pieces: vec![text.as_bytes().to_vec().leak()],
            ..Self::default()
        }
    }
}

/// What one peer got.
#[derive(Default)]
pub(crate) struct Got {
    pub(crate) bytes: Vec<u8>,
    /// Those that were sent without a copy.
    pub(crate) chunks: Vec<Chunk>,
    pub(crate) finished: bool,
}

impl Got {
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).replace("Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n", "")
    }
}

/// The files of a storage, and the settings.
#[derive(Default)]
pub(crate) struct Setup<'a> {
    pub(crate) files: &'a [(&'static str, &'static [u8])],
    pub(crate) settings: &'a [&'a str],
    /// The most tasks there may be; 100 where it is zero.
    pub(crate) tasks: usize,
}

/// Everything that happened.
pub(crate) struct Visit {
    pub(crate) got: Vec<Got>,
    pub(crate) lines: Vec<String>,
}

/// Runs an application while these peers visit it, until nothing happens any more; then asks it to
/// stop.
pub(crate) fn visit<F: Future<Output = Result<(), runtime::Failure>> + 'static>(
    main: impl FnOnce(Env) -> F,
    setup: &Setup<'_>,
    scripts: impl IntoIterator<Item = Script>,
) -> Visit {
    let scripts: Vec<Script> = scripts.into_iter().collect();
    let net = Rc::new(Peers::default());
    net.got
        .replace(scripts.iter().map(|_| Got::default()).collect());
    net.scripts.replace(scripts);
    let console = Rc::new(Lines::default());
    let mut config = Config::default();
    for setting in setup.settings {
        assert_eq!(config.set(setting), Ok(()));
    }
    let executor = Executor::new(if setup.tasks == 0 { 100 } else { setup.tasks });
    let env = Env {
        net: net.clone(),
        clock: executor.clock().clone(),
        console: console.clone(),
        inspect: Rc::new(runtime::Nothing),
        storage: Rc::new(Files::new(setup.files)),
        config: Rc::new(config),
        entropy: Entropy::new(&Secrets::new([1; 32])),
        tasks: executor.clone(),
    };
    let mut world = World {
        now: Instant::ZERO,
        executor: executor.clone(),
    };
    let grace = Duration::from_secs(5);
    let ended = run(&mut world, &[], &executor, main(env), grace);
    assert_eq!(ended, Ok(Some(Ok(()))));
    Visit {
        got: net.got.take(),
        lines: console.0.take(),
    }
}

struct World {
    now: Instant,
    executor: Executor,
}

impl Place for World {
    fn now(&self) -> Instant {
        self.now
    }

    /// The example of RFC 9110.
    fn unix_time(&self) -> Duration {
        Duration::from_secs(784_111_777)
    }

    fn wait(&mut self, until: Option<Instant>) {
        if self.executor.is_stopping() {
            self.now = until.expect("the grace ends");
        }
        self.executor.stop();
    }
}

#[derive(Default)]
struct Lines(RefCell<Vec<String>>);

impl Console for Lines {
    fn print(&self, line: core::fmt::Arguments<'_>) {
        self.0.borrow_mut().push(line.to_string());
    }

    fn poll_line(&self, _: &mut Context<'_>) -> Poll<Option<String>> {
        Poll::Pending
    }
}

#[derive(Default)]
struct Peers {
    scripts: RefCell<Vec<Script>>,
    got: RefCell<Vec<Got>>,
    accepted: Cell<usize>,
    sent: Cell<u64>,
}

impl Peers {
    fn keep(&self, flow: FlowId, bytes: &[u8]) {
        let got = &mut self.got.borrow_mut()[flow.slot as usize];
        assert!(!got.finished, "sent after finish");
        got.bytes.extend_from_slice(bytes);
    }
}

impl Network for Peers {
    fn listen(&self, port: u16) -> Result<ListenerId, Error> {
        assert_eq!(port, 80);
        Ok(ListenerId {
            slot: 0,
            generation: 0,
        })
    }

    fn poll_accept(
        &self,
        _: ListenerId,
        _: &mut Context<'_>,
    ) -> Poll<Result<(FlowId, Peer), Error>> {
        let slot = self.accepted.get();
        if slot == self.scripts.borrow().len() {
            return Poll::Pending;
        }
        self.accepted.set(slot + 1);
        let flow = FlowId {
            slot: slot as u32,
            generation: 0,
        };
        let address = SocketAddr::from(([10, 0, 0, 1], 50_000 + slot as u16));
        Poll::Ready(Ok((flow, Peer { address })))
    }

    fn unlisten(&self, _: ListenerId) {}

    fn connect(&self, _: SocketAddr) -> Result<FlowId, Error> {
        Err(Error::Unreachable)
    }

    fn poll_connect(&self, _: FlowId, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Err(Error::Unreachable))
    }

    fn poll_receive(
        &self,
        flow: FlowId,
        _: &mut Context<'_>,
    ) -> Poll<Result<Option<Chunk>, Error>> {
        let script = &mut self.scripts.borrow_mut()[flow.slot as usize];
        if script.pieces.is_empty() {
            let finished = self.got.borrow()[flow.slot as usize].finished;
            return if script.stays && !finished {
                Poll::Pending
            } else {
                Poll::Ready(Ok(None))
            };
        }
        Poll::Ready(Ok(Some(Chunk::from(script.pieces.remove(0)))))
    }

    fn poll_send(
        &self,
        flow: FlowId,
        chunk: &mut Option<Chunk>,
        _: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        let chunk = chunk.take().unwrap_or_default();
        self.sent.set(self.sent.get() + chunk.len() as u64);
        let patience = self.scripts.borrow()[flow.slot as usize].patience;
        if patience.is_some_and(|patience| self.sent.get() > patience) {
            return Poll::Ready(Err(Error::Reset));
        }
        self.keep(flow, &chunk);
        self.got.borrow_mut()[flow.slot as usize].chunks.push(chunk);
        Poll::Ready(Ok(()))
    }

    fn poll_write(
        &self,
        flow: FlowId,
        bytes: &[u8],
        _: &mut Context<'_>,
    ) -> Poll<Result<usize, Error>> {
        self.keep(flow, bytes);
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_drained(&self, _: FlowId, _: &mut Context<'_>) -> Poll<Result<(), Error>> {
        Poll::Ready(Ok(()))
    }

    fn finish(&self, flow: FlowId) {
        self.got.borrow_mut()[flow.slot as usize].finished = true;
    }

    fn abort(&self, _: FlowId) {}

    fn release(&self, _: FlowId) {}

    fn deadline(&self, _: FlowId, _: Option<Instant>) {}

    fn bind(&self, _: u16) -> Result<DatagramId, Error> {
        Err(Error::NoBuffer)
    }

    fn bound_port(&self, _: DatagramId) -> Option<u16> {
        None
    }

    fn poll_receive_from(
        &self,
        _: DatagramId,
        _: &mut Context<'_>,
    ) -> Poll<Result<(Chunk, SocketAddr), Error>> {
        Poll::Ready(Err(Error::Closed))
    }

    fn poll_send_to(
        &self,
        _: DatagramId,
        _: &[u8],
        _: SocketAddr,
        _: &mut Context<'_>,
    ) -> Poll<Result<(), Error>> {
        Poll::Ready(Err(Error::Closed))
    }

    fn poll_undelivered(
        &self,
        _: DatagramId,
        _: &mut Context<'_>,
    ) -> Poll<Result<(SocketAddr, Error), Error>> {
        Poll::Ready(Err(Error::Closed))
    }

    fn unbind(&self, _: DatagramId) {}
}

/// Files by name. A read gives at most a page; one of `broken` fails behind its first.
struct Files {
    files: BTreeMap<&'static str, &'static [u8]>,
    open: RefCell<VecDeque<(u32, &'static str)>>,
    next: Cell<u32>,
}

pub(crate) const PAGE: usize = 4096;

impl Files {
    fn new(files: &[(&'static str, &'static [u8])]) -> Self {
        Self {
            files: files.iter().copied().collect(),
            open: RefCell::default(),
            next: Cell::new(0),
        }
    }

    fn name(&self, file: FileId) -> &'static str {
        let open = self.open.borrow();
        let (_, name) = open
            .iter()
            .find(|(slot, _)| *slot == file.slot)
            .expect("an open file");
        name
    }
}

impl Storage for Files {
    fn open(&self, path: &str) -> Result<FileId, StorageError> {
        let inside = format!("{path}/");
        if self.files.keys().any(|name| name.starts_with(&inside)) {
            return Err(StorageError::IsDirectory);
        }
        match path {
            "denied" => return Err(StorageError::Denied),
            "busy" => return Err(StorageError::Busy),
            _ => {}
        }
        let (name, _) = self
            .files
            .get_key_value(path)
            .ok_or(StorageError::NotFound)?;
        let slot = self.next.replace(self.next.get() + 1);
        self.open.borrow_mut().push_back((slot, name));
        Ok(FileId {
            slot,
            generation: 0,
        })
    }

    /// A variant has its coding behind its name.
    fn open_coded(&self, path: &str, coding: &str) -> Result<FileId, StorageError> {
        self.open(&format!("{path}@{coding}"))
    }

    fn poll_open(&self, file: FileId, _: &mut Context<'_>) -> Poll<Result<Metadata, StorageError>> {
        Poll::Ready(Ok(Metadata {
            len: self.files[self.name(file)].len() as u64,
            modified: Some(Duration::from_millis(784_111_777_500)),
            etag: if self.name(file).contains('@') { 8 } else { 7 },
            codings: match self
                .files
                .contains_key(&*format!("{}@gzip", self.name(file)))
            {
                true => &["gzip"],
                false => &[],
            },
            ..Metadata::default()
        }))
    }

    fn poll_read(
        &self,
        file: FileId,
        offset: u64,
        len: usize,
        _: &mut Context<'_>,
    ) -> Poll<Result<Chunk, StorageError>> {
        let name = self.name(file);
        if name == "broken" && offset > 0 || name == "unreadable" {
            return Poll::Ready(Err(StorageError::Io));
        }
        let bytes = self.files[name];
        let start = offset as usize;
        let end = (start + len.min(PAGE)).min(bytes.len());
        Poll::Ready(Ok(Chunk::from(&bytes[start..end])))
    }

    fn close(&self, file: FileId) {
        self.open
            .borrow_mut()
            .retain(|(slot, _)| *slot != file.slot);
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        assert!(self.open.borrow().is_empty(), "every file was closed");
    }
}
