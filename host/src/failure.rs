//! How the command says that it did not do its job.

use core::fmt::Display;
use std::process::ExitCode;

/// Why the command ends early: one line that says what is wrong and what to do, and the exit code.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    line: String,
}

impl Failure {
    /// The command line or an input file is unusable: exit code 2.
    pub(crate) fn unusable(line: impl Into<String>) -> Self {
        Self {
            code: 2,
            line: line.into(),
        }
    }

    /// The machine (or a peer) refuses: exit code 1.
    pub(crate) fn refused(line: impl Into<String>) -> Self {
        Self {
            code: 1,
            line: line.into(),
        }
    }

    /// What is wrong and what to do.
    pub(crate) fn line(&self) -> &str {
        &self.line
    }

    /// Prints the line and tells the exit code.
    pub(crate) fn report(self) -> ExitCode {
        say(&format!("parhelion: {}", self.line));
        ExitCode::from(self.code)
    }
}

/// One line on standard error, in red where that is a terminal that shows colours. Nothing is to be
/// done if even that fails.
fn say(line: &str) {
    use std::io::Write as _;

    let style = clap::builder::styling::AnsiColor::Red.on_default();
    let _ = writeln!(anstream::stderr(), "{style}{line}{style:#}");
}

/// The reason that an error of the operating system gives, without Rust's "(os error 2)" behind it.
pub(crate) fn reason(error: &impl Display) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => lower_first(reason),
        None => text,
    }
}

/// Joins the message of a wrong command line, which clap spreads over several lines, into one.
pub(crate) fn one_line(message: impl Display) -> String {
    let message = message.to_string();
    let lines: Vec<&str> = message
        .lines()
        .map(str::trim)
        .take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more"))
        .filter(|line| !line.is_empty())
        .collect();
    // A line that ends with a colon goes on in the next.
    let text = lines.join("; ").replace(":; ", ": ");
    text.strip_prefix("error: ").unwrap_or(&text).to_owned()
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    match letters.next() {
        Some(first) => first.to_lowercase().chain(letters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_operating_system_error_reads_as_a_phrase() {
        let error = std::io::Error::from_raw_os_error(2);
        assert_eq!(reason(&error), "no such file or directory");
    }

    #[test]
    fn several_lines_become_one() {
        let message = "error: unexpected argument '--prot' found\n\n  tip: did you mean '--port'\n\n\
                       Usage: parhelion serve\n\nFor more information, try '--help'.\n";
        assert_eq!(
            one_line(message),
            "unexpected argument '--prot' found; tip: did you mean '--port'"
        );
        let message = "error: the following required arguments were not provided:\n  <URL>\n";
        assert_eq!(
            one_line(message),
            "the following required arguments were not provided: <URL>"
        );
    }
}
