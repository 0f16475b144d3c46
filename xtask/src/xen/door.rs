//! From this machine to a guest in the lab's namespace: for each connection to a port here, a process of
//! ours there ([`through`]), which makes one to the guest.

use core::net::{SocketAddr, SocketAddrV4};
use core::time::Duration;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::os::fd::AsFd as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;
use std::{env, thread};

/// At a time; more are refused.
const CONNECTIONS: usize = 256;
/// For a guest that is there.
const PATIENCE: Duration = Duration::from_secs(5);
/// For what is still on its way to a client when the guest has ended.
const GRACE: Duration = Duration::from_secs(30);
/// How often a guest that is not there yet is looked for.
const AGAIN: Duration = Duration::from_millis(300);

/// A port of this machine.
pub(crate) struct Door {
    listener: TcpListener,
    at: SocketAddr,
    ready_file: Option<PathBuf>,
}

impl Door {
    /// Listens. Who comes waits until it is known where the door leads.
    pub(crate) fn open(at: SocketAddr, ready_file: Option<&Path>) -> Result<Self, String> {
        if let Some(file) = ready_file {
            // What an earlier run left.
            let _ = fs::remove_file(file);
        }
        let listener = TcpListener::bind(at);
        Ok(Self {
            listener: listener.map_err(|error| {
                format!("cannot listen at {at}: {error}: choose another with --publish")
            })?,
            at,
            ready_file: ready_file.map(Path::to_owned),
        })
    }

    /// From now on it leads to `name`, which is at `to` in the namespace of the process `lab`. Says so once
    /// something answers there. Gives what each connection holds.
    pub(crate) fn lead(self, lab: u32, to: SocketAddrV4, name: String) -> Arc<()> {
        let connections = Arc::new(());
        let all = Arc::clone(&connections);
        thread::spawn(move || {
            while !answers(lab, to) {
                thread::sleep(AGAIN);
            }
            println!(
                "Parhelion serves {name} at http://{}/\n  \
                 this machine's TCP/IP - a relay - dom0's bridge - Xen's network - our own TCP/IP at {} - {name}\n  \
                 Ctrl-C ends it",
                self.at,
                to.ip(),
            );
            if let Some(file) = &self.ready_file
                && let Err(error) = fs::write(file, format!("http://{}/\n", self.at))
            {
                println!("cannot write {}: {error}", file.display());
            }
            for stream in self.listener.incoming().filter_map(Result::ok) {
                let one = Arc::clone(&all);
                if Arc::strong_count(&all) <= 2 + CONNECTIONS {
                    thread::spawn(move || {
                        // What goes wrong is what the peers see.
                        let _ = pass(&stream, lab, to);
                        drop(one);
                    });
                }
            }
        });
        connections
    }
}

/// Waits until what was sent has come to whoever asked for it, or is not wanted.
pub(crate) fn close(connections: &Arc<()>) {
    let start = Instant::now();
    while Arc::strong_count(connections) > 2 && start.elapsed() < GRACE {
        thread::sleep(AGAIN);
    }
}

fn answers(lab: u32, to: SocketAddrV4) -> bool {
    let mut process = inside(lab, to);
    process.stdin(Stdio::null()).stdout(Stdio::null());
    process.status().is_ok_and(|status| status.success())
}

/// Passes on what one connection brings, both ways.
fn pass(stream: &TcpStream, lab: u32, to: SocketAddrV4) -> io::Result<()> {
    let mut process = inside(lab, to);
    process.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = process.spawn()?;
    if let (Some(there), Some(back)) = (process.stdin.take(), process.stdout.take()) {
        let from = stream.try_clone()?;
        thread::spawn(move || copy(from, there));
        let passed = copy(back, stream);
        // It may have been reset.
        let _ = stream.shutdown(Shutdown::Both);
        passed?;
    }
    process.wait().map(|_| ())
}

/// [`through`], in the lab's namespace.
fn inside(lab: u32, to: SocketAddrV4) -> Command {
    let mut command = Command::new("nsenter");
    command
        .args(["--preserve-credentials", "--user", "--net", "--target"])
        .arg(lab.to_string())
        .arg(env::current_exe().unwrap_or_default())
        .args(["through", &to.to_string()])
        .stderr(Stdio::null())
        // Not what a Ctrl-C goes to: what was asked for is answered first.
        .process_group(0);
    command
}

/// Connects to `to` and passes on what comes on standard input, and what comes back to standard output.
/// Tells whether it was connected.
pub(crate) fn through(to: SocketAddrV4) -> bool {
    let Ok(stream) = TcpStream::connect_timeout(&to.into(), PATIENCE) else {
        return false;
    };
    let (Ok(outward), Ok(output)) = (
        stream.try_clone(),
        io::stdout().as_fd().try_clone_to_owned(),
    ) else {
        return false;
    };
    thread::spawn(move || {
        // An end or a reset of one side is one of the other.
        let _ = copy(io::stdin(), &outward);
        let _ = outward.shutdown(Shutdown::Write);
    });
    // Not by `io::stdout`, which waits for whole lines.
    let _ = copy(&stream, File::from(output));
    true
}

/// Until the end. (`io::copy` has the kernel do it, which keeps back from a socket what may become more.)
fn copy(mut from: impl Read, mut to: impl Write) -> io::Result<()> {
    let mut bytes = [0; 16 << 10];
    loop {
        match from.read(&mut bytes)? {
            0 => return Ok(()),
            len => to.write_all(&bytes[..len])?,
        }
    }
}
