//! `parhelion get`.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};

use crate::server::{Server, command, end, fails, free_port, publish, run, signal};
use crate::serving::Site;

#[test]
fn a_file_arrives_whole() {
    let site = Site::new();
    let server = Server::start(&[&site.path(), &publish(), "--link=memory"]);
    let url = format!("{}large.bin", server.url);
    let path = server.scratch().join("copy");
    let arguments = ["get", &url, "-o", path.to_str().unwrap()];
    let (code, output, errors) = run(&[], &arguments);
    assert_eq!((code, output.as_str(), errors.as_str()), (0, "", ""));
    assert!(fs::read(&path).unwrap() == site.large);
    let shown = command(&[], &["get", &url]).output().unwrap();
    assert!(shown.status.success() && shown.stdout == site.large);
}

#[test]
fn what_the_server_says_is_the_exit_code() {
    let site = Site::new();
    let server = Server::start(&[&site.path(), &publish(), "--link=sockets"]);
    let url = |target: &str| format!("{}{target}", server.url);
    let path = server.scratch().join("copy").display().to_string();
    fails(
        &[],
        &["get", &url("none"), "-o", &path],
        1,
        &["404 Not Found"],
    );
    fails(
        &[],
        &["get", &url("sub"), "-o", &path],
        1,
        &["301", "/sub/"],
    );
    let nobody = format!("http://127.0.0.1:{}/", free_port());
    fails(
        &[],
        &["get", &nobody, "-o", &path],
        1,
        &["cannot connect", "refused"],
    );
    fails(
        &[],
        &["get", "http://parhelion.invalid/"],
        1,
        &["parhelion.invalid", "address"],
    );
    assert!(!fs::exists(&path).unwrap());
}

/// Answers one request with half of a body, and gives the connection back.
fn half_a_body() -> (String, std::thread::JoinHandle<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let server = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let _ = stream.read(&mut [0; 1000]);
        let half = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
        stream.write_all(half).unwrap();
        stream
    });
    (url, server)
}

#[test]
fn a_signal_leaves_nothing_behind() {
    let (url, server) = half_a_body();
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file").display().to_string();
    let child = command(&[], &["get", &url, "-o", &path]).spawn().unwrap();
    // It has asked, so its file is there, and it waits for the other half.
    let stream = server.join().unwrap();
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    signal(child.id());
    let (code, output, errors) = end(child);
    assert_eq!((code, output.as_str()), (1, ""));
    assert!(errors.contains("interrupted"), "{errors}");
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    drop(stream);
}

#[test]
fn half_a_file_is_none() {
    let (url, server) = half_a_body();
    let server = std::thread::spawn(move || drop(server.join()));
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file").display().to_string();
    fails(
        &[],
        &["get", &url, "-o", &path],
        1,
        &["ended in the middle"],
    );
    assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    server.join().unwrap();
}
