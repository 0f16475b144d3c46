//! An application that has not been started: one of ours, or somebody's own, with the files that are
//! part of its program; and a program made of one.

use core::pin::Pin;
use std::process::ExitCode;

use clap::{CommandFactory as _, FromArgMatches as _};
use runtime::Env;

use crate::cli::{Alone, App, On, Placing, Replay};
use crate::failure::Failure;
use crate::{end, logging, refuse, replay, serve, simulation};

/// What an application is: a name, its first task, and an archive of its files, if it has one.
pub(crate) struct Application {
    pub(crate) name: &'static str,
    pub(crate) content: Option<&'static [u8]>,
    main: Box<dyn FnOnce(Env) -> Main>,
}

pub(crate) type Main = Pin<Box<dyn Future<Output = Result<(), runtime::Failure>>>>;

impl Application {
    pub(crate) fn new<F>(name: &'static str, main: impl FnOnce(Env) -> F + 'static) -> Self
    where
        F: Future<Output = Result<(), runtime::Failure>> + 'static,
    {
        Self {
            name,
            content: None,
            main: Box::new(|env| Box::pin(main(env))),
        }
    }

    pub(crate) fn start(self, env: Env) -> Main {
        (self.main)(env)
    }
}

/// Runs an application where the command line says: all that a program made of one does. Its files are
/// those of the archive `content` ([`embed!`](crate::embed)), unless the command line names others.
///
/// Tells the exit code: 0 done, 1 the machine refuses or the application fails, 2 the command line or
/// an input is unusable.
#[must_use]
pub fn run<F>(
    name: &'static str,
    main: impl FnOnce(Env) -> F + 'static,
    content: Option<&'static [u8]>,
) -> ExitCode
where
    F: Future<Output = Result<(), runtime::Failure>> + 'static,
{
    let command = Alone::command()
        .name(name)
        .about("An application for Parhelion");
    let matches = command.try_get_matches();
    match matches.and_then(|matches| Alone::from_arg_matches(&matches)) {
        Ok(alone) => {
            let app = Application::new(name, main);
            end(place(Application { content, ..app }, alone.placing))
        }
        Err(error) => refuse(&error, name),
    }
}

/// Runs an application where it is to run.
fn place(app: Application, placing: Placing) -> Result<(), Failure> {
    let Placing {
        on,
        storage,
        mut serving,
    } = placing;
    logging::start(serving.output.verbose);
    match on {
        On::Machine(link) => {
            serving.link.link = link;
            serve::offer(app, &serving, storage.as_deref())
        }
        On::Capture(input) => {
            let options = Replay {
                input,
                directory: storage,
                app: None,
                address: None,
                out: serving.link.capture.clone(),
                verbose: serving.output.verbose,
            };
            replay::play(app, serve::settings(&serving)?, &options)
        }
        On::Xen => Err(Failure::unusable(
            "--on xen: this is a program of Linux: `parhelion build --on xen` makes one for Xen",
        )),
        On::Simulation(seed) => simulation::run(app, seed, &serving, storage.as_deref()),
    }
}

impl From<App> for Application {
    fn from(app: App) -> Self {
        let name = app.name();
        match app {
            App::Hello => Self::new(name, hello::main),
            App::Site => Self::new(name, site::main),
            App::Bench => Self::new(name, bench::main),
        }
    }
}
