use alloc::vec;
use alloc::vec::Vec;

use packet::checksum::{Sum, pseudo_header};
use packet::{Chunk, Limits, Part, RxMeta};

use super::*;
use crate::{PartialChecksum, SoftwareOffload};

/// A device: takes `room` frames, then is full; brings what lies in `incoming`.
struct Device {
    caps: Caps,
    room: usize,
    sent: Vec<Vec<u8>>,
    incoming: Vec<Frame>,
}

impl Link for Device {
    fn caps(&self) -> &Caps {
        &self.caps
    }
    fn state(&self) -> LinkState {
        LinkState::Up { epoch: 0 }
    }
    fn receive(&mut self, _: Instant, burst: &mut Burst) -> Result<(), LinkError> {
        let count = self.incoming.len().min(crate::BURST_FRAMES);
        self.incoming
            .drain(..count)
            .for_each(|frame| burst.push(frame));
        Ok(())
    }
    fn transmit(&mut self, _: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        self.room = self.room.checked_sub(1).ok_or(Full)?;
        assert_eq!(frame.offload, Offload::default());
        let pieces = core::iter::once(frame.head).chain(frame.payload.iter().map(|chunk| &**chunk));
        self.sent.push(pieces.flatten().copied().collect());
        Ok(())
    }
    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        Ok(())
    }
    fn arm(&mut self) -> bool {
        !self.incoming.is_empty()
    }
}

fn pool() -> Pool {
    Pool::new(Limits {
        cells: 4096,
        pages: 64,
        bays: 4,
    })
}

fn faults(outward: &str, inward: &str) -> Faults<Device> {
    let profile = |text: &str| match text {
        "" => Profile::default(),
        text => text.parse().unwrap(),
    };
    let device = Device {
        caps: Caps {
            mac: [2, 0, 0, 0, 0, 1],
            mtu: 1500,
            // As an offload that should have been left off: it is not offered.
            checksum_offload: true,
            max_super_frame: Some(65_549),
            max_parts: 18,
            gather_from: 0,
        },
        room: usize::MAX,
        sent: Vec::new(),
        incoming: Vec::new(),
    };
    let profiles = Profiles {
        outward: profile(outward),
        inward: profile(inward),
    };
    Faults::new(device, pool(), profiles)
}

/// Ethernet, IPv4, TCP with a good checksum; the payload begins with `number`.
fn segment(number: u32, len: usize) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    frame.extend([0x45, 0]);
    frame.extend((40 + len as u16).to_be_bytes());
    frame.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    let sum = Sum::of(&frame[14..34]).finish();
    frame[24..26].copy_from_slice(&sum.to_be_bytes());
    frame.extend([
        0, 80, 0xc0, 1, 0, 0, 0, 1, 0, 0, 0, 9, 0x50, 0x10, 1, 0, 0, 0, 0, 0,
    ]);
    frame.extend(number.to_be_bytes());
    frame.resize(54 + len, 0);
    let sum = pseudo(&frame) + Sum::of(&frame[34..]);
    frame[50..52].copy_from_slice(&sum.finish().to_be_bytes());
    frame
}

fn pseudo(frame: &[u8]) -> Sum {
    pseudo_header(
        [10, 0, 0, 1].into(),
        [10, 0, 0, 2].into(),
        6,
        frame.len() - 34,
    )
}

fn is_intact(frame: &[u8]) -> bool {
    Sum::of(&frame[14..34]).is_valid() && (pseudo(frame) + Sum::of(&frame[34..])).is_valid()
}

fn number(frame: &[u8]) -> u32 {
    u32::from_be_bytes(frame[54..58].try_into().unwrap())
}

fn send(link: &mut Faults<Device>, now: Instant, bytes: &[u8]) {
    let (head, payload) = bytes.split_at(bytes.len().min(54));
    let payload = [Chunk::Static(Vec::leak(payload.to_vec()))];
    let frame = Transmit {
        head,
        payload: &payload,
        offload: Offload::default(),
    };
    link.transmit(now, frame).unwrap();
}

fn frame(bytes: &[u8], meta: RxMeta) -> Frame {
    let pool = Pool::new(Limits {
        cells: 1,
        pages: 1,
        bays: 1,
    });
    let part = Part::copy_from(&pool, bytes).unwrap();
    // The pool's memory outlives it.
    Frame::new(part, meta)
}

fn receive(link: &mut Faults<Device>, now: Instant) -> Vec<Vec<u8>> {
    let mut burst = Burst::new();
    link.receive(now, &mut burst).unwrap();
    let verify = |frame: &Frame| frame.meta == RxMeta::default();
    assert!(burst.frames().iter().all(verify), "to be verified");
    burst.drain().map(|frame| frame.head().to_vec()).collect()
}

/// Sends segments a millisecond apart and gives the numbers of what came out.
fn numbers(profile: &str, count: u32) -> (Vec<u32>, Stats) {
    let mut link = faults(profile, "");
    for at in 0..count {
        send(
            &mut link,
            Instant::from_millis(at.into()),
            &segment(at, 100),
        );
    }
    let end = Instant::from_millis(u64::from(count) + 10_000);
    link.flush(end).unwrap();
    let sent = link.link.sent.iter().map(|frame| number(frame)).collect();
    (sent, link.control().outward())
}

#[test]
fn nothing_goes_wrong_unless_asked() {
    let (sent, stats) = numbers("seed=3", 100);
    assert_eq!(sent, (0..100).collect::<Vec<u32>>());
    assert_eq!((stats.frames, stats.delivered), (100, 100));
    let link = faults("", "");
    assert_eq!(link.next_event(), None);
    assert_eq!(link.caps().max_super_frame, None);
    assert!(!link.caps().checksum_offload);
}

#[test]
fn loses_and_duplicates_what_the_seed_says() {
    let (sent, stats) = numbers("loss=10%,dup=5%,seed=1", 2000);
    assert!((100..300).contains(&stats.lost), "{stats:?}");
    assert!((50..150).contains(&stats.duplicated), "{stats:?}");
    assert_eq!(stats.delivered, 2000 - stats.lost + stats.duplicated);
    assert_eq!(sent.len() as u64, stats.delivered);
    assert!(sent.is_sorted(), "nothing is reordered");
    assert_eq!(numbers("loss=10%,dup=5%,seed=1", 2000).0, sent);
    assert_ne!(numbers("loss=10%,dup=5%,seed=2", 2000).0, sent);
}

#[test]
fn a_few_overtake_what_is_held_back() {
    let (mut sent, stats) = numbers("reorder=10%", 1000);
    assert!((50..200).contains(&stats.reordered), "{stats:?}");
    let late = sent
        .iter()
        .enumerate()
        .map(|(at, number)| at.saturating_sub(*number as usize));
    assert!((1..=10).contains(&late.max().unwrap()));
    assert!(!sent.is_sorted());
    sent.sort_unstable();
    assert_eq!(sent, (0..1000).collect::<Vec<u32>>());
}

#[test]
fn nobody_to_be_overtaken_by_is_a_delay() {
    let mut link = faults("reorder=100%", "");
    send(&mut link, Instant::ZERO, &segment(1, 10));
    assert!(link.link.sent.is_empty());
    let at = link.next_event().unwrap();
    assert_eq!(at, Instant::from_millis(10));
    link.flush(at).unwrap();
    assert_eq!(link.link.sent.len(), 1);
    assert_eq!(link.next_event(), None);
}

#[test]
fn checksums_find_what_is_corrupted() {
    let mut link = faults("corrupt=100%,seed=5", "corrupt=100%,seed=6");
    let original = segment(7, 1000);
    for _ in 0..500 {
        send(&mut link, Instant::ZERO, &original);
    }
    assert_eq!(link.link.sent.len(), 500);
    let differs = |frame: &Vec<u8>| frame[..14] == original[..14] && !is_intact(frame);
    assert!(link.link.sent.iter().all(differs));
    let in_payload = |frame: &Vec<u8>| frame[54..] != original[54..];
    assert!(link.link.sent.iter().any(in_payload));

    let meta = RxMeta {
        checksum: RxChecksum::Valid,
        gso_size: 0,
    };
    link.link.incoming = (0..60).map(|_| frame(&original, meta)).collect();
    let received = receive(&mut link, Instant::ZERO);
    assert_eq!(received.len(), 60);
    assert!(received.iter().all(differs));
}

#[test]
fn what_no_checksum_guards_is_lost_instead() {
    let mut link = faults("corrupt=100%", "");
    let mut arp = segment(1, 20);
    arp[12..14].copy_from_slice(&[8, 6]);
    send(&mut link, Instant::ZERO, &arp);
    let stats = link.control().outward();
    assert_eq!((stats.lost, stats.corrupted, stats.delivered), (1, 0, 0));
}

#[test]
fn delay_and_jitter_keep_the_order() {
    let mut link = faults("", "delay=20ms,jitter=5ms");
    for at in 0..50 {
        link.link
            .incoming
            .push(frame(&segment(at, 10), RxMeta::default()));
    }
    assert!(receive(&mut link, Instant::ZERO).is_empty());
    let (mut times, mut received) = (Vec::new(), Vec::new());
    while let Some(at) = link.next_event() {
        let now = receive(&mut link, at);
        assert!(!now.is_empty(), "an event that brings nothing");
        times.push(at);
        received.extend(now);
    }
    let order: Vec<u32> = received.iter().map(|frame| number(frame)).collect();
    assert_eq!(order, (0..50).collect::<Vec<u32>>());
    assert!(times[0] >= Instant::from_millis(15), "{times:?}");
    assert!(*times.last().unwrap() <= Instant::from_millis(25));
    assert!(times.len() > 2, "they vary: {times:?}");
}

#[test]
fn a_rate_spaces_frames() {
    let mut link = faults("rate=1mbit", "");
    for at in 0..3 {
        // 1,250 bytes are 10,000 bits: 10 ms.
        send(&mut link, Instant::ZERO, &segment(at, 1250 - 54));
    }
    for at in [10, 20, 30] {
        assert_eq!(link.next_event(), Some(Instant::from_millis(at)));
        link.flush(Instant::from_millis(at)).unwrap();
        assert_eq!(link.link.sent.len() as u64, at / 10);
    }
}

#[test]
fn too_many_under_way_are_lost_and_counted() {
    let mut link = faults("delay=1s", "");
    for at in 0..QUEUE as u32 + 7 {
        send(&mut link, Instant::ZERO, &segment(at, 10));
    }
    assert_eq!(link.control().outward().overflowed, 7);
    link.flush(Instant::from_millis(1000)).unwrap();
    assert_eq!(link.link.sent.len(), QUEUE);
}

#[test]
fn a_device_without_room_is_tried_again() {
    let mut link = faults("", "");
    link.link.room = 1;
    send(&mut link, Instant::ZERO, &segment(0, 10));
    send(&mut link, Instant::ZERO, &segment(1, 10));
    assert_eq!(link.next_event(), Some(Instant::from_millis(1)));
    link.link.room = 9;
    link.flush(Instant::from_millis(1)).unwrap();
    assert_eq!(link.link.sent.len(), 2);
    assert_eq!(link.next_event(), None);
}

#[test]
fn what_is_due_leaves_also_when_nothing_else_is_sent() {
    let mut link = faults("delay=5ms", "");
    send(&mut link, Instant::ZERO, &segment(0, 10));
    let at = link.next_event().unwrap();
    assert!(receive(&mut link, at).is_empty());
    assert_eq!((link.link.sent.len(), link.next_event()), (1, None));
}

/// Below software offload every frame is one of the wire; what comes as more than that is refused.
#[test]
fn no_super_frame_passes_either_way() {
    let mut link = SoftwareOffload::new(faults("", ""));
    let offload = Offload {
        checksum: Some(PartialChecksum {
            start: 34,
            offset: 16,
        }),
        gso_size: Some(1460),
    };
    let whole = segment(1, 4);
    let super_frame = Transmit {
        head: &whole[..54],
        payload: &[Chunk::Static(&[7; 50_000])],
        offload,
    };
    link.transmit(Instant::ZERO, super_frame).unwrap();
    let sent = &link.inner().link.sent;
    assert_eq!(sent.len(), 50_000usize.div_ceil(1460));
    assert!(
        sent.iter()
            .all(|frame| frame.len() <= 1514 && is_intact(frame))
    );
    assert_eq!(link.inner().control().outward().refused, 0);

    let faults = link.inner_mut();
    faults.transmit(Instant::ZERO, super_frame).unwrap();
    send(faults, Instant::ZERO, &segment(2, 1465));
    assert_eq!(faults.control().outward().refused, 2);

    let meta = |checksum, gso_size| RxMeta { checksum, gso_size };
    faults.link.incoming = vec![
        frame(&segment(3, 3000), meta(RxChecksum::Unknown, 0)),
        frame(&segment(4, 3000), meta(RxChecksum::Valid, 1460)),
        frame(&segment(5, 10), meta(RxChecksum::Blank, 0)),
        frame(&segment(6, 1460), meta(RxChecksum::Valid, 0)),
    ];
    let received = receive(faults, Instant::ZERO);
    assert_eq!(received.len(), 1);
    assert_eq!(number(&received[0]), 6);
    assert_eq!(faults.control().inward().refused, 3);
}

#[test]
fn a_network_heals_when_it_is_told_to() {
    let mut link = faults("loss=100%", "");
    send(&mut link, Instant::ZERO, &segment(0, 10));
    link.control().set(Profiles::default());
    send(&mut link, Instant::ZERO, &segment(1, 10));
    assert_eq!(link.link.sent.len(), 1);
    assert_eq!(link.control().outward().lost, 1);
}
