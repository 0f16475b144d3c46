use alloc::vec;
use alloc::vec::Vec;

use packet::Chunk;
use proptest::prelude::*;

use super::*;

/// Takes `room` frames, then is full; keeps what it got.
struct Recorder {
    caps: Caps,
    room: usize,
    state: LinkState,
    frames: Vec<(Vec<u8>, Offload)>,
}

impl Link for Recorder {
    fn caps(&self) -> &Caps {
        &self.caps
    }
    fn state(&self) -> LinkState {
        self.state
    }
    fn receive(&mut self, _: Instant, _: &mut Burst) -> Result<(), LinkError> {
        Ok(())
    }
    fn transmit(&mut self, _: Instant, frame: Transmit<'_>) -> Result<(), Full> {
        self.room = self.room.checked_sub(1).ok_or(Full)?;
        let pieces = core::iter::once(frame.head).chain(frame.payload.iter().map(|chunk| &**chunk));
        self.frames
            .push((pieces.flatten().copied().collect(), frame.offload));
        Ok(())
    }
    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        Ok(())
    }
    fn arm(&mut self) -> bool {
        false
    }
}

fn wrapped(checksum_offload: bool, room: usize) -> SoftwareOffload<Recorder> {
    let caps = Caps {
        mac: [2, 0, 0, 0, 0, 1],
        mtu: 1500,
        checksum_offload,
        max_super_frame: None,
        max_parts: 18,
        gather_from: 0,
    };
    SoftwareOffload::new(Recorder {
        caps,
        room,
        state: LinkState::Up { epoch: 0 },
        frames: Vec::new(),
    })
}

/// Ethernet, IPv4 without options, TCP with `options` 32-bit words of NOPs.
fn head(id: u16, df: bool, flags: u8, options: usize) -> Vec<u8> {
    let mut head = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0];
    head.extend([0x45, 0, 0, 0]);
    head.extend(id.to_be_bytes());
    head.extend([u8::from(df) << 6, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2]);
    head.extend([0, 80, 0xc0, 1]);
    head.extend(0xffff_f000u32.to_be_bytes());
    head.extend([
        0,
        0,
        0,
        9,
        ((5 + options) << 4) as u8,
        flags,
        1,
        0,
        0xaa,
        0xaa,
        0,
        0,
    ]);
    head.extend(vec![1; 4 * options]);
    head
}

fn leak(bytes: &[u8]) -> &'static [u8] {
    Vec::leak(bytes.to_vec())
}

/// RFC 1071, 4.1, word by word.
fn sum(bytes: impl Iterator<Item = u8>) -> u16 {
    let bytes: Vec<u8> = bytes.collect();
    let word = |pair: &[u8]| u64::from(pair[0]) << 8 | u64::from(*pair.get(1).unwrap_or(&0));
    let total: u64 = bytes.chunks(2).map(word).sum();
    let mut total = total;
    while total > 0xffff {
        total = (total >> 16) + (total & 0xffff);
    }
    total as u16
}

/// The segments that `head` and `data` make, written out field by field in whole frames.
fn plain(head: &[u8], data: &[u8], size: usize) -> Vec<Vec<u8>> {
    let count = data.len().div_ceil(size);
    let segment = |(index, piece): (usize, &[u8])| {
        let mut frame = [head, piece].concat();
        let total = (frame.len() - 14) as u16;
        frame[16..18].copy_from_slice(&total.to_be_bytes());
        let id = u16::from_be_bytes([frame[18], frame[19]]);
        let fixed = id == 0 && frame[20] & 0x40 != 0;
        let id = if fixed {
            0
        } else {
            id.wrapping_add(index as u16)
        };
        frame[18..20].copy_from_slice(&id.to_be_bytes());
        let check = !sum(frame[14..34].iter().copied());
        frame[24..26].copy_from_slice(&check.to_be_bytes());
        let seq = 0xffff_f000u32.wrapping_add((index * size) as u32);
        frame[38..42].copy_from_slice(&seq.to_be_bytes());
        if index > 0 {
            frame[47] &= 0x7f;
        }
        if index + 1 < count {
            frame[47] &= !0x09;
        }
        frame[50..52].fill(0);
        let length = (frame.len() - 34) as u16;
        let pseudo = [&frame[26..34], &[0, 6], &length.to_be_bytes()].concat();
        let check = !sum(pseudo.iter().chain(&frame[34..]).copied());
        frame[50..52].copy_from_slice(&check.to_be_bytes());
        frame
    };
    data.chunks(size).enumerate().map(segment).collect()
}

fn super_frame<'a>(head: &'a [u8], payload: &'a [Chunk], size: u16) -> Transmit<'a> {
    let checksum = Some(PartialChecksum {
        start: 34,
        offset: 16,
    });
    Transmit {
        head,
        payload,
        offload: Offload {
            checksum,
            gso_size: Some(size),
        },
    }
}

/// Cuts `data` into chunks at multiples of `step`.
fn chunks(data: &[u8], step: usize) -> Vec<Chunk> {
    data.chunks(step)
        .map(|piece| Chunk::Static(leak(piece)))
        .collect()
}

/// What a device would do that completes checksums.
fn complete(frame: &mut [u8], partial: PartialChecksum) {
    let start = usize::from(partial.start);
    let check = !sum(frame[start..].iter().copied());
    let field = start + usize::from(partial.offset);
    frame[field..field + 2].copy_from_slice(&check.to_be_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn equals_the_plain_segmenter(
        data in proptest::collection::vec(any::<u8>(), 2..9000),
        size in 1usize..1461, step in 1usize..3000, id: u16, df: bool, flags: u8,
        options in 0usize..10, device_sums: bool,
    ) {
        let size = size.max(data.len() / 200).min(data.len() - 1);
        let head = head(id, df, flags, options);
        let mut link = wrapped(device_sums, usize::MAX);
        let pieces = chunks(&data, step);
        link.transmit(Instant::ZERO, super_frame(&head, &pieces, size as u16)).unwrap();
        let sent: Vec<Vec<u8>> = link.link.frames.drain(..).map(|(mut frame, offload)| {
            assert_eq!(offload.checksum.is_some(), device_sums);
            offload.checksum.into_iter().for_each(|partial| complete(&mut frame, partial));
            frame
        }).collect();
        prop_assert_eq!(sent, plain(&head, &data, size));
    }

    #[test]
    fn no_order_of_full_loses_or_reorders(rooms in proptest::collection::vec(0usize..6, 1..20)) {
        let head = head(0, true, 0x18, 3);
        let (mut link, mut expected, mut accepted) = (wrapped(false, 0), Vec::new(), 0u8);
        for room in rooms {
            link.link.room = room;
            let data = [accepted; 1000];
            let pieces = chunks(&data, 300);
            if link.transmit(Instant::ZERO, super_frame(&head, &pieces, 400)).is_ok() {
                accepted += 1;
                expected.extend(plain(&head, &data, 400));
            }
        }
        link.link.room = usize::MAX;
        link.flush(Instant::ZERO).unwrap();
        let sent: Vec<Vec<u8>> = link.link.frames.drain(..).map(|(frame, _)| frame).collect();
        prop_assert_eq!(sent, expected);
    }
}

#[test]
fn completes_the_checksum_of_an_ordinary_frame() {
    let mut head = head(0, true, 0x18, 0);
    let data = [7; 1001];
    let expected = plain(&head, &data, 2000).remove(0);
    head[16..18].copy_from_slice(&expected[16..18]);
    head[24..26].copy_from_slice(&expected[24..26]);
    let pseudo = [&head[26..34], &[0, 6], &1021u16.to_be_bytes()].concat();
    let partial = sum(pseudo.into_iter());
    head[50..52].copy_from_slice(&partial.to_be_bytes());
    let mut link = wrapped(false, 1);
    link.transmit(Instant::ZERO, super_frame(&head, &chunks(&data, 333), 2000))
        .unwrap();
    assert_eq!(link.link.frames, [(expected, Offload::default())]);
}

#[test]
fn a_checksum_of_zero_is_sent_as_ones() {
    // The one word behind the field makes the sum all ones.
    let head = [&[0; 14][..], &[0, 0, 0, 0]].concat();
    let offload = Offload {
        checksum: Some(PartialChecksum {
            start: 14,
            offset: 0,
        }),
        gso_size: None,
    };
    let mut link = wrapped(false, 1);
    let payload = [Chunk::Static(&[0xff, 0xff])];
    link.transmit(
        Instant::ZERO,
        Transmit {
            head: &head,
            payload: &payload,
            offload,
        },
    )
    .unwrap();
    assert_eq!(link.link.frames[0].0[14..16], [0xff, 0xff]);
}

#[test]
fn what_the_link_can_do_passes_through() {
    let head = head(0, true, 0x18, 0);
    let mut link = wrapped(true, 1);
    link.link.caps.max_super_frame = Some(20_000);
    link.link.state = LinkState::Up { epoch: 1 };
    link.receive(Instant::ZERO, &mut Burst::new()).unwrap();
    assert_eq!(link.caps().max_super_frame, Some(20_000));
    let pieces = chunks(&[1; 5000], 5000);
    let frame = super_frame(&head, &pieces, 1000);
    link.transmit(Instant::ZERO, frame).unwrap();
    assert_eq!(link.link.frames[0].1, frame.offload);
}

#[test]
fn headers_that_are_not_what_they_should_be_are_counted() {
    let good = head(0, true, 0x18, 0);
    let pieces = chunks(&[1; 5000], 5000);
    let mut link = wrapped(false, usize::MAX);
    for (at, byte) in [
        (12, 0x86),
        (14, 0x65),
        (14, 0x44),
        (23, 17),
        (46, 0x40),
        (46, 0x60),
    ] {
        let mut bad = good.clone();
        bad[at] = byte;
        link.transmit(Instant::ZERO, super_frame(&bad, &pieces, 1000))
            .unwrap();
    }
    for len in 0..good.len() {
        link.transmit(Instant::ZERO, super_frame(&good[..len], &pieces, 1000))
            .unwrap();
    }
    assert_eq!(link.malformed(), 6 + good.len() as u64);
    assert!(link.link.frames.is_empty());
}

#[test]
fn a_segment_longer_than_a_packet_is_counted() {
    let head = head(0, true, 0x18, 0);
    let pieces = chunks(&vec![1; 65_530], 5000);
    let mut link = wrapped(false, usize::MAX);
    for size in [65_495, 65_496] {
        link.transmit(Instant::ZERO, super_frame(&head, &pieces, size))
            .unwrap();
    }
    assert_eq!((link.malformed(), link.link.frames.len()), (1, 2));
}

#[test]
fn the_rest_leaves_as_soon_as_there_is_room() {
    let head = head(0, true, 0x18, 0);
    let pieces = chunks(&[1; 5000], 5000);
    let mut link = wrapped(false, 2);
    link.transmit(Instant::ZERO, super_frame(&head, &pieces, 1000))
        .unwrap();
    let next = Transmit {
        head: &head,
        payload: &[],
        offload: Offload::default(),
    };
    assert_eq!(link.transmit(Instant::ZERO, next), Err(Full));
    link.link.room = 4;
    link.receive(Instant::ZERO, &mut Burst::new()).unwrap();
    assert_eq!(link.link.frames.len(), 5);
    link.transmit(Instant::ZERO, next).unwrap();
}

/// Neither a link that is down nor one that was attached anew gets what was cut for another.
#[test]
fn what_waits_is_lost_with_the_link() {
    let (head, data) = (head(1, true, 0x10, 0), [7; 3000]);
    let payload = [Chunk::Static(leak(&data))];
    for state in [LinkState::Down, LinkState::Up { epoch: 1 }] {
        let mut link = wrapped(false, 1);
        let sent = link.transmit(Instant::ZERO, super_frame(&head, &payload, 1000));
        assert_eq!((sent, link.inner().frames.len()), (Ok(()), 1));
        (link.inner_mut().room, link.inner_mut().state) = (9, state);
        assert_eq!(link.flush(Instant::ZERO), Ok(()));
        link.inner_mut().state = LinkState::Up { epoch: 0 };
        assert_eq!(link.flush(Instant::ZERO), Ok(()));
        assert_eq!(link.inner().frames.len(), 1);
    }
}
