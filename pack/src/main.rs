//! The program: `parhelion-pack DIR -o FILE`.
#![forbid(unsafe_code)]

use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;

/// Pack a directory into an archive
///
/// `parhelion serve FILE` serves it, and `parhelion build --content DIR` puts one into a program.
#[derive(Debug, Parser)]
#[command(name = "parhelion-pack", version)]
struct Arguments {
    /// The directory
    #[arg(value_name = "DIR")]
    directory: PathBuf,

    /// Where to put the archive
    #[arg(short, long, value_name = "FILE", default_value = "site.archive")]
    output: PathBuf,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("parhelion-pack: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(Arguments { directory, output }: &Arguments) -> Result<(), String> {
    let packed = pack::pack(directory).map_err(|error| error.to_string())?;
    for line in &packed.left_out {
        eprintln!("parhelion-pack: {line}");
    }
    fs::write(output, &packed.bytes)
        .map_err(|error| format!("cannot write {}: {error}", output.display()))?;
    println!(
        "{}: {} files and {} compressed variants in {} KiB",
        output.display(),
        packed.files,
        packed.variants,
        packed.bytes.len().div_ceil(1024)
    );
    Ok(())
}
