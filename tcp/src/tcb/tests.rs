//! What a connection tells its user, and what is kept of it.

use core::net::Ipv4Addr;

use packet::{Frame, Limits, Part, RxMeta};

use super::*;
use crate::recv::Text;

const BUFFER: usize = 1000;

fn tcb(state: State) -> Tcb {
    let address = SocketAddrV4::new(Ipv4Addr::LOCALHOST, 80);
    let mut tcb = Tcb::new(address, address, Seq(7), 1460);
    tcb.state = state;
    tcb.snd.una = tcb.snd.end;
    tcb
}

/// Whether a user is told who waits to connect, to read, to write, to drain.
fn told(tcb: &mut Tcb) -> [bool; 4] {
    let waits = |waits: fn(&mut User) -> &mut bool, tcb: &mut Tcb| {
        tcb.user.forget_waits();
        *waits(&mut tcb.user) = true;
        let told = tcb.should_tell(BUFFER);
        tcb.user.forget_waits();
        assert!(!tcb.should_tell(BUFFER), "nobody waits");
        told
    };
    [
        waits(|user| &mut user.waits_to_connect, tcb),
        waits(|user| &mut user.waits_to_read, tcb),
        waits(|user| &mut user.waits_to_write, tcb),
        waits(|user| &mut user.waits_to_drain, tcb),
    ]
}

#[test]
fn who_waits_is_told_of_what_it_waits_for() {
    let mut idle = tcb(State::Established);
    assert_eq!(told(&mut idle), [true, false, true, true]);
    assert_eq!(told(&mut tcb(State::Closed)), [true; 4]);

    let mut opening = tcb(State::SynSent);
    (opening.snd.una, opening.snd.end) = (ORIGIN, ORIGIN + 1);
    assert!(!told(&mut opening)[0]);

    let mut busy = tcb(State::Established);
    for (queued, can_write) in [(501, false), (500, true)] {
        busy.snd.end = busy.snd.una + queued;
        assert_eq!(told(&mut busy), [true, false, can_write, false]);
    }
    busy.state = State::Closed;
    assert_eq!(told(&mut busy), [true; 4]);
}

#[test]
fn a_reader_is_told_of_text_and_of_the_end_behind_it() {
    let pool = Pool::new(Limits {
        cells: 4,
        pages: 4,
        bays: 0,
    });
    let mut reader = tcb(State::Established);
    let frame = Frame::new(Part::copy_from(&pool, b"text").unwrap(), RxMeta::default());
    let text = Text {
        frame,
        start: 0,
        len: 4,
    };
    let queue = reader.rcv.queue.insert(Box::default());
    assert_eq!(queue.push(1, text, BUFFER, &pool), 4);
    assert!(told(&mut reader)[1]);

    let mut reader = tcb(State::Established);
    for (fin, is_told) in [(9, false), (10, false), (11, true)] {
        reader.rcv.fin = core::num::NonZeroU64::new(10);
        reader.rcv.nxt = fin;
        assert_eq!(told(&mut reader)[1], is_told, "{fin}");
    }
}

/// A byte that probes a closed window stands outside of it, and so would what came behind it.
#[test]
fn an_acknowledgement_stands_behind_all_but_a_probe() {
    let mut snd = tcb(State::Established).snd;
    for (wnd, nxt, max, end, standing) in [
        // All was sent; some of it, again; a probe of a closed window, and of one that has opened.
        (0, 110, 110, 110, 110),
        (0, 100, 110, 110, 110),
        (0, 100, 101, 110, 100),
        (0, 101, 101, 110, 101),
        (0, 100, 101, 100, 101),
        (9, 100, 101, 110, 101),
    ] {
        snd.una = 100;
        (snd.wnd, snd.nxt, snd.max, snd.end) = (wnd, nxt, max, end);
        assert_eq!(snd.standing(), standing, "{snd:?}");
    }
}

#[test]
fn empty_queues_are_kept_up_to_a_limit() {
    let mut spare = Spare::default();
    for _ in 0..SPARE_LIMIT + 5 {
        spare.give_send(Box::default());
        spare.give_recv(Box::default());
    }
    assert_eq!(
        (spare.send.len(), spare.recv.len()),
        (SPARE_LIMIT, SPARE_LIMIT)
    );
}
