//! Xen's network front end, and a dom0 that is honest until the bytes say otherwise.

use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering;
use std::collections::VecDeque;
use std::rc::Rc;

use link::{Burst, Link, LinkState, Offload, PartialChecksum, Transmit};
use netfront::model::{Dom0, Meddled, Offers, RxResponse, Sent, TxResponse};
use netfront::{Fault, Netfront};
use packet::{Chunk, Class, Instant, Limits, Part, Pool, RxChecksum};
use xen::{GrantRef, SharedPage};

use crate::input::Input;

const LIMITS: Limits = Limits {
    cells: 32,
    pages: 96,
    bays: 1,
};
/// Pages that wait for frames.
const PAGES: u16 = 32;
/// Turns in which a device must come or go.
const TURNS: usize = 24;
/// What is never given back is lost to this process: after so many runs that have lost something,
/// nothing is kept from the front end any more.
const MOST_LOSSES: u32 = 300;

fn may_lose() -> bool {
    LOSSES.get() < MOST_LOSSES
}

const TEXTS: [&str; 10] = [
    "0",
    "1",
    "2",
    "4",
    "5",
    "6",
    "-1",
    "99999999999",
    "00:16:3e:01:02:0g",
    "",
];
const KEYS: [&str; 9] = [
    "device/vif/0/state",
    "device/vif/0/mac",
    "device/vif/0/mtu",
    "device/vif/0/backend-id",
    "device/vif/0/backend",
    "/local/domain/0/backend/vif/1/0/state",
    "/local/domain/0/backend/vif/1/0/feature-sg",
    "/local/domain/0/backend/vif/1/0/feature-gso-tcpv4",
    "/local/domain/0/backend/vif/1/0/feature-rx-copy",
];

thread_local! {
    /// Shared pages are not given back, so a world that nothing is wrong with is used again.
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
    static LOSSES: Cell<u32> = const { Cell::new(0) };
}

/// Does what the bytes say. While the other side is honest, frames must be whole both ways; at the end
/// it is honest again, and all that was lent must be back, or be counted as lost.
pub fn netfront(bytes: &[u8]) {
    let mut world = WORLD.take().unwrap_or_else(World::new);
    let mut input = Input::new(bytes);
    while !input.is_empty() {
        world.act(&mut input);
    }
    if world.end() {
        WORLD.set(Some(world));
    } else {
        LOSSES.set(LOSSES.get() + 1);
    }
}

struct World {
    dom0: Dom0,
    xen: Rc<Meddled>,
    front: Netfront,
    pool: Pool,
    /// Neither side has done anything wrong since the device came.
    is_honest: bool,
    /// What was brought and not received, while all are honest.
    brought: VecDeque<Vec<u8>>,
    /// What was sent and not taken by the other side, likewise.
    sent: VecDeque<Vec<u8>>,
    /// What the other side has taken and not answered.
    taken: VecDeque<Sent>,
    /// Pages that the other side keeps.
    kept: Vec<GrantRef>,
}

impl World {
    fn new() -> Self {
        let (dom0, store) = Dom0::new();
        let xen = Rc::new(Meddled::new(Rc::clone(&dom0.xen)));
        let pool = Pool::new(LIMITS);
        let config = netfront::Config {
            grants: xen.clone(),
            events: xen.clone(),
            pool: pool.clone(),
            pages: PAGES,
            public: Vec::new(),
        };
        let Ok(front) = Netfront::new(config, store) else {
            unreachable!("an honest store takes a watch")
        };
        Self {
            dom0,
            xen,
            front,
            pool,
            is_honest: true,
            brought: VecDeque::new(),
            sent: VecDeque::new(),
            taken: VecDeque::new(),
            kept: Vec::new(),
        }
    }

    fn act(&mut self, input: &mut Input<'_>) {
        match input.byte() % 16 {
            0 => self.attach(input.byte()),
            1 => self.detach(),
            2 => self.dom0.turn(),
            3 => self.receive(),
            4 => self.bring(input),
            5 => self.transmit(input),
            6 => self.take(),
            7 => self.answer(input.byte()),
            8 => self.front.flush(Instant::ZERO).unwrap_or_default(),
            9 => drop(self.front.arm()),
            10 => self.respond_rx(input),
            11 => self.respond_tx(input),
            12 => self.scribble(input),
            13 => self.keep(input.byte()),
            14 => self.say(input),
            _ => self.meddle(input),
        }
    }

    /// Where there is none, a device comes, and both sides do what is to be done.
    fn attach(&mut self, offers: u8) {
        // Whatever the texts say, the one before is in use until nothing is shared any more.
        if self.dom0.front("state").is_some() || self.dom0.xen.open_channels() > 0 {
            return;
        }
        let has = |bit: u8| offers & bit != 0;
        let offers = Offers {
            sg: has(1),
            gso: has(2),
            csum: has(4),
            split: has(8),
        };
        self.forget();
        self.is_honest = true;
        self.dom0.attach("00:16:3e:01:02:03", offers);
        (0..TURNS).for_each(|_| self.turn());
    }

    /// The toolstack wants the device back; of one that it has back already nothing is left.
    fn detach(&mut self) {
        if self.dom0.front("state").is_some() {
            self.dom0.detach();
        } else {
            let back = "/local/domain/0/backend/vif/1/0";
            self.dom0.store.remove(back);
        }
    }

    fn turn(&mut self) {
        self.dom0.turn();
        self.receive();
    }

    fn receive(&mut self) {
        let mut burst = Burst::new();
        let dropped = |front: &Netfront| front.stats().get().dropped_for(Fault::NoBuffer);
        let before = dropped(&self.front);
        let result = self.front.receive(Instant::ZERO, &mut burst);
        if dropped(&self.front) > before {
            self.is_honest = false; // What is sent and not answered has taken all memory.
        }
        assert!(result.is_ok() || !self.is_honest, "honesty is not believed");
        for frame in burst.drain() {
            let bytes: Vec<u8> = frame.parts().flat_map(|part| part.to_vec()).collect();
            assert!(bytes.len() >= 14);
            assert!(frame.parts().count() == 1 || frame.head().len() >= 128);
            if self.is_honest {
                assert_eq!(Some(bytes), self.brought.pop_front(), "another frame");
            }
        }
    }

    fn bring(&mut self, input: &mut Input<'_>) {
        let (len, piece, how) = (input.word(), input.word(), input.byte());
        let len = 14 + usize::from(len) % 65_000;
        let piece = (len / 17 + 1).max(usize::from(piece)).min(4096);
        let frame: Vec<u8> = (0..len).map(|at| at as u8 ^ how).collect();
        let checksum = match how & 3 {
            0 => RxChecksum::Unknown,
            1 => RxChecksum::Valid,
            _ => RxChecksum::Blank,
        };
        let gso_size = (how & 4 != 0).then_some(1448);
        let Some(back_end) = &mut self.dom0.back_end else {
            return;
        };
        let is_up = self.front.state() != LinkState::Down;
        if back_end.bring_cut(&frame, piece, checksum, gso_size) && is_up {
            self.brought.push_back(frame);
        }
    }

    fn transmit(&mut self, input: &mut Input<'_>) {
        let (count, how) = (input.byte() % 20, input.byte());
        let head = [how; 66];
        let mut frame = head.to_vec();
        let mut payload = Vec::new();
        for _ in 0..count {
            let len = usize::from(input.word()) % 5000;
            let bytes: Vec<u8> = (0..len).map(|at| at as u8 ^ how).collect();
            // A bay crosses pages; a cell is copied; what has no room is not sent.
            if let Some(part) = Part::copy_from(&self.pool, &bytes) {
                frame.extend(&bytes);
                payload.push(Chunk::from(part));
            }
        }
        let checksum = PartialChecksum {
            start: 34,
            offset: 16,
        };
        let offload = Offload {
            checksum: (how & 3 != 0).then_some(checksum),
            gso_size: (how & 2 != 0).then_some(1448),
        };
        let before = self.front.stats();
        let _ = self.front.flush(Instant::ZERO);
        let before = before.get().sent;
        let transmit = Transmit {
            head: &head,
            payload: &payload,
            offload,
        };
        let result = self.front.transmit(Instant::ZERO, transmit);
        let _ = self.front.flush(Instant::ZERO);
        if result.is_ok() && self.front.stats().get().sent > before {
            self.sent.push_back(frame);
        }
    }

    fn take(&mut self) {
        let Some(back_end) = &mut self.dom0.back_end else {
            return;
        };
        match back_end.take() {
            Ok(Some(sent)) => {
                let expected = self.sent.pop_front();
                assert!(!self.is_honest || Some(&sent.bytes) == expected.as_ref());
                self.taken.push_back(sent);
                for (page, _) in self.dom0.xen.lent().iter().filter(|_| !may_lose()) {
                    if !back_end.keys().rings.contains(page) {
                        self.dom0.xen.let_go(*page);
                    }
                }
            }
            Ok(None) => assert!(!self.is_honest || self.sent.is_empty(), "a frame is lost"),
            Err(fatal) => assert!(!self.is_honest, "{fatal:?}"),
        }
    }

    fn answer(&mut self, how: u8) {
        let at = usize::from(how) % self.taken.len().max(1);
        if let (Some(sent), Some(back_end)) = (self.taken.remove(at), &mut self.dom0.back_end) {
            back_end.answer_as(&sent, if how & 128 == 0 { 0 } else { -1 });
        }
    }

    /// A response for a page, whatever it says.
    fn respond_rx(&mut self, input: &mut Input<'_>) {
        self.is_honest = false;
        let (id, offset, flags, status) = (input.byte(), input.word(), input.byte(), input.word());
        let Some(back_end) = &mut self.dom0.back_end else {
            return;
        };
        let asked = back_end.rx.take().map_or(0, |request| request.id);
        back_end.rx.push(&RxResponse {
            // The right one mostly.
            id: asked ^ u16::from(id >> 5),
            offset,
            flags: u16::from(flags),
            status: status as i16,
        });
        back_end.ring_rx();
    }

    fn respond_tx(&mut self, input: &mut Input<'_>) {
        self.is_honest = false;
        let (id, status) = (input.word(), i16::from(input.byte() as i8));
        if let Some(back_end) = &mut self.dom0.back_end {
            back_end.tx.push(&TxResponse { id, status });
            back_end.ring_tx();
        }
    }

    /// Writes to a word of a ring.
    fn scribble(&mut self, input: &mut Input<'_>) {
        self.is_honest = false;
        if let Some((page, at, change)) = self.word(input) {
            page.u32(at).fetch_add(change, Ordering::Relaxed);
        }
    }

    /// A ring, a word of it, and a change.
    fn word(&self, input: &mut Input<'_>) -> Option<(SharedPage, usize, u32)> {
        let (which, at, change) = (input.byte(), input.word(), input.byte() as i8);
        let back_end = self.dom0.back_end.as_ref()?;
        let page = if which & 1 == 0 {
            back_end.rx.page()
        } else {
            back_end.tx.page()
        };
        // The counters more often than slots.
        let words = if which & 2 == 0 { 4 } else { 1024 };
        Some((page.clone(), usize::from(at) % words * 4, change as u32))
    }

    fn keep(&mut self, which: u8) {
        let lent = self.dom0.xen.lent();
        let Some((grant, _)) = lent.get(usize::from(which) % lent.len().max(1)) else {
            return;
        };
        if may_lose() && self.dom0.xen.hold(*grant).is_ok() {
            self.is_honest = false;
            self.kept.push(*grant);
        }
    }

    fn say(&mut self, input: &mut Input<'_>) {
        self.is_honest = false;
        if !may_lose()
            && let Some(back_end) = self.dom0.back_end.take()
        {
            back_end.leave(); // It could be told to be gone while it has the rings.
        }
        let (key, text) = (input.byte(), input.byte());
        let key = KEYS[usize::from(key) % KEYS.len()];
        match TEXTS.get(usize::from(text) % (TEXTS.len() + 1)) {
            Some(text) => self.dom0.store.write(key, text),
            None => self.dom0.store.remove(key),
        }
    }

    /// From now on pages are written to until they are taken back, and a word of a ring changes
    /// between our looks.
    fn meddle(&mut self, input: &mut Input<'_>) {
        self.is_honest = false;
        let xen = Rc::clone(&self.dom0.xen);
        let mut times = input.byte();
        let word = self.word(input);
        self.xen.set(move |_| {
            if times == 0 {
                return;
            }
            times -= 1;
            for (grant, _) in xen.lent().into_iter().skip(2).take(4) {
                // Those that are only to be read are not.
                let _ = xen.write(grant, 0, &[times; 64]);
            }
            if let Some((page, at, change)) = &word {
                page.u32(*at).fetch_add(*change, Ordering::Relaxed);
            }
        });
    }

    /// All that was on its way is lost.
    fn forget(&mut self) {
        self.xen.set(|_| ());
        self.brought.clear();
        self.sent.clear();
        for sent in self.taken.drain(..) {
            if let Some(back_end) = &mut self.dom0.back_end {
                back_end.answer(&sent);
            }
        }
    }

    /// The device goes as it should. `false`: something was lost for good.
    fn end(&mut self) -> bool {
        self.is_honest = false;
        self.forget();
        self.kept.clear();
        self.detach();
        (0..TURNS).for_each(|_| self.turn());
        assert_eq!(self.front.state(), LinkState::Down, "it does not go");
        let stats = self.front.stats().get();
        let lost = stats.leaked as usize;
        assert_eq!(self.dom0.xen.grants_in_use(), lost, "lent, and forgotten");
        assert_eq!(self.dom0.xen.open_channels(), 0);
        let held = self.pool.usage(Class::Page).held;
        assert!(held <= lost, "{held} pages are gone, {lost} lost");
        lost == 0
    }
}
