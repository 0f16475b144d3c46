//! Pages of files that were read before.

use core::time::Duration;
use std::collections::{HashMap, VecDeque};

use packet::{Buf, Class, Part, Pool};
use rustix::fs::Stat;

/// Bytes in a page.
pub(super) const PAGE: u64 = Class::Page.size() as u64;

/// Tells one version of a file from every other: whoever changes a file changes one of these.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Key {
    device: u64,
    inode: u64,
    len: u64,
    /// Nanoseconds since 1970: of the contents.
    modified: u64,
    /// Nanoseconds since 1970: of anything, and nobody can set it back.
    changed: u64,
}

impl Key {
    pub(super) fn of(stat: &Stat) -> Self {
        let nanos = |seconds: i64, nanos: u64| {
            u64::try_from(seconds)
                .unwrap_or(0)
                .saturating_mul(1_000_000_000)
                .saturating_add(nanos)
        };
        Self {
            device: stat.st_dev,
            inode: stat.st_ino,
            len: u64::try_from(stat.st_size).unwrap_or(0),
            modified: nanos(stat.st_mtime, stat.st_mtime_nsec),
            changed: nanos(stat.st_ctime, stat.st_ctime_nsec),
        }
    }

    /// Whether this is still the version that `stat` tells of. A file that another has taken the name of
    /// (a new version renamed over it) was changed by that alone: nobody else can find it any more.
    pub(super) fn is_of(self, stat: &Stat) -> bool {
        let now = Self::of(stat);
        let changed = match stat.st_nlink {
            0 => self.changed,
            _ => now.changed,
        };
        Self { changed, ..now } == self
    }

    pub(super) fn len(self) -> u64 {
        self.len
    }

    pub(super) fn modified(self) -> Duration {
        Duration::from_nanos(self.modified)
    }

    pub(super) fn changed(self) -> Duration {
        Duration::from_nanos(self.changed)
    }

    pub(super) fn to_bytes(self) -> [u8; 40] {
        let fields = [
            self.device,
            self.inode,
            self.len,
            self.modified,
            self.changed,
        ];
        let mut bytes = [0; 40];
        for (to, field) in bytes.chunks_exact_mut(8).zip(fields) {
            to.copy_from_slice(&field.to_le_bytes());
        }
        bytes
    }
}

/// A bounded cache. What is evicted stays alive in whoever still sends it.
///
/// The oldest goes first, unless it was asked for since its turn last came: then it gets another
/// round.
pub(super) struct Cache {
    pages: HashMap<(Key, u64), Entry>,
    /// In the order in which they are looked at for eviction; holds each key of `pages` once.
    round: VecDeque<(Key, u64)>,
    limit: usize,
}

struct Entry {
    page: Part,
    used: bool,
}

impl Cache {
    /// A cache of at most `limit` pages.
    pub(super) fn new(limit: usize) -> Self {
        Self {
            pages: HashMap::new(),
            round: VecDeque::new(),
            limit,
        }
    }

    /// The page with this number of a file, if it is here.
    pub(super) fn page(&mut self, key: Key, number: u64) -> Option<Part> {
        let entry = self.pages.get_mut(&(key, number))?;
        entry.used = true;
        Some(entry.page.clone())
    }

    /// At most `count` pages to read into; memory that is short for others is taken from the cache.
    pub(super) fn blank_pages(&mut self, pool: &Pool, count: usize) -> Vec<Buf> {
        let mut blank = Vec::with_capacity(count);
        while blank.len() < count {
            if pool.is_low(Class::Page) {
                self.evict();
            }
            match pool.take(Class::Page) {
                Some(page) => blank.push(page),
                None if blank.is_empty() && self.evict() => {}
                None => break,
            }
        }
        blank
    }

    /// Whether [`Cache::blank_pages`] would find one; approximately, since it cannot know which of
    /// its pages nobody else holds.
    pub(super) fn can_take(&self, pool: &Pool) -> bool {
        pool.take(Class::Page).is_some()
    }

    /// Keeps `pages`, which follow each other from `number` on.
    pub(super) fn insert(&mut self, key: Key, number: u64, pages: Vec<Part>) {
        for (number, page) in (number..).zip(pages) {
            if self.pages.len() >= self.limit && !self.evict() {
                return;
            }
            let entry = Entry { page, used: false };
            if self.pages.insert((key, number), entry).is_none() {
                self.round.push_back((key, number));
            }
        }
    }

    /// Gives up one page; `false` when there is none.
    fn evict(&mut self) -> bool {
        while let Some(key) = self.round.pop_front() {
            match self.pages.get_mut(&key) {
                Some(entry) if entry.used => {
                    entry.used = false;
                    self.round.push_back(key);
                }
                _ => {
                    self.pages.remove(&key);
                    return true;
                }
            }
        }
        false
    }
}
