//! A site over each kind of place: the same questions, the same answers.

use core::net::SocketAddr;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;

use tempfile::TempDir;

use crate::client::{connect, get, request};
use crate::server::{Server, publish};

/// A site with a bit of everything, beside a file that must not be seen.
pub(crate) struct Site {
    directory: TempDir,
    pub(crate) large: Vec<u8>,
}

impl Site {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("site");
        fs::create_dir_all(root.join("sub")).unwrap();
        let large: Vec<u8> = (0..3_000_000u32)
            .map(|i| (i ^ i >> 8 ^ i >> 16) as u8)
            .collect();
        fs::write(root.join("large.bin"), &large).unwrap();
        fs::write(root.join("index.html"), "<p>front</p>").unwrap();
        fs::write(root.join("sub/index.html"), "<p>sub</p>").unwrap();
        fs::write(root.join(".hidden"), "secret").unwrap();
        fs::write(root.join("empty.txt"), "").unwrap();
        fs::write(directory.path().join("outside.txt"), "secret").unwrap();
        symlink("../outside.txt", root.join("link.txt")).unwrap();
        symlink(directory.path(), root.join("up")).unwrap();
        Self { directory, large }
    }

    pub(crate) fn path(&self) -> String {
        self.root().display().to_string()
    }

    fn root(&self) -> std::path::PathBuf {
        self.directory.path().join("site")
    }
}

#[test]
fn in_a_namespace_of_its_own_or_whatever_is_allowed() {
    let site = Site::new();
    let server = Server::start(&[&site.path(), &publish()]);
    all_of(&server, &site);
    stops_with_statistics(server);
}

#[test]
fn in_memory() {
    let site = Site::new();
    let server = Server::start(&[&site.path(), &publish(), "--link=memory"]);
    all_of(&server, &site);
    stops_with_statistics(server);
}

#[test]
fn on_the_kernels_sockets() {
    let site = Site::new();
    let server = Server::start(&[&site.path(), &publish(), "--link=sockets"]);
    all_of(&server, &site);
    stops_with_statistics(server);
}

#[test]
fn hello_says_what_serves_it() {
    let server = Server::start(&[&publish(), "--link=memory"]);
    let page = get(server.address(), "/");
    assert_eq!(page.status, 200);
    let text = String::from_utf8(page.body).unwrap();
    assert!(text.contains("own TCP/IP over frames in memory"), "{text}");
    assert_eq!(get(server.address(), "/none").status, 404);
}

#[test]
fn bench_makes_bodies_on_the_fly() {
    let server = Server::start(&["--app=bench", "-q", &publish(), "--link=memory"]);
    assert_eq!(get(server.address(), "/").body.len(), 13);
    assert_eq!(get(server.address(), "/1k").body.len(), 1024);
    let upload = vec![7; 300_000];
    let mut stream = connect(server.address());
    let head = "POST /upload HTTP/1.1\r\nHost: test\r\nContent-Length: 300000\r\n\
                Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(&upload).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    drop(stream);
    // One terabyte: some of it, and then we go.
    let mut stream = connect(server.address());
    stream
        .write_all(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    let mut some = vec![0; 5_000_000];
    stream.read_exact(&mut some).unwrap();
    drop(stream);
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
    assert!(!output.contains("GET /1k"), "quiet, but: {output}");
}

#[test]
fn a_running_response_is_finished_before_the_end() {
    let site = Site::new();
    let mut server = Server::start(&[&site.path(), &publish(), "--link=memory"]);
    let mut stream = connect(server.address());
    stream
        .write_all(b"GET /large.bin HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    let mut bytes = vec![0; 100_000];
    stream.read_exact(&mut bytes).unwrap();
    server.signal();
    stream.read_to_end(&mut bytes).unwrap();
    assert!(bytes.ends_with(&site.large[site.large.len() - 1000..]));
    drop(stream);
    let (code, output, errors) = server.end();
    assert_eq!(code, 0, "{output}{errors}");
    assert!(output.contains("Served 1 requests"), "{output}");
}

#[test]
fn a_second_signal_ends_it_at_once() {
    let mut server = Server::start(&["--app=bench", &publish(), "--link=memory"]);
    let mut stream = connect(server.address());
    stream
        .write_all(b"GET /big HTTP/1.1\r\nHost: test\r\n\r\n")
        .unwrap();
    stream.read_exact(&mut [0; 1000]).unwrap();
    server.signal();
    // Nobody reads on, so the response cannot be finished, and it waits.
    while connected_still(server.address()) {}
    server.signal();
    let (code, output, _) = server.end();
    assert_eq!(code, 1);
    assert!(!output.contains("Served"), "{output}");
}

/// Whether a new connection is still taken; a process that was told to stop takes none.
fn connected_still(server: SocketAddr) -> bool {
    let Ok(mut stream) = std::net::TcpStream::connect(server) else {
        return false;
    };
    let asked = stream.write_all(b"GET / HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n");
    asked.is_ok() && stream.read(&mut [0; 1]).is_ok_and(|count| count > 0)
}

#[test]
fn output_that_nobody_reads_stops_nothing() {
    // The lines of 6,000 requests are more than a pipe and our own buffer take together.
    const REQUESTS: usize = 6000;
    let server = Server::start(&[&publish(), "--link=memory"]);
    let mut stream = connect(server.address());
    let mut answers = stream.try_clone().unwrap();
    let reader = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        answers.read_to_end(&mut bytes).unwrap();
        String::from_utf8(bytes)
            .unwrap()
            .matches("HTTP/1.1 404 ")
            .count()
    });
    for number in 1..=REQUESTS {
        let close = if number == REQUESTS {
            "close"
        } else {
            "keep-alive"
        };
        let head = format!("GET /x HTTP/1.1\r\nHost: test\r\nConnection: {close}\r\n\r\n");
        stream.write_all(head.as_bytes()).unwrap();
    }
    assert_eq!(reader.join().unwrap(), REQUESTS);
    let (code, output, errors) = server.stop();
    assert_eq!((code, errors.as_str()), (0, ""));
    assert!(output.lines().count() < REQUESTS, "nothing was left out");
}

#[test]
fn many_at_a_time() {
    let site = Site::new();
    let server = Server::start(&[&site.path(), &publish(), "-q"]);
    let address = server.address();
    std::thread::scope(|scope| {
        for _ in 0..40 {
            scope.spawn(|| assert!(get(address, "/large.bin").body == site.large));
        }
    });
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
    assert!(output.contains("Served 40 requests"), "{output}");
}

/// Everything that a site does.
pub(crate) fn all_of(server: &Server, site: &Site) {
    let address = server.address();
    whole_files(address, site);
    ranges_and_conditions(address, site);
    directories(address);
    nothing_outside(address);
    requests_on_one_connection(address);
    a_client_that_has_said_all(address, site);
    seen_by_the_kernel(server);
}

fn whole_files(server: SocketAddr, site: &Site) {
    let large = get(server, "/large.bin");
    assert_eq!(large.status, 200);
    assert!(large.body == site.large, "{} bytes", large.body.len());
    let head = request(server, "HEAD", "/large.bin", &[]);
    assert_eq!(head.status, 200);
    assert_eq!(head.field("content-length"), Some("3000000"));
    assert!(head.body.is_empty());
    assert_eq!(get(server, "/empty.txt").body, b"");
    assert_eq!(get(server, "/none").status, 404);
    assert_eq!(request(server, "DELETE", "/large.bin", &[]).status, 405);
}

fn ranges_and_conditions(server: SocketAddr, site: &Site) {
    let part = request(server, "GET", "/large.bin", &["Range: bytes=100000-250000"]);
    assert_eq!(part.status, 206);
    assert_eq!(
        part.field("content-range"),
        Some("bytes 100000-250000/3000000")
    );
    assert!(part.body == site.large[100_000..=250_000]);
    let etag = get(server, "/index.html")
        .field("etag")
        .expect("an etag")
        .to_owned();
    let condition = format!("If-None-Match: {etag}");
    let unchanged = request(server, "GET", "/index.html", &[&condition]);
    assert_eq!((unchanged.status, unchanged.body.len()), (304, 0));
    let beyond = request(server, "GET", "/index.html", &["Range: bytes=5000-"]);
    assert_eq!(beyond.status, 416);
}

fn directories(server: SocketAddr) {
    assert_eq!(get(server, "/").body, b"<p>front</p>");
    let redirect = get(server, "/sub");
    assert_eq!(
        (redirect.status, redirect.field("location")),
        (301, Some("/sub/"))
    );
    let page = get(server, "/sub/");
    assert_eq!(page.body, b"<p>sub</p>");
    assert!(
        page.field("content-type")
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
}

fn nothing_outside(server: SocketAddr) {
    for target in [
        "/../outside.txt",
        "/sub/../../outside.txt",
        "/%2e%2e/outside.txt",
        "/..%2foutside.txt",
        "/sub/%2e%2e/%2e%2e/outside.txt",
        "//outside.txt",
        "/./../outside.txt",
        "/link.txt",
        "/up/outside.txt",
        "/.hidden",
        "/%2ehidden",
        "/large.bin%00.txt",
        "//etc/passwd",
    ] {
        let answer = get(server, target);
        assert!(
            (400..500).contains(&answer.status),
            "{target}: {}",
            answer.status
        );
        let body = String::from_utf8_lossy(&answer.body);
        assert!(!body.contains("secret"), "{target}: {body}");
    }
}

fn requests_on_one_connection(server: SocketAddr) {
    let mut stream = connect(server);
    let one = "GET /index.html HTTP/1.1\r\nHost: test\r\n\r\n";
    let last = "GET /none HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    stream
        .write_all(format!("{one}{one}{last}").as_bytes())
        .unwrap();
    let mut answers = String::new();
    stream.read_to_string(&mut answers).unwrap();
    assert_eq!(answers.matches("HTTP/1.1 200 OK").count(), 2, "{answers}");
    assert_eq!(answers.matches("HTTP/1.1 404 ").count(), 1, "{answers}");
}

/// A half-closed connection still gets its answer, all of it.
fn a_client_that_has_said_all(server: SocketAddr, site: &Site) {
    let mut stream = connect(server);
    let head = "GET /large.bin HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    assert!(answer.ends_with(&site.large));
}

/// What the process may still do.
fn seen_by_the_kernel(server: &Server) {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let value = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1))
            .expect("a value")
            .to_owned()
    };
    for set in ["CapInh:", "CapPrm:", "CapEff:", "CapAmb:"] {
        assert_eq!(value(set), "0000000000000000", "{set}");
    }
    assert_eq!(value("NoNewPrivs:"), "1");
    assert_eq!(value("Threads:"), "1");
}

/// SIGTERM: exit code 0, a line for each request with the client's own address, and statistics.
pub(crate) fn stops_with_statistics(server: Server) {
    let mut stream = connect(server.address());
    let client = stream.local_addr().unwrap();
    stream
        .write_all(b"GET /last HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n")
        .unwrap();
    stream.read_to_end(&mut Vec::new()).unwrap();
    drop(stream);
    let url = server.url.clone();
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
    assert_eq!(errors, "");
    assert!(output.contains(&url), "{output}");
    assert!(
        output.contains(&format!("{client} GET /last 404 ")),
        "{output}"
    );
    assert!(output.contains("Served "), "{output}");
    assert!(
        !output.contains('\x1b'),
        "colours although it is no terminal: {output}"
    );
}
