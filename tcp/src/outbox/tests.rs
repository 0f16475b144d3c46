//! How much waits, and how often a stray segment is answered.

use super::*;

/// A link that says always the same.
struct Says(Result<(), Blocked>);

impl Output for Says {
    fn transmit(&mut self, _: Outgoing<'_>) -> Result<(), Blocked> {
        self.0
    }
}

fn reply(to: u8) -> Reply {
    let address = |last| SocketAddrV4::new(Ipv4Addr::new(10, 0, 0, last), 80);
    Reply {
        local: address(1),
        remote: address(to),
        seq: Seq(1),
        ack: Seq(2),
        flags: Flags::ACK,
        window: 0,
        options: Options::default(),
    }
}

#[test]
fn what_does_not_fit_is_counted() {
    let (mut outbox, mut stats) = (Outbox::new(1), Stats::default());
    assert!(outbox.is_empty());
    for _ in 0..LIMIT + 2 {
        outbox.push(reply(2), &mut stats);
    }
    assert!(!outbox.is_empty());
    assert_eq!(stats.replies_dropped, 2);
    let blocked = outbox.transmit(&mut Says(Err(Blocked::Full)), &mut stats);
    assert_eq!(blocked, Err(Blocked::Full));
    assert_eq!(stats.segments_sent, 0);
    assert_eq!(outbox.transmit(&mut Says(Ok(())), &mut stats), Ok(()));
    assert_eq!(stats.segments_sent, LIMIT as u64);
    assert!(outbox.is_empty());
}

#[test]
fn what_nobody_can_be_reached_for_goes() {
    let (mut outbox, mut stats) = (Outbox::new(1), Stats::default());
    for to in [2, 3, 2] {
        outbox.push(reply(to), &mut stats);
    }
    outbox.forget(Ipv4Addr::new(10, 0, 0, 2));
    assert_eq!(outbox.replies.len(), 1);
    assert_eq!(*outbox.replies[0].remote.ip(), Ipv4Addr::new(10, 0, 0, 3));
    for blocked in [Blocked::Unresolved, Blocked::Unreachable] {
        outbox.push(reply(2), &mut stats);
        assert_eq!(outbox.transmit(&mut Says(Err(blocked)), &mut stats), Ok(()));
        assert!(outbox.is_empty());
    }
    assert_eq!(stats.replies_dropped, 3);
}

#[test]
fn a_bucket_fills_with_time_and_no_further() {
    let mut bucket = Bucket::new(2);
    let start = Instant::from_millis(5000);
    for (millis, allowed) in [
        (0, [true, true, false]),
        (499, [false, false, false]),
        (500, [true, false, false]),
        (10_000, [true, true, false]),
    ] {
        let now = start + Duration::from_millis(millis);
        assert_eq!([0; 3].map(|_| bucket.take(now)), allowed, "{millis}");
    }
}
