//! Frames both ways.

use alloc::vec;
use alloc::vec::Vec;

use link::{Full, Ipv4Layout, Link, Offload, PartialChecksum};
use packet::{Buf, Chunk, Class, Frame, Part, RxChecksum};
use proptest::prelude::*;

use super::world::{NOW, PAGES, PUBLIC, World, bytes};
use crate::Fault;
use crate::model::{Offers, Sent};

const TCP: Offload = Offload {
    checksum: Some(PartialChecksum {
        start: 34,
        offset: 16,
    }),
    gso_size: None,
};
const SUPER: Offload = Offload {
    gso_size: Some(1448),
    ..TCP
};

fn up() -> World {
    World::up(Offers::ALL)
}

/// Bytes in a piece of the pool's.
fn chunk(world: &World, class: Class, len: usize) -> Chunk {
    let mut buf: Buf = world.pool.take(class).unwrap();
    buf.bytes_mut().unwrap()[..len].fill(len as u8);
    Part::new(buf, 0..len).into()
}

#[test]
fn what_is_small_goes_in_one_slot() {
    let mut world = up();
    let payload = [
        chunk(&world, Class::Cell, 200),
        chunk(&world, Class::Page, 100),
    ];
    let sent = world.send(&[1; 66], &payload, TCP);
    assert_eq!(sent.pieces, [366]);
    assert_eq!(sent.bytes[..66], [1; 66]);
    assert_eq!(sent.bytes[66..266], [200; 200]);
    assert!(sent.is_blank);
}

#[test]
fn pages_are_lent_where_they_lie_and_cells_are_copied() {
    let mut world = up();
    let payload = [
        chunk(&world, Class::Cell, 200),
        chunk(&world, Class::Page, 4096),
        chunk(&world, Class::Cell, 9),
        chunk(&world, Class::Bay, 5000),
        Chunk::Static(&PUBLIC[4096..8200]),
    ];
    let sent = world.send(&[1; 66], &payload, SUPER);
    assert_eq!(sent.pieces, [266, 4096, 9, 4096, 904, 4096, 8]);
    assert_eq!(sent.gso_size, Some(1448));
    assert_eq!(world.stats().sent_super_frames, 1);
}

#[test]
fn the_largest_frame_has_eighteen_slots_at_most() {
    let mut world = up();
    let mut bay = world.pool.take(Class::Bay).unwrap();
    bay.bytes_mut().unwrap().fill(3);
    let shifted: Chunk = Part::new(bay, 3000..3000 + 65_535 - 66).into();
    let sent = world.send(&[1; 66], &[shifted], SUPER);
    assert_eq!((sent.bytes.len(), sent.pieces.len()), (65_535, 18));
    world.back().answer(&sent);
    // Many small pieces are copied together.
    let small: Vec<Chunk> = (0..40).map(|_| chunk(&world, Class::Page, 600)).collect();
    let sent = world.send(&[1; 66], &small, SUPER);
    assert_eq!(sent.bytes.len(), 66 + 40 * 600);
    assert_eq!(sent.pieces.len(), 7);
}

#[test]
fn a_back_end_without_many_slots_gets_one() {
    let mut world = World::up(Offers::NONE);
    let payload = [
        chunk(&world, Class::Page, 700),
        chunk(&world, Class::Page, 700),
    ];
    let sent = world.send(&[1; 66], &payload, TCP);
    assert_eq!(sent.pieces, [1466]);
    // And no super-frames: nobody has said that it takes them.
    world.transmit(&[1; 66], &payload, SUPER).unwrap();
    world.receive();
    assert_eq!(world.stats().refused, 1);
}

#[test]
fn only_whole_packets_are_seen_and_only_when_told() {
    let mut world = up();
    let payload = [chunk(&world, Class::Page, 1000)];
    world.transmit(&[1; 66], &payload, TCP).unwrap();
    world.transmit(&[1; 66], &[], TCP).unwrap();
    assert_eq!(world.back().tx.waiting(), 0);
    world.flush();
    assert_eq!(world.back().tx.waiting(), 3);
}

#[test]
fn memory_is_held_until_the_back_end_is_done_in_any_order() {
    let mut world = up();
    let before = world.pages_in_use();
    let mut sent: Vec<Sent> = Vec::new();
    loop {
        let payload = [chunk(&world, Class::Page, 1400)];
        match world.transmit(&[1; 66], &payload, TCP) {
            Ok(()) => world.flush(),
            Err(Full) => break,
        }
        sent.push(world.back().take().unwrap().unwrap());
    }
    assert!(sent.len() > 100, "{}", sent.len());
    world.receive();
    assert_eq!(world.pages_in_use(), before + sent.len());
    for at in (0..sent.len())
        .rev()
        .step_by(2)
        .chain((0..sent.len() - 1).rev().step_by(2))
    {
        world.back().answer(&sent[at]);
        world.receive();
    }
    assert_eq!(world.pages_in_use(), before);
    world.send(&[1; 66], &[], TCP);
}

#[test]
fn bells_are_silent_while_both_are_busy() {
    let mut world = up();
    let [tx, rx] = world.back().keys().bells;
    world.receive();
    let before = world.dom0.xen.notifications(tx);
    world.back().tx.arm();
    for _ in 0..3 {
        world.send(&[1; 66], &[], TCP);
    }
    assert_eq!(world.dom0.xen.notifications(tx), before + 1);
    // The other way: once armed, told once; then no more until armed again.
    use xen::Events;
    assert!(!world.front.arm());
    for expected in [true, false, false] {
        assert!(world.back().bring(&[7; 60], RxChecksum::Unknown, None));
        assert_eq!(world.dom0.xen.take_pending(rx), expected);
    }
    assert!(world.front.arm(), "there is something already");
}

#[test]
fn what_is_known_of_a_frame_comes_with_it() {
    let mut world = up();
    for checksum in [RxChecksum::Unknown, RxChecksum::Valid, RxChecksum::Blank] {
        let frame = [5; 60];
        assert!(world.back().bring(&frame, checksum, None));
        let frames = world.receive();
        assert_eq!(
            (frames[0].meta.checksum, frames[0].meta.gso_size),
            (checksum, 0)
        );
    }
    let large: Vec<u8> = (0..65_549_u32).map(|at| (at / 7) as u8).collect();
    assert!(world.back().bring(&large, RxChecksum::Blank, Some(1448)));
    let frames = world.receive();
    assert_eq!(frames[0].meta.gso_size, 1448);
    assert_eq!(bytes(&frames[0]), large);
    assert_eq!(world.stats().received_super_frames, 1);
}

#[test]
fn a_small_frame_keeps_no_page_and_pages_are_posted_anew() {
    let mut world = up();
    assert!(world.back().bring(&[5; 256], RxChecksum::Unknown, None));
    assert!(world.back().bring(&[5; 257], RxChecksum::Unknown, None));
    let frames = world.receive();
    let class = |frame: &Frame| frame.parts().next().unwrap().buf().class();
    assert_eq!(
        (class(&frames[0]), class(&frames[1])),
        (Class::Cell, Class::Page)
    );
    assert_eq!(world.back().rx.waiting(), PAGES.into());
}

#[test]
fn without_memory_what_is_small_still_comes() {
    let mut world = up();
    let all: Vec<Buf> = core::iter::from_fn(|| world.pool.take_receiving(Class::Page)).collect();
    let mut kept = Vec::new();
    for _ in 0..PAGES {
        assert!(world.back().bring(&[5; 1514], RxChecksum::Unknown, None));
        kept.extend(world.receive());
    }
    assert!(world.stats().dropped_for(Fault::NoBuffer) > 0);
    for _ in 0..100 {
        assert!(world.back().bring(&[6; 60], RxChecksum::Unknown, None));
        assert_eq!(world.receive().len(), 1);
    }
    drop((all, kept));
    world.receive();
    assert_eq!(world.back().rx.waiting(), PAGES.into());
}

#[test]
fn a_frame_that_the_device_does_not_take_is_refused() {
    let mut world = up();
    let payload = [chunk(&world, Class::Page, 1500)];
    let none = Offload {
        gso_size: Some(0),
        ..TCP
    };
    let unsummed = Offload {
        checksum: None,
        ..SUPER
    };
    for (head, payload, offload) in [
        (&[1; 66][..], &payload[..], TCP),
        (&[1; 13], &[], Offload::default()),
        (&[1; 66], &payload, none),
        (&[1; 66], &payload, unsummed),
    ] {
        world.transmit(head, payload, offload).unwrap();
    }
    world.front.flush(NOW).unwrap();
    assert_eq!((world.stats().refused, world.back().tx.waiting()), (4, 0));
}

/// A frame of TCP over IPv4 with this text, and only the pseudo-header's sum in its checksum.
fn frame(text: &[u8]) -> Vec<u8> {
    let mut frame = vec![2; 12];
    frame.extend([8, 0, 0x45, 0]);
    frame.extend(((40 + text.len()) as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    frame.extend([
        0, 80, 1, 2, 0, 0, 0, 1, 0, 0, 0, 2, 0x50, 0x10, 9, 9, 0, 0, 0, 0,
    ]);
    frame.extend(text);
    let sum = Ipv4Layout::parse(&frame)
        .unwrap()
        .pseudo_header(&frame)
        .fold();
    frame[50..52].copy_from_slice(&sum.to_be_bytes());
    frame
}

fn completed(mut frame: Vec<u8>) -> Vec<u8> {
    let layout = Ipv4Layout::parse(&frame).unwrap();
    layout.complete(&mut frame);
    assert_eq!(layout.is_intact(&frame), Some(true));
    frame
}

proptest! {
    // Each makes both sides anew.
    #![proptest_config(ProptestConfig::with_cases(32))]

    /// Whatever the pieces, and whatever else is in flight.
    #[test]
    fn frames_arrive_as_they_were_sent(
        frames in prop::collection::vec((prop::collection::vec(1_usize..4097, 0..18), any::<u8>()), 1..12),
        cut in 200_usize..4097,
    ) {
        let mut world = up();
        let mut on_their_way = Vec::new();
        for (lens, seed) in frames {
            let text: Vec<u8> = (0..lens.iter().sum()).map(|at: usize| (at / 3) as u8 ^ seed).collect();
            if text.len() > 65_000 {
                continue;
            }
            let whole = frame(&text);
            let mut rest = &text[..];
            let mut payload = Vec::new();
            for len in lens {
                let (here, behind) = rest.split_at(len);
                payload.push(Chunk::from(Part::copy_from(&world.pool, here).unwrap()));
                rest = behind;
            }
            let gso_size = (text.len() > 1448).then_some(1448);
            let offload = Offload { gso_size, ..TCP };
            let sent = world.send(&whole[..54], &payload, offload);
            prop_assert!(sent.is_blank);
            prop_assert_eq!(sent.gso_size, gso_size);
            prop_assert_eq!(completed(sent.bytes.clone()), completed(whole.clone()));
            on_their_way.push(sent);
            if on_their_way.len() > 2 {
                let done = on_their_way.remove(usize::from(seed) % 3);
                world.back().answer(&done);
            }
            // And back, cut in some way.
            let cut = cut.max(whole.len() / 17 + 1);
            prop_assert!(world.back().bring_cut(&whole, cut, RxChecksum::Blank, gso_size));
            let frames = world.receive();
            prop_assert_eq!(frames.len(), 1);
            prop_assert_eq!(frames[0].meta.checksum, RxChecksum::Blank);
            prop_assert_eq!(completed(bytes(&frames[0])), completed(whole));
        }
    }
}
