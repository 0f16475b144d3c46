//! A client of the xenstore, and a daemon that is honest until the bytes say otherwise.

use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering;
use std::collections::VecDeque;
use std::rc::Rc;

use packet::{Duration, Instant};
use xen::model::{Bells, Xenstored};
use xen::{
    DomainId, MAX_PAYLOAD, PATIENCE, Port, SharedPage, ShutdownWatch, Store, StoreError, Wait,
    Watch,
};

/// What is asked about, and what there is besides: too long, not to be said, not ours.
const PATHS: [&str; 8] = [
    "device/vif/0/state",
    "device/vif/0/backend-id",
    "device/vif",
    "control/shutdown",
    "data",
    "",
    "a\0b",
    "/local/domain/0/backend/vif/1/0/state",
];
const VALUES: [&str; 9] = [
    "4",
    "",
    "reboot",
    "4294967296",
    "-1",
    "poweroff",
    "halt",
    "suspend",
    "crash",
];

// The answers' side of the page (Xen's `io/xs_wire.h`).
const ANSWERS: usize = 0x400;
const REQUESTS_PRODUCED: usize = 0x804;
const ANSWERS_PRODUCED: usize = 0x80c;
/// All words that the daemon has to itself, and two that it has not.
const WORDS: [usize; 7] = [0x800, 0x804, 0x808, 0x80c, 0x810, 0x814, 0x818];

thread_local! {
    /// One for all runs: a shared page is never given back.
    static PAGE: SharedPage = SharedPage::new();
}

/// Does what the bytes say: calls of ours, and turns of the daemon while they wait.
pub fn xenstore(bytes: &[u8]) {
    let page = PAGE.with(SharedPage::clone);
    page.clear();
    // The first byte is where the ring's indices stand.
    let start = bytes
        .first()
        .map_or(0, |byte| u32::from_be_bytes([!0, !0, *byte, 0]));
    for at in &WORDS[..4] {
        page.u32(*at).store(start, Ordering::Relaxed);
    }
    let daemon = Rc::new(Daemon {
        model: Xenstored::new(page.clone(), DomainId(1)),
        page: page.clone(),
        script: RefCell::new(bytes.iter().copied().skip(1).collect()),
        now: Cell::new(Instant::ZERO),
        waits: Cell::new(0),
        is_honest: Cell::new(true),
        seen: Cell::new(start),
        request: Cell::new(0),
    });
    daemon.model.write("device/vif/0/backend-id", "0");
    let wait = Box::new(Turns(daemon.clone()));
    let opened = Store::open(page, Port(1), Rc::new(Bells::default()), wait);
    daemon.check_patience();
    if let Ok(store) = opened {
        Session::new(store, daemon).run();
    }
}

struct Daemon {
    model: Xenstored,
    page: SharedPage,
    script: RefCell<VecDeque<u8>>,
    now: Cell<Instant>,
    /// How often it was waited for in vain since the last call of ours.
    waits: Cell<u32>,
    /// It has done nothing yet that a daemon does not do.
    is_honest: Cell<bool>,
    /// The request ring's index when it was looked at last, and the number of the question there.
    seen: Cell<u32>,
    request: Cell<u32>,
}

struct Turns(Rc<Daemon>);

impl Wait for Turns {
    fn now(&self) -> Instant {
        self.0.now.get()
    }

    fn wait(&self, _: Port, until: Instant) {
        let daemon = &self.0;
        assert!(until > daemon.now.get(), "waited for the past");
        if daemon.script.borrow().is_empty() {
            daemon.waits.set(daemon.waits.get() + 1);
            daemon.now.set(daemon.now.get() + Duration::from_secs(1));
        } else {
            daemon.now.set(daemon.now.get() + Duration::from_millis(1));
            daemon.turn();
        }
    }
}

impl Daemon {
    fn byte(&self) -> u8 {
        self.script.borrow_mut().pop_front().unwrap_or(0)
    }

    /// What it does when it is its turn.
    fn turn(&self) {
        self.snoop();
        let action = self.byte();
        match action % 8 {
            0..=3 => return self.model.serve(),
            4 => {
                let count = self.byte() & 63;
                let bytes: Vec<u8> = (0..count).map(|_| self.byte()).collect();
                self.say(&bytes);
            }
            5 | 6 => self.answer(),
            _ => {
                let word = WORDS[usize::from(action >> 3) % WORDS.len()];
                let value = [self.byte(), 0, self.byte(), self.byte()];
                let value = u32::from_be_bytes(value);
                self.page.u32(word).store(value, Ordering::Relaxed);
            }
        }
        self.is_honest.set(false);
    }

    /// Learns the number of a question that is new.
    fn snoop(&self) {
        let produced = self.page.u32(REQUESTS_PRODUCED).load(Ordering::Relaxed);
        let seen = self.seen.replace(produced);
        if produced != seen {
            let byte = |at: u32| {
                let place = seen.wrapping_add(at) as usize % 1024;
                self.page.u8(place).load(Ordering::Relaxed)
            };
            self.request.set(u32::from_le_bytes([4, 5, 6, 7].map(byte)));
        }
    }

    /// A well-formed message, sensible or not.
    fn answer(&self) {
        let (kind, which, len) = (self.byte(), self.byte(), self.byte() & 31);
        let request = self.request.get().wrapping_add(u32::from(which & 1));
        let long = if which & 2 == 0 {
            0
        } else {
            MAX_PAYLOAD as u32 / 4
        };
        let payload: Vec<u8> = (0..len).map(|_| self.byte()).collect();
        let payload = [vec![b'x'; long as usize], payload].concat();
        let said = payload.len() as u32 + u32::from(which & 4) * 1024;
        let header = [u32::from(kind & 31), request, 0, said].map(u32::to_le_bytes);
        self.say(&[header.as_flattened(), &payload].concat());
    }

    /// Writes into the ring, whether there is room or not.
    fn say(&self, bytes: &[u8]) {
        let produced = self.page.u32(ANSWERS_PRODUCED);
        for byte in bytes {
            let place = ANSWERS + produced.fetch_add(1, Ordering::Relaxed) as usize % 1024;
            self.page.u8(place).store(*byte, Ordering::Relaxed);
        }
    }

    /// A call waits a second for each turn without a script; and asks no more than two questions
    /// that have no answer.
    fn check_patience(&self) {
        let waits = self.waits.replace(0);
        assert!(u64::from(waits) <= 2 * PATIENCE.as_secs(), "{waits} waits");
    }
}

struct Session {
    store: Store,
    daemon: Rc<Daemon>,
    watches: Vec<Watch>,
    shutdown: Option<ShutdownWatch>,
    /// How the connection has ended.
    end: Option<StoreError>,
}

impl Session {
    const fn new(store: Store, daemon: Rc<Daemon>) -> Self {
        Self {
            store,
            daemon,
            watches: Vec::new(),
            shutdown: None,
            end: None,
        }
    }

    fn run(mut self) {
        while !self.daemon.script.borrow().is_empty() {
            let done = self.step();
            self.daemon.check_patience();
            if let Err(error) = done {
                assert!(!error.to_string().is_empty());
            }
            if let Some(end) = self.end {
                assert!(
                    matches!(
                        done,
                        Ok(()) | Err(StoreError::Unspeakable | StoreError::TooMany)
                    ) || done == Err(end),
                    "alive again: {done:?}"
                );
            }
            if let Err(StoreError::Dead(_)) = done {
                self.end = done.err();
                assert!(!self.daemon.is_honest.get(), "an honest daemon did harm");
            }
        }
    }

    fn step(&mut self) -> Result<(), StoreError> {
        let action = self.daemon.byte();
        let path = PATHS[usize::from(action >> 4) % PATHS.len()];
        match action % 12 {
            0 => self.read(path),
            1 => self.store.number(path).map(drop),
            2 => self.list(path),
            3 => self.store.write(path, format_args!("{}", self.value())),
            4 => self.store.remove(path),
            5 => {
                let watch = self.store.watch(path)?;
                self.watches.push(watch);
                assert!(self.watches.len() <= xen::MAX_WATCHES);
                Ok(())
            }
            6 => {
                let watch = self.watches.pop();
                watch.map_or(Ok(()), |watch| self.store.unwatch(watch))
            }
            7 => self.transaction(path),
            8 => self.poll(),
            9 => self.shutdown(),
            10 if self.end.is_none() => {
                self.daemon.model.write(path_of_dom0(path), self.value());
                Ok(())
            }
            _ => {
                self.daemon.turn();
                Ok(())
            }
        }
    }

    fn value(&self) -> &'static str {
        VALUES[usize::from(self.daemon.byte()) % VALUES.len()]
    }

    fn read(&mut self, path: &str) -> Result<(), StoreError> {
        let value = self.store.read(path);
        assert!(value.as_ref().map_or(0, String::len) <= MAX_PAYLOAD);
        if self.daemon.is_honest.get() {
            match &value {
                Ok(value) => assert_eq!(Some(value), self.daemon.model.read(path).as_ref()),
                Err(StoreError::Refused(_)) => assert_eq!(self.daemon.model.read(path), None),
                Err(_) => {}
            }
        }
        value.map(drop)
    }

    fn list(&mut self, path: &str) -> Result<(), StoreError> {
        let names = self.store.list(path)?;
        assert!(
            names
                .iter()
                .all(|name| !name.is_empty() && !name.contains('\0'))
        );
        Ok(())
    }

    fn transaction(&mut self, path: &str) -> Result<(), StoreError> {
        let value = self.value();
        self.daemon.model.disturb(self.daemon.byte().into());
        let done = self.store.transaction(|transaction| {
            transaction.write("data/a", format_args!("{value}"))?;
            transaction.read(path)?;
            transaction.write("data/b", format_args!("{value}"))
        });
        if done.is_ok() && self.daemon.is_honest.get() {
            let both = ["data/a", "data/b"].map(|path| self.daemon.model.read(path));
            assert_eq!(both, [Some(value.into()), Some(value.into())]);
        }
        done
    }

    fn poll(&mut self) -> Result<(), StoreError> {
        let has_changed = self.store.poll()?;
        let mut changed = self.watches.clone();
        changed.retain(|watch| self.store.take_changed(*watch));
        assert!(has_changed || changed.is_empty());
        Ok(())
    }

    fn shutdown(&mut self) -> Result<(), StoreError> {
        match &self.shutdown {
            None => self.shutdown = Some(ShutdownWatch::begin(&mut self.store)?),
            Some(watch) => drop(watch.take(&mut self.store)?),
        }
        Ok(())
    }
}

/// What dom0 can write; the others are no paths.
fn path_of_dom0(path: &str) -> &str {
    match path {
        "" | "a\0b" => "data",
        path => path,
    }
}
