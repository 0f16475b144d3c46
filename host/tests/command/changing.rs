//! A file that changes while a slow client gets it: the client has one version of it, or sees that it has
//! not all of it.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use archive::{Coding, File};

use crate::client::{connect, get};
use crate::server::{Server, publish};

/// More than all that lies between a disk and a client that does not read: socket buffers grow to 6 MiB.
const LEN: usize = 24 << 20;

fn version(number: u8) -> Vec<u8> {
    let byte = |index: usize| index as u8 ^ (index >> 8) as u8 ^ (index >> 16) as u8;
    (0..LEN)
        .map(|index| byte(index) & 0x7f | number << 7)
        .collect()
}

/// A client that has asked for the file, and has read the head and the first bytes.
struct Slow {
    stream: TcpStream,
    body: Vec<u8>,
}

impl Slow {
    fn ask(server: &Server) -> Self {
        let mut stream = connect(server.address());
        let head = "GET /file.bin HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
        stream.write_all(head.as_bytes()).unwrap();
        let mut read = vec![0; 10_000];
        stream.read_exact(&mut read).unwrap();
        let end = read.windows(4).position(|bytes| bytes == b"\r\n\r\n");
        let body = read.split_off(end.expect("a head") + 4);
        let head = String::from_utf8(read).unwrap();
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(
            head.contains(&format!("Content-Length: {LEN}\r\n")),
            "{head}"
        );
        Self { stream, body }
    }

    /// All that comes, whether it ends well or by a reset.
    fn rest(mut self) -> Vec<u8> {
        let _ = self.stream.read_to_end(&mut self.body);
        self.body
    }
}

#[test]
fn a_file_of_a_directory() {
    let (old, new) = (version(0), version(1));
    for link in ["--link=sockets", "--link=memory"] {
        let site = tempfile::tempdir().unwrap();
        let path = site.path().join("file.bin");
        let directory = site.path().display().to_string();
        let server = Server::start(&[&directory, &publish(), link, "-q"]);
        for way in ["replaced", "removed", "cut", "appended", "in place", "anew"] {
            fs::write(&path, &old).unwrap();
            let slow = Slow::ask(&server);
            change(way, &path, &new);
            let got = slow.rest();
            assert!(old.starts_with(&got), "{way}, {link}: a mixture");
            let is_whole = matches!(way, "replaced" | "removed");
            assert_eq!(got.len() == LEN, is_whole, "{way}, {link}: {}", got.len());
            let next = get(server.address(), "/file.bin");
            match fs::read(&path) {
                Ok(bytes) => assert!(next.body == bytes, "{way}, {link}: not the new one"),
                Err(_) => assert_eq!(next.status, 404),
            }
        }
    }
}

fn change(way: &str, path: &Path, new: &[u8]) {
    let file = OpenOptions::new()
        .append(way == "appended")
        .write(true)
        .open(path);
    let mut file = file.unwrap();
    let changed = match way {
        "replaced" => {
            let beside = path.with_extension("new");
            fs::write(&beside, new).unwrap();
            fs::rename(beside, path)
        }
        "removed" => fs::remove_file(path),
        "cut" => file.set_len(LEN as u64 / 2),
        "appended" => file.write_all(b"more"),
        "in place" => file.write_all_at(&new[LEN - 1000..], LEN as u64 - 1000),
        _ => fs::write(path, new),
    };
    changed.unwrap();
}

/// It was read when the server started.
#[test]
fn an_archive() {
    let (old, new) = (version(0), version(1));
    let pack = |bytes: &[u8]| {
        archive::write(vec![File {
            path: "file.bin",
            media: "application/octet-stream",
            coding: Coding::Identity,
            modified: None,
            bytes: bytes.into(),
        }])
        .unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("site.archive");
    fs::write(&path, pack(&old)).unwrap();
    let server = Server::start(&[path.to_str().unwrap(), &publish(), "--link=sockets", "-q"]);
    let slow = Slow::ask(&server);
    fs::write(&path, pack(&new)).unwrap();
    assert!(slow.rest() == old);
    assert!(get(server.address(), "/file.bin").body == old);
}
