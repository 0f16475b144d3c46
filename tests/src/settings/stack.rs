//! Our own stack: two hosts at the ends of a cable in memory, in virtual time.

use core::cell::Cell;
use core::net::{Ipv4Addr, SocketAddr};
use core::time::Duration;
use std::rc::Rc;

use archive::{Archive, Coding, File};
use memory::{Cable, End, MemoryLink};
use packet::{Instant, Limits, Pool, Secrets};
use runtime::{Driver, Network, Place};
use stack::{Cidr, Config, Net};

use crate::contract::{FILES, Setting, TYPED};

/// Over a cable that takes super-frames and partial checksums, as a tap does.
#[must_use]
pub fn offloaded() -> Setting {
    setting(Cable::default())
}

/// Over a cable that takes plain frames alone: cut and summed in software. Its files are an archive's.
#[must_use]
pub fn plain() -> Setting {
    let cable = Cable {
        offload: false,
        ..Cable::default()
    };
    Setting {
        storage: Rc::new(archive()),
        ..setting(cable)
    }
}

/// Over plain frames that carry little, and a queue that is soon full.
#[must_use]
pub fn narrow() -> Setting {
    setting(Cable {
        mtu: 576,
        offload: false,
        queue: 4,
    })
}

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn setting(cable: Cable) -> Setting {
    let pools = [(); 2].map(|()| Pool::new(Limits::for_memory(32 << 20)));
    let end = |last, pool: &Pool| End {
        mac: [2, 0, 0, 0, 0, last],
        pool: pool.clone(),
    };
    let (left, right) = memory::pair(cable, end(1, &pools[0]), end(2, &pools[1]));
    let [client_pool, server_pool] = pools;
    let client = host(CLIENT, left, client_pool);
    let server = host(SERVER, right, server_pool);
    let drivers: Vec<Rc<dyn Driver>> = vec![Rc::new(client.clone()), Rc::new(server.clone())];
    let client: Rc<dyn Network> = Rc::new(client);
    Setting {
        place: Box::new(Virtual::default()),
        drivers,
        server: Rc::new(server.clone()),
        inspect: Rc::new(server),
        client,
        remote: SocketAddr::from((SERVER, 80)),
        vacant: SocketAddr::from((SERVER, 9)),
        // A send and a receive buffer.
        most_buffered: 2 << 20,
        console: Rc::new(sim::Script::new(TYPED.map(str::to_owned).into())),
        storage: Rc::new(sim::Files::new(&FILES)),
        kept: None,
    }
}

/// The files, one of them in other forms too.
fn archive() -> Archive<'static> {
    let file = |path, coding, contents: &'static [u8]| File {
        path,
        media: "text/plain",
        coding,
        modified: None,
        bytes: contents.into(),
    };
    let mut files: Vec<_> = FILES
        .iter()
        .map(|(path, contents)| file(path, Coding::Identity, contents))
        .collect();
    files.push(file("page", Coding::Brotli, b"a form"));
    files.push(file("page", Coding::Gzip, b"another form"));
    let bytes = archive::write(files).expect("plain paths");
    Archive::open(bytes.leak()).expect("what was written")
}

fn host(address: Ipv4Addr, link: MemoryLink, pool: Pool) -> Net {
    let mut seed = [0; 32];
    seed[..4].copy_from_slice(&address.octets());
    let network = Cidr::new(address, 24).expect("a prefix of 24");
    let config = Config::new(network);
    Net::new(Box::new(link), pool, &Secrets::new(seed), &config)
}

/// Time goes on by a microsecond for each look at the clock, else only by waiting.
#[derive(Default)]
struct Virtual(Cell<Instant>);

impl Place for Virtual {
    fn now(&self) -> Instant {
        self.0.set(self.0.get() + Duration::from_micros(1));
        self.0.get()
    }

    fn unix_time(&self) -> Duration {
        // 2001-09-09, when it was a round number.
        Duration::from_secs(1_000_000_000)
    }

    fn wait(&mut self, until: Option<Instant>) {
        let until = until.expect("nothing would ever happen again");
        self.0.set(self.0.get().max(until));
    }
}
