//! Writes the seeds into the corpora: `cargo run -p parhelion-fuzz --bin seeds`. Files that are there
//! under other names, which is what fuzzing found, stay.
#![forbid(unsafe_code)]

use std::path::Path;
use std::process::ExitCode;
use std::{fs, io};

fn main() -> ExitCode {
    match write() {
        Ok(count) => {
            println!("{count} seeds written");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("seeds: the corpora cannot be written: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write() -> io::Result<usize> {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus");
    let seeds = parhelion_fuzz::seeds::all();
    for seed in &seeds {
        let folder = corpora.join(seed.target);
        fs::create_dir_all(&folder)?;
        fs::write(folder.join(&seed.name), &seed.bytes)?;
    }
    Ok(seeds.len())
}
