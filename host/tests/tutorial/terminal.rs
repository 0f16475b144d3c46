//! Terminals: a shell in which one command after the other is typed, and others in which something
//! stays running.

use core::time::Duration;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Instant;

use rustix::process::{Pid, Signal, kill_process_group};

/// How long something may take to be printed: an application may have to be compiled first, on a
/// machine that does other things too.
const PATIENCE: Duration = Duration::from_secs(300);

/// A shell that reads what is typed, until it is dropped.
pub(crate) struct Shell(Process);

/// A process in a terminal, with all that it starts; killed when dropped.
pub(crate) struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    printed: Arc<Mutex<Vec<u8>>>,
    /// How many bytes of it were looked at.
    seen: usize,
}

impl Shell {
    /// A shell in `folder`, an empty one, in which the project then lies as if it were cloned there.
    pub(crate) fn start(folder: &Path, project: &Path) -> Result<Self, String> {
        symlink(project, folder.join("parhelion")).map_err(said)?;
        let bash = Command::new("bash");
        let mut shell = Self(Process::spawn(bash, folder)?);
        // What a container's network has from the start.
        match shell.run("exec 2>&1; ip link set lo up")? {
            (true, _) => Ok(shell),
            (false, why) => Err(why),
        }
    }

    /// Types `text` and waits for its end. Tells whether all of it succeeded, and what was printed.
    pub(crate) fn run(&mut self, text: &str) -> Result<(bool, String), String> {
        const END: &str = "--- the end of a block, with ";
        self.0.type_in(&format!(
            "failed=0; trap 'failed=$?' ERR\n{{\n{text}\n}} < /dev/null\necho \"{END}$failed\"\n"
        ))?;
        let mut end = (false, String::new());
        self.0.wait_for(|printed| {
            let (before, behind) = printed.split_once(END).ok_or("it did not end")?;
            let (code, _) = behind.split_once('\n').ok_or("it did not end")?;
            end = (code == "0", before.to_owned());
            Ok(before.len() + END.len() + code.len() + 1)
        })?;
        Ok(end)
    }

    /// Where it is now.
    pub(crate) fn folder(&self) -> Result<PathBuf, String> {
        fs::read_link(format!("/proc/{}/cwd", self.0.child.id())).map_err(said)
    }
}

impl Process {
    /// Runs `text` where the shell is now.
    pub(crate) fn start(shell: &Shell, text: &str) -> Result<Self, String> {
        let mut bash = Command::new("bash");
        bash.args(["-c", &format!("exec 2>&1\n{text}")]);
        Self::spawn(bash, &shell.folder()?)
    }

    fn spawn(mut command: Command, folder: &Path) -> Result<Self, String> {
        let mut child = command
            .current_dir(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .process_group(0)
            .spawn()
            .map_err(said)?;
        let mut stdout = child.stdout.take().ok_or("no output")?;
        let printed = Arc::new(Mutex::new(Vec::new()));
        let to = Arc::clone(&printed);
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(len @ 1..) = stdout.read(&mut bytes) {
                to.lock()
                    .expect("no panic")
                    .extend_from_slice(&bytes[..len]);
            }
        });
        let stdin = child.stdin.take();
        Ok(Self {
            child,
            stdin,
            printed,
            seen: 0,
        })
    }

    pub(crate) fn type_in(&mut self, text: &str) -> Result<(), String> {
        let stdin = self.stdin.as_mut().ok_or("it reads no more")?;
        stdin.write_all(text.as_bytes()).map_err(said)
    }

    /// Looks at what was printed since the last time, until `look` is content and tells how many bytes
    /// of it are done with.
    ///
    /// # Errors
    /// What `look` misses, when that does not come.
    pub(crate) fn wait_for(
        &mut self,
        mut look: impl FnMut(&str) -> Result<usize, String>,
    ) -> Result<(), String> {
        let start = Instant::now();
        loop {
            let has_ended = self.has_ended();
            let printed = self.printed();
            match look(&printed) {
                Ok(len) => {
                    self.seen += len;
                    return Ok(());
                }
                Err(why) if has_ended || start.elapsed() > PATIENCE => {
                    return Err(format!("{why}\nprinted\n{printed}"));
                }
                Err(_) => thread::sleep(Duration::from_millis(5)),
            }
        }
    }

    /// Types Ctrl-C and waits for the end, which must be a good one; gives what was printed since.
    pub(crate) fn interrupt(mut self) -> Result<String, String> {
        self.signal(Signal::INT);
        let start = Instant::now();
        while !self.has_ended() {
            if start.elapsed() > PATIENCE {
                return Err(format!(
                    "Ctrl-C does not end it; printed\n{}",
                    self.printed()
                ));
            }
            thread::sleep(Duration::from_millis(5));
        }
        let status = self.child.wait().map_err(said)?;
        match status.success() {
            true => Ok(self.printed()),
            false => Err(format!(
                "{status} after Ctrl-C; printed\n{}",
                self.printed()
            )),
        }
    }

    /// Whether all that it prints is here: its output ends with the end of all that it has started.
    fn has_ended(&self) -> bool {
        Arc::strong_count(&self.printed) == 1
    }

    fn printed(&self) -> String {
        let printed = self.printed.lock().expect("no panic");
        String::from_utf8_lossy(&printed[self.seen..]).into_owned()
    }

    fn signal(&self, signal: Signal) {
        if let Some(group) = Pid::from_raw(self.child.id().cast_signed()) {
            // It may have ended.
            let _ = kill_process_group(group, signal);
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }
}

fn said(error: std::io::Error) -> String {
    error.to_string()
}
