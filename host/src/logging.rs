//! What the layers say about themselves (`-v`), on standard error.

use log::{LevelFilter, Log, Metadata, Record};

struct Stderr;

impl Log for Stderr {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        let (level, target) = (record.level().as_str().to_lowercase(), record.target());
        // A closed standard error must not end the server, as `eprintln!` would.
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), "{level}: {target}: {}", record.args());
    }

    fn flush(&self) {}
}

/// Shows warnings; once with `-v` what happens, twice also how.
pub(crate) fn start(verbosity: u8) {
    // Fails only if a logger is set already, and nobody else does that.
    let _ = log::set_logger(&Stderr);
    log::set_max_level(match verbosity {
        0 => LevelFilter::Warn,
        1 => LevelFilter::Info,
        2 => LevelFilter::Debug,
        3.. => LevelFilter::Trace,
    });
}
