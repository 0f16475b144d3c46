//! Names that `get` looks up, in a network namespace with a name server of the test's own.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, UdpSocket};
use std::thread;

use crate::server::{fails, run};
use crate::taps::{has_ip, ip, is_inside};

/// Says that every name is 10.0.0.1, and of those that begin with n that there is none.
fn answer_names() {
    let socket = UdpSocket::bind("0.0.0.0:53").unwrap();
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((len, from)) = socket.recv_from(&mut query) {
            let mut answer = query[..len].to_vec();
            let is_absent = answer[13] == b'n';
            let (flags, count) = if is_absent {
                ([0x81, 0x83], 0)
            } else {
                ([0x81, 0x80], 1)
            };
            answer[2..4].copy_from_slice(&flags);
            answer[7] = count;
            if !is_absent {
                answer.extend(b"\xc0\x0c\0\x01\0\x01\0\0\0\x3c\0\x04\x0a\0\0\x01");
            }
            socket.send_to(&answer, from).unwrap();
        }
    });
}

/// Answers every request with the host that was asked for.
fn answer_requests() -> u16 {
    let listener = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 1000];
            let len = stream.read(&mut request).unwrap();
            let request = String::from_utf8_lossy(&request[..len]);
            let host = request.lines().find_map(|line| line.strip_prefix("Host: "));
            let body = host.unwrap_or_default();
            let len = body.len();
            write!(
                stream,
                "HTTP/1.1 200 OK\r\nContent-Length: {len}\r\n\r\n{body}"
            )
            .unwrap();
        }
    });
    port
}

#[test]
fn names_are_found_on_the_kernels_stack_and_on_ours() {
    const TEST: &str = "names::names_are_found_on_the_kernels_stack_and_on_ours";
    if !has_ip(TEST) || !is_inside(TEST) {
        return;
    }
    assert!(ip(&["link", "set", "lo", "up"]));
    assert!(ip(&["addr", "add", "10.0.0.1/32", "dev", "lo"]));
    answer_names();
    let port = answer_requests();
    let (host, absent) = (format!("web.test:{port}"), "http://nobody.test/");
    let url = format!("http://{host}/");
    let on_sockets = run(&[], &["get", &url, "--dns=10.0.0.1"]);
    assert_eq!(on_sockets, (0, host.clone(), String::new()));
    let why = ["nobody.test", "no such name"];
    fails(&[], &["get", absent, "--dns=10.0.0.1"], 1, &why);

    assert!(ip(&["addr", "del", "10.0.0.1/32", "dev", "lo"]));
    let tap = ["--link=tap:t0", "--host-address=10.0.0.1/24"];
    let get = |url, dns| [&["get", url, dns][..], &tap].concat();
    let on_tap = run(&[], &get(&url, "--dns=10.0.0.1"));
    assert_eq!(on_tap, (0, host, String::new()));
    fails(&[], &get(absent, "--dns=10.0.0.1"), 1, &why);
    let nobody = "--dns=192.0.2.53";
    fails(
        &[],
        &get(&url, nobody),
        1,
        &["web.test", "unreachable", "--dns"],
    );
    fails(
        &[],
        &get(&url, "-q"),
        1,
        &["web.test", "no name server", "--dns"],
    );
}
