//! The command as a process.

use core::net::SocketAddr;
use core::time::Duration;
use std::ffi::OsStr;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use rustix::event::{PollFd, PollFlags, Timespec};
use tempfile::TempDir;

pub(crate) const COMMAND: &str = env!("CARGO_BIN_EXE_parhelion");

/// How long a process may take to start or to end.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running `parhelion serve`; killed when dropped.
pub(crate) struct Server {
    child: Option<Child>,
    directory: TempDir,
    pub(crate) url: String,
}

/// The command with these arguments, behind `wrapper`: a program and its own arguments, or nothing.
pub(crate) fn command<A: AsRef<OsStr>>(wrapper: &[&str], arguments: &[A]) -> Command {
    let mut command = match wrapper {
        [] => Command::new(COMMAND),
        [program, rest @ ..] => {
            let mut command = Command::new(program);
            command.args(rest).arg(COMMAND);
            command
        }
    };
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// Runs the command to its end: exit code, standard output, standard error.
pub(crate) fn run(wrapper: &[&str], arguments: &[&str]) -> (i32, String, String) {
    let child = command(wrapper, arguments).spawn().expect("a process");
    end(child)
}

/// Waits for the end of a process: exit code, standard output, standard error.
pub(crate) fn end(child: Child) -> (i32, String, String) {
    taken_apart(wait(child))
}

/// Sends SIGTERM.
pub(crate) fn signal(id: u32) {
    let id = rustix::process::Pid::from_raw(id as i32).unwrap();
    rustix::process::kill_process(id, rustix::process::Signal::TERM).unwrap();
}

/// Runs the command, which must fail with `code` and one line that has all of `words` in it.
#[track_caller]
pub(crate) fn fails(wrapper: &[&str], arguments: &[&str], code: i32, words: &[&str]) {
    let (got, output, errors) = run(wrapper, arguments);
    assert_eq!(got, code, "{arguments:?}: {output}{errors}");
    assert_eq!(output, "", "{arguments:?}");
    assert_eq!(errors.lines().count(), 1, "{arguments:?}: {errors}");
    assert!(errors.starts_with("parhelion: "), "{errors}");
    for word in words {
        assert!(errors.contains(word), "{word:?} is not in {errors}");
    }
}

impl Server {
    /// Starts `parhelion serve` with these arguments and waits until it serves.
    pub(crate) fn start(arguments: &[&str]) -> Self {
        Self::start_behind(&[], arguments)
    }

    /// The same behind another program.
    pub(crate) fn start_behind(wrapper: &[&str], arguments: &[&str]) -> Self {
        let mut server = Self::spawn_behind(wrapper, arguments);
        server.url = server.wait_until_ready();
        server
    }

    /// Starts `parhelion serve` with these arguments, whether or not it serves yet.
    pub(crate) fn spawn(arguments: &[&str]) -> Self {
        Self::spawn_behind(&[], arguments)
    }

    fn spawn_behind(wrapper: &[&str], arguments: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let ready = directory.path().join("ready");
        let ready_option = format!("--ready-file={}", ready.display());
        let mut all = vec!["serve", &ready_option];
        all.extend(arguments);
        let child = command(wrapper, &all).spawn().expect("a process");
        Self {
            child: Some(child),
            directory,
            url: String::new(),
        }
    }

    /// Where it serves.
    pub(crate) fn address(&self) -> SocketAddr {
        let host = self.url.trim_start_matches("http://").trim_end_matches('/');
        match host.parse() {
            Ok(address) => address,
            Err(_) => format!("{host}:80").parse().expect("an address"),
        }
    }

    /// A directory that lives as long as the server.
    pub(crate) fn scratch(&self) -> &Path {
        self.directory.path()
    }

    /// The process.
    pub(crate) fn id(&self) -> u32 {
        self.child.as_ref().expect("a running server").id()
    }

    /// Reads what it prints until a line has `word` in it; gives that line.
    pub(crate) fn line_with(&mut self, word: &str) -> String {
        let output = self.child.as_mut().expect("a running server");
        let output = output.stdout.as_mut().expect("its output");
        let start = Instant::now();
        let (mut line, mut byte) = (Vec::new(), [0]);
        while start.elapsed() < PATIENCE {
            let mut readable = [PollFd::new(output, PollFlags::IN)];
            let second = Timespec::try_from(Duration::from_secs(1)).unwrap();
            if rustix::event::poll(&mut readable, Some(&second)).unwrap() == 0 {
                continue;
            }
            // One at a time: what follows is for others to read.
            output.read_exact(&mut byte).expect("more of its output");
            if byte != *b"\n" {
                line.push(byte[0]);
                continue;
            }
            let read = String::from_utf8(core::mem::take(&mut line)).expect("text");
            if read.contains(word) {
                return read;
            }
        }
        panic!("it does not say {word:?} within {PATIENCE:?}");
    }

    /// Sends SIGTERM and waits for the end: exit code, standard output, standard error.
    pub(crate) fn stop(mut self) -> (i32, String, String) {
        self.signal();
        self.end()
    }

    /// Sends SIGTERM.
    pub(crate) fn signal(&self) {
        signal(self.id());
    }

    /// Waits for the end.
    pub(crate) fn end(&mut self) -> (i32, String, String) {
        end(self.child.take().expect("a running server"))
    }

    fn wait_until_ready(&mut self) -> String {
        let ready = self.directory.path().join("ready");
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Ok(url) = std::fs::read_to_string(&ready) {
                return url.trim_end().to_owned();
            }
            let child = self.child.as_mut().expect("a running server");
            if child.try_wait().unwrap().is_some() {
                let (code, output, errors) = self.end();
                panic!("ended with {code} before it served: {output}{errors}");
            }
            std::thread::sleep(Duration::from_millis(2));
        }
        panic!("did not serve within {PATIENCE:?}");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A port that nobody used a moment ago.
pub(crate) fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Where to publish: on an address and port that nobody used a moment ago.
pub(crate) fn publish() -> String {
    format!("--publish=127.0.0.1:{}", free_port())
}

/// Says that a test could not be done here, and why.
pub(crate) fn skip(what: &str, why: &str) {
    println!("skipped: {what}: {why}");
    let Some(path) = std::env::var_os("PARHELION_SKIPS") else {
        return;
    };
    let mut file = std::fs::OpenOptions::new()
        .append(true)
        .create(true)
        .open(path)
        .expect("the file that PARHELION_SKIPS names");
    writeln!(file, "{what}: {why}").unwrap();
}

/// Whether a program behind `wrapper` can be run here.
pub(crate) fn allows(wrapper: &[&str]) -> bool {
    let [program, rest @ ..] = wrapper else {
        return true;
    };
    let run = Command::new(program).args(rest).arg("true").output();
    run.is_ok_and(|output| output.status.success())
}

fn wait(mut child: Child) -> Output {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > PATIENCE {
            let _ = child.kill();
            let (_, output, errors) = taken_apart(child.wait_with_output().unwrap());
            panic!("did not end within {PATIENCE:?}: {output}{errors}");
        }
        std::thread::sleep(Duration::from_millis(2));
    }
    child.wait_with_output().unwrap()
}

fn taken_apart(output: Output) -> (i32, String, String) {
    let text = |bytes| String::from_utf8(bytes).expect("text");
    // A process that a signal ended has no code.
    let code = output.status.code().unwrap_or(-1);
    (code, text(output.stdout), text(output.stderr))
}
