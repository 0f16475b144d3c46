//! How much of everything there may be, by the memory that there is.
//!
//! Half of it goes to buffers, mostly pages: what is received lies in them, and what is sent; but no more
//! than is of use, as all of it is written to at the start. Tables grow as they are used, up to limits that
//! leave the rest to connections' tasks and the application.

use packet::{Class, Limits};
use stack::Config;

/// For so many bytes of memory there may be a connection, which takes 8 KiB at most with its task.
const CONNECTION: usize = 32 * 1024;
/// For so many, a connection that waits for late segments: 40 bytes, and its place in a table.
const TIME_WAIT: usize = 1024;
/// For so many, a frame is remembered, with 128 bytes.
const RECORDED: usize = 8 * 1024;
/// Enough for what is under way on 10 Gbit/s and 50 ms. Files that the program has in memory take none.
const MOST_BUFFERS: usize = 64 << 20;
/// Of the pages, one in so many waits for frames in the network's ring.
const IN_RING: usize = 8;

/// What a machine with this much memory may have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sizes(pub(crate) usize);

impl Sizes {
    /// Buffers. Bays are for fragments that are put together: nobody else takes one here.
    pub(crate) fn buffers(self) -> Limits {
        let bytes = (self.0 / 2).min(MOST_BUFFERS);
        let bays = (bytes / 16 / Class::Bay.size()).clamp(2, 64);
        let cells = bytes / 16 / Class::Cell.size();
        let rest = bytes - bays * Class::Bay.size() - cells * Class::Cell.size();
        Limits {
            cells,
            pages: rest / Class::Page.size(),
            bays,
        }
    }

    /// Pages that wait for frames.
    pub(crate) fn ring(self) -> u16 {
        (self.buffers().pages / IN_RING).clamp(32, 256) as u16
    }

    /// A task for each connection, and a few of the application's own.
    pub(crate) fn tasks(self) -> usize {
        self.0 / CONNECTION + 64
    }

    /// Lowers what the stack may have.
    pub(crate) fn apply(self, config: &mut Config) {
        let lower = |limit: &mut usize, bytes: usize| *limit = (*limit).min(self.0 / bytes);
        lower(&mut config.tcp.connections, CONNECTION);
        lower(&mut config.tcp.time_wait, TIME_WAIT);
        lower(&mut config.tcp.half_open, TIME_WAIT);
        lower(&mut config.recorder, RECORDED);
        config.reassemblies = config.reassemblies.min(self.buffers().bays);
        // One connection alone may not have all buffers.
        lower(&mut config.tcp.send_buffer, 16);
        lower(&mut config.tcp.receive_buffer, 32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_of_it_fits_into_the_memory() {
        for memory in [8 << 20, 15 << 20, 64 << 20, 1 << 30, 64 << 30] {
            let sizes = Sizes(memory);
            let mut config = Config::dhcp();
            sizes.apply(&mut config);
            let Limits { cells, pages, bays } = sizes.buffers();
            let buffers = cells * 256 + pages * 4096 + bays * 68 * 1024;
            assert!(buffers <= memory / 2);
            let tables = config.tcp.connections * 8192
                + config.tcp.time_wait * 128
                + config.tcp.half_open * 128
                + config.recorder * 128;
            assert!(buffers + tables <= memory, "{memory}");
            assert!(config.tcp.send_buffer < pages * 4096 / 4);
            assert!(usize::from(sizes.ring()) <= pages / 4);
            assert!(config.tcp.connections >= 256);
        }
    }

    #[test]
    fn a_large_machine_has_what_the_stack_has_by_itself() {
        let mut config = Config::dhcp();
        Sizes(64 << 30).apply(&mut config);
        assert_eq!(config.recorder, Config::dhcp().recorder);
        assert_eq!(config.tcp.connections, Config::dhcp().tcp.connections);
    }
}
