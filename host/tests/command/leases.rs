//! `--address dhcp`, with servers that others wrote: busybox's udhcpd, whose leases may be short, and
//! dnsmasq, which refuses to extend what it does not know.
//!
//! All is waiting here, so one test does it all at the same time, each on a tap of its own.

use core::time::Duration;
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::Instant;

use tempfile::TempDir;

use crate::client::get;
use crate::server::{Server, fails, run, skip};
use crate::taps::{has_ip, ip, is_inside};

/// How long a server of addresses may take to say something.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn servers_that_lend_and_refuse_and_die() {
    if !is_inside("leases::servers_that_lend_and_refuse_and_die") || !has_ip("DHCP") {
        return;
    }
    for program in ["busybox", "dnsmasq"] {
        let there = command(program).arg("--help").output();
        if there.is_err() {
            return skip("DHCP", &format!("there is no {program}"));
        }
    }
    assert!(ip(&["link", "set", "lo", "up"]));
    thread::scope(|scope| {
        scope.spawn(extended_and_then_not);
        scope.spawn(refused);
        scope.spawn(in_use_already);
        scope.spawn(fetched);
        scope.spawn(nobody_there);
    });
}

/// A lease of ten seconds is extended after five; its server dies, nobody else answers, it runs out.
fn extended_and_then_not() {
    let network = Network::new("t0", "10.90.0");
    let mut udhcpd = network.udhcpd(50, 50, 10);
    let mut server = Server::start(&["--link=tap:t0", "--address=dhcp"]);
    let line = server.line_with("DHCP:");
    assert!(line.contains("10.90.0.50/24 from 10.90.0.1"), "{line}");
    assert!(
        line.contains("router 10.90.0.9, names by 10.90.0.53"),
        "{line}"
    );
    assert_eq!(server.url, "http://10.90.0.50/");
    assert_eq!(get(server.address(), "/").status, 200);
    udhcpd.says("sending ACK to 10.90.0.50", 2);
    drop(udhcpd);
    let line = server.line_with("DHCP:");
    assert!(line.contains("does not extend 10.90.0.50"), "{line}");
    let line = server.line_with("DHCP:");
    assert!(line.contains("nobody extended 10.90.0.50"), "{line}");
    let (code, output, errors) = server.stop();
    assert_eq!(code, 0, "{output}{errors}");
}

/// A server that has forgotten, and lends others now, says no; another address is asked for.
fn refused() {
    let network = Network::new("t1", "10.91.0");
    let mut dnsmasq = network.dnsmasq("10.91.0.50,10.91.0.50");
    let mut server = Server::start(&["--link=tap:t1", "--address=dhcp"]);
    assert_eq!(server.url, "http://10.91.0.50/");
    dnsmasq.says("DHCPACK(t1) 10.91.0.50", 1);
    drop(dnsmasq);
    let mut dnsmasq = network.dnsmasq("10.91.0.60,10.91.0.60");
    dnsmasq.says("DHCPNAK(t1) 10.91.0.50", 1);
    server.line_with("10.91.0.50 is not ours");
    let line = server.line_with("DHCP:");
    assert!(line.contains("10.91.0.60/24 from 10.91.0.1"), "{line}");
    let address = "10.91.0.60:80".parse().unwrap();
    assert_eq!(get(address, "/").status, 200);
}

/// The kernel has the one address that is lent; it answers our probe, and the server lends it no more.
fn in_use_already() {
    let network = Network::new("t4", "10.94.0");
    assert!(ip(&["addr", "add", "10.94.0.60/32", "dev", "t4"]));
    let mut udhcpd = network.udhcpd(60, 60, 600);
    let mut server = Server::spawn(&["--link=tap:t4", "--address=dhcp"]);
    let line = server.line_with("DHCP:");
    assert!(line.contains("somebody else uses 10.94.0.60"), "{line}");
    udhcpd.says("no free IP addresses", 1);
}

/// Our client asks for an address, too; and for a name, of the server that comes with it.
fn fetched() {
    let network = Network::new("t2", "10.92.0");
    let _dnsmasq = network.dnsmasq("10.92.0.50,10.92.0.50");
    let site = Server::start(&["--link=sockets", "--port=8092"]);
    let url = "http://page.test:8092/";
    let (code, output, errors) = run(&[], &["get", url, "--link=tap:t2", "--address=dhcp"]);
    assert_eq!(code, 0, "{output}{errors}");
    assert!(output.contains("<html"), "{output}");
    assert!(
        errors.starts_with("DHCP: 10.92.0.50/24 from 10.92.0.1"),
        "{errors}"
    );
    assert_eq!(errors.lines().count(), 1, "{errors}");
    assert_eq!(site.stop().0, 0);
}

fn nobody_there() {
    let _network = Network::new("t3", "10.93.0");
    fails(
        &[],
        &[
            "get",
            "http://10.93.0.1/",
            "--link=tap:t3",
            "--address=dhcp",
        ],
        1,
        &["no DHCP server answers on tap t3", "--address"],
    );
}

/// Debian keeps servers where only root looks.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let path = std::env::var("PATH").unwrap_or_default();
    command.env("PATH", format!("{path}:/usr/sbin:/sbin"));
    command
}

/// A tap with the kernel at its other end, and a place for files.
struct Network {
    tap: &'static str,
    /// The first three numbers of its addresses.
    start: &'static str,
    directory: TempDir,
}

impl Network {
    fn new(tap: &'static str, start: &'static str) -> Self {
        assert!(ip(&["tuntap", "add", "dev", tap, "mode", "tap"]));
        assert!(ip(&["addr", "add", &format!("{start}.1/24"), "dev", tap]));
        assert!(ip(&["link", "set", tap, "up"]));
        Self {
            tap,
            start,
            directory: tempfile::tempdir().unwrap(),
        }
    }

    fn path(&self, name: &str) -> String {
        self.directory.path().join(name).display().to_string()
    }

    /// Lends the addresses from the one to the other, for so many seconds.
    fn udhcpd(&self, first: u8, last: u8, seconds: u32) -> Lender {
        let Self { tap, start, .. } = self;
        let (leases, id, config) = (self.path("leases"), self.path("id"), self.path("config"));
        let text = format!(
            "interface {tap}\nstart {start}.{first}\nend {start}.{last}\n\
             lease_file {leases}\npidfile {id}\n\
             option subnet 255.255.255.0\noption router {start}.9\noption dns {start}.53\n\
             option lease {seconds}\n"
        );
        fs::write(&leases, "").unwrap();
        fs::write(&config, text).unwrap();
        // It asks for nobody's sake whether the address is in use: we do.
        let arguments = ["udhcpd", "-f", "-a", "0", &config];
        let mut lender = Lender::start("busybox", &arguments, self.directory.path());
        lender.says("started", 1);
        lender
    }

    /// Lends this range, and knows a name; wants to be asked again after eight seconds.
    fn dnsmasq(&self, range: &str) -> Lender {
        let Self { tap, start, .. } = self;
        // It remembers nothing of an earlier one.
        let leases = self.path("leases");
        fs::write(&leases, "").unwrap();
        let arguments = [
            "--conf-file=/dev/null",
            // Without changing to another user, whom a namespace does not know.
            "--no-daemon",
            "--log-dhcp",
            "--no-ping",
            "--no-resolv",
            "--no-hosts",
            "--bind-interfaces",
            "--except-interface=lo",
            &format!("--interface={tap}"),
            &format!("--address=/page.test/{start}.1"),
            &format!("--dhcp-range={range},2m"),
            "--dhcp-option=option:T1,8",
            &format!("--dhcp-leasefile={leases}"),
        ];
        let mut lender = Lender::start("dnsmasq", &arguments, self.directory.path());
        lender.says("sockets bound exclusively to interface", 1);
        lender
    }
}

/// A server of addresses; killed when dropped.
struct Lender {
    child: Child,
    log: std::path::PathBuf,
}

impl Lender {
    fn start(program: &str, arguments: &[&str], directory: &Path) -> Self {
        let log = directory.join("log");
        let file = File::create(&log).unwrap();
        let child = command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(file.try_clone().unwrap())
            .stderr(file)
            .spawn()
            .unwrap();
        Self { child, log }
    }

    /// Waits until it has said this so often.
    fn says(&mut self, what: &str, count: usize) {
        let start = Instant::now();
        loop {
            let log = fs::read_to_string(&self.log).unwrap();
            if log.matches(what).count() >= count {
                return;
            }
            let lives = self.child.try_wait().unwrap().is_none();
            assert!(
                lives && start.elapsed() < PATIENCE,
                "{what:?} is not in:\n{log}"
            );
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Lender {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
