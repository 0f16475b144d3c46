//! Peers that stop reading, that vanish, and that hold on to all memory there is.

use alloc::vec::Vec;
use core::task::Poll;

use packet::{Chunk, Class, Duration, Instant, Pool};
use runtime::{Error, FlowId, Network};

use super::memory::{Pair as Cabled, text};
use super::world::{Pair, context};

/// Reads what is there and adds it to `received`.
fn read(net: &dyn Network, flow: FlowId, received: &mut Vec<u8>) {
    while let Poll::Ready(Ok(Some(chunk))) = net.poll_receive(flow, &mut context()) {
        received.extend_from_slice(&chunk);
    }
}

#[test]
fn a_reader_that_stops_for_half_a_minute_gets_every_byte() {
    let mut pair = Pair::new();
    let (client, server) = pair.connection();
    let body = text(3_000_000);
    let mut chunk = Some(Chunk::Static(body));
    let mut received = Vec::new();
    let _ = pair.a.net.poll_send(client, &mut chunk, &mut context());
    pair.settle();
    let stopped = pair.b.net.info(server).unwrap();
    // All of the buffer but what no whole segment fits in.
    let filled = 511 * 1024..=512 * 1024;
    assert!(filled.contains(&stopped.unread), "{stopped:?}");

    let before = pair.a.net.stats().tcp.segments_sent;
    pair.pass(Duration::from_secs(30));
    let probes = pair.a.net.stats().tcp.segments_sent - before;
    // From 200 ms on, twice as long each time (RFC 9293, 3.8.6.1).
    assert!((5..=9).contains(&probes), "{probes} probes");
    assert!(pair.b.net.info(server).unwrap().unread <= 512 * 1024);
    assert_eq!(pair.a.net.info(client).unwrap().snd_wnd, 0);

    let resumed = pair.a.now;
    while received.len() < body.len() {
        read(&pair.b.net, server, &mut received);
        if chunk.is_some() {
            let _ = pair.a.net.poll_send(client, &mut chunk, &mut context());
        }
        pair.pass(Duration::from_millis(1));
        assert!(pair.a.now.since(resumed) < Duration::from_secs(1));
    }
    assert!(received == body);
}

#[test]
fn a_peer_that_vanishes_is_given_up_with_all_that_it_held() {
    let mut pair = Pair::new();
    let (client, server) = pair.connection();
    let mut chunk = Some(Chunk::Static(text(100_000)));
    assert!(
        pair.a
            .net
            .poll_send(client, &mut chunk, &mut context())
            .is_ready()
    );
    let written = pair.b.write(server, text(50_000));
    assert!(matches!(written, Poll::Ready(Ok(1..))));
    pair.a.wire.unplug();
    // It waits for the peer's data and has its own to bring; the peer is heard no more.
    pair.pass(Duration::from_secs(290));
    assert!(pair.b.read(server).is_pending());
    pair.pass(Duration::from_secs(11));
    assert_eq!(
        pair.b.read(server).map(Result::err),
        Poll::Ready(Some(Error::TimedOut))
    );
    pair.b.net.release(server);
    pair.pass(Duration::from_secs(1));
    assert_eq!(pair.b.held(), 0);
    let frames = pair.b.net.stats().frames_sent;
    pair.pass(Duration::from_secs(3600));
    assert_eq!(pair.b.net.stats().frames_sent, frames, "it is left alone");
}

/// Takes all that a pool gives.
fn exhaust(pool: &Pool) -> Vec<packet::Buf> {
    let all = |class| core::iter::from_fn(move || pool.take(class));
    Class::ALL.into_iter().flat_map(all).collect()
}

#[test]
fn with_every_buffer_held_by_readers_an_acknowledgement_still_frees_memory() {
    let mut pair = Cabled::new(::memory::Cable::default());
    let (client, server) = pair.connection();
    // A reader that keeps whatever it reads, until no more comes.
    let mut chunk = None;
    let mut kept: Vec<Chunk> = Vec::new();
    let mut last = Instant::ZERO;
    while pair.now.since(last) < Duration::from_secs(5) {
        let next = chunk.take().unwrap_or(Chunk::Static(text(500_000)));
        chunk = Some(next);
        let _ = pair.a.poll_send(client, &mut chunk, &mut context());
        while let Poll::Ready(Ok(Some(read))) = pair.b.poll_receive(server, &mut context()) {
            kept.push(read);
            last = pair.now;
        }
        pair.turn();
    }
    assert!(pair.pools[1].is_low(Class::Page) || pair.pools[1].is_low(Class::Bay));

    let answer = text(100_000);
    let Poll::Ready(Ok(len)) = pair.b.poll_write(server, answer, &mut context()) else {
        panic!("there was memory to write to");
    };
    let held = exhaust(&pair.pools[1]);
    let pages = pair.pools[1].usage(Class::Page).held;
    let mut received = Vec::new();
    let start = pair.now;
    while pair.b.info(server).unwrap().queued > 0 {
        read(&pair.a, client, &mut received);
        pair.turn();
        assert!(
            pair.now.since(start) < Duration::from_secs(5),
            "nothing is freed"
        );
    }
    read(&pair.a, client, &mut received);
    assert!(received == answer[..len]);
    let freed = pages - pair.pools[1].usage(Class::Page).held;
    assert!(freed >= len / Class::Page.size(), "{freed} pages");

    // A reset is heard too, and what the readers keep stays theirs.
    let _again = exhaust(&pair.pools[1]);
    pair.a.abort(client);
    let ended = loop {
        pair.turn();
        let ended = pair.b.poll_receive(server, &mut context());
        if ended.is_ready() {
            break ended;
        }
    };
    assert_eq!(ended.map(Result::err), Poll::Ready(Some(Error::Reset)));
    drop(held);
    assert!(kept.iter().all(|chunk| !chunk.is_empty()));
}

/// Nothing leaves without a next hop, so nothing is unanswered: yet patience ends.
#[test]
fn a_peer_that_vanishes_while_idle_is_given_up_too() {
    let mut pair = Pair::new();
    let (_, server) = pair.connection();
    pair.a.wire.unplug();
    // The neighbour is forgotten meanwhile.
    pair.pass(Duration::from_secs(3600));
    assert!(matches!(
        pair.b.write(server, b"hello?"),
        Poll::Ready(Ok(6))
    ));
    pair.pass(Duration::from_secs(290));
    assert!(pair.b.read(server).is_pending());
    pair.pass(Duration::from_secs(20));
    assert_eq!(
        pair.b.read(server).map(Result::err),
        Poll::Ready(Some(Error::TimedOut))
    );
}
