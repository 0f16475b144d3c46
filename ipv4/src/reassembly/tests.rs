use proptest::prelude::*;

use super::*;

const US: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 2);
const PEER: Ipv4Addr = Ipv4Addr::new(10, 0, 0, 1);

fn pool() -> Pool {
    Pool::new(packet::Limits {
        cells: 64,
        pages: 64,
        bays: 20,
    })
}

fn header(start: usize, len: usize, more_fragments: bool) -> Header {
    Header {
        source: PEER,
        destination: US,
        protocol: Protocol::ICMP,
        ecn: 0,
        identification: 7,
        fragment_offset: start as u16,
        more_fragments,
        header_len: 20,
        total_len: (20 + len) as u16,
    }
}

fn frame(pool: &Pool, header: &Header, payload: &[u8]) -> Frame {
    let mut packet = crate::write(header).to_vec();
    packet.extend(payload);
    Frame::new(Part::copy_from(pool, &packet).unwrap(), RxMeta::default())
}

struct World {
    pool: Pool,
    reassembly: Reassembly,
}

impl World {
    fn new() -> Self {
        let pool = pool();
        Self {
            reassembly: Reassembly::new(pool.clone(), 4),
            pool,
        }
    }

    fn receive(&mut self, header: &Header, payload: &[u8]) -> Result<Option<Whole>, Refused> {
        let frame = frame(&self.pool, header, payload);
        self.reassembly.receive(Instant::ZERO, header, &frame)
    }

    /// Receives `data[start..end]` of a packet of ICMP.
    fn fragment(
        &mut self,
        data: &[u8],
        start: usize,
        end: usize,
    ) -> Result<Option<Whole>, Refused> {
        let header = header(start, end - start, end < data.len());
        self.receive(&header, &data[start..end])
    }

    fn bays(&self) -> usize {
        self.pool.usage(Class::Bay).held
    }
}

fn data(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at / 8) as u8).collect()
}

#[test]
fn the_largest_packet_is_put_together() {
    let mut world = World::new();
    let data = data(65515);
    let mut whole = None;
    for start in (0..data.len()).step_by(1480) {
        let end = (start + 1480).min(data.len());
        whole = world.fragment(&data, start, end).unwrap();
    }
    let whole = whole.expect("all fragments are there");
    assert_eq!(whole.header.total_len, 65535);
    assert_eq!(Header::parse(whole.packet.head(), 65535), Ok(whole.header));
    assert_eq!(&whole.packet.head()[20..], data);
    drop(whole);
    assert_eq!(world.bays(), 0);
}

#[test]
fn nothing_reaches_beyond_the_largest_packet() {
    let mut world = World::new();
    let header = header(65512, 8, false);
    assert_eq!(
        world.receive(&header, &[0; 8]).unwrap_err(),
        Refused::Length
    );
    assert_eq!(world.bays(), 0);
}

#[test]
fn lengths_between_are_multiples_of_eight() {
    let mut world = World::new();
    assert_eq!(
        world.receive(&header(0, 12, true), &[0; 12]).unwrap_err(),
        Refused::Length
    );
    assert_eq!(
        world.receive(&header(8, 0, false), &[]).unwrap_err(),
        Refused::Length
    );
}

#[test]
fn a_doubled_fragment_is_ignored_and_a_changed_one_refused() {
    let mut world = World::new();
    let data = data(96);
    assert!(world.fragment(&data, 0, 32).unwrap().is_none());
    assert!(world.fragment(&data, 0, 32).unwrap().is_none());
    assert!(world.fragment(&data, 32, 64).unwrap().is_none());
    assert!(world.fragment(&data, 0, 32).unwrap().is_none());
    let changed = header(0, 32, true);
    assert_eq!(
        world.receive(&changed, &[9; 32]).unwrap_err(),
        Refused::Overlap
    );
    assert_eq!(world.bays(), 0, "given up");
    assert_eq!(world.fragment(&data, 64, 96).unwrap_err(), Refused::Overlap);
}

#[test]
fn overlaps_and_contradictions_are_refused() {
    let data = data(96);
    let refused = |first: (usize, usize), second: Header| {
        let mut world = World::new();
        world.fragment(&data, first.0, first.1).unwrap();
        let payload = &data[..second.payload_len()];
        assert_eq!(
            world.receive(&second, payload).unwrap_err(),
            Refused::Overlap
        );
    };
    refused((16, 48), header(40, 24, true));
    refused((16, 48), header(8, 16, true));
    refused((16, 48), header(8, 64, true));
    refused((64, 96), header(48, 24, false)); // another end, before
    refused((64, 96), header(96, 8, true)); // behind the end
    refused((16, 48), header(32, 8, false)); // an end before what is there
}

#[test]
fn a_first_fragment_that_hides_ports_is_refused() {
    let mut world = World::new();
    let mut tcp = header(0, 16, true);
    tcp.protocol = Protocol::TCP;
    assert_eq!(world.receive(&tcp, &[0; 16]).unwrap_err(), Refused::Tiny);
    tcp.fragment_offset = 8;
    assert_eq!(world.receive(&tcp, &[0; 16]).unwrap_err(), Refused::Tiny);
}

#[test]
fn the_first_fragment_is_given_back_when_time_is_over() {
    let mut world = World::new();
    let data = data(96);
    world.fragment(&data, 0, 32).unwrap();
    let at = world.reassembly.poll_timeout().unwrap();
    assert!(
        world
            .reassembly
            .handle_timeout(Instant::from_millis(59_999))
            .is_none()
    );
    let expired = world.reassembly.handle_timeout(at).unwrap().unwrap();
    assert_eq!(expired.bytes.len(), 52);
    assert_eq!(expired.bytes[20..], data[..32]);
    assert_eq!(world.bays(), 0);

    world.fragment(&data, 32, 64).unwrap();
    assert!(
        world.reassembly.handle_timeout(at).unwrap().is_none(),
        "no first"
    );
    assert_eq!(world.reassembly.poll_timeout(), None);
}

#[test]
fn packets_under_way_are_bounded() {
    let mut world = World::new();
    for identification in 0..100 {
        let mut header = header(0, 8, true);
        header.identification = identification;
        assert!(world.receive(&header, &[0; 8]).unwrap().is_none());
        assert!(world.bays() <= 4);
    }
}

#[test]
fn too_many_pieces_are_given_up() {
    let mut world = World::new();
    let refused = (0..100).find_map(|at| world.receive(&header(at * 16, 8, true), &[0; 8]).err());
    assert_eq!(refused, Some(Refused::TooManyPieces));
    assert_eq!(world.bays(), 0);
}

proptest! {
    #[test]
    fn any_order_gives_the_packet(
        cuts in prop::collection::btree_set(1usize..200, 0..60), rest in 1usize..8,
        seed: u64,
    ) {
        let data: Vec<u8> = (0..200 * 8 + rest).map(|at| (at * 7) as u8).collect();
        let mut edges: Vec<usize> = cuts.iter().map(|cut| cut * 8).collect();
        edges.insert(0, 0);
        edges.push(data.len());
        let mut pieces: Vec<_> = edges.windows(2).map(|edge| (edge[0], edge[1])).collect();
        let mut random = packet::Secrets::new([seed as u8; 32]).random("order");
        for at in (1..pieces.len()).rev() {
            pieces.swap(at, random.below(at as u64 + 1) as usize);
        }
        let mut world = World::new();
        let last = pieces.pop().unwrap();
        for (start, end) in pieces {
            prop_assert!(world.fragment(&data, start, end).unwrap().is_none());
        }
        let whole = world.fragment(&data, last.0, last.1).unwrap().unwrap();
        prop_assert_eq!(&whole.packet.head()[20..], data);
    }

    #[test]
    fn any_fragments_are_survived(
        fragments in prop::collection::vec((0u16..0x2000, any::<bool>(), 0usize..64, 0u16..4), 0..200),
    ) {
        let mut world = World::new();
        for (offset, more, len, identification) in fragments {
            let mut header = header(usize::from(offset) * 8, len, more);
            header.identification = identification;
            let _ = world.receive(&header, &[0; 64][..len]);
            prop_assert!(world.bays() <= 4);
        }
        while world.reassembly.handle_timeout(Instant::from_millis(60_000)).is_some() {}
        prop_assert_eq!(world.bays(), 0);
    }
}
