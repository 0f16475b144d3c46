//! A xenstore daemon: a tree, watches and transactions, as in dom0, behind a page of ours.
//!
//! The domain's side is a [`Store`]; the other methods are what dom0 does. It is as kind as the real one is;
//! hostile is who writes to its page instead.

mod tree;

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};
use core::cell::RefCell;

use zerocopy::{FromBytes, IntoBytes};

use super::{Bells, Turns};
use crate::byte_ring::{Consumer, Producer};
use crate::store::client::{ANSWERS, REQUESTS};
use crate::store::message::{ERROR, Header, Kind, WATCH_EVENT};
use crate::{DomainId, Port, SharedPage, Store};
use tree::Tree;

/// The daemon. Clones are the same one.
#[derive(Clone)]
pub struct Xenstored(Rc<RefCell<Daemon>>);

struct Daemon {
    page: SharedPage,
    requests: Consumer,
    answers: Producer,
    incoming: Vec<u8>,
    /// What found no room in the ring yet.
    outgoing: Vec<u8>,
    /// `/local/domain/<id>`.
    home: String,
    tree: Tree,
    watches: Vec<Watch>,
    transactions: BTreeMap<u32, Transaction>,
    last_transaction: u32,
    /// Where the domain may not write, although it is at home.
    forbidden: Vec<String>,
    /// Transactions that are to fail.
    disturbances: u32,
}

struct Watch {
    /// As the domain said it, which is how it is told.
    path: String,
    absolute: String,
    token: String,
}

struct Transaction {
    tree: Tree,
    began_at: u64,
    changed: Vec<String>,
}

type Answer = Result<Vec<u8>, &'static str>;

impl Xenstored {
    /// The store of `domain` behind this page.
    #[must_use]
    pub fn new(page: SharedPage, domain: DomainId) -> Self {
        let home = format!("/local/domain/{domain}");
        Self(Rc::new(RefCell::new(Daemon {
            requests: Consumer::new(page.clone(), REQUESTS),
            answers: Producer::new(page.clone(), ANSWERS),
            page,
            incoming: Vec::new(),
            outgoing: Vec::new(),
            tree: Tree::default(),
            home,
            watches: Vec::new(),
            transactions: BTreeMap::new(),
            last_transaction: 0,
            forbidden: Vec::new(),
            disturbances: 0,
        })))
    }

    /// A daemon for domain 1, and its store: while that waits, it is the daemon's turn.
    ///
    /// # Panics
    /// Never: this daemon answers.
    #[must_use]
    pub fn with_store() -> (Self, Store) {
        let daemon = Self::new(SharedPage::new(), DomainId(1));
        let served = daemon.clone();
        let wait = Box::new(Turns::new(move || served.serve()));
        let store = Store::open(daemon.page(), Port(1), Rc::new(Bells::default()), wait);
        (daemon, store.expect("a daemon that answers"))
    }

    /// The page that the two share.
    #[must_use]
    pub fn page(&self) -> SharedPage {
        self.0.borrow().page.clone()
    }

    /// Takes in what is in the ring, and answers.
    pub fn serve(&self) {
        self.0.borrow_mut().serve();
    }

    /// The value at `path`, which begins at the domain's own unless it is absolute.
    #[must_use]
    pub fn read(&self, path: &str) -> Option<String> {
        let daemon = self.0.borrow();
        let value = daemon.tree.read(&daemon.absolute(path))?;
        Some(String::from_utf8_lossy(value).into_owned())
    }

    /// Writes as dom0 does.
    pub fn write(&self, path: &str, value: &str) {
        let mut daemon = self.0.borrow_mut();
        let path = daemon.absolute(path);
        daemon.tree.write(&path, value.as_bytes());
        daemon.fire(&path);
        daemon.flush();
    }

    /// Removes as dom0 does.
    pub fn remove(&self, path: &str) {
        let mut daemon = self.0.borrow_mut();
        let path = daemon.absolute(path);
        daemon.tree.remove(&path);
        daemon.fire(&path);
        daemon.flush();
    }

    /// From now on the domain may not write at `path` and below.
    pub fn forbid(&self, path: &str) {
        let mut daemon = self.0.borrow_mut();
        let path = daemon.absolute(path);
        daemon.forbidden.push(path);
    }

    /// The next `times` transactions are told that others were faster.
    pub fn disturb(&self, times: u32) {
        self.0.borrow_mut().disturbances = times;
    }

    /// How many watches the domain has.
    #[must_use]
    pub fn watches(&self) -> usize {
        self.0.borrow().watches.len()
    }
}

impl Daemon {
    fn serve(&mut self) {
        self.flush();
        let mut bytes = vec![0; REQUESTS.len as usize];
        while let Ok(count @ 1..) = self.requests.read(&mut bytes) {
            self.incoming.extend_from_slice(&bytes[..count]);
        }
        while let Some(message) = self.next() {
            let Ok((header, payload)) = Header::ref_from_prefix(&message) else {
                return;
            };
            let (kind, answer) = match self.answer(header, payload) {
                Ok(answer) => (header.kind.get(), answer),
                Err(name) => (ERROR, [name.as_bytes(), b"\0"].concat()),
            };
            self.say(kind, Some(header), &answer);
            if kind == Kind::Watch as u32 {
                self.fire_last();
            }
        }
        self.flush();
    }

    /// The next whole message.
    fn next(&mut self) -> Option<Vec<u8>> {
        let (header, _) = Header::ref_from_prefix(&self.incoming).ok()?;
        let len = size_of::<Header>() + header.len.get() as usize;
        (self.incoming.len() >= len).then(|| self.incoming.drain(..len).collect())
    }

    fn answer(&mut self, header: &Header, payload: &[u8]) -> Answer {
        let transaction = header.transaction.get();
        if transaction != 0 && !self.transactions.contains_key(&transaction) {
            return Err("ENOENT");
        }
        let mut parts = payload.splitn(2, |byte| *byte == 0);
        let first = str::from_utf8(parts.next().unwrap_or_default()).map_err(|_| "EINVAL")?;
        let path = self.absolute(first);
        let rest = parts.next().ok_or("EINVAL")?;
        let kinds = [Kind::Directory, Kind::Read, Kind::Watch, Kind::Unwatch];
        let more = [Kind::TransactionStart, Kind::TransactionEnd, Kind::Write];
        let last = [Kind::Remove, Kind::ResetWatches];
        let mut all = kinds.into_iter().chain(more).chain(last);
        let kind = all.find(|kind| *kind as u32 == header.kind.get());
        match kind.ok_or("ENOSYS")? {
            Kind::Directory => self.tree(transaction).list(&path).ok_or("ENOENT"),
            Kind::Read => {
                let value = self.tree(transaction).read(&path);
                value.map(<[u8]>::to_vec).ok_or("ENOENT")
            }
            Kind::Write => self.change(transaction, path, |tree, path| {
                tree.write(path, rest);
                Ok(())
            }),
            Kind::Remove => self.change(transaction, path, |tree, path| {
                tree.remove(path).then_some(()).ok_or("ENOENT")
            }),
            Kind::Watch => self.watch(first, path, rest),
            Kind::Unwatch => self.unwatch(first, rest),
            Kind::ResetWatches => {
                self.watches.clear();
                Ok(b"OK\0".into())
            }
            Kind::TransactionStart => Ok(self.begin()),
            Kind::TransactionEnd => self.end(transaction, first == "T"),
        }
    }

    fn tree(&self, transaction: u32) -> &Tree {
        let inside = self.transactions.get(&transaction);
        inside.map_or(&self.tree, |inside| &inside.tree)
    }

    fn change(
        &mut self,
        transaction: u32,
        path: String,
        change: impl FnOnce(&mut Tree, &str) -> Result<(), &'static str>,
    ) -> Answer {
        let is_forbidden = self.forbidden.iter().any(|at| tree::is_in(&path, at));
        if is_forbidden || !tree::is_in(&path, &self.home) {
            return Err("EACCES");
        }
        if let Some(inside) = self.transactions.get_mut(&transaction) {
            change(&mut inside.tree, &path)?;
            inside.changed.push(path);
        } else {
            change(&mut self.tree, &path)?;
            self.fire(&path);
        }
        Ok(b"OK\0".into())
    }

    fn watch(&mut self, path: &str, absolute: String, rest: &[u8]) -> Answer {
        let token = rest.strip_suffix(b"\0").ok_or("EINVAL")?;
        self.watches.push(Watch {
            path: path.into(),
            absolute,
            token: String::from_utf8_lossy(token).into_owned(),
        });
        Ok(b"OK\0".into())
    }

    fn unwatch(&mut self, path: &str, rest: &[u8]) -> Answer {
        let token = rest.strip_suffix(b"\0").ok_or("EINVAL")?;
        let is_it = |watch: &Watch| watch.path == path && watch.token.as_bytes() == token;
        let at = self.watches.iter().position(is_it).ok_or("ENOENT")?;
        self.watches.remove(at);
        Ok(b"OK\0".into())
    }

    fn begin(&mut self) -> Vec<u8> {
        self.last_transaction += 1;
        let transaction = Transaction {
            tree: self.tree.clone(),
            began_at: self.tree.generation(),
            changed: Vec::new(),
        };
        self.transactions.insert(self.last_transaction, transaction);
        format!("{}\0", self.last_transaction).into_bytes()
    }

    fn end(&mut self, transaction: u32, is_done: bool) -> Answer {
        let transaction = self.transactions.remove(&transaction).ok_or("ENOENT")?;
        if is_done {
            let is_disturbed = self.disturbances > 0;
            self.disturbances = self.disturbances.saturating_sub(1);
            if is_disturbed || self.tree.generation() != transaction.began_at {
                return Err("EAGAIN");
            }
            self.tree = transaction.tree;
            transaction.changed.iter().for_each(|path| self.fire(path));
        }
        Ok(b"OK\0".into())
    }

    /// Tells whoever watches `path`, or something below it that may have gone with it.
    fn fire(&mut self, path: &str) {
        let all = core::mem::take(&mut self.watches);
        for watch in &all {
            if tree::is_in(path, &watch.absolute) || tree::is_in(&watch.absolute, path) {
                self.say_changed(&watch.path, &watch.token);
            }
        }
        self.watches = all;
    }

    /// A watch is told once when it begins.
    fn fire_last(&mut self) {
        if let Some(watch) = self.watches.last() {
            let (path, token) = (watch.path.clone(), watch.token.clone());
            self.say_changed(&path, &token);
        }
    }

    fn say_changed(&mut self, path: &str, token: &str) {
        let payload = format!("{path}\0{token}\0");
        self.say(WATCH_EVENT, None, payload.as_bytes());
    }

    fn say(&mut self, kind: u32, question: Option<&Header>, payload: &[u8]) {
        let header = Header {
            kind: kind.into(),
            request: question.map_or(0.into(), |question| question.request),
            transaction: question.map_or(0.into(), |question| question.transaction),
            len: (payload.len() as u32).into(),
        };
        self.outgoing.extend_from_slice(header.as_bytes());
        self.outgoing.extend_from_slice(payload);
    }

    fn flush(&mut self) {
        // A broken ring takes nothing.
        let count = self.answers.write(&self.outgoing).unwrap_or(0);
        self.outgoing.drain(..count);
    }

    fn absolute(&self, path: &str) -> String {
        if path.starts_with('/') {
            path.into()
        } else {
            format!("{}/{path}", self.home)
        }
    }
}
