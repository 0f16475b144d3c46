//! What a kept connection costs once it runs: no payload is copied above the link, nothing is
//! allocated.
//!
//! A server of ours and a client of ours at the two ends of a cable in memory; every turn is made by
//! hand, so that it can be counted.

use core::cell::{Cell, RefCell};
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::rc::Rc;

use archive::{Archive, Coding, File};
use embedded_io_async::Write;
use http::{Error, Exchange, Handler, Limits, Request, Response, Server, Status, media};
use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use memory::{Cable, End, MemoryLink};
use packet::{Chunk, Class, Instant, Pool, Secrets, Surroundings, Transport};
use runtime::{Driver, Entropy, Env, Executor, Flow, Network};
use site::{Site, Visitor};
use stack::{Cidr, Config, Net};

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

/// More than a super-frame carries, so that the body leaves in several pieces.
static BODY: [u8; 200_000] = [b'p'; 200_000];

const REQUEST: &[u8] = b"GET /large.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip, br\r\n\r\n";

struct Page;

impl Handler for Page {
    async fn handle<T: Transport>(
        &self,
        _: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let page = Response::new(Status::OK)
            .content_type(media::TEXT)
            .length(BODY.len() as u64);
        exchange.respond(page).await?;
        exchange.send(Chunk::Static(&BODY)).await
    }
}

/// Bytes that were handed to the link in the body's own memory.
type Uncopied = Rc<Cell<usize>>;

/// A link that looks where the payload lies.
struct Watched {
    link: MemoryLink,
    body: &'static [u8],
    uncopied: Uncopied,
}

impl Link for Watched {
    fn caps(&self) -> &Caps {
        self.link.caps()
    }

    fn state(&self) -> LinkState {
        self.link.state()
    }

    fn receive(&mut self, now: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        self.link.receive(now, burst)
    }

    fn transmit(&mut self, now: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        let body = self.body.as_ptr_range();
        let in_body = |chunk: &&Chunk| body.contains(&chunk.as_ptr());
        let bytes: usize = frame
            .payload
            .iter()
            .filter(in_body)
            .map(|chunk| chunk.len())
            .sum();
        self.link.transmit(now, frame)?;
        self.uncopied.set(self.uncopied.get() + bytes);
        Ok(())
    }

    fn flush(&mut self, now: Instant) -> Result<(), LinkError> {
        self.link.flush(now)
    }

    fn arm(&mut self) -> bool {
        self.link.arm()
    }
}

struct Clock(Rc<Cell<Instant>>);

impl Surroundings for Clock {
    fn now(&self) -> Instant {
        self.0.get()
    }

    fn unix_time(&self) -> Duration {
        Duration::from_secs(1_000_000_000) + self.0.get().since(Instant::ZERO)
    }

    fn is_stopping(&self) -> bool {
        false
    }
}

/// Two hosts, their tasks, and time.
struct World {
    hosts: [Net; 2],
    pools: [Pool; 2],
    executor: Executor,
    now: Rc<Cell<Instant>>,
    uncopied: Uncopied,
}

impl World {
    fn new(body: &'static [u8]) -> Self {
        let pools = [(); 2].map(|()| Pool::new(packet::Limits::for_memory(32 << 20)));
        let end = |last: u8, pool: &Pool| End {
            mac: [2, 0, 0, 0, 0, last],
            pool: pool.clone(),
        };
        let (left, right) = memory::pair(Cable::default(), end(1, &pools[0]), end(2, &pools[1]));
        let uncopied = Uncopied::default();
        let right = Watched {
            link: right,
            body,
            uncopied: Rc::clone(&uncopied),
        };
        let host = |address, link: Box<dyn Link>, pool: &Pool| {
            let config = Config::new(Cidr::new(address, 24).expect("a prefix of 24"));
            Net::new(
                link,
                pool.clone(),
                &Secrets::new([address.octets()[3]; 32]),
                &config,
            )
        };
        Self {
            hosts: [
                host(CLIENT, Box::new(left), &pools[0]),
                host(SERVER, Box::new(right), &pools[1]),
            ],
            pools,
            executor: Executor::new(16),
            now: Rc::new(Cell::new(Instant::from_millis(1))),
            uncopied,
        }
    }

    /// One turn of both hosts and of all tasks, a microsecond long.
    fn turn(&self) {
        let now = self.now.get() + Duration::from_micros(1);
        self.now.set(now);
        for host in &self.hosts {
            host.receive(now);
        }
        self.executor.run_ready(64);
        self.hosts.iter().for_each(|host| host.transmit(now));
    }

    /// Serves what `handler` answers on port 80.
    fn serve(&self, handler: impl Handler + 'static) {
        let net: Rc<dyn Network> = Rc::new(self.hosts[1].clone());
        let server = Server::new(Limits::default(), Clock(Rc::clone(&self.now)));
        let serve = async move {
            let mut listener = runtime::Listener::bind(&net, 80).expect("nobody else listens");
            let (flow, _) = listener.accept().await.expect("a client comes");
            server.serve(flow, &handler).await;
        };
        self.executor.spawn(serve).expect("room for a task");
    }

    /// Asks for the page over and over on one connection; counts the bytes that come back.
    fn ask(&self) -> Rc<Cell<usize>> {
        let net: Rc<dyn Network> = Rc::new(self.hosts[0].clone());
        let received = Rc::new(Cell::new(0));
        let counter = Rc::clone(&received);
        let ask = async move {
            let remote = SocketAddr::from((SERVER, 80));
            let mut flow = Flow::connect(&net, remote).await.expect("somebody listens");
            loop {
                flow.write_all(REQUEST).await.expect("it goes out");
                let mut left = BODY.len();
                let mut in_body = false;
                while left > 0 {
                    let chunk = flow.receive().await.expect("no error").expect("no end");
                    counter.set(counter.get() + chunk.len());
                    // The head is all in the first chunk: it leaves together with the body's start.
                    let head = if in_body { 0 } else { head_len(&chunk) };
                    in_body = true;
                    left -= chunk.len() - head;
                }
            }
        };
        self.executor.spawn(ask).expect("room for a task");
        received
    }
}

fn head_len(bytes: &[u8]) -> usize {
    bytes
        .windows(4)
        .position(|window| window == b"\r\n\r\n")
        .expect("a whole head")
        + 4
}

/// Turns until the client has received `count` bodies more.
fn fetch(world: &World, received: &Cell<usize>, count: usize) -> usize {
    let start = world.uncopied.get();
    let goal = received.get() + count * BODY.len();
    for _ in 0..count * 1000 {
        if received.get() >= goal {
            return world.uncopied.get() - start;
        }
        world.turn();
    }
    panic!(
        "{} of {goal} bytes after {} turns",
        received.get(),
        count * 1000
    );
}

#[test]
fn a_kept_connection_copies_no_payload_and_allocates_nothing() {
    let world = World::new(&BODY);
    world.serve(Page);
    holds(&world);
}

/// The whole site, and of a file the form that the client asks for.
#[test]
fn nor_does_a_site_from_an_archive() {
    let file = |coding, bytes: &'static [u8]| File {
        path: "large.txt",
        media: media::TEXT,
        coding,
        modified: Some(1_000_000_000),
        bytes: bytes.into(),
    };
    let files = vec![
        file(Coding::Identity, b"plain"),
        file(Coding::Brotli, &BODY),
    ];
    let bytes = archive::write(files).expect("a plain path").leak();
    let archive = Archive::open(bytes).expect("what was written");
    let world = World::new(bytes);
    let mut config = runtime::Config::default();
    config.set("quiet=yes").expect("a setting");
    let env = Env {
        net: Rc::new(world.hosts[1].clone()),
        clock: world.executor.clock().clone(),
        console: Rc::new(runtime::Nothing),
        inspect: Rc::new(runtime::Nothing),
        storage: Rc::new(archive),
        config: Rc::new(config),
        entropy: Entropy::new(&Secrets::new([1; 32])),
        tasks: world.executor.clone(),
    };
    world.serve(Visitor::new(&Rc::new(Site::new(env)), (CLIENT, 1).into()));
    holds(&world);
}

fn holds(world: &World) {
    let received = world.ask();
    // Tables, queues and spare boxes reach the size that they keep.
    fetch(world, &received, 20);
    let uncopied = RefCell::new(0);
    let heap =
        allocation_counter::measure(|| *uncopied.borrow_mut() = fetch(world, &received, 1000));
    let sent = uncopied.into_inner();
    // The last body of the count may be under way when the count begins and ends.
    assert!(
        sent.abs_diff(1000 * BODY.len()) <= BODY.len(),
        "{sent} bytes in place"
    );
    assert_eq!(
        heap.count_total, 0,
        "allocations in 1000 requests: {heap:?}"
    );
    let held: usize = Class::ALL
        .into_iter()
        .map(|class| world.pools[0].usage(class).held)
        .sum();
    assert!(held < 64, "the client gives back what it has read: {held}");
}
