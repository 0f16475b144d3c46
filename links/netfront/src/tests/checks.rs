//! What a hostile back end may try: the ten checks of a front end, each by what happens without it.
//!
//! README.md has the table.

use alloc::rc::Rc;
use alloc::vec;
use alloc::vec::Vec;
use core::cell::Cell;
use core::sync::atomic::Ordering;

use link::{Link, LinkState, Offload};
use packet::{Chunk, Class, Part, RxChecksum};
use xen::{Access, GrantRef};

use super::world::{MAC_TEXT, PAGES, World, bytes};
use crate::model::{Offers, RxResponse, TxResponse};
use crate::wire::{EXTRA_GSO, MAX_DATA_SLOTS, RX_EXTRA_INFO, RX_MORE_DATA, STATUS_NULL};
use crate::{Fault, Stats};

/// `rsp_prod` in a ring, and its first slot.
const RSP_PROD: usize = 8;
const FIRST_SLOT: usize = 64;

fn up() -> World {
    World::up(Offers::ALL)
}

/// Answers the next request for a page with what it should, but for `change`.
fn answer(world: &mut World, change: impl Fn(&mut RxResponse)) {
    let back = world.back();
    let request = back.rx.take().unwrap();
    let mut response = RxResponse {
        id: request.id,
        offset: 0,
        flags: 0,
        status: 60,
    };
    change(&mut response);
    back.rx.push(&response);
    back.ring_rx();
}

// 1. What is claimed is what was asked for, and is looked at once.

#[test]
fn more_pages_than_wait_cannot_have_been_filled() {
    let mut world = up();
    for _ in 0..PAGES {
        answer(&mut world, |_| ());
    }
    let page = world.back().rx.page().clone();
    page.u32(RSP_PROD).fetch_add(1, Ordering::Relaxed);
    let (frames, _) = world.try_receive();
    assert!(frames.is_empty(), "nothing of it is believed");
    assert_eq!(world.stats().broken, 1);
}

#[test]
fn more_pieces_than_were_sent_cannot_be_done() {
    let mut world = up();
    let sent = world.send(&[1; 60], &[], Offload::default());
    world.back().answer(&sent);
    let page = world.back().tx.page().clone();
    page.u32(RSP_PROD).fetch_add(256, Ordering::Relaxed);
    world.assert_broken();
}

#[test]
fn what_is_claimed_while_we_look_waits_for_the_next_look() {
    let mut world = up();
    answer(&mut world, |_| ());
    answer(&mut world, |_| ());
    let page = world.back().rx.page().clone();
    let claimed = page.u32(RSP_PROD).load(Ordering::Relaxed);
    page.u32(RSP_PROD).store(claimed - 1, Ordering::Relaxed);
    world.meddle.set(move |takes_back| {
        if takes_back {
            page.u32(RSP_PROD).store(claimed, Ordering::Relaxed);
        }
    });
    let mut most = 0;
    while let frames = world.receive().len()
        && frames > 0
    {
        most = most.max(frames);
    }
    assert_eq!(most, 1);
}

// 2. A response is copied before it is judged.

#[test]
fn a_response_that_changes_is_the_one_that_was_read() {
    let mut world = up();
    answer(&mut world, |_| ());
    let page = world.back().rx.page().clone();
    world.meddle.set(move |takes_back| {
        if takes_back {
            // In all slots: another page, and more than is in one.
            (0..256)
                .for_each(|slot| page.write(FIRST_SLOT + slot * 8, &[0xffff_u16, 4000, 0, 4000]));
        }
    });
    let frames = world.receive();
    assert_eq!(frames.len(), 1);
    assert_eq!(frames[0].len(), 60);
}

// 3. A number names something that is on its way.

#[test]
fn a_page_that_was_not_asked_for_cannot_be_filled() {
    for wrong in [1, 255, 256, 0xffff] {
        let mut world = up();
        answer(&mut world, |response| response.id = wrong);
        world.assert_broken();
    }
}

#[test]
fn a_piece_that_was_not_sent_cannot_be_done() {
    for wrong in [1, 255, 256, 0xffff] {
        let mut world = up();
        world.send(&[1; 60], &[], Offload::default());
        world.back().tx.push(&TxResponse {
            id: wrong,
            status: 0,
        });
        world.back().ring_tx();
        world.assert_broken();
    }
}

#[test]
fn a_piece_is_done_once() {
    let mut world = up();
    let sent = world.send(&[1; 60], &[], Offload::default());
    world.send(&[2; 60], &[], Offload::default());
    world.back().answer(&sent);
    world.back().answer(&sent);
    world.assert_broken();
}

#[test]
fn no_more_extras_are_done_than_were_sent() {
    let mut world = up();
    world.send(&[1; 60], &[], Offload::default());
    world.back().tx.push(&TxResponse {
        id: 0,
        status: STATUS_NULL,
    });
    world.back().ring_tx();
    world.assert_broken();
}

// 4. What a response says of its page lies within it.

#[test]
fn a_failure_is_no_frame() {
    for status in [-1, -2, i16::MIN] {
        let mut world = up();
        answer(&mut world, |response| response.status = status);
        world.assert_dropped(Fault::Failed);
    }
}

#[test]
fn a_piece_lies_within_its_page() {
    for (offset, status) in [
        (0, 4097),
        (4096, 1),
        (4037, 60),
        (u16::MAX, 60),
        (60, i16::MAX),
    ] {
        let mut world = up();
        answer(&mut world, |response| {
            response.offset = offset;
            response.status = status;
        });
        world.assert_dropped(Fault::OutsidePage);
    }
    let mut world = up();
    answer(&mut world, |response| response.offset = 4096 - 60);
    assert_eq!(world.receive()[0].len(), 60);
}

// 5. A packet has an end, and not too many slots.

#[test]
fn a_packet_of_too_many_pieces_is_dropped_to_its_end() {
    let mut world = up();
    for _ in 0..MAX_DATA_SLOTS + 7 {
        answer(&mut world, |response| response.flags = RX_MORE_DATA);
    }
    assert!(world.receive().is_empty());
    answer(&mut world, |_| ());
    world.assert_dropped(Fault::TooManySlots);
}

#[test]
fn pieces_without_bytes_are_pieces_too() {
    let mut world = up();
    for _ in 0..MAX_DATA_SLOTS {
        answer(&mut world, |response| {
            response.flags = RX_MORE_DATA;
            response.status = 0;
        });
    }
    answer(&mut world, |_| ());
    world.assert_dropped(Fault::TooManySlots);
}

#[test]
fn a_packet_of_too_many_extras_is_dropped_to_its_end() {
    let mut world = up();
    answer(&mut world, |response| response.flags = RX_EXTRA_INFO);
    for number in 0..5 {
        answer(&mut world, |response| {
            // An extra of kind 4, behind which another follows.
            let follows = if number < 4 { 0x100 } else { 0 };
            *response = RxResponse {
                id: 4 | follows,
                offset: 0,
                flags: 0,
                status: 0,
            };
        });
    }
    world.assert_dropped(Fault::TooManySlots);
}

#[test]
fn the_rest_of_a_packet_may_come_later() {
    let mut world = up();
    world
        .back()
        .bring_piece(&[1; 200], RX_MORE_DATA | RX_EXTRA_INFO);
    world.back().ring_rx();
    assert!(world.receive().is_empty());
    world.back().bring_extra(EXTRA_GSO, 1000);
    world.back().ring_rx();
    assert!(world.receive().is_empty());
    world.back().bring_piece(&[2; 100], 0);
    world.back().ring_rx();
    let frames = world.receive();
    assert_eq!(frames.len(), 1);
    assert_eq!(bytes(&frames[0]), [&[1; 200][..], &[2; 100]].concat());
    assert_eq!(frames[0].meta.gso_size, 1000);
}

// 6. Extra information makes sense.

#[test]
fn an_extra_is_of_a_kind_that_there_is_and_cuts_into_something() {
    for (kind, gso_size) in [(0, 1), (6, 1), (255, 1), (EXTRA_GSO, 0)] {
        let mut world = up();
        world.back().bring_piece(&[1; 200], RX_EXTRA_INFO);
        world.back().bring_extra(kind, gso_size);
        world.back().ring_rx();
        world.assert_dropped(Fault::BadExtra);
    }
}

#[test]
fn a_super_frame_is_of_a_kind_that_was_asked_for() {
    let mut world = up();
    answer(&mut world, |response| response.flags = RX_EXTRA_INFO);
    answer(&mut world, |response| {
        // GSO, 1000 bytes each, TCP over IPv6.
        *response = RxResponse {
            id: EXTRA_GSO.into(),
            offset: 1000,
            flags: 2,
            status: 0,
        };
    });
    world.assert_dropped(Fault::BadExtra);
}

#[test]
fn an_extra_belongs_to_the_first_piece() {
    let mut world = up();
    world.back().bring_piece(&[1; 200], RX_MORE_DATA);
    world.back().bring_piece(&[1; 200], RX_EXTRA_INFO);
    world.back().bring_extra(EXTRA_GSO, 1000);
    world.back().ring_rx();
    world.assert_dropped(Fault::BadExtra);
}

// 7. A frame has an Ethernet header, and all headers in one piece.

#[test]
fn a_frame_has_an_ethernet_header() {
    for len in [0, 1, 13] {
        let mut world = up();
        answer(&mut world, |response| response.status = len);
        world.assert_dropped(Fault::Runt);
    }
    let mut world = up();
    answer(&mut world, |response| response.status = 14);
    assert_eq!(world.receive()[0].len(), 14);
}

#[test]
fn headers_are_together_however_they_come() {
    let frame: Vec<u8> = (0..9000_u32).map(|at| at as u8).collect();
    for piece in [1000, 1500, 4096] {
        let mut world = up();
        let pieces = (&frame[..50], &frame[50..60], &frame[60..]);
        world.back().bring_piece(pieces.0, RX_MORE_DATA);
        world.back().bring_piece(pieces.1, RX_MORE_DATA);
        assert!(
            world
                .back()
                .bring_cut(pieces.2, piece, RxChecksum::Unknown, None)
        );
        let frames = world.receive();
        assert!(frames[0].head().len() >= 128);
        assert_eq!(bytes(&frames[0]), frame);
    }
}

// 8. What we wrote is not read back.

#[test]
fn requests_may_be_written_over() {
    let mut world = up();
    let chunk: Chunk = Part::copy_from(&world.pool, &[3; 1400]).unwrap().into();
    let held = world.pages_in_use();
    let sent = world.send(&[1; 60], &[chunk], Offload::default());
    let request = world.back().rx.take().unwrap();
    for page in [
        world.back().tx.page().clone(),
        world.back().rx.page().clone(),
    ] {
        (FIRST_SLOT..4096)
            .step_by(4)
            .for_each(|at| page.u32(at).store(0x0009_0009, Ordering::Relaxed));
    }
    let back = world.back();
    back.answer(&sent);
    let page = GrantRef(request.grant);
    world.dom0.xen.write(page, 0, &[9; 300]).unwrap();
    let back = world.back();
    back.rx.push(&RxResponse {
        id: request.id,
        offset: 0,
        flags: 0,
        status: 300,
    });
    back.ring_rx();
    let frames = world.receive();
    assert_eq!(bytes(&frames[0]), [9; 300]);
    drop(frames);
    assert_eq!(
        world.pages_in_use(),
        held - 1,
        "the page that was sent is back"
    );
}

// 9. A page is ours only once nobody else uses it.

#[test]
fn a_page_that_is_kept_is_lost() {
    let mut world = up();
    let held = world.pages_in_use();
    let grant = world.back().bring_piece(&[1; 1000], 0).unwrap();
    world.dom0.xen.hold(grant).unwrap();
    world.back().ring_rx();
    world.assert_dropped(Fault::StillInUse);
    assert_eq!(world.stats().leaked, 1);
    world.dom0.xen.let_go(grant);
    assert_eq!(
        world.pages_in_use(),
        held + 1,
        "never given to anybody again"
    );
}

#[test]
fn a_page_that_was_sent_and_is_kept_is_lost() {
    let mut world = up();
    let chunk: Chunk = Part::copy_from(&world.pool, &[3; 1400]).unwrap().into();
    let held = world.pages_in_use();
    let sent = world.send(&[1; 60], &[chunk], Offload::default());
    world.back().answer(&sent);
    let lent = read_only(&world);
    lent.iter()
        .for_each(|grant| world.dom0.xen.hold(*grant).unwrap());
    assert!(world.receive().is_empty());
    assert_eq!(world.stats().leaked, 2);
    assert_eq!(world.pages_in_use(), held);
    world.assert_alive();
}

#[test]
fn who_keeps_many_pages_loses_the_device() {
    let mut world = up();
    for kept in 1..=33 {
        assert_eq!(
            world.stats(),
            Stats {
                leaked: kept - 1,
                ..world.stats()
            }
        );
        let grant = world.back().bring_piece(&[1; 1000], 0).unwrap();
        world.dom0.xen.hold(grant).unwrap();
        world.back().ring_rx();
        let (frames, result) = world.try_receive();
        assert!(frames.is_empty());
        assert_eq!(result.is_err(), kept > 32, "{kept}");
    }
    assert_eq!(world.front.state(), LinkState::Down);
}

#[test]
fn a_page_is_not_read_before_it_is_ours() {
    let mut world = up();
    // Longer than what is copied, and short enough to be.
    for len in [1000, 60] {
        let grant = world.back().bring_piece(&vec![1; len], 0).unwrap();
        world.back().ring_rx();
        let last = Rc::new(Cell::new(0_u8));
        let (xen, writes) = (Rc::clone(&world.dom0.xen), Rc::clone(&last));
        world.meddle.set(move |_| {
            let next = writes.get() + 1;
            if xen.write(grant, 0, &[next; 1000]).is_ok() {
                writes.set(next);
            }
        });
        let frames = world.receive();
        world.meddle.set(|_| ());
        let last = last.get();
        assert!(last > 0, "it was written to until it was taken back");
        assert_eq!(bytes(&frames[0]), vec![last; len]);
    }
}

#[test]
fn neighbours_are_not_shown() {
    const SECRET: [u8; 16] = *b"somebody else's.";
    let mut world = up();
    // In the cells beside, and in all pages that were used before.
    let secrets: Vec<Part> = core::iter::from_fn(|| world.pool.take(Class::Cell))
        .map(|mut cell| {
            cell.bytes_mut().unwrap()[..16].copy_from_slice(&SECRET);
            Part::new(cell, 0..16)
        })
        .collect();
    let mut pages: Vec<_> = core::iter::from_fn(|| world.pool.take(Class::Page)).collect();
    for page in &mut pages {
        page.bytes_mut().unwrap()[4000..4016].copy_from_slice(&SECRET);
    }
    // One that was never anybody's: it goes out as it is.
    pages[0].bytes_mut().unwrap().fill(0);
    pages.rotate_left(1);
    drop(pages);
    // Behind a page that is lent, where nothing fits beside the headers any more.
    let page = world.pool.take(Class::Page).unwrap();
    let page: Chunk = Part::new(page, 0..1000).into();
    let cell: Chunk = secrets[0].slice(0..3).into();
    let foreign = Chunk::Static(&FOREIGN[..20]);
    let payload = [page, cell, foreign];
    let sent = world.send(&[1; 60], &payload, Offload::default());
    assert_eq!(sent.pieces, [60, 1000, 23]);
    for grant in read_only(&world) {
        let mut page = [0; 4096];
        world.dom0.xen.read(grant, 0, &mut page).unwrap();
        assert!(!page.windows(16).any(|window| window == SECRET));
    }
}

/// Embedded, but not said to be anybody's business.
static FOREIGN: &[u8; 40] = b"what may be sent, and: somebody else's. ";

/// What is lent for reading: what is being sent.
fn read_only(world: &World) -> Vec<GrantRef> {
    let lent = world.dom0.xen.lent();
    let read_only = lent
        .iter()
        .filter(|(_, access)| *access == Access::ReadOnly);
    read_only.map(|(grant, _)| *grant).collect()
}

// 10. Texts are read strictly.

#[test]
fn a_device_with_a_text_that_makes_no_sense_is_not_used() {
    let macs = [
        "",
        "00:16:3e:01:02",
        "00:16:3e:01:02:03:04",
        "00:16:3e:01:02:3",
        "0:016:3e:01:02:03",
        "00:16:3e:01:02:+3",
        "01:16:3e:01:02:03",
        "00:00:00:00:00:00",
        "00-16-3e-01-02-03",
        "g0:16:3e:01:02:03",
    ];
    let wrong = macs.map(|mac| ("mac", mac)).into_iter().chain([
        ("backend-id", "0x0"),
        ("backend-id", "65536"),
        ("backend-id", "-1"),
        ("backend-id", " 0"),
        ("backend-id", ""),
        ("backend-id", "99999999999999999999"),
    ]);
    for (key, text) in wrong {
        let mut world = World::new();
        world.dom0.attach(MAC_TEXT, Offers::ALL);
        world
            .dom0
            .store
            .write(&alloc::format!("device/vif/0/{key}"), text);
        world.settle();
        assert_eq!(world.front.state(), LinkState::Down, "{key} {text:?}");
        assert!(world.dom0.back_end.is_none());
        assert_eq!(world.dom0.xen.grants_in_use(), 0);
    }
}

#[test]
fn a_number_that_is_none_is_not_there() {
    let mut world = World::new();
    world.dom0.attach(MAC_TEXT, Offers::ALL);
    world.dom0.store.write("device/vif/0/mtu", "9000 ");
    world.dom0.turn();
    let back = "/local/domain/0/backend/vif/1/0/feature-";
    for (feature, text) in [
        ("sg", "+1"),
        ("split-event-channels", "yes"),
        ("gso-tcpv4", "2"),
    ] {
        world
            .dom0
            .store
            .write(&alloc::format!("{back}{feature}"), text);
    }
    world.settle();
    assert_eq!(world.front.state(), LinkState::Up { epoch: 1 });
    let caps = world.front.caps();
    assert_eq!((caps.mtu, caps.max_super_frame), (1500, None));
    assert!(world.dom0.front("event-channel").is_some());
}

// And: no storm keeps us.

#[test]
fn a_turn_is_bounded() {
    let mut world = up();
    // The other side says more whenever it is asked to notify, or anything is taken back.
    for _ in 0..PAGES {
        answer(&mut world, |_| ());
    }
    let frames = world.receive();
    assert_eq!(frames.len(), link::BURST_FRAMES.min(PAGES.into()));
}
