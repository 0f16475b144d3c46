//! `parhelion serve`: an application, its place, and the end of both.

use core::cell::Cell;
use core::future::poll_fn;
use core::net::Ipv4Addr;
use core::task::Poll;
use core::time::Duration;
use std::path::Path;
use std::rc::Rc;

use runtime::{Config, Console as _, Env};

use crate::application::Application;
use crate::arrangement::{self, Arrangement, arrange};
use crate::capture::Recording;
use crate::cli::{App, LinkChoice, Serve, Serving};
use crate::clients::Published;
use crate::console::Output;
use crate::failure::{Failure, reason};
use crate::faults;
use crate::files::Files;
use crate::machine::{self, Machine};
use crate::ready_file::ReadyFile;
use crate::sandbox::{self, Disk};
use crate::statistics;
use stack::Tenant;

/// How long running responses may take once the program is asked to stop.
const GRACE: Duration = Duration::from_secs(10);

/// Serves what the command line says until a signal comes.
pub(crate) fn run(options: Serve) -> Result<(), Failure> {
    let (app, directory, serving) = options.parts();
    let app = application(app, directory.as_deref())?;
    offer(app.into(), &serving, directory.as_deref())
}

/// Runs an application on what this machine has, until it ends or a signal comes.
pub(crate) fn offer(
    app: Application,
    options: &Serving,
    directory: Option<&Path>,
) -> Result<(), Failure> {
    options.link.check()?;
    let is_ours = options.link.link != Some(LinkChoice::Sockets);
    options.link.faults.check(is_ours)?;
    let recording = Recording::open(options.link.capture.as_deref(), is_ours)?;
    let mut config = settings(options)?;
    let ready_file = ready_file(options)?;
    let pool = machine::pool(arrangement::memory(options).server);
    let files = Files::open(directory, app.content, &pool)?;

    // A task for each connection, one more where it is relayed, and a few of our own.
    let tasks = 2 * options.max_connections as usize + 16;
    let mut machine = Machine::new(tasks, options.output.quiet)?;
    machine.recording = recording;
    let arrangement = arrange(&mut machine, options, &pool)?;
    set(&mut config, "port", &arrangement.port.to_string())?;
    set(&mut config, "place", &arrangement.place)?;
    if let Some(servers) = options.link.dns_setting() {
        set(&mut config, "dns", &servers)?;
    }

    let net = Rc::new(Published::new(&arrangement.net, &arrangement.clients));
    if let Some(driver) = files.driver() {
        machine.drive(driver);
    }
    let mut env = machine.env(Rc::<Published>::clone(&net), files.storage(), config);
    env.inspect = Rc::clone(&arrangement.inspect);
    if let Some(relay) = arrangement.relay.clone() {
        let outside = Env {
            net: Rc::clone(&relay.outer),
            ..env.clone()
        };
        env.spawn(relay.serve(outside))
            .map_err(|error| Failure::refused(format!("cannot publish: {error}")))?;
    }
    let stack = arrangement.stack.clone();
    let tenant = arrangement.tenant();
    let opening = Opening {
        app: app.name,
        arrangement,
        ready_file,
        files,
        output: Rc::clone(&machine.output),
    };
    let ended = machine.run(serve((app, env), Rc::clone(&net), opening, tenant), GRACE);
    let captured = machine.recording.as_ref().map(Recording::finish);
    // `None`: it was still at work when its time was over, which is an end as good as any.
    ended?.unwrap_or(Ok(()))?;
    if net.is_listening() {
        statistics::print(&machine.output, &net, stack.as_ref(), &pool);
    }
    if let Some(faults) = &machine.faults {
        faults::print(&machine.output, faults);
    }
    if let Some(captured) = captured {
        let captured = captured?;
        machine.output.print(format_args!("  capture   {captured}"));
    }
    machine.output.finish();
    Ok(())
}

/// Runs the application; opens the doors once it listens, and has an address.
async fn serve(
    (app, env): (Application, Env),
    net: Rc<Published>,
    opening: Opening,
    mut tenant: Option<Tenant>,
) -> Result<(), Failure> {
    let (clock, output) = (env.clock.clone(), Rc::clone(&opening.output));
    let port = env.config.text("port").unwrap_or_default().to_owned();
    let mut application = app.start(env);
    let opening = Cell::new(Some(opening));
    let ended = poll_fn(|cx| {
        let result = application.as_mut().poll(cx);
        let mut address = None;
        if let Some(tenant) = &mut tenant {
            tenant.tell(clock.now(), cx, |line| output.print(format_args!("{line}")));
            address = tenant.address();
        }
        if net.is_listening()
            && (tenant.is_none() || address.is_some())
            && let Some(opening) = opening.take()
            && let Err(failure) = opening.open(address)
        {
            return Poll::Ready(Err(failure));
        }
        result.map(Ok)
    })
    .await?;
    ended.map_err(|failure| match failure {
        runtime::Failure::Setting(error) => Failure::unusable(format!("--set: {error}")),
        runtime::Failure::Network(runtime::Error::InUse) => {
            Failure::refused(format!("port {port} is in use: choose another with --port"))
        }
        runtime::Failure::Network(runtime::Error::Denied) => Failure::refused(format!(
            "port {port} needs root: choose one from 1024 on with --port"
        )),
        failure => Failure::refused(format!("the application ended: {failure}")),
    })
}

/// What is still to be done when the application listens.
struct Opening {
    app: &'static str,
    arrangement: Arrangement,
    ready_file: Option<ReadyFile>,
    files: Files,
    output: Rc<Output>,
}

impl Opening {
    /// Tells that it serves (at an address that was lent, if one was), and shuts the process in.
    fn open(self, lent: Option<Ipv4Addr>) -> Result<(), Failure> {
        let url = &self.arrangement.url(lent);
        if let Some(notice) = &self.arrangement.notice {
            self.output.print(format_args!("{notice}"));
        }
        self.output.announce(url, &self.arrangement.way, self.app);
        if let Some(ready_file) = self.ready_file {
            ready_file.publish(url).map_err(|error| {
                Failure::refused(format!("cannot write the ready file: {}", reason(&error)))
            })?;
        }
        let disk = sandbox::enter(self.files.directory()).map_err(|error| {
            Failure::refused(format!("cannot give up rights: {}", reason(&error)))
        })?;
        if disk == Disk::Open {
            log::info!("this kernel has no Landlock: files are guarded by openat2 alone");
        }
        Ok(())
    }
}

/// The application that is meant.
pub(crate) fn application(app: Option<App>, directory: Option<&Path>) -> Result<App, Failure> {
    match (app, directory) {
        (None, Some(_)) | (Some(App::Site), Some(_)) => Ok(App::Site),
        (None, None) => Ok(App::Hello),
        (Some(App::Site), None) => Err(Failure::unusable(
            "--app site needs a directory: parhelion serve DIR",
        )),
        (Some(app), None) => Ok(app),
        (Some(app), Some(_)) => Err(Failure::unusable(format!(
            "--app {} serves no directory: leave out DIR or --app",
            app.name()
        ))),
    }
}

/// The application's settings.
pub(crate) fn settings(options: &Serving) -> Result<Config, Failure> {
    let mut config = Config::default();
    for setting in &options.settings {
        if setting.starts_with("port=") {
            return Err(Failure::unusable("--set port=N: use --port N"));
        }
        config
            .set(setting)
            .map_err(|error| Failure::unusable(format!("--set {setting}: {error}")))?;
    }
    Ok(config)
}

/// Sets what the user has not.
pub(crate) fn set(config: &mut Config, key: &str, value: &str) -> Result<(), Failure> {
    if config.text(key).is_some() {
        return Ok(());
    }
    config
        .set(&format!("{key}={value}"))
        .map_err(|error| Failure::unusable(format!("--set: {error}")))
}

fn ready_file(options: &Serving) -> Result<Option<ReadyFile>, Failure> {
    let Some(path) = &options.ready_file else {
        return Ok(None);
    };
    let file = ReadyFile::create(path).map_err(|error| {
        let (path, why) = (path.display(), reason(&error));
        Failure::unusable(format!(
            "cannot write {path}: {why}: choose another with --ready-file"
        ))
    })?;
    Ok(Some(file))
}
