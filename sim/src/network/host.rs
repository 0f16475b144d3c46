//! One host: our stack, its link with faults, its tasks.

use core::cell::RefCell;
use core::net::Ipv4Addr;
use core::time::Duration;
use std::rc::Rc;

use link::{Capture, FaultControl, Faults};
use memory::MemoryLink;
use packet::{Instant, Pool, Secrets};
use runtime::{Config, Driver, Entropy, Env, Executor, Nothing};
use stack::{Cidr, Net};

use super::plan::HostPlan;
use super::record::{Notes, Record};

/// Tasks of one host: its transfers at both ends, and a few servers.
const TASKS: usize = 64;

pub(super) struct Host {
    pub(super) net: Net,
    drivers: [Rc<dyn Driver>; 1],
    pub(super) executor: Executor,
    pub(super) env: Env,
    pub(super) pool: Pool,
    pub(super) faults: FaultControl,
    pub(super) plug: memory::Control,
    pub(super) mac: [u8; 6],
}

pub(super) fn address(host: usize) -> Ipv4Addr {
    Ipv4Addr::new(10, 0, 0, 1 + host as u8)
}

pub(super) fn mac(host: usize) -> [u8; 6] {
    [2, 0, 0, 0, 0, 1 + host as u8]
}

impl Host {
    pub(super) fn new(
        number: usize,
        seed: u64,
        plan: &HostPlan,
        (link, pool): (MemoryLink, Pool),
        record: &Rc<RefCell<Record>>,
    ) -> Self {
        let mut bytes = [number as u8; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        let secrets = Secrets::new(bytes);
        let network = Cidr::new(address(number), 24).expect("24 bits are a network");
        let mut config = stack::Config::new(network);
        config.tcp.send_buffer = plan.send_buffer;
        config.tcp.receive_buffer = plan.receive_buffer;
        config.tcp.nagle = plan.nagle;
        // Or a few losses in a row would be the end of what an application has left behind.
        config.tcp.orphan_timeout = Duration::from_secs(300);

        let plug = link.control();
        let faults = Faults::new(link, pool.clone(), plan.faults);
        let control = faults.control();
        let record = Rc::clone(record);
        let notes = Notes {
            host: number,
            record,
        };
        let link = Box::new(Capture::new(faults, notes));
        let net = Net::new(link, pool.clone(), &secrets, &config);
        let executor = Executor::new(TASKS);
        let env = Env {
            net: Rc::new(net.clone()),
            clock: executor.clock().clone(),
            console: Rc::new(Nothing),
            inspect: Rc::new(net.clone()),
            storage: Rc::new(Nothing),
            config: Rc::new(Config::default()),
            entropy: Entropy::new(&secrets),
            tasks: executor.clone(),
        };
        Self {
            drivers: [Rc::new(net.clone())],
            net,
            executor,
            env,
            pool,
            faults: control,
            plug,
            mac: mac(number),
        }
    }

    /// One turn, as `runtime::run` makes it. `true`: look again at this moment.
    pub(super) fn turn(&self, now: Instant) -> bool {
        let unix_time = Duration::from_secs(1_000_000_000) + now.since(Instant::ZERO);
        self.executor.clock().set(now, unix_time);
        let happened = runtime::turn(&self.drivers, &self.executor, now);
        happened || self.executor.is_ready() || self.net.arm()
    }

    pub(super) fn next_event(&self) -> Option<Instant> {
        let deadline = self.executor.next_deadline();
        self.net.next_event().into_iter().chain(deadline).min()
    }
}
