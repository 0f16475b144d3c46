//! Where applications of one's own are written and built.
//!
//! All programs are built below one folder, so that the libraries are built once.

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::server::COMMAND;

/// A folder for applications, and the place where they are built. Its name has an accent of its own
/// (U+0301), as a home may.
pub(crate) struct Bench {
    folder: TempDir,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let folder = tempfile::Builder::new().prefix("cafe\u{301}").tempdir();
        Self {
            folder: folder.unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The command, in a folder of the bench.
    pub(crate) fn command(&self, folder: &str, arguments: &[&str]) -> Command {
        let built = Path::new(COMMAND).ancestors().nth(2).unwrap();
        let mut command = Command::new(COMMAND);
        command
            .args(arguments)
            .current_dir(self.path(folder))
            .env("CARGO_TARGET_DIR", built.join("projects"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub(crate) fn run(&self, folder: &str, arguments: &[&str]) -> (i32, String, String) {
        let output: Output = self.command(folder, arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        (code, text(&output.stdout), text(&output.stderr))
    }

    /// Runs the command, which must fail with a last line that has all of `words` in it; gives what is
    /// before that line.
    #[track_caller]
    pub(crate) fn fails(
        &self,
        folder: &str,
        arguments: &[&str],
        code: i32,
        words: &[&str],
    ) -> String {
        let (got, output, errors) = self.run(folder, arguments);
        assert_eq!(got, code, "{arguments:?}: {output}{errors}");
        let (before, line) = errors.trim_end().rsplit_once('\n').unwrap_or(("", &errors));
        assert!(line.starts_with("parhelion: "), "{errors}");
        for word in words {
            assert!(line.contains(word), "{word:?} is not in {line}");
        }
        before.to_owned()
    }
}
