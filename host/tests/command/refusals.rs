//! What cannot be done: one line that says what and what to do, and an exit code.

use std::fs;
use std::net::TcpListener;

use crate::server::{allows, fails, free_port, publish, run, skip};

#[test]
fn unusable_command_lines() {
    for (arguments, word) in [
        (&["serve", "--prot", "80"][..], "--port"),
        (&["serve", "--port", "0"], "--port"),
        (&["serve", "--port", "http"], "--port"),
        (&["serve", "--link", "tap"], "tap:NAME"),
        (&["serve", "--link", "tap:a/b"], "name"),
        (&["serve", "--address", "10.0.0.2"], "10.0.0.2/24"),
        (&["serve", "--address", "dchp"], "or dhcp"),
        (&["serve", "--address", "dhcp"], "tap:NAME"),
        (
            &["serve", "--address", "dhcp", "--link", "sockets"],
            "tap:NAME",
        ),
        (
            &["serve", "--address", "dhcp", "--link", "tap:t0"],
            "--publish",
        ),
        (
            &[
                "get",
                "http://h/",
                "--address",
                "dhcp",
                "--link",
                "tap:t0",
                "--gateway",
                "10.0.0.1",
            ],
            "--gateway",
        ),
        (&["serve", "--address", "10.0.0.255/24"], "one host"),
        (&["serve", "--mac", "01:00:00:00:00:01"], "station"),
        (&["serve", "--mtu", "10"], "--mtu"),
        (&["serve", "--memory", "1T"], "64M"),
        (&["serve", "--publish", "8080"], "--publish"),
        (&["serve", "--set", "title"], "key=value"),
        (&["serve", "--app", "site"], "parhelion serve DIR"),
        (&["serve", "--app", "blog"], "hello"),
        (
            &[
                "serve",
                "--host-address",
                "192.168.1.1/24",
                "--link",
                "memory",
            ],
            "one network",
        ),
        (&["serve", "one", "two"], "two"),
        (&["fetch"], "fetch"),
        (&["get"], "URL"),
        (&["get", "https://example.org/"], "http://"),
        (
            &["get", "http://127.0.0.1/", "--link", "memory"],
            "tap:NAME",
        ),
    ] {
        let mut arguments = arguments.to_vec();
        let elsewhere = publish();
        if arguments[0] == "serve" && !arguments.contains(&"--publish") {
            arguments.push(&elsewhere);
        }
        fails(&[], &arguments, 2, &[word]);
    }
}

#[test]
fn unusable_input() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    fs::write(path("file"), "").unwrap();
    fails(
        &[],
        &["serve", &path("none")],
        2,
        &["none", "no such file", "directory"],
    );
    fails(
        &[],
        &["serve", &path("file")],
        2,
        &["file", "no archive", "name a directory"],
    );
    let nowhere = format!("--ready-file={}", path("none/ready"));
    fails(
        &[],
        &["serve", &nowhere],
        2,
        &["none/ready", "--ready-file"],
    );
    fails(
        &[],
        &["serve", "--app=hello", &path(".")],
        2,
        &["leave out"],
    );
    let output = path("none/out");
    fails(
        &[],
        &["get", "http://127.0.0.1:9/", "-o", &output],
        2,
        &["none/out", "-o"],
    );
}

#[test]
fn a_port_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let at = format!("--publish={}", taken.local_addr().unwrap());
    for link in [&[][..], &["--link=memory"], &["--link=sockets"]] {
        let arguments = [&["serve", at.as_str()], link].concat();
        fails(&[], &arguments, 1, &["in use", "--publish"]);
    }
    let anywhere = TcpListener::bind("0.0.0.0:0").unwrap();
    let port = format!("--port={}", anywhere.local_addr().unwrap().port());
    fails(
        &[],
        &["serve", "--link=sockets", &port],
        1,
        &["in use", "--port"],
    );
}

#[test]
fn an_address_of_another_machine() {
    let at = format!("--publish=192.0.2.1:{}", free_port());
    fails(
        &[],
        &["serve", &at],
        1,
        &["192.0.2.1", "no address of this machine"],
    );
}

#[test]
fn without_permission() {
    // In a user namespace alone: nothing of the network belongs to it.
    let wrapper = ["unshare", "--user"];
    if !allows(&wrapper) {
        return skip("a tap without permission", "user namespaces are refused");
    }
    fails(
        &wrapper,
        &["serve", "--link=tap:parhelion9"],
        1,
        &["parhelion9"],
    );
    let low = ["serve", "--link=sockets", "--port=79"];
    fails(&wrapper, &low, 1, &["79", "root", "--port"]);
}

#[test]
fn something_else_in_the_place_of_taps() {
    const HIDE: &str = "mount --bind /dev/null /dev/net/tun && exec \"$0\" \"$@\"";
    let wrapper = [
        &["unshare", "--user", "--map-root-user", "--net", "--mount"][..],
        &["sh", "-c", HIDE],
    ]
    .concat();
    if !allows(&wrapper) {
        return skip("no driver of taps", "user namespaces are refused");
    }
    let words = ["/dev/net/tun is something else", "mknod"];
    fails(&wrapper, &["serve", "--link=tap:t0"], 1, &words);
}

#[test]
fn help_is_there_without_being_an_error() {
    for (arguments, word) in [
        (&["--help"][..], "serve"),
        (&["serve", "--help"], "--ready-file"),
        (&["get", "--help"], "--output"),
        (&["--version"], env!("CARGO_PKG_VERSION")),
    ] {
        let (code, output, errors) = run(&[], arguments);
        assert_eq!((code, errors.as_str()), (0, ""), "{arguments:?}");
        assert!(output.contains(word), "{output}");
        assert!(
            !output.contains('\x1b'),
            "colours although it is no terminal: {output}"
        );
    }
    let (code, output, errors) = run(&[], &[]);
    assert_eq!((code, output.as_str()), (2, ""));
    assert!(errors.contains("Usage:"), "{errors}");
}
