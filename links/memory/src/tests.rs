use alloc::vec;
use alloc::vec::Vec;

use link::{Offload, PartialChecksum};
use packet::{Chunk, Class, Limits, Part, RxChecksum};

use super::*;

const NOW: Instant = Instant::ZERO;
const SUPER_FRAME: Offload = Offload {
    checksum: Some(PartialChecksum {
        start: 34,
        offset: 16,
    }),
    gso_size: Some(1460),
};

fn pool(pages: usize, bays: usize) -> Pool {
    Pool::new(Limits {
        cells: 16,
        pages,
        bays,
    })
}

fn joined(cable: Cable) -> (MemoryLink, MemoryLink) {
    let end = |last| End {
        mac: [2, 0, 0, 0, 0, last],
        pool: pool(32, 2),
    };
    pair(cable, end(1), end(2))
}

fn send(link: &mut MemoryLink, head: &[u8], payload: &[Chunk]) -> Result<(), Full> {
    let offload = Offload::default();
    link.transmit(
        NOW,
        Transmit {
            head,
            payload,
            offload,
        },
    )
}

fn received(link: &mut MemoryLink) -> Vec<Vec<u8>> {
    let mut burst = Burst::new();
    link.receive(NOW, &mut burst).unwrap();
    let bytes = |frame: packet::Frame| frame.parts().flat_map(|part| part.to_vec()).collect();
    burst.drain().map(bytes).collect()
}

#[test]
fn a_frame_arrives_in_the_receivers_own_buffer() {
    let ours = pool(4, 0);
    let (mut left, mut right) = joined(Cable::default());
    let body = Part::copy_from(&ours, b"from the pool").unwrap();
    send(
        &mut left,
        b"head, ",
        &[Chunk::Static(b"embedded, "), body.into()],
    )
    .unwrap();
    assert_eq!(
        ours.usage(Class::Cell).held,
        0,
        "the sender's buffer is free again"
    );
    left.flush(NOW).unwrap();
    assert_eq!(received(&mut right), [b"head, embedded, from the pool"]);
    assert_eq!(received(&mut left), Vec::<Vec<u8>>::new());
    assert_eq!((left.stats().sent, left.stats().sent_bytes), (1, 29));
    assert_eq!(right.stats().received, 1);
}

#[test]
fn nothing_arrives_before_the_doorbell() {
    let (mut left, mut right) = joined(Cable::default());
    send(&mut left, b"one", &[]).unwrap();
    assert!(!right.arm());
    assert!(received(&mut right).is_empty());
    left.flush(NOW).unwrap();
    send(&mut left, b"two", &[]).unwrap();
    assert!(right.arm());
    assert_eq!(received(&mut right), [b"one"]);
}

#[test]
fn a_full_queue_leaves_the_frame_with_the_sender() {
    let (mut left, mut right) = joined(Cable {
        queue: 2,
        ..Cable::default()
    });
    send(&mut left, b"one", &[]).unwrap();
    send(&mut left, b"two", &[]).unwrap();
    assert_eq!(send(&mut left, b"three", &[]), Err(Full));
    left.flush(NOW).unwrap();
    assert_eq!(received(&mut right).len(), 2);
    send(&mut left, b"three", &[]).unwrap();
}

#[test]
fn a_super_frame_crosses_whole_or_in_pages_without_a_bay() {
    let (mut left, mut right) = joined(Cable::default());
    let payload: Vec<u8> = (0..60_000u32).map(|at| at as u8).collect();
    let payload = [Chunk::Static(Vec::leak(payload))];
    let frame = Transmit {
        head: &[9; 54],
        payload: &payload,
        offload: SUPER_FRAME,
    };
    for _ in 0..4 {
        left.transmit(NOW, frame).unwrap();
    }
    left.flush(NOW).unwrap();
    let mut burst = Burst::new();
    right.receive(NOW, &mut burst).unwrap();
    let parts: Vec<usize> = burst
        .frames()
        .iter()
        .map(|frame| frame.parts().count())
        .collect();
    assert_eq!(parts, [1, 1, 15, 15]);
    for frame in burst.frames() {
        let meta = packet::RxMeta {
            checksum: RxChecksum::Blank,
            gso_size: 1460,
        };
        assert_eq!(frame.meta, meta);
        let bytes: Vec<u8> = frame.parts().flat_map(|part| part.to_vec()).collect();
        assert_eq!(bytes, [&[9; 54][..], &payload[0]].concat());
    }
    left.transmit(NOW, frame).unwrap();
    assert_eq!(left.stats().no_buffer, 1, "pages: 30 of 32 are held");
}

#[test]
fn a_plain_cable_refuses_what_it_cannot_carry() {
    let (mut left, right) = joined(Cable {
        offload: false,
        ..Cable::default()
    });
    assert_eq!(left.caps().max_super_frame, None);
    left.transmit(
        NOW,
        Transmit {
            head: &[0; 54],
            payload: &[],
            offload: SUPER_FRAME,
        },
    )
    .unwrap();
    send(&mut left, &[0; 14], &[Chunk::Static(&[0; 1505])]).unwrap();
    send(&mut left, &[0; 14], &[Chunk::Static(&[0; 1504])]).unwrap();
    send(&mut left, &[], &[]).unwrap();
    assert_eq!((left.stats().refused, left.stats().sent), (3, 1));
    assert_eq!(right.caps().mtu, 1500);
}

#[test]
fn down_loses_frames_and_up_is_a_new_epoch() {
    let (mut left, mut right) = joined(Cable::default());
    let plug = right.control();
    send(&mut left, b"lost", &[]).unwrap();
    left.flush(NOW).unwrap();
    plug.down();
    assert!(right.arm(), "the change itself is work");
    assert!(received(&mut right).is_empty());
    assert_eq!(right.state(), LinkState::Down);
    send(&mut right, b"lost too", &[]).unwrap();
    assert_eq!(right.stats().down, 2);

    plug.up([2, 0, 0, 0, 0, 9]);
    assert_eq!(right.caps().mac[5], 2, "unchanged until the stack looks");
    send(&mut left, b"seen", &[]).unwrap();
    left.flush(NOW).unwrap();
    assert_eq!(received(&mut right), vec![b"seen".to_vec()]);
    assert_eq!(right.state(), LinkState::Up { epoch: 1 });
    assert_eq!(right.caps().mac[5], 9);
}

#[test]
fn one_segment_is_no_super_frame() {
    let (mut left, mut right) = joined(Cable::default());
    for len in [1460, 1461] {
        let payload = [Chunk::Static(&[7; 1461]).slice(0..len)];
        let frame = Transmit {
            head: &[9; 54],
            payload: &payload,
            offload: SUPER_FRAME,
        };
        left.transmit(NOW, frame).unwrap();
    }
    left.flush(NOW).unwrap();
    let mut burst = Burst::new();
    right.receive(NOW, &mut burst).unwrap();
    let sizes: Vec<u16> = burst
        .frames()
        .iter()
        .map(|frame| frame.meta.gso_size)
        .collect();
    assert_eq!(sizes, [0, 1460]);
}
