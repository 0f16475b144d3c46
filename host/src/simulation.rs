//! `run --on sim`: an application in a network from a seed, with one client that asks for a page.
//!
//! What can be shown of any application: whether somebody can connect, and what it answers to a
//! request. Everything else is for the application's own tests, on the same simulation.

use core::net::SocketAddr;
use core::time::Duration;
use std::io::{self, Write as _};
use std::path::Path;

use packet::Transport as _;
use runtime::{Error, Failure as Ended};
use sim::{Simulation, Visitor};

use crate::application::Application;
use crate::cli::Serving;
use crate::failure::{Failure, reason};
use crate::files::Files;
use crate::machine;
use crate::serve::{set, settings};

/// How often, and how long apart, the client tries to connect: an application may have to do
/// something before it listens.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// How long the application may say nothing.
const SILENCE: Duration = Duration::from_secs(10);

/// The most that is printed of an answer.
const MOST: usize = 1 << 20;

/// Runs the application, and prints what it printed and what the client got.
pub(crate) fn run(
    app: Application,
    seed: u64,
    options: &Serving,
    directory: Option<&Path>,
) -> Result<(), Failure> {
    options.link.faults.check(true)?;
    let mut simulation = Simulation::new(seed);
    simulation.config = settings(options)?;
    let port = options.port.unwrap_or(80);
    set(&mut simulation.config, "port", &port.to_string())?;
    set(&mut simulation.config, "place", "a simulated network")?;
    let pool = machine::pool(options.memory().bytes);
    let files = Files::open(directory, app.content, &pool)?;
    simulation.storage = files.storage();
    simulation.driver = files.driver();
    if let Some(faults) = options.link.faults.profiles() {
        simulation.faults = faults;
    }
    let outcome = simulation.run(|env| app.start(env), move |visitor| ask(visitor, port));
    let mut text: Vec<u8> = outcome
        .lines
        .iter()
        .flat_map(|line| [line.as_bytes(), b"\n"].concat())
        .collect();
    let took = outcome.took.as_secs_f64();
    match outcome.visit {
        Some(Ok(answer)) => {
            text.extend_from_slice(&answer);
            text.extend_from_slice(format!("\n({took:.6} s in seed {seed})\n").as_bytes());
        }
        Some(Err(error)) => text.extend_from_slice(
            format!("Nobody answers on port {port}: {error} ({took:.6} s in seed {seed})\n")
                .as_bytes(),
        ),
        None => text.extend_from_slice(b"The client came to no end.\n"),
    }
    io::stdout()
        .write_all(&text)
        .map_err(|error| Failure::refused(format!("cannot write: {}", reason(&error))))?;
    match outcome.ended {
        Some(Err(Ended::Setting(error))) => Err(Failure::unusable(format!("--set: {error}"))),
        Some(Err(failure)) => Err(Failure::refused(format!(
            "the application ended: {failure}"
        ))),
        Some(Ok(())) | None => Ok(()),
    }
}

/// What the application answers; bytes that come within the limits count, however it goes on.
async fn ask(visitor: Visitor, port: u16) -> Result<Vec<u8>, Error> {
    let server = SocketAddr::new(visitor.server, port);
    let mut tries = 1;
    let mut flow = loop {
        match visitor.connect(port).await {
            Err(Error::Refused) if tries < TRIES => visitor.env.sleep(PAUSE).await,
            connected => break connected?,
        }
        tries += 1;
    };
    let request = format!("GET / HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\n\r\n");
    // As bytes of the program: there is one request in its life.
    flow.send(request.into_bytes().leak()[..].into()).await?;
    let mut answer = Vec::new();
    while answer.len() < MOST {
        match visitor.env.timeout(SILENCE, flow.receive()).await {
            Ok(Ok(Some(chunk))) => answer.extend_from_slice(&chunk),
            Ok(Err(error)) if answer.is_empty() => return Err(error),
            Err(error) if answer.is_empty() => return Err(error),
            _ => break,
        }
    }
    Ok(answer)
}
