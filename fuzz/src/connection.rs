//! Live connections: segments near their windows, time, and their users' calls, in any order.

mod peer;
mod user;
mod world;

use packet::{Limits, Pool};
use tcp::Config;

use crate::input::Input;
use crate::pool::lend;
use world::World;

/// Drives one connection, opened by either side, and lets it end.
///
/// What must hold: both streams consist of the bytes that were written, nothing is sent beyond what
/// was written or the peer's window allowed, what we acknowledge and the window we offer never go
/// back, deadlines lie ahead, and once the user has let go and the peer has fallen silent, so do we,
/// and all memory is back.
pub fn connection(bytes: &[u8]) {
    let config = Config {
        backlog: 2,
        ..Config::default()
    };
    live(Input::new(bytes), 1, config);
}

/// Drives two to eight at once, in tables and a pool that are too small for them; one that is over
/// begins again between the same ports, and the listener comes and goes.
///
/// The same must hold for each of them; besides, none has bytes of another, and no table grows.
pub fn connections(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let count = 2 + usize::from(input.byte() % 7);
    let config = Config {
        connections: 5,
        listeners: 1,
        half_open: 3,
        backlog: 2,
        time_wait: 2,
        resets_per_second: 10,
        ..Config::default()
    };
    live(input, count, config);
}

fn live(input: Input<'_>, count: usize, config: Config) {
    thread_local! {
        // Small, so that it runs out at times.
        static POOL: Pool = Pool::new(Limits {
            cells: 64,
            pages: 48,
            bays: 4,
        });
    }
    lend(&POOL, |pool| World::new(pool, input, count, config).live());
}
