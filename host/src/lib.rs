//! The `parhelion` command: the applications on Linux.
//!
//! It gives an application its place: a link and our stack on it, or the kernel's sockets; a clock,
//! files, a console; and the loop that waits for all of them. One thread does everything.
//!
//! | file | does |
//! |---|---|
//! | `cli`, `failure` | what the user says, and is told |
//! | `serve`, `get`, `replay` | the three commands |
//! | `application`, `project`, `simulation` | what is served: ours, or somebody's own |
//! | `symbols` | what a guest's last words mean |
//! | `names` | what the machine knows of names |
//! | `arrangement`, `relay`, `clients` | what lies between clients and the application |
//! | `links`, `tenant`, `faults`, `capture`, [`interface`], `namespace`, `lifeline` | our stack on a tap or in memory |
//! | [`sockets`], [`reactor`] | the kernel's stack as a network, and the one wait |
//! | `machine`, `place`, `signals` | the loop, time and waiting, the end |
//! | [`storage`], `console`, [`input`], `sandbox` | files, lines, and what is given up |
//!
//! Not here yet: several queues of a tap.
#![deny(unsafe_code)]

mod application;
mod arrangement;
mod capture;
mod cli;
mod clients;
mod console;
mod failure;
mod faults;
mod files;
mod get;
pub mod input;
pub mod interface;
mod lifeline;
mod links;
mod logging;
mod machine;
mod names;
mod namespace;
mod partial_file;
mod place;
mod project;
pub mod reactor;
mod ready_file;
mod relay;
mod replay;
mod sandbox;
mod serve;
mod signals;
mod simulation;
pub mod sockets;
mod statistics;
pub mod storage;
mod symbols;
mod sys;
mod tenant;

use std::process::ExitCode;

use clap::Parser as _;
use clap::error::ErrorKind;

pub use self::application::run;
pub use archive::embed;

use self::cli::{Command, CommandLine};
use self::failure::{Failure, one_line};

/// Does what the command line says; tells the exit code: 0 done, 1 the machine refuses, 2 the command
/// line or an input is unusable.
#[must_use]
pub fn command() -> ExitCode {
    let command_line = match CommandLine::try_parse() {
        Ok(command_line) => command_line,
        Err(error) => return refuse(&error, "parhelion"),
    };
    let done = match command_line.command {
        Command::Serve(options) => {
            logging::start(options.serving.output.verbose);
            serve::run(options)
        }
        Command::Get(options) => {
            logging::start(options.output.verbose);
            get::run(options)
        }
        Command::Replay(options) => {
            logging::start(options.verbose);
            replay::run(&options)
        }
        Command::New(options) => project::new(&options.name),
        Command::Run(options) => project::run(&options),
        Command::Build(options) => project::build(&options),
        Command::Pack(options) => project::pack(&options),
        Command::Symbols(options) => symbols::run(&options),
    };
    end(done)
}

/// Says why it was not done, if it was not.
fn end(done: Result<(), Failure>) -> ExitCode {
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failure.report(),
    }
}

/// Prints the help that was asked for, or what is wrong with the command line in one line.
fn refuse(error: &clap::Error, name: &str) -> ExitCode {
    match error.kind() {
        ErrorKind::DisplayHelp
        | ErrorKind::DisplayVersion
        | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            // Fails only if nobody reads it.
            let _ = error.print();
            ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
        }
        _ => Failure::unusable(format!("{}; see {name} --help", one_line(error))).report(),
    }
}
