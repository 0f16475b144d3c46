use alloc::boxed::Box;
use alloc::vec::Vec;
use core::task::{Context, Poll, Waker};

use packet::Chunk;
use proptest::prelude::*;
use runtime::{Metadata, Storage, StorageError};

use super::*;

fn file<'a>(path: &'a str, coding: Coding, bytes: &'a [u8]) -> File<'a> {
    File {
        path,
        media: "text/plain",
        coding,
        modified: Some(7),
        bytes: bytes.into(),
    }
}

fn open(bytes: Vec<u8>) -> Result<Archive<'static>, Malformed> {
    Archive::open(Box::leak(bytes.into_boxed_slice()))
}

fn made(files: Vec<File<'_>>) -> Archive<'static> {
    open(write(files).unwrap()).unwrap()
}

fn look(
    archive: &Archive<'static>,
    path: &str,
    coding: &str,
) -> Result<(Metadata, Vec<u8>), StorageError> {
    let id = match coding {
        "" => archive.open(path)?,
        coding => archive.open_coded(path, coding)?,
    };
    let cx = &mut Context::from_waker(Waker::noop());
    let Poll::Ready(metadata) = archive.poll_open(id, cx) else {
        panic!("an archive never waits");
    };
    let Poll::Ready(chunk) = archive.poll_read(id, 0, usize::MAX, cx) else {
        panic!("an archive never waits");
    };
    Ok((metadata?, chunk?.to_vec()))
}

#[test]
fn files_directories_and_variants_are_found() {
    let archive = made(alloc::vec![
        file("a/b.txt", Coding::Gzip, b"gz"),
        file("a-b", Coding::Identity, b"between"),
        file("a/b.txt", Coding::Identity, b"plain"),
        file("a/b.txt", Coding::Brotli, b"br"),
        file("z", Coding::Identity, b""),
    ]);
    let (metadata, bytes) = look(&archive, "a/b.txt", "").unwrap();
    assert_eq!((metadata.len, &bytes[..]), (5, &b"plain"[..]));
    assert_eq!(metadata.codings, ["br", "gzip"]);
    assert_eq!(metadata.media, Some("text/plain"));
    let (compressed, bytes) = look(&archive, "a/b.txt", "gzip").unwrap();
    assert_eq!((&bytes[..], compressed.codings.len()), (&b"gz"[..], 0));
    assert_ne!(compressed.etag, metadata.etag);
    assert_eq!(look(&archive, "z", "").unwrap().0.len, 0);
    for (path, coding, error) in [
        ("a", "", StorageError::IsDirectory),
        ("", "", StorageError::IsDirectory),
        ("a/b", "", StorageError::NotFound),
        ("a/b.txt/c", "", StorageError::NotFound),
        ("a/b.txt", "zstd", StorageError::NotFound),
        ("a/b.txt", "compress", StorageError::NotFound),
        ("a/b.txt", "identity", StorageError::NotFound),
        ("a/../z", "", StorageError::NotFound),
    ] {
        assert_eq!(look(&archive, path, coding).err(), Some(error), "{path:?}");
    }
    let paths = archive
        .files()
        .filter(|file| file.coding == Coding::Identity);
    assert!(paths.map(|file| file.path).eq(["a-b", "a/b.txt", "z"]));
}

#[test]
fn a_file_has_its_pages_to_itself() {
    let bytes = write(alloc::vec![
        file("a", Coding::Identity, &[1; 4097]),
        file("b", Coding::Identity, &[2; 1]),
    ])
    .unwrap();
    assert_eq!(bytes.len(), 4 * 4096);
    let of = |page: usize| bytes[page * 4096..][..4096].iter().copied().max().unwrap();
    assert_eq!([of(1), of(2), of(3)], [1, 1, 2]);
    let zeros = |range: core::ops::Range<usize>| bytes[range].iter().all(|byte| *byte == 0);
    assert!(zeros(4096 + 4097..3 * 4096) && zeros(3 * 4096 + 1..4 * 4096));
}

#[test]
fn a_range_is_read_without_leaving_the_file() {
    let archive = made(alloc::vec![file("a", Coding::Identity, b"0123456789")]);
    let id = archive.open("a").unwrap();
    let cx = &mut Context::from_waker(Waker::noop());
    for (offset, len, expected) in [
        (3, 4, "3456"),
        (8, 100, "89"),
        (10, 1, ""),
        (u64::MAX, 1, ""),
    ] {
        let Poll::Ready(Ok(chunk)) = archive.poll_read(id, offset, len, cx) else {
            panic!("it is there");
        };
        assert!(matches!(chunk, Chunk::Static(_)), "nothing is copied");
        assert_eq!(&*chunk, expected.as_bytes());
    }
}

#[test]
fn what_cannot_be_read_back_is_not_written() {
    let written = |files: Vec<File<'_>>| write(files).err();
    let one = |path| alloc::vec![file(path, Coding::Identity, b"")];
    for path in ["", "/a", "a/", "a//b", "./a", "a/..", "a\0"] {
        assert_eq!(written(one(path)), Some(Malformed::Path), "{path:?}");
    }
    let twice = [one("a"), one("a")].concat();
    assert_eq!(written(twice), Some(Malformed::Order));
    let alone = alloc::vec![file("a", Coding::Gzip, b"")];
    assert_eq!(written(alone), Some(Malformed::Coding));
    let mut split = one("a");
    split[0].media = "text/plain\r\nSet-Cookie: a";
    assert_eq!(written(split), Some(Malformed::Media));
}

/// Each field of the only entry, made wrong.
#[test]
fn a_malformed_archive_is_refused() {
    let good = write(alloc::vec![file("a", Coding::Identity, b"x")]).unwrap();
    for (at, value, reason) in [
        (0, b'p', Malformed::Magic),
        (8, 255, Malformed::Truncated),
        (17, 0x40, Malformed::Truncated),
        (35, 1, Malformed::Path),
        (36, 0, Malformed::Path),
        (38, 1, Malformed::Coding),
        (38, 4, Malformed::Coding),
        (43, 1, Malformed::Media),
        (48, 1, Malformed::Place),
        (49, 0x40, Malformed::Place),
        (58, 1, Malformed::Place),
        (63, 255, Malformed::Place),
    ] {
        let mut bad = good.clone();
        bad[at] = value;
        assert_eq!(open(bad).err(), Some(reason), "byte {at}");
    }
    for len in [0, 7, 31, 79, 4096, good.len() - 1] {
        assert!(open(good[..len].to_vec()).is_err(), "{len} bytes");
    }
}

proptest! {
    #[test]
    fn what_was_written_is_read(
        files in proptest::collection::btree_map("[a-c]{1,2}(/[a-c.]{1,2}x){0,2}", any::<(Vec<u8>, u8)>(), 0..8),
    ) {
        let mut given = Vec::new();
        for (path, (bytes, codings)) in &files {
            for coding in Coding::ALL {
                if coding == Coding::Identity || codings >> (coding as u8) & 1 == 1 {
                    given.push(file(path, coding, bytes));
                }
            }
        }
        let forward = write(given.clone()).unwrap();
        given.reverse();
        prop_assert_eq!(&write(given.clone()).unwrap(), &forward);
        let archive = open(forward).unwrap();
        given.sort_by_key(|file| (file.path, file.coding));
        prop_assert_eq!(archive.files().collect::<Vec<_>>(), given);
        for (path, (bytes, codings)) in &files {
            let (metadata, read) = look(&archive, path, "").unwrap();
            prop_assert_eq!(&read, bytes);
            for coding in &Coding::ALL[1..] {
                let there = codings >> (*coding as u8) & 1 == 1;
                prop_assert_eq!(metadata.codings.contains(&coding.name()), there);
                prop_assert_eq!(look(&archive, path, coding.name()).is_ok(), there);
            }
        }
    }

    #[test]
    fn any_bytes_are_survived(damage: Vec<(u16, u8)>) {
        let mut bytes = write(alloc::vec![
            file("a", Coding::Identity, b"x"),
            file("a", Coding::Gzip, b"y"),
            file("b/c", Coding::Identity, &[3; 5000]),
        ]).unwrap();
        for (at, value) in damage {
            // Mostly where it hurts.
            bytes[usize::from(at) % 256] = value;
        }
        if let Ok(archive) = Archive::open(&bytes) {
            prop_assert!(write(archive.files().collect()).is_ok());
        }
    }
}
