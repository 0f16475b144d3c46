//! A client that asks for exactly what it is told to.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

/// A response, taken apart.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    head: String,
    pub(crate) body: Vec<u8>,
}

impl Response {
    /// The value of a header line.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (field, value) = line.split_once(':')?;
            field.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// Connects, with a limit on every wait.
pub(crate) fn connect(server: SocketAddr) -> TcpStream {
    let patience = Duration::from_secs(20);
    let stream = TcpStream::connect_timeout(&server, patience).expect("a connection");
    stream.set_read_timeout(Some(patience)).unwrap();
    stream.set_write_timeout(Some(patience)).unwrap();
    stream
}

/// Sends one request and takes all that comes until the server closes. `fields` are whole lines.
pub(crate) fn request(server: SocketAddr, method: &str, target: &str, fields: &[&str]) -> Response {
    let mut stream = connect(server);
    let mut head = format!("{method} {target} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n");
    for field in fields {
        head.push_str(field);
        head.push_str("\r\n");
    }
    head.push_str("\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).expect("the whole response");
    parse(bytes)
}

/// `GET target`.
pub(crate) fn get(server: SocketAddr, target: &str) -> Response {
    request(server, "GET", target, &[])
}

fn parse(mut bytes: Vec<u8>) -> Response {
    let end = bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .unwrap_or_else(|| panic!("no head in {} bytes", bytes.len()));
    let body = bytes.split_off(end + 4);
    let head = String::from_utf8(bytes).expect("a head of text");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    Response {
        status: status.expect("a status code"),
        head,
        body,
    }
}
