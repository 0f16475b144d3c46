//! Our stack at one end: what `parhelion serve` is made of, with its defaults.

use core::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;

use embedded_io_async::{BufRead, Write};
use memory::{Cable, End, MemoryLink};
use packet::{Limits, Pool, Secrets, Transport};
use runtime::{Driver, Executor, Flow, Listener, Network};
use stack::{Cidr, Config, Net};

use crate::stream::{Host, Stream};

/// The memory that `serve` takes by default.
const MEMORY: usize = 256 * 1024 * 1024;

/// A host, and where the other one is.
#[derive(Clone)]
pub(crate) struct Ours {
    net: Net,
    other: Ipv4Addr,
}

/// Two hosts on a cable that carries plain frames: checksums and segments are made in software.
pub(crate) fn pair() -> (Ours, Ours) {
    let pools = [(); 2].map(|()| Pool::new(Limits::for_memory(MEMORY)));
    let [left, right] = [0, 1].map(|last| End {
        mac: [2, 0, 0, 0, 0, last],
        pool: pools[usize::from(last)].clone(),
    });
    let cable = Cable {
        offload: false,
        ..Cable::default()
    };
    let (left, right) = memory::pair(cable, left, right);
    let [pool_left, pool_right] = pools;
    (
        Ours::new(left, pool_left, [1, 2]),
        Ours::new(right, pool_right, [2, 1]),
    )
}

impl Ours {
    fn new(link: MemoryLink, pool: Pool, [last, others]: [u8; 2]) -> Self {
        let address = Cidr::new(Ipv4Addr::new(10, 0, 0, last), 24).expect("a network of 24 bits");
        Self {
            net: Net::new(
                Box::new(link),
                pool,
                &Secrets::new([last; 32]),
                &Config::new(address),
            ),
            other: Ipv4Addr::new(10, 0, 0, others),
        }
    }

    fn network(&self) -> Rc<dyn Network> {
        Rc::new(self.net.clone())
    }
}

impl Host for Ours {
    type Stream = Flow;

    fn driver(&self) -> Rc<dyn Driver> {
        Rc::new(self.net.clone())
    }

    /// As `runtime::serve` does it: a task for each connection. `at_once` is not asked for: only
    /// the table of connections bounds them.
    fn serve<F: Future<Output = ()> + 'static>(
        &self,
        tasks: &Executor,
        (port, _): (u16, usize),
        task: impl Fn(Flow) -> F + Clone + 'static,
    ) {
        let mut listener = Listener::bind(&self.network(), port).expect("a free port");
        let executor = tasks.clone();
        let accept = async move {
            loop {
                let (flow, _) = listener.accept().await.expect("the loop is running");
                executor.spawn(task(flow)).expect("room for a task");
            }
        };
        tasks.spawn(accept).expect("room for a task");
    }

    async fn connect(&self, port: u16) -> Flow {
        let other = SocketAddr::from((self.other, port));
        let flow = Flow::connect(&self.network(), other).await;
        flow.expect("the other end answers")
    }
}

impl Stream for Flow {
    async fn receive(&mut self) -> usize {
        let count = self.fill_buf().await.expect("an open connection").len();
        self.consume(count);
        count
    }

    async fn write(&mut self, bytes: &[u8]) {
        let written = self.write_all(bytes).await;
        written.expect("an open connection");
    }

    async fn send(&mut self, bytes: &'static [u8]) {
        let sent = Transport::send(self, bytes.into()).await;
        sent.expect("an open connection");
    }

    fn finish(&mut self) {
        Transport::finish(self);
    }
}
