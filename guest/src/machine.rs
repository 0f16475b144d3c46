//! What an application gets of this machine, and the loop that runs it.

use alloc::borrow::ToOwned as _;
use alloc::boxed::Box;
use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString as _};
use alloc::vec;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::time::Duration;

use archive::Archive;
use link::Link;
use log::LevelFilter;
use netfront::{Netfront, Stats};
use packet::{Pool, Secrets};
use runtime::{Config, Driver, Entropy, Env, Executor, Nothing, Place, Storage};
use stack::Net;
use xen::{GrantTable, Reason, ShutdownRequest, Store};

use crate::application::Application;
use crate::bare::Bare;
use crate::control::Control;
use crate::domain::{self, Domain};
use crate::end::{leave, refuse};
use crate::inside::Inside;
use crate::loaded::Loaded;
use crate::milestones::Milestones;
use crate::sizes::Sizes;
use crate::terminal::Terminal;
use crate::unplugged::Unplugged;
use crate::{address, entropy, image, outlet, say, settings};

/// How long running responses may take once the guest is asked to end.
const GRACE: Duration = Duration::from_secs(10);
/// Frames of the grant table, of 512 entries: enough for two rings, and 256 pages in each of them.
const GRANT_FRAMES: usize = 2;

/// Runs an application on a machine with this much free memory.
pub(crate) fn run(application: Application, loaded: &Loaded, memory: usize) -> ! {
    let domain = domain::xen().and_then(Domain::open);
    if let Some((domain, console)) = domain.as_ref().and_then(|d| Some((d, d.console()?))) {
        outlet::open(console, domain.sleep.clone());
    }
    outlet::show_log(LevelFilter::Warn);
    say(format_args!(
        "Parhelion {}: {}, a PVH guest with {} KiB of memory, booted with {:?}",
        env!("CARGO_PKG_VERSION"),
        application.name,
        loaded.map.ram() / 1024,
        loaded.command_line(),
    ));
    let machine = Machine::new(domain, loaded.command_line(), Sizes(memory));
    match machine.and_then(|machine| machine.live(application)) {
        Ok(reason) => leave(reason),
        Err(why) => refuse(format_args!("{why}")),
    }
}

/// What there is of a machine, put together.
struct Machine {
    domain: Option<Domain>,
    store: Option<Rc<RefCell<Store>>>,
    config: Config,
    sizes: Sizes,
    secrets: Secrets,
    pool: Pool,
    executor: Executor,
}

impl Machine {
    fn new(domain: Option<Domain>, command_line: &str, sizes: Sizes) -> Result<Self, String> {
        let store = match &domain {
            Some(domain) => domain.store()?,
            None => None,
        };
        let mut config = {
            let mut store = store.as_ref().map(|store| store.borrow_mut());
            settings::read(command_line, store.as_deref_mut())?
        };
        let level = config.value("log", LevelFilter::Warn);
        outlet::show_log(level.map_err(|error| error.to_string())?);
        let place = match &domain {
            Some(_) => "Parhelion as an operating system on Xen",
            None => "Parhelion as an operating system",
        };
        for (key, value) in [("port", "80"), ("place", place)] {
            if config.text(key).is_none() {
                let set = config.set(&format!("{key}={value}"));
                set.map_err(|error| error.to_string())?;
            }
        }
        Ok(Self {
            secrets: Secrets::new(seed(&config)?),
            pool: Pool::new(sizes.buffers()),
            executor: Executor::new(sizes.tasks()),
            domain,
            store,
            config,
            sizes,
        })
    }

    /// Runs the application until it ends, or the toolstack wants it to; tells why.
    fn live(self, application: Application) -> Result<Reason, String> {
        let storage = storage(application.content)?;
        let ip = self.config.text("ip").unwrap_or("dhcp");
        let mut stack = address::config(ip)?;
        self.sizes.apply(&mut stack);
        let wire = self.wire(application.content)?;
        let net = Net::new(wire.link, self.pool.clone(), &self.secrets, &stack);
        let sleep = self.domain.as_ref().map(|domain| domain.sleep.clone());
        let terminal = Rc::new(Terminal::default());
        let kilohertz = self.domain.as_ref().map_or(1_000_000, Domain::kilohertz);
        let mut drivers: Vec<Rc<dyn Driver>> = vec![
            Rc::new(net.clone()),
            Rc::<Terminal>::clone(&terminal),
            Rc::new(Milestones::new(&net, kilohertz)),
        ];
        let control = match &self.store {
            Some(store) => Some(Rc::new(Control::new(store, &self.executor)?)),
            None => None,
        };
        if let Some(control) = &control {
            drivers.push(Rc::<Control>::clone(control));
        }
        let env = Env {
            net: Rc::new(net.clone()),
            clock: self.executor.clock().clone(),
            console: terminal,
            inspect: Rc::new(Inside {
                net: net.clone(),
                device: wire.stats,
                sleep: sleep.clone(),
            }),
            storage,
            config: Rc::new(self.config),
            entropy: Entropy::new(&self.secrets),
            tasks: self.executor.clone(),
        };
        let main = application.run(env, net, stack.address);
        let place: &mut dyn Place = match sleep {
            Some(sleep) => &mut { sleep },
            None => &mut Bare,
        };
        let ended = runtime::run(place, &drivers, &self.executor, main, GRACE);
        match ended {
            Err(error) => Err(format!("cannot start: {error}")),
            Ok(Some(Err(failure))) => Err(format!("the application ended: {failure}")),
            // `None`: it was still at work when its time was over, which is an end as good as any.
            Ok(None | Some(Ok(()))) => Ok(reason(control.and_then(|control| control.asked()))),
        }
    }

    /// The network.
    fn wire(&self, content: Option<&'static [u8]>) -> Result<Wire, String> {
        let (Some(domain), Some(store)) = (&self.domain, &self.store) else {
            say(format_args!(
                "Parhelion: there is no xenstore here, and so no network"
            ));
            return Ok(Wire {
                link: Box::new(Unplugged::new()),
                stats: None,
            });
        };
        let grants = GrantTable::new(domain.xen, GRANT_FRAMES);
        let grants = grants.map_err(|error| format!("no grant table: {error}"))?;
        let file = content.map(|bytes| bytes.as_ptr_range());
        let file = file.map(|file| file.start.addr()..file.end.addr());
        let config = netfront::Config {
            grants: Rc::new(grants),
            events: domain.events(),
            pool: self.pool.clone(),
            pages: self.sizes.ring(),
            public: [image::constants()].into_iter().chain(file).collect(),
        };
        let device = Netfront::new(config, Rc::clone(store));
        let device = device.map_err(|error| format!("no network: {error}"))?;
        Ok(Wire {
            stats: Some(device.stats()),
            link: Box::new(device),
        })
    }
}

/// A network device, and what it tells of itself.
struct Wire {
    link: Box<dyn Link>,
    stats: Option<Rc<Cell<Stats>>>,
}

/// A seed for all secrets.
fn seed(config: &Config) -> Result<[u8; 32], String> {
    match (entropy::strong(), config.text("entropy")) {
        (Some(seed), _) => Ok(seed),
        (None, Some("weak")) => Ok(entropy::weak()),
        (None, _) => Err(
            "this processor gives no random numbers (RDSEED, RDRAND): have the hypervisor pass them \
             on, or say entropy=weak on the command line, and a stranger may guess our secrets"
                .to_owned(),
        ),
    }
}

/// The application's files.
fn storage(content: Option<&'static [u8]>) -> Result<Rc<dyn Storage>, String> {
    let archive = content.map(Archive::open).transpose();
    let archive = archive.map_err(|error| format!("the files are no archive: {error}"))?;
    Ok(match archive {
        Some(archive) => Rc::new(archive),
        None => Rc::new(Nothing),
    })
}

/// What the toolstack is told, when it has asked for this, or for nothing.
fn reason(asked: Option<ShutdownRequest>) -> Reason {
    match asked {
        Some(ShutdownRequest::Reboot) => Reason::Reboot,
        Some(ShutdownRequest::Crash) => Reason::Crash,
        _ => Reason::PowerOff,
    }
}
