//! Time, and the phases of a run.

use core::cell::RefCell;
use core::time::Duration;
use std::rc::Rc;

use link::{Chance, Profile, Profiles};
use memory::{Cable, End};
use packet::Instant;

use super::host::{Host, mac};
use super::plan::Plan;
use super::record::{Kept, Record};
use super::switch::Switch;
use super::tasks::{self, Ledger};
use super::{Failure, Memory, Outcome, check, datagrams};

/// Turns at one moment, after which time stands still for good.
const TURNS: usize = 200_000;

/// How long everything may take once the network has healed: retransmissions back off to a minute,
/// and a rate of 2 Mbit/s is shared.
const COMPLETION: Duration = Duration::from_secs(3600);

/// After so long nothing is under way any more: longer than the user timeout, an orphan's life and
/// TIME-WAIT together.
const SETTLING: Duration = Duration::from_secs(1200);

/// For how long not one frame may pass.
const SILENCE: Duration = Duration::from_secs(3600);

struct World {
    hosts: Vec<Host>,
    switch: Switch,
    ledger: Rc<Ledger>,
    record: Rc<RefCell<Record>>,
    now: Instant,
    /// What changes by itself, the next last.
    changes: Vec<(Instant, Change)>,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// This host's cable carries nothing, and its host sees it or not.
    Cut(usize, bool),
    /// It carries again.
    Mend(usize, bool),
    Vanish(usize),
    Heal,
}

/// Lives through a world; gives how it fared, and the frames if they were kept.
pub(super) fn run(
    seed: &Plan,
    memory: &Memory,
    record: Record,
) -> (Result<Outcome, Failure>, Vec<Kept>) {
    let record = Rc::new(RefCell::new(record));
    let mut world = World::new(Plan::new(seed.seed), memory, &record);
    let lived = world.live();
    let World {
        hosts, ledger, now, ..
    } = world;
    hosts.iter().for_each(|host| host.executor.clear());
    let pools: Vec<_> = hosts.iter().map(|host| host.pool.clone()).collect();
    drop(hosts);
    let leaked = pools.iter().position(|pool| check::held(pool) != [0; 3]);
    let lived = lived.and_then(|()| match leaked {
        None => Ok(()),
        Some(host) => Err(Failure {
            at: now,
            host,
            what: format!("never given back: {:?}", check::held(&pools[host])),
            connection: None,
        }),
    });
    let mut record = record.borrow_mut();
    let outcome = lived.map(|()| Outcome {
        hash: record.hash,
        frames: record.frames,
        time: now.since(Instant::ZERO),
        bytes: *ledger.bytes.borrow(),
    });
    (outcome, record.take_kept())
}

impl World {
    fn new(plan: Plan, memory: &Memory, record: &Rc<RefCell<Record>>) -> Self {
        let cable = Cable {
            mtu: plan.mtu,
            offload: false,
            queue: 256,
        };
        let (mut hosts, mut ports) = (Vec::new(), Vec::new());
        for (number, host) in plan.hosts.iter().enumerate() {
            let pools = if host.tight {
                &memory.tight
            } else {
                &memory.roomy
            };
            let pool = pools[number].clone();
            let end = |mac, pool: &packet::Pool| End {
                mac,
                pool: pool.clone(),
            };
            let theirs = end(mac(number), &pool);
            let ours = end([2, 0, 0, 0, 1, number as u8], &memory.switch[number]);
            let (link, port) = memory::pair(cable, theirs, ours);
            hosts.push(Host::new(number, plan.seed, host, (link, pool), record));
            ports.push(port);
        }
        let changes = changes(&plan);
        let ledger = Rc::new(Ledger::new(plan));
        for (number, host) in hosts.iter().enumerate() {
            tasks::start(host, number, &ledger);
            datagrams::start(host, number, &ledger);
        }
        Self {
            hosts,
            switch: Switch::new(ports),
            ledger,
            record: Rc::clone(record),
            now: Instant::from_millis(1),
            changes,
        }
    }

    /// All of it, from the first frame to the last.
    fn live(&mut self) -> Result<(), Failure> {
        let end = self.ledger.plan.heals_at + COMPLETION;
        self.pass(end, |world| world.ledger.is_all_done())?;
        if !self.ledger.is_all_done() {
            let open = *self.ledger.open.borrow();
            return Err(self.failure(0, format!("not done, ends by host: {open:?}")));
        }
        // Also where everything was done before.
        self.pass(self.ledger.plan.heals_at, |_| false)?;
        self.settle_and_be_silent()?;
        check::pools(&self.hosts, self.now, "while every connection is idle")?;
        self.hosts.iter().for_each(|host| host.executor.stop());
        self.settle_and_be_silent()?;
        for (number, host) in self.hosts.iter().enumerate() {
            let (tasks, mut connections) = (host.executor.len(), 0);
            host.net.look(|_, _, _| connections += 1);
            if tasks + connections > 0 {
                let what = format!("{tasks} tasks and {connections} connections are left");
                return Err(self.failure(number, what));
            }
        }
        Ok(())
    }

    fn settle_and_be_silent(&mut self) -> Result<(), Failure> {
        self.pass(self.now + SETTLING, |_| false)?;
        let before = self.record.borrow().frames;
        self.pass(self.now + SILENCE, |_| false)?;
        match self.record.borrow().frames - before {
            0 => Ok(()),
            count => Err(self.failure(0, format!("{count} frames although all is idle"))),
        }
    }

    /// Lets time pass until `end`, or until `is_over`.
    fn pass(&mut self, end: Instant, is_over: impl Fn(&Self) -> bool) -> Result<(), Failure> {
        loop {
            self.change();
            self.settle()?;
            if self.now >= end || is_over(self) {
                return Ok(());
            }
            let events = self.hosts.iter().filter_map(Host::next_event);
            let next = events.chain(self.changes.last().map(|(at, _)| *at));
            let next = next.chain([end]).min().unwrap_or(end);
            if next <= self.now {
                let late = |host: &Host| host.next_event().is_some_and(|at| at <= self.now);
                let host = self.hosts.iter().position(late).unwrap_or(0);
                return Err(self.failure(host, "an event that is over is still to come".into()));
            }
            self.now = next;
        }
    }

    /// Lets everybody do what there is to do at this moment.
    fn settle(&mut self) -> Result<(), Failure> {
        for _ in 0..TURNS {
            let mut happened = false;
            for host in &self.hosts {
                happened |= host.turn(self.now);
            }
            happened |= self.switch.turn(self.now);
            self.check()?;
            if !happened {
                return Ok(());
            }
        }
        Err(self.failure(0, "time stands still".to_owned()))
    }

    fn check(&self) -> Result<(), Failure> {
        if let Some(failure) = self.ledger.wrong.borrow().as_ref() {
            return Err(failure.clone());
        }
        check::connections(&self.hosts, &self.ledger.plan.hosts).map_err(|(host, ends, what)| {
            Failure {
                connection: Some(ends),
                ..self.failure(host, what)
            }
        })
    }

    fn failure(&self, host: usize, what: String) -> Failure {
        Failure {
            at: self.now,
            host,
            what,
            connection: None,
        }
    }

    /// Does what is due.
    fn change(&mut self) {
        while let Some((_, change)) = self.changes.pop_if(|(at, _)| *at <= self.now) {
            let plan = &self.ledger.plan;
            let vanished = plan.vanishes.filter(|(_, at)| *at <= self.now);
            let vanished = vanished.map(|(host, _)| host);
            match change {
                Change::Cut(host, true) => self.hosts[host].plug.down(),
                Change::Cut(host, false) | Change::Vanish(host) => {
                    self.hosts[host].faults.set(NOTHING_PASSES);
                }
                Change::Mend(host, true) => self.hosts[host].plug.up(self.hosts[host].mac),
                Change::Mend(host, false) if vanished != Some(host) => {
                    self.hosts[host].faults.set(plan.hosts[host].faults);
                }
                Change::Mend(..) => {}
                Change::Heal => {
                    for (number, host) in self.hosts.iter().enumerate() {
                        if vanished != Some(number) {
                            host.faults.set(plan.hosts[number].healed);
                        }
                    }
                }
            }
        }
    }
}

const NOTHING: Profile = Profile {
    loss: Chance::per_million(1_000_000),
    duplicate: Chance::per_million(0),
    reorder: Chance::per_million(0),
    corrupt: Chance::per_million(0),
    delay: Duration::ZERO,
    jitter: Duration::ZERO,
    rate: None,
    seed: 0,
};

const NOTHING_PASSES: Profiles = Profiles {
    outward: NOTHING,
    inward: NOTHING,
};

/// All changes, the first last.
fn changes(plan: &Plan) -> Vec<(Instant, Change)> {
    let cuts = plan.cuts.iter().flat_map(|cut| {
        [
            (cut.time.start, Change::Cut(cut.host, cut.is_seen)),
            (cut.time.end, Change::Mend(cut.host, cut.is_seen)),
        ]
    });
    let vanishes = plan.vanishes.map(|(host, at)| (at, Change::Vanish(host)));
    let heals = [(plan.heals_at, Change::Heal)];
    let mut changes: Vec<_> = cuts.chain(vanishes).chain(heals).collect();
    changes.sort_by_key(|(at, _)| core::cmp::Reverse(*at));
    changes
}
