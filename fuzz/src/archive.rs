//! An archive that somebody else made.

use archive::{Archive, Coding, File, write};

/// Opens an archive and packs all that is in it again. One that was opened has nothing wrong.
pub fn archive(bytes: &[u8]) {
    let Ok(archive) = Archive::open(bytes) else {
        return;
    };
    let files: Vec<_> = archive.files().collect();
    // Files may share their bytes: a small archive of many large ones is not for this test.
    if files.iter().map(|file| file.bytes.len()).sum::<usize>() > 1 << 20 {
        return;
    }
    let again = write(files.clone()).expect("what was read can be written");
    let again = Archive::open(&again).expect("what was written can be read");
    assert!(again.files().eq(files));
}

/// An archive with something of everything.
pub(crate) fn seed() -> Vec<u8> {
    let file = |path, coding, bytes: &'static [u8]| File {
        path,
        media: "text/plain",
        coding,
        modified: Some(1_000_000_000),
        bytes: bytes.into(),
    };
    let files = vec![
        file("a", Coding::Identity, b"one"),
        file("b/c", Coding::Identity, b"two"),
        file("b/c", Coding::Gzip, b""),
    ];
    write(files).expect("plain paths")
}
