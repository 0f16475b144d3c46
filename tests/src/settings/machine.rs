//! What is the same for every place on Linux: real time, lines from a pipe, files in a directory.

use core::fmt;
use core::task::{Context, Poll};
use core::time::Duration;
use std::fs;
use std::io::{Write as _, pipe};
use std::rc::Rc;
use std::time::{SystemTime, UNIX_EPOCH};

use packet::{Instant, Pool};
use parhelion::input::Input;
use parhelion::reactor::Reactor;
use parhelion::storage::Directory;
use runtime::{Console, Place};
use tempfile::TempDir;

use crate::contract::{FILES, TYPED};

/// Real time, and the one wait.
pub(super) struct Machine {
    start: std::time::Instant,
    reactor: Rc<Reactor>,
}

impl Machine {
    pub(super) fn new(reactor: &Rc<Reactor>) -> Self {
        Self {
            start: std::time::Instant::now(),
            reactor: Rc::clone(reactor),
        }
    }
}

impl Place for Machine {
    fn now(&self) -> Instant {
        Instant::from_nanos(self.start.elapsed().as_nanos() as u64)
    }

    fn unix_time(&self) -> Duration {
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
    }

    fn wait(&mut self, until: Option<Instant>) {
        let timeout = until.map(|until| until.since(self.now()));
        self.reactor.wait(timeout).expect("a reactor that works");
    }
}

/// A console on which everything was typed already.
struct Typed(Rc<Input>);

impl Console for Typed {
    fn print(&self, _: fmt::Arguments<'_>) {}

    fn poll_line(&self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        self.0.poll_line(cx)
    }
}

pub(super) fn console(reactor: &Rc<Reactor>) -> Rc<dyn Console> {
    let (reader, mut writer) = pipe().expect("a pipe");
    let text = TYPED.join("\n");
    writer.write_all(text.as_bytes()).expect("room in the pipe");
    Rc::new(Typed(Input::new(reactor, reader.into())))
}

/// The files, and the directory that is to be kept while they are used.
pub(super) fn files(pool: &Pool) -> (Rc<Directory>, TempDir) {
    let folder = tempfile::tempdir().expect("a directory");
    fs::create_dir(folder.path().join("folder")).expect("a directory");
    for (path, contents) in FILES {
        fs::write(folder.path().join(path), contents).expect("a file");
    }
    let directory = Directory::open(folder.path(), pool).expect("a directory");
    (Rc::new(directory), folder)
}
