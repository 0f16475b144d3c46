//! What both commands need of the machine, and the loop that runs them.

use core::time::Duration;
use std::os::fd::AsFd as _;
use std::rc::Rc;

use link::{FaultControl, Link};
use packet::{Limits, Pool, Secrets};
use runtime::{Config, Driver, Entropy, Env, Executor, Network, Nothing, Storage};
use rustix::process::Resource;

use crate::capture::Recording;
use crate::console::Output;
use crate::failure::{Failure, reason};
use crate::input::Input;
use crate::lifeline::Lifeline;
use crate::names;
use crate::place::Linux;
use crate::reactor::Reactor;
use crate::signals::Signals;
use crate::sockets::{self, Sockets};

/// One thread of this machine, with tasks, signals and a console.
pub(crate) struct Machine {
    pub(crate) reactor: Rc<Reactor>,
    pub(crate) output: Rc<Output>,
    pub(crate) executor: Executor,
    pub(crate) secrets: Secrets,
    /// What goes wrong on our link, where something is to.
    pub(crate) faults: Option<FaultControl>,
    /// The capture of our link, where one is asked for.
    pub(crate) recording: Option<Recording>,
    drivers: Vec<Rc<dyn Driver>>,
    lifeline: Option<Rc<Lifeline>>,
}

impl Machine {
    /// A machine for at most `tasks` tasks, which prints no requests if it is to be `quiet`.
    pub(crate) fn new(tasks: usize, quiet: bool) -> Result<Self, Failure> {
        let refused = |what: &str, error: &std::io::Error| {
            Failure::refused(format!("cannot {what}: {}", reason(error)))
        };
        raise_descriptor_limit();
        let reactor = Reactor::new().map_err(|error| refused("wait for events", &error))?;
        let executor = Executor::new(tasks);
        let signals = Signals::install(&reactor, &executor)
            .map_err(|error| refused("take over signals", &error))?;
        let input = rustix::stdio::stdin().as_fd().try_clone_to_owned();
        let input = input.map_err(|error| refused("read standard input", &error))?;
        let input = Input::new(&reactor, input);
        Ok(Self {
            reactor,
            output: Rc::new(Output::new(quiet, input)),
            executor,
            secrets: secrets().map_err(|error| refused("get random numbers", &error))?,
            faults: None,
            recording: None,
            drivers: vec![Rc::new(signals)],
            lifeline: None,
        })
    }

    /// Adds something that brings events.
    pub(crate) fn drive(&mut self, driver: Rc<dyn Driver>) {
        self.drivers.push(driver);
    }

    /// Puts the capture before `link`, where one is asked for.
    pub(crate) fn recorded(&self, link: Box<dyn Link>) -> Box<dyn Link> {
        match &self.recording {
            Some(recording) => recording.around(link),
            None => link,
        }
    }

    /// Makes [`Machine::run`] end when a tap does.
    pub(crate) fn depend_on(&mut self, lifeline: Lifeline) {
        let lifeline = Rc::new(lifeline);
        self.drive(Rc::<Lifeline>::clone(&lifeline));
        self.lifeline = Some(lifeline);
    }

    /// The kernel's sockets, with a share of memory of their own.
    pub(crate) fn sockets(&mut self, pool: &Pool, connections: usize) -> Rc<Sockets> {
        let limits = sockets::Limits {
            connections,
            ..sockets::Limits::default()
        };
        let sockets = Sockets::new(&self.reactor, pool, limits);
        sockets.set_name_servers(names::servers());
        self.drive(Rc::<Sockets>::clone(&sockets));
        sockets
    }

    /// What an application or a task of ours gets; nothing to look at among it.
    pub(crate) fn env(
        &self,
        net: Rc<dyn Network>,
        storage: Rc<dyn Storage>,
        config: Config,
    ) -> Env {
        Env {
            net,
            clock: self.executor.clock().clone(),
            console: Rc::<Output>::clone(&self.output),
            inspect: Rc::new(Nothing),
            storage,
            config: Rc::new(config),
            entropy: Entropy::new(&self.secrets),
            tasks: self.executor.clone(),
        }
    }

    /// Runs `main` and all that it spawns; a second signal ends the process instead. `None`: `main`
    /// did not finish within `grace` of being asked to.
    pub(crate) fn run<T: 'static>(
        &self,
        main: impl Future<Output = T> + 'static,
        grace: Duration,
    ) -> Result<Option<T>, Failure> {
        let mut place = Linux::new(Rc::clone(&self.reactor), Rc::clone(&self.output));
        let ended = runtime::run(&mut place, &self.drivers, &self.executor, main, grace)
            .map_err(|error| Failure::refused(format!("cannot start: {error}")))?;
        // Before anybody says why it ended.
        self.output.finish();
        match self.lifeline.as_ref().and_then(|lifeline| lifeline.cut()) {
            None => Ok(ended),
            Some(name) => Err(Failure::refused(format!(
                "the tap {name} is gone: somebody deleted it; make it again and start anew"
            ))),
        }
    }
}

/// A pool of `bytes`.
pub(crate) fn pool(bytes: usize) -> Pool {
    Pool::new(Limits::for_memory(bytes))
}

/// Each connection and each open file takes a descriptor; the usual limit is 1,024 although the
/// machine allows more.
fn raise_descriptor_limit() {
    let mut limit = rustix::process::getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    // Where it is refused, connections are refused earlier.
    let _ = rustix::process::setrlimit(Resource::Nofile, limit);
}

fn secrets() -> std::io::Result<Secrets> {
    let mut seed = [0; 32];
    let mut filled = 0;
    while let Some(rest) = seed.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        filled += rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty())?;
    }
    Ok(Secrets::new(seed))
}
