//! Whole connections: two hosts, and a network between them that may lose, repeat and reorder.

mod world;

use alloc::vec;
use alloc::vec::Vec;
use core::net::SocketAddrV4;
use core::task::Poll;

use packet::{Chunk, Class, Duration, Frame, Part, RxChecksum, RxMeta};
use proptest::prelude::*;

use self::world::{A, B, World};
use super::*;

fn quick() -> Config {
    Config {
        nagle: false,
        ..Config::default()
    }
}

#[test]
fn a_request_and_its_response_take_five_segments() {
    let mut world = World::new(quick(), 1);
    let [client, server] = world.connect();
    let before = world
        .hosts
        .each_ref()
        .map(|host| host.stats().segments_sent);
    assert!(world.hosts[0].write(client, b"ping").is_ready());
    world.step();
    let Poll::Ready(Ok(Some(chunk))) = world.hosts[1].read(server) else {
        panic!("nothing read")
    };
    assert_eq!(&*chunk, b"ping");
    assert!(world.hosts[1].write(server, b"pong").is_ready());
    world.step();
    let Poll::Ready(Ok(Some(chunk))) = world.hosts[0].read(client) else {
        panic!("nothing read")
    };
    assert_eq!(&*chunk, b"pong");
    let after = world
        .hosts
        .each_ref()
        .map(|host| host.stats().segments_sent);
    // The acknowledgement of the request rides on the response.
    assert_eq!([after[0] - before[0], after[1] - before[1]], [1, 1]);
}

/// The client is established, its ACK under way, when the server stops listening.
#[test]
fn a_handshake_whose_listener_is_gone_ends_with_a_reset() {
    let mut world = World::new(quick(), 3);
    let listener = world.hosts[1].listen(80).unwrap();
    let now = world.now;
    let client = world.hosts[0].connect(now, A, SocketAddrV4::new(B, 80));
    let client = client.unwrap();
    while world.hosts[0].connected(client).is_pending() {
        assert!(world.step());
    }
    let now = world.now;
    world.hosts[1].unlisten(now, listener);
    // Whoever has the listener's slot now does not inherit the handshake.
    let other = world.hosts[1].listen(81).unwrap();
    for _ in 0..4 {
        world.step();
    }
    assert_eq!(
        world.hosts[0].read(client).map(Result::err),
        Poll::Ready(Some(Error::Reset))
    );
    assert!(world.hosts[1].accept(other).is_pending());
}

#[test]
fn closing_ends_in_one_time_wait_entry_and_then_nothing() {
    let mut world = World::new(quick(), 2);
    let [client, server] = world.connect();
    let now = world.now;
    world.hosts[0].finish(now, client);
    world.step();
    assert!(matches!(world.hosts[1].read(server), Poll::Ready(Ok(None))));
    assert_eq!(world.state(1, server), Some(State::CloseWait));
    world.step();
    assert_eq!(world.state(0, client), Some(State::FinWait2));
    let now = world.now;
    world.hosts[1].release(now, server);
    world.step();
    world.step();
    assert_eq!(
        world.state(1, server),
        None,
        "the passive closer remembers nothing"
    );
    assert!(matches!(world.hosts[0].read(client), Poll::Ready(Ok(None))));
    let now = world.now;
    world.hosts[0].release(now, client);
    assert_eq!(world.hosts[0].connection_count(), 0);
    let expires = world.hosts[0]
        .poll_timeout()
        .expect("TIME-WAIT has a deadline");
    assert!(expires.since(now) > Duration::from_secs(50));
    while world.step() {}
    assert_eq!(world.hosts[0].poll_timeout(), None, "silence when idle");
}

#[test]
fn both_may_finish_at_once() {
    let mut world = World::new(quick(), 3);
    let ids = world.connect();
    let now = world.now;
    for (host, id) in ids.into_iter().enumerate() {
        world.hosts[host].finish(now, id);
    }
    for _ in 0..4 {
        world.step();
    }
    for (host, id) in ids.into_iter().enumerate() {
        assert_eq!(world.state(host, id), Some(State::Closed));
        assert!(matches!(world.hosts[host].drained(id), Poll::Ready(Ok(()))));
    }
}

#[test]
fn an_abort_is_seen_as_a_reset() {
    let mut world = World::new(quick(), 4);
    let [client, server] = world.connect();
    let now = world.now;
    world.hosts[0].abort(now, client);
    world.step();
    assert!(matches!(
        world.hosts[1].read(server),
        Poll::Ready(Err(Error::Reset))
    ));
    assert!(matches!(
        world.hosts[1].write(server, b"x"),
        Poll::Ready(Err(Error::Reset))
    ));
}

#[test]
fn nobody_listening_is_refused() {
    let mut world = World::new(quick(), 5);
    let client = world.hosts[0]
        .connect(world.now, A, SocketAddrV4::new(B, 81))
        .unwrap();
    for _ in 0..3 {
        world.step();
    }
    assert!(matches!(
        world.hosts[0].connected(client),
        Poll::Ready(Err(Error::Refused))
    ));
}

#[test]
fn nobody_answering_times_out_after_three_minutes() {
    let mut world = World::new(quick(), 6);
    world.loss = 100;
    let started = world.now;
    let client = world.hosts[0]
        .connect(world.now, A, SocketAddrV4::new(B, 80))
        .unwrap();
    while world.hosts[0].connected(client).is_pending() {
        assert!(world.step());
    }
    assert!(matches!(
        world.hosts[0].connected(client),
        Poll::Ready(Err(Error::TimedOut))
    ));
    assert!(world.now.since(started) >= Duration::from_secs(180));
    assert!(world.now.since(started) <= Duration::from_secs(300));
}

#[test]
fn a_reader_that_stops_bounds_the_sender_and_resumes() {
    let mut world = World::new(quick(), 7);
    let [client, server] = world.connect();
    let mut sent = 0;
    for _ in 0..2000 {
        while let Poll::Ready(Ok(count)) = world.hosts[0].write(client, &[7; 4096]) {
            sent += count;
        }
        world.step();
    }
    let config = Config::default();
    assert!(sent <= config.send_buffer + config.receive_buffer, "{sent}");
    let mut read = 0;
    for _ in 0..5000 {
        while let Poll::Ready(Ok(Some(chunk))) = world.hosts[1].read(server) {
            read += chunk.len();
        }
        if read == sent {
            return;
        }
        world.step();
    }
    panic!("read {read} of {sent}");
}

/// Sends `len` bytes each way through a bad network and checks that they arrive, then that both
/// hosts fall silent and give everything back.
fn both_ways(config: Config, seed: u8, len: usize, faults: [u64; 3]) {
    let mut world = World::new(config, seed);
    [world.loss, world.repeat, world.reorder] = faults;
    let ids = world.connect();
    let streams: [Vec<u8>; 2] =
        [0, 1].map(|host| (0..len).map(|i| (i * (7 + host) % 251) as u8).collect());
    let (mut sent, mut read) = ([0; 2], [vec![], vec![]]);
    let mut steps = 0;
    while read[0].len() < len || read[1].len() < len {
        for host in 0..2 {
            let rest = &streams[host][sent[host]..];
            if let Poll::Ready(Ok(count)) =
                world.hosts[host].write(ids[host], &rest[..rest.len().min(5000)])
            {
                sent[host] += count;
            }
            while let Poll::Ready(Ok(Some(chunk))) = world.hosts[host].read(ids[host]) {
                read[host].extend_from_slice(&chunk);
            }
        }
        steps += 1;
        assert!(
            steps < 200_000 && world.step(),
            "stuck at {} and {}",
            read[0].len(),
            read[1].len()
        );
    }
    assert!(
        read[1] == streams[0] && read[0] == streams[1],
        "the streams differ"
    );
    let now = world.now;
    for (host, id) in ids.into_iter().enumerate() {
        world.hosts[host].release(now, id);
    }
    while world.step() {}
    for host in 0..2 {
        assert_eq!(world.hosts[host].connection_count(), 0);
        for class in Class::ALL {
            assert_eq!(
                world.pools[host].usage(class).held,
                0,
                "memory is conserved"
            );
        }
    }
}

#[test]
fn a_clean_network_carries_both_ways() {
    both_ways(quick(), 8, 300_000, [0, 0, 0]);
    both_ways(Config::default(), 9, 300_000, [0, 0, 0]);
}

#[test]
fn loss_duplication_and_reordering_are_overcome() {
    for seed in 10..30 {
        both_ways(quick(), seed, 60_000, [5, 2, 10]);
    }
}

#[test]
fn a_stream_crosses_the_wrap_of_sequence_numbers() {
    // 2^32 in steps of the same chunk, over one connection whose windows are as large as they get.
    let mut world = World::new(
        Config {
            receive_buffer: 4 << 20,
            send_buffer: 4 << 20,
            ..quick()
        },
        31,
    );
    for host in &mut world.hosts {
        host.set_link(65_535, 65_495, 18);
    }
    let [client, server] = world.connect();
    let total = (1u64 << 32) + 100_000;
    static BLOCK: [u8; 1 << 20] = [9; 1 << 20];
    let (mut queued, mut read) = (0u64, 0u64);
    let mut pending: Option<Chunk> = None;
    while read < total {
        while queued < total {
            let chunk = pending.get_or_insert_with(|| {
                let len = (total - queued).min(BLOCK.len() as u64) as usize;
                Chunk::Static(&BLOCK[..len])
            });
            let before = chunk.len();
            let poll = world.hosts[0].send(client, &mut pending);
            queued += (before - pending.as_deref().map_or(0, <[u8]>::len)) as u64;
            if poll.is_pending() {
                break;
            }
        }
        world.step_counting(&mut read, server);
    }
    assert_eq!(read, total);
}

impl World {
    /// One step in which text is counted as it arrives, so that gigabytes go quickly.
    fn step_counting(&mut self, read: &mut u64, server: ConnectionId) {
        assert!(self.step());
        while let Poll::Ready(Ok(Some(chunk))) = self.hosts[1].read(server) {
            *read += chunk.len() as u64;
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whatever segments come for a live connection: no panic, and it still works or is over.
    #[test]
    fn any_segments_are_survived(segments in proptest::collection::vec(
        (any::<u8>(), -70_000i64..70_000, -70_000i64..70_000, any::<u16>(), 0usize..300, any::<[u8; 8]>()), 1..40)) {
        let mut world = World::new(quick(), 40);
        let [client, server] = world.connect();
        let info = world.hosts[1].by_id(server).map(|tcb| {
            (tcb.rcv.seq(tcb.rcv.nxt), tcb.snd.seq(tcb.snd.nxt), tcb.remote.port())
        });
        let (nxt, una, port) = info.unwrap();
        for (flags, seq, ack, window, len, options) in segments {
            let header = Header {
                source: port.into(),
                destination: 80.into(),
                seq: nxt.0.wrapping_add(seq as u32).into(),
                ack: una.0.wrapping_add(ack as u32).into(),
                data_offset: 0x70,
                flags,
                window: window.into(),
                checksum: 0.into(),
                urgent: 0.into(),
            };
            let mut bytes = zerocopy::IntoBytes::as_bytes(&header).to_vec();
            bytes.extend_from_slice(&options);
            bytes.resize(bytes.len() + len, 0);
            let meta = RxMeta { checksum: RxChecksum::Valid, gso_size: 0 };
            let part = Part::copy_from(&world.pools[1], &bytes).unwrap();
            let packet = Packet { source: A, destination: B, start: 0, len: bytes.len() };
            let now = world.now;
            let _ = world.hosts[1].receive(now, &packet, Frame::new(part, meta));
            while let Poll::Ready(Ok(Some(_))) = world.hosts[1].read(server) {}
            let _ = world.hosts[1].write(server, b"some");
            world.transmit();
            if let Some(tcb) = world.hosts[1].by_id(server) {
                prop_assert!(tcb.snd.una <= tcb.snd.nxt && tcb.snd.nxt <= tcb.snd.max);
                prop_assert!(tcb.snd.max <= tcb.snd.end + 1);
                prop_assert!(tcb.congestion.cwnd >= u32::from(tcb.snd.mss));
            }
        }
        let now = world.now;
        world.hosts[0].release(now, client);
        world.hosts[1].release(now, server);
        let mut steps = 0;
        while world.step() {
            steps += 1;
            prop_assert!(steps < 10_000, "never silent");
        }
        prop_assert_eq!(world.hosts[1].connection_count(), 0);
        for class in Class::ALL {
            prop_assert_eq!(world.pools[1].usage(class).held, 0);
        }
    }
}

#[test]
fn a_control_block_is_small() {
    let size = size_of::<tcb::Tcb>();
    assert!(size <= 320, "{size}");
}

/// A link that takes one frame and is full then.
struct OneFrame(bool);

impl Output for OneFrame {
    fn transmit(&mut self, _: Outgoing<'_>) -> Result<(), Blocked> {
        if core::mem::replace(&mut self.0, true) {
            Err(Blocked::Full)
        } else {
            Ok(())
        }
    }
}

#[test]
fn what_left_before_the_link_was_full_is_timed() {
    let mut world = World::new(quick(), 41);
    let [client, _] = world.connect();
    while world.hosts[0].poll_timeout().is_some() {
        assert!(world.step());
    }
    assert!(world.hosts[0].write(client, &[1; 5000]).is_ready());
    world.hosts[0].poll_transmit(world.now, &mut OneFrame(false));
    assert!(world.hosts[0].poll_timeout().is_some());
}
