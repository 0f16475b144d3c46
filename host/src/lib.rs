//! The `parhelion` command: the applications on Linux.
//!
//! It gives an application its place: a link and our stack on it, or the kernel's sockets; a clock,
//! files, a console; and the loop that waits for all of them. One thread does everything.
#![deny(unsafe_code)]
#![allow(
    dead_code,
    reason = "the parts are joined once stack and http are there"
)]

mod cli;
mod clients;
mod console;
mod failure;
mod interface;
mod logging;
mod namespace;
mod place;
pub mod reactor;
mod ready_file;
mod sandbox;
mod signals;
pub mod sockets;
mod storage;
mod sys;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

use self::cli::CommandLine;
use self::failure::{Failure, one_line};

/// Does what the command line says; tells the exit code: 0 done, 1 the machine refuses, 2 the command
/// line or an input is unusable.
#[must_use]
pub fn run() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return refuse(&error),
    };
    let _ = command_line;
    ExitCode::SUCCESS
}

/// Prints the help that was asked for, or what is wrong with the command line in one line.
fn refuse(error: &clap::Error) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Fails only if nobody reads it.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
        _ => Failure::unusable(format!("{}; see parhelion --help", one_line(error))).report(),
    }
}
