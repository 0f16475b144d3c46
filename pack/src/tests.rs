use core::task::{Context, Poll, Waker};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;

use archive::{Archive, Coding};
use runtime::{Metadata, Storage};

use super::*;

fn bytes_of(archive: &Archive<'static>, path: &str, coding: Coding) -> Option<(Metadata, Vec<u8>)> {
    let id = match coding {
        Coding::Identity => archive.open(path).ok()?,
        coding => archive.open_coded(path, coding.name()).ok()?,
    };
    let cx = &mut Context::from_waker(Waker::noop());
    match (
        archive.poll_open(id, cx),
        archive.poll_read(id, 0, usize::MAX, cx),
    ) {
        (Poll::Ready(Ok(metadata)), Poll::Ready(Ok(chunk))) => Some((metadata, chunk.to_vec())),
        other => panic!("it is not there: {other:?}"),
    }
}

fn open(packed: &Packed) -> Archive<'static> {
    Archive::open(Box::leak(packed.bytes.clone().into_boxed_slice())).unwrap()
}

#[test]
fn what_is_in_a_directory_is_in_its_archive() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path();
    let page = "<p>Hello, hello, hello</p>\n".repeat(100);
    fs::create_dir_all(root.join("css/deep")).unwrap();
    fs::create_dir(root.join(".git")).unwrap();
    for (name, bytes) in [
        ("index.html", page.as_bytes()),
        ("css/deep/a.css", b"a {}"),
        ("noise.html", &noise()),
        ("photo.png", page.as_bytes()),
        (".git/config", b"hidden"),
    ] {
        fs::write(root.join(name), bytes).unwrap();
    }
    symlink("index.html", root.join("home.html")).unwrap();
    symlink("/etc/hostname", root.join("outside")).unwrap();
    symlink("nothing", root.join("dangling")).unwrap();
    symlink("css", root.join("styles")).unwrap();

    let packed = pack(root).unwrap();
    let archive = open(&packed);
    let plain = archive
        .files()
        .filter(|file| file.coding == Coding::Identity);
    let names: Vec<_> = plain.map(|file| file.path).collect();
    let expected = [
        "css/deep/a.css",
        "home.html",
        "index.html",
        "noise.html",
        "photo.png",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        packed.left_out,
        [
            "dangling is left out: it leads nowhere",
            "outside is left out: it leads out of the directory",
            "styles is left out: it is no file, nor a link to one",
        ]
    );
    assert_eq!((packed.files, packed.variants), (5, 6));
    for coding in Coding::ALL {
        let (metadata, bytes) = bytes_of(&archive, "index.html", coding).unwrap();
        assert_eq!(
            compress::plain(coding, &bytes),
            page.as_bytes(),
            "{coding:?}"
        );
        assert_eq!(metadata.media, Some(http::media::HTML));
        assert!(metadata.modified.is_some());
    }
    for name in ["css/deep/a.css", "noise.html", "photo.png"] {
        let (metadata, _) = bytes_of(&archive, name, Coding::Identity).unwrap();
        assert!(metadata.codings.is_empty(), "{name} is not worth it");
    }
    assert_eq!(pack(root).unwrap().bytes, packed.bytes);
}

/// What no compressor makes smaller.
fn noise() -> Vec<u8> {
    let mut state = 1u64;
    let next = |_| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    };
    (0..4096).map(next).collect()
}

#[test]
fn what_cannot_be_packed_is_named() {
    let directory = tempfile::tempdir().unwrap();
    let missing = directory.path().join("missing");
    let error = pack(&missing).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read ") && error.contains("missing"),
        "{error}"
    );
    let odd = OsStr::from_bytes(b"odd\xff");
    fs::write(directory.path().join(odd), b"").unwrap();
    let error = pack(directory.path()).unwrap_err();
    assert!(matches!(error, Error::Name(_)), "{error}");
}
