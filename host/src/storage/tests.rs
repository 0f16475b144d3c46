use core::future::poll_fn;
use core::time::Duration;
use std::fs::{self, OpenOptions};
use std::os::unix::fs::{FileExt as _, MetadataExt as _, symlink};
use std::path::Path;

use packet::{Limits, Pool};
use runtime::Storage as _;
use tempfile::TempDir;

use super::*;

fn pool(pages: usize) -> Pool {
    Pool::new(Limits {
        cells: 0,
        pages,
        bays: 0,
    })
}

struct Place {
    directory: TempDir,
    storage: Directory,
}

fn place(pages: usize) -> Place {
    let directory = tempfile::tempdir().unwrap();
    let storage = Directory::open(directory.path(), &pool(pages)).unwrap();
    Place { directory, storage }
}

impl Place {
    fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.directory.path().join(name), bytes).unwrap();
    }

    fn read_all(&self, name: &str) -> Result<Vec<u8>, StorageError> {
        let id = self.storage.open(name)?;
        let (mut bytes, len) = (Vec::new(), self.metadata(id)?.len);
        while (bytes.len() as u64) < len {
            bytes.extend_from_slice(
                &self
                    .read(id, bytes.len() as u64, usize::MAX)?
                    .expect("room"),
            );
        }
        self.storage.close(id);
        Ok(bytes)
    }

    fn metadata(&self, id: FileId) -> Result<Metadata, StorageError> {
        now(poll_fn(|cx| self.storage.poll_open(id, cx))).expect("never waits")
    }

    fn read(&self, id: FileId, offset: u64, len: usize) -> Result<Option<Chunk>, StorageError> {
        now(poll_fn(|cx| self.storage.poll_read(id, offset, len, cx))).transpose()
    }
}

fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    let future = core::pin::pin!(future);
    match future.poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len)
        .map(|index| (index * 7 + index / 251) as u8)
        .collect()
}

#[test]
fn reads_what_is_in_the_file() {
    for len in [0, 1, 4095, 4096, 4097, 70_000, 200_000] {
        let place = place(64);
        place.write("file", &pattern(len));
        assert_eq!(place.read_all("file").unwrap(), pattern(len), "{len}");
        assert_eq!(
            place.read_all("file").unwrap(),
            pattern(len),
            "{len}, again"
        );
    }
}

#[test]
fn reads_ranges() {
    let place = place(64);
    place.write("file", &pattern(10_000));
    let id = place.storage.open("file").unwrap();
    for (offset, len) in [(0, 1), (4095, 1), (4096, 10), (9_999, 100), (5_000, 3_000)] {
        let chunk = place.read(id, offset, len).unwrap().unwrap();
        assert!(!chunk.is_empty() && chunk.len() <= len);
        let start = offset as usize;
        assert_eq!(*chunk, pattern(10_000)[start..start + chunk.len()]);
    }
    assert!(place.read(id, 10_000, 10).unwrap().unwrap().is_empty());
    assert!(place.read(id, u64::MAX, 10).unwrap().unwrap().is_empty());
    place.storage.close(id);
    assert_eq!(place.read(id, 0, 1).unwrap_err(), StorageError::Io);
}

#[test]
fn no_path_leaves_the_directory() {
    for walk in [false, true] {
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), b"secret").unwrap();
        let place = place(8);
        let root = place.directory.path();
        fs::create_dir_all(root.join("a/b")).unwrap();
        place.write("a/b/file", b"inside");
        symlink(outside.path(), root.join("a/out")).unwrap();
        symlink(outside.path().join("secret"), root.join("secret")).unwrap();
        symlink("/proc/self/root", root.join("magic")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        if walk {
            place.storage.root.walk_instead();
        }
        let absolute = outside.path().join("secret");
        let escape = format!("a/../../{}", outside.path().file_name().unwrap().display());
        let wrong = [
            absolute.to_str().unwrap(),
            &format!("{escape}/secret"),
            "a/out/secret",
            "secret",
            "magic/etc/passwd",
            "loop",
            "..",
            ".",
            "a/./b/file",
            "a//b/file",
            "a/b/file/",
            "/a/b/file",
            "a/b/file\0.html",
            "a/b/file/x",
            "none",
        ];
        for path in wrong {
            assert_eq!(place.read_all(path), Err(StorageError::NotFound), "{path}");
        }
        assert_eq!(place.read_all("a/b/file").unwrap(), b"inside");
        assert_eq!(place.read_all("a/b"), Err(StorageError::IsDirectory));
        assert_eq!(place.read_all(""), Err(StorageError::IsDirectory));
    }
}

#[test]
fn a_link_that_stays_inside_is_followed_by_the_kernel_alone() {
    let place = place(8);
    place.write("file", b"inside");
    symlink("file", place.directory.path().join("link")).unwrap();
    assert_eq!(place.read_all("link").unwrap(), b"inside");
    place.storage.root.walk_instead();
    assert_eq!(place.read_all("link"), Err(StorageError::NotFound));
}

#[test]
fn a_pipe_is_not_waited_for() {
    let place = place(8);
    let path = place.directory.path().join("pipe");
    rustix::fs::mkfifoat(rustix::fs::CWD, &path, rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(place.read_all("pipe"), Err(StorageError::NotFound));
}

fn change(way: &str, path: &Path) {
    let file = OpenOptions::new().write(true).open(path).unwrap();
    let changed = match way {
        "truncated" => file.set_len(5),
        "shorter" => fs::write(path, b"shorter"),
        "as long" => fs::write(path, [b'x'; 20_000]),
        "in place" => file.write_all_at(b"x", 19_000),
        "appended" => file.write_all_at(b"x", 20_000),
        _ => {
            let new = path.with_extension("new");
            fs::write(&new, [b'y'; 20_000]).unwrap();
            fs::rename(new, path)
        }
    };
    changed.unwrap();
}

/// Else two changes could have the same time, and a mixture would look like one version.
#[test]
fn a_file_is_open_once_the_next_change_is_told_from_the_last() {
    let place = place(8);
    for name in ["a", "b", "c", "d", "e"] {
        place.write(name, b"now");
        let id = place.storage.open(name).unwrap();
        let inner = place.storage.inner.borrow();
        let changed = inner.file(id).unwrap().key().changed();
        // Also where the kernel would see to it (Linux 6.13, on most of its file systems).
        assert_ne!(changed, file::tick());
        place.write(name, b"new");
        let now = fs::metadata(place.directory.path().join(name)).unwrap();
        let now = Duration::new(now.ctime() as u64, now.ctime_nsec() as u32);
        assert!(changed < now, "{changed:?} {now:?}");
    }
}

/// What a slow client gets of a file that changes meanwhile: one version of it, or not all.
#[test]
fn what_changes_while_it_is_read_is_never_a_mixture() {
    let ways = [
        "truncated",
        "shorter",
        "as long",
        "in place",
        "appended",
        "replaced",
    ];
    for way in ways {
        let place = place(64);
        place.write("file", &pattern(20_000));
        let path = place.directory.path().join("file");
        let id = place.storage.open("file").unwrap();
        let before = place.metadata(id).unwrap();
        // Not all in the first read: the file is larger than what is read ahead for 5,000 bytes.
        assert!(place.read(id, 0, 5_000).unwrap().is_some());
        change(way, &path);
        let rest = place.read(id, 12_288, 7_712);
        match way {
            "replaced" => {
                let page = rest.unwrap().expect("room");
                assert_eq!(*page, pattern(20_000)[12_288..][..page.len()]);
            }
            _ => assert_eq!(rest.unwrap_err(), StorageError::Io, "{way}"),
        }
        let id = place.storage.open("file").unwrap();
        assert_ne!(place.metadata(id).unwrap().etag, before.etag, "{way}");
        assert_eq!(place.read_all("file").unwrap(), fs::read(path).unwrap());
    }
}

#[test]
fn the_cache_is_bounded_and_yields_to_who_needs_memory() {
    let place = place(32);
    place.write("file", &pattern(400_000));
    let mut file = OpenFile::new(place.storage.root.open_file("file").unwrap()).unwrap();
    file.settle();
    let mut inner = place.storage.inner.borrow_mut();
    inner.files.push(Slot {
        generation: 0,
        file: Some(file),
    });
    let id = FileId {
        slot: 0,
        generation: 0,
    };
    drop(inner);
    let pool = place.storage.pool.clone();
    for page in 0..90 {
        let chunk = place.read(id, page * PAGE, usize::MAX).unwrap().unwrap();
        assert_eq!(chunk[..16], pattern(400_000)[page as usize * 4096..][..16]);
        assert!(pool.usage(Class::Page).held <= 24, "page {page}");
    }
    let held: Vec<_> = core::iter::from_fn(|| pool.take(Class::Page)).collect();
    assert!(held.len() >= 12);
    let chunk = place
        .read(id, 0, 1)
        .unwrap()
        .expect("the cache gives up a page");
    assert_eq!(*chunk, pattern(1));
}

#[test]
fn a_reader_without_memory_waits_until_there_is_some() {
    let place = place(16);
    place.write("file", &pattern(100));
    let id = place.storage.open("file").unwrap();
    let mut held: Vec<_> = core::iter::from_fn(|| place.storage.pool.take(Class::Page)).collect();
    assert!(place.read(id, 0, 1).unwrap().is_none());
    assert!(!place.storage.arm());
    assert!(!place.storage.receive(Instant::ZERO));
    held.pop();
    assert!(place.storage.arm());
    assert!(place.storage.receive(Instant::ZERO));
    assert!(!place.storage.arm());
    assert_eq!(*place.read(id, 0, 1).unwrap().unwrap(), pattern(1));
}
