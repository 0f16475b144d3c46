//! An application in a network from a seed, with somebody who visits it: how an application's own
//! tests run it.
//!
//! The application is on a host with our stack, its visitor on another, and between them a wire on
//! which may go wrong what can be told. Time is virtual and goes on by waiting alone, so a test that
//! waits a minute takes no time; the same seed gives the same run, frame for frame.

mod console;
mod files;

use core::cell::RefCell;
use core::net::{IpAddr, Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::rc::Rc;

use http::{Limits, Url, client};
use link::{Faults, Link, Profile, Profiles};
use memory::{Cable, End};
use packet::{Instant, Pool, Secrets};
use runtime::{Config, Console, Driver, Entropy, Env, Executor, Failure, Flow, Storage};
use stack::{Cidr, Net};

pub use console::Script;
pub use files::Files;

/// What a run is made of.
pub struct Simulation {
    /// What decides all that is left to chance.
    pub seed: u64,
    /// The application's settings.
    pub config: Config,
    /// The application's files.
    pub storage: Rc<dyn Storage>,
    /// What brings the events of the storage, where it has any.
    pub driver: Option<Rc<dyn Driver>>,
    /// What is typed at the application's console, a line each.
    pub typed: Vec<String>,
    /// What goes wrong on the wire, as seen from the application.
    pub faults: Profiles,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome<T> {
    /// What the visitor gives; `None` if it was not done within [`PATIENCE`].
    pub visit: Option<T>,
    /// How the application ended when it was asked to; `None` if it did not within [`GRACE`].
    pub ended: Option<Result<(), Failure>>,
    /// What the application printed.
    pub lines: Vec<String>,
    /// How long it took in the world of the simulation.
    pub took: Duration,
}

/// Who visits the application.
#[derive(Clone)]
pub struct Visitor {
    /// All that an application has, on the visitor's host.
    pub env: Env,
    /// Where the application is.
    pub server: IpAddr,
}

/// A page as the visitor got it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Such as 200.
    pub status: u16,
    /// What it consists of.
    pub body: Vec<u8>,
}

/// How long a visit may take, in its own time.
pub const PATIENCE: Duration = Duration::from_secs(3600);

/// How long the application may take to end, in its own time.
pub const GRACE: Duration = Duration::from_secs(10);

/// Turns at one moment after which a run is over: an application that always has something to do
/// never lets time go on.
const TURNS: u32 = 5_000;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const VISITOR: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// Tasks of one host.
const TASKS: usize = 4096;

/// Memory for buffers of one host.
const MEMORY: usize = 32 << 20;

impl Simulation {
    /// A run without settings and files, in which nothing goes wrong.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            seed,
            config: Config::default(),
            storage: Rc::new(Files::default()),
            driver: None,
            typed: Vec::new(),
            faults: Profiles::default(),
        }
    }

    /// Runs the application until `visit` is done, then asks it to stop.
    #[must_use]
    pub fn run<A, V, T>(
        self,
        main: impl FnOnce(Env) -> A,
        visit: impl FnOnce(Visitor) -> V,
    ) -> Outcome<T>
    where
        A: Future<Output = Result<(), Failure>> + 'static,
        V: Future<Output = T> + 'static,
        T: 'static,
    {
        let console = Rc::new(Script::new(self.typed));
        let [left, right] = wire(self.seed, self.faults);
        let mut server = Host::new(SERVER, self.seed, left);
        let visitor = Host::new(VISITOR, self.seed, right);
        server.drivers.extend(self.driver);
        let ended = Rc::new(RefCell::new(None));
        let visited = Rc::new(RefCell::new(None));
        server.start(
            main(server.env(console.clone(), self.storage, self.config)),
            &ended,
        );
        let nobody = Rc::new(Script::new(Vec::new()));
        let env = visitor.env(nobody, Rc::new(Files::default()), Config::default());
        let server_address = IpAddr::V4(SERVER);
        visitor.start(
            visit(Visitor {
                env,
                server: server_address,
            }),
            &visited,
        );
        let took = live(&server, &visitor);
        Outcome {
            visit: visited.take(),
            ended: ended.take(),
            lines: console.lines(),
            took,
        }
    }
}

impl Visitor {
    /// Connects to a port of the application.
    ///
    /// # Errors
    /// As [`Env::connect`].
    pub async fn connect(&self, port: u16) -> Result<Flow, runtime::Error> {
        self.env.connect(SocketAddr::new(self.server, port)).await
    }

    /// Fetches a page from port 80 of the application.
    ///
    /// # Errors
    /// As connecting fails, or what came was no response.
    pub async fn get(&self, path: &str) -> Result<Page, Failure> {
        let url = format!("http://{}{path}", self.server);
        let url = Url::parse(&url).map_err(|error| error.to_string())?;
        let failed = |error: http::Error<runtime::Error>| error.to_string();
        let flow = self.connect(url.port).await?;
        let limits = Limits::default();
        let mut download = client::get(flow, &url, &limits).await.map_err(failed)?;
        let mut page = Page {
            status: download.status().0,
            body: Vec::new(),
        };
        while let Some(chunk) = download.receive().await.map_err(failed)? {
            page.body.extend_from_slice(&chunk);
        }
        Ok(page)
    }
}

struct Host {
    net: Net,
    drivers: Vec<Rc<dyn Driver>>,
    executor: Executor,
    secrets: Secrets,
}

impl Host {
    fn new(address: Ipv4Addr, seed: u64, (link, pool): (Box<dyn Link>, Pool)) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        bytes[8..12].copy_from_slice(&address.octets());
        let secrets = Secrets::new(bytes);
        let network = Cidr::new(address, 24).expect("24 bits are a network");
        let net = Net::new(link, pool, &secrets, &stack::Config::new(network));
        Self {
            drivers: vec![Rc::new(net.clone())],
            net,
            executor: Executor::new(TASKS),
            secrets,
        }
    }

    fn env(&self, console: Rc<dyn Console>, storage: Rc<dyn Storage>, config: Config) -> Env {
        Env {
            net: Rc::new(self.net.clone()),
            inspect: Rc::new(self.net.clone()),
            clock: self.executor.clock().clone(),
            console,
            storage,
            config: Rc::new(config),
            entropy: Entropy::new(&self.secrets),
            tasks: self.executor.clone(),
        }
    }

    /// Starts the first task, whose end is that of the others too.
    fn start<T: 'static>(
        &self,
        main: impl Future<Output = T> + 'static,
        result: &Rc<RefCell<Option<T>>>,
    ) {
        let (result, executor) = (Rc::clone(result), self.executor.clone());
        let first = async move {
            let output = main.await;
            result.replace(Some(output));
            executor.stop();
        };
        self.executor.spawn(first).expect("room for one task");
    }

    /// One turn, as [`runtime::run`] makes it. `true`: look again at this moment.
    fn turn(&self, now: Instant) -> bool {
        let unix_time = Duration::from_secs(1_000_000_000) + now.since(Instant::ZERO);
        self.executor.clock().set(now, unix_time);
        let happened = runtime::turn(&self.drivers, &self.executor, now);
        let armed = self.drivers.iter().filter(|driver| driver.arm()).count();
        happened || self.executor.is_ready() || armed > 0
    }

    fn next_event(&self) -> Option<Instant> {
        let drivers = self.drivers.iter().filter_map(|driver| driver.next_event());
        drivers.chain(self.executor.next_deadline()).min()
    }

    fn is_done(&self) -> bool {
        let is_quiet = self.drivers.iter().all(|driver| driver.is_quiet());
        self.executor.is_stopping() && self.executor.is_empty() && is_quiet
    }
}

/// Both ends of a wire that carries plain frames, what goes wrong with them included.
fn wire(seed: u64, faults: Profiles) -> [(Box<dyn Link>, Pool); 2] {
    let pools = [(); 2].map(|()| Pool::new(packet::Limits::for_memory(MEMORY)));
    let end = |last, pool: &Pool| End {
        mac: [2, 0, 0, 0, 0, last],
        pool: pool.clone(),
    };
    let cable = Cable {
        offload: false,
        ..Cable::default()
    };
    let [left_pool, right_pool] = pools;
    let (left, right) = memory::pair(cable, end(2, &left_pool), end(1, &right_pool));
    let seeded = |profile: Profile| Profile {
        seed: profile.seed ^ seed,
        ..profile
    };
    let profiles = Profiles {
        outward: seeded(faults.outward),
        inward: seeded(faults.inward),
    };
    let left = Faults::new(left, left_pool.clone(), profiles);
    let left: Box<dyn Link> = Box::new(left);
    let right: Box<dyn Link> = Box::new(right);
    [(left, left_pool), (right, right_pool)]
}

/// Lets time pass until both hosts have nothing more to do, or had their time.
fn live(server: &Host, visitor: &Host) -> Duration {
    let mut now = Instant::from_millis(1);
    let (mut end, mut turns) = (now + PATIENCE, 0);
    while turns < TURNS {
        turns += 1;
        let server_is_busy = server.turn(now);
        let is_busy = visitor.turn(now) || server_is_busy;
        if visitor.executor.is_stopping() && !server.executor.is_stopping() {
            server.executor.stop();
            end = now + GRACE;
            continue;
        }
        if server.is_done() && visitor.is_done() || now >= end {
            break;
        }
        if !is_busy {
            let events = [server.next_event(), visitor.next_event()];
            // Without any, the visitor waits for what will never come.
            let next = events.into_iter().flatten().min().unwrap_or(end).min(end);
            turns = if next > now { 0 } else { turns };
            now = now.max(next);
        }
    }
    server.executor.clear();
    visitor.executor.clear();
    now.since(Instant::ZERO)
}

#[cfg(test)]
mod tests;
