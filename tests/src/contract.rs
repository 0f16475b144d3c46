//! What a [`Network`] and tasks promise, case by case: the same for the kernel's sockets and for our own
//! stack, so that an application cannot tell them apart.

mod channels;
mod closing;
mod datagrams;
mod flow_control;
mod inside;
mod opening;
mod streams;
mod surroundings;
mod tasks;

use core::future::Future;
use core::net::SocketAddr;
use core::pin::Pin;
use core::time::Duration;
use std::rc::Rc;

use futures_lite::future::zip;
use packet::{Chunk, Secrets, Transport};
use runtime::{
    Config, Console, Driver, Entropy, Env, Error, Executor, Flow, Inspect, Listener, Network,
    Place, Storage,
};
use tempfile::TempDir;

/// A place under test: two hosts, which may be the same.
pub struct Setting {
    /// Time and waiting.
    pub place: Box<dyn Place>,
    /// Everything that brings events.
    pub drivers: Vec<Rc<dyn Driver>>,
    /// The host that listens.
    pub server: Rc<dyn Network>,
    /// What it shows of its inside.
    pub inspect: Rc<dyn Inspect>,
    /// The host that connects.
    pub client: Rc<dyn Network>,
    /// The server's address, as the client sees it, with a port that is free.
    pub remote: SocketAddr,
    /// An address where the host is there but nobody listens.
    pub vacant: SocketAddr,
    /// More than two hosts ever buffer for one connection whose reader does not read.
    pub most_buffered: usize,
    /// At which [`TYPED`] was typed, and no more will be.
    pub console: Rc<dyn Console>,
    /// Where [`FILES`] are.
    pub storage: Rc<dyn Storage>,
    /// What is to be kept as long as the setting.
    pub kept: Option<TempDir>,
}

/// The lines that are typed; the last has no end.
pub const TYPED: [&str; 3] = ["the first", "", "the last"];

/// The files that there are, and what is in them.
pub static FILES: [(&str, &[u8]); 4] = [
    ("page", b"<!doctype html>"),
    ("empty", b""),
    ("folder/page", b"another"),
    ("large", &PATTERN),
];

/// What a case works with.
#[derive(Clone)]
pub struct World {
    server: Env,
    client: Env,
    remote: SocketAddr,
    vacant: SocketAddr,
    most_buffered: usize,
}

/// One promise.
pub struct Case {
    /// Says what is promised.
    pub name: &'static str,
    body: fn(World) -> Pin<Box<dyn Future<Output = ()>>>,
}

/// Every promise.
#[must_use]
pub fn cases() -> Vec<Case> {
    [
        opening::cases(),
        streams::cases(),
        closing::cases(),
        flow_control::cases(),
        inside::cases(),
        datagrams::cases(),
        tasks::cases(),
        channels::cases(),
        surroundings::cases(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// No case takes longer, in the time of its place.
const LIMIT: Duration = Duration::from_secs(60);

/// Long enough for what is going to happen in an idle place to have happened.
const SETTLED: Duration = Duration::from_millis(100);

/// Runs `case` in `setting`.
///
/// # Panics
/// When the promise is broken.
pub fn run(mut setting: Setting, case: &Case) {
    let executor = Executor::new(4096);
    let mut config = Config::default();
    for setting in ["answer=42", "words=a = b"] {
        config.set(setting).expect("a setting");
    }
    let env = |net: &Rc<dyn Network>| Env {
        net: Rc::clone(net),
        clock: executor.clock().clone(),
        console: Rc::clone(&setting.console),
        inspect: Rc::clone(&setting.inspect),
        storage: Rc::clone(&setting.storage),
        config: Rc::new(config.clone()),
        entropy: Entropy::new(&Secrets::new([7; 32])),
        tasks: executor.clone(),
    };
    let world = World {
        server: env(&setting.server),
        client: env(&setting.client),
        remote: setting.remote,
        vacant: setting.vacant,
        most_buffered: setting.most_buffered,
    };
    let (body, env) = ((case.body)(world.clone()), world.client);
    let main = async move { env.timeout(LIMIT, body).await };
    let place = setting.place.as_mut();
    let result = runtime::run(place, &setting.drivers, &executor, main, SETTLED);
    assert_eq!(result, Ok(Some(Ok(()))), "{} did not end", case.name);
}

impl World {
    fn listen(&self) -> Listener {
        self.server
            .listen(self.remote.port())
            .expect("the port is free")
    }

    /// A connection: the client's end and the server's.
    async fn pair(&self) -> (Flow, Flow) {
        let mut listener = self.listen();
        self.pair_at(&mut listener).await
    }

    async fn pair_at(&self, listener: &mut Listener) -> (Flow, Flow) {
        let (client, server) = zip(self.client.connect(self.remote), listener.accept()).await;
        (client.expect("connected"), server.expect("accepted").0)
    }
}

/// Reads until the peer has finished.
async fn read_to_end(flow: &mut Flow) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    while let Some(chunk) = flow.receive().await? {
        assert!(!chunk.is_empty(), "an empty chunk says nothing");
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

async fn send(flow: &mut Flow, bytes: &'static [u8]) -> Result<(), Error> {
    flow.send(Chunk::Static(bytes)).await
}

/// `LEN` bytes in which a lost, doubled or moved piece shows.
const fn pattern<const LEN: usize>() -> [u8; LEN] {
    let mut bytes = [0; LEN];
    let mut index = 0;
    while index < LEN {
        // 251 is prime: no power of two is a multiple of the period.
        bytes[index] = (index % 251) as u8 ^ (index >> 12) as u8;
        index += 1;
    }
    bytes
}

/// 64 KiB to send without a copy.
static PATTERN: [u8; 65_536] = pattern();

/// Sends `PATTERN` until nothing more is accepted for a while; tells how many bytes were.
async fn fill(env: &Env, flow: &mut Flow) -> usize {
    let mut sent = 0;
    loop {
        // The one that is cut off may have been accepted in part, so it is not counted, and the flow
        // is good for nothing but counting afterwards.
        match env.timeout(SETTLED, send(flow, &PATTERN)).await {
            Ok(result) => result.expect("sent"),
            Err(_) => return sent,
        }
        sent += PATTERN.len();
    }
}
