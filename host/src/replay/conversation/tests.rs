//! Recorded clients against another server.

use proptest::prelude::*;

use super::super::segment::tests::segment;
use super::*;

/// Where the client's stream starts, the recorded server's, and ours. Two of them wrap soon.
const CLIENT: u32 = 1000;
const RECORDED: u32 = u32::MAX - 100;
const OURS: u32 = u32::MAX - 50;

/// What the recorded server offered: an MSS, SACK, timestamps, and windows shifted by 10.
const OFFER: [u8; 20] = [
    2, 4, 5, 0x64, 4, 2, 8, 10, 0, 0, 0, 9, 0, 0, 0, 8, 1, 3, 3, 10,
];

/// What ours offers: timestamps, and windows shifted by 7.
const OUR_OFFER: [u8; 20] = [
    2, 4, 5, 0xb4, 1, 1, 8, 10, 0, 0, 1, 0, 0, 0, 0, 8, 1, 3, 3, 7,
];

struct Test {
    conversation: Conversation,
    number: u64,
    /// Bytes of text each server has sent.
    recorded: u32,
    ours: u32,
}

impl Test {
    /// A connection that is open; the client has said it.
    fn new(facts: Facts) -> Self {
        let mut syn = segment((CLIENT, 0, SYN), 0xffff, &OFFER, b"");
        let mut syn = Segment::parse(&mut syn).unwrap();
        let mut test = Self {
            conversation: Conversation::new(facts, &syn),
            number: 1,
            recorded: 0,
            ours: 0,
        };
        assert!(test.conversation.client(1, &mut syn));
        let mut recorded = segment((RECORDED, CLIENT + 1, SYN | ACK), 100, &OFFER, b"");
        let recorded = Segment::parse(&mut recorded).unwrap();
        test.conversation.recorded(&recorded);
        let mut ours = segment((OURS, CLIENT + 1, SYN | ACK), 100, &OUR_OFFER, b"");
        test.conversation.sent(&mut ours);
        assert_eq!(test.acknowledge(0), Some(0));
        test
    }

    fn offered() -> Self {
        Self::new(Facts {
            offer: Some(OFFER.to_vec()),
            ..Facts::default()
        })
    }

    fn recorded(&mut self, len: u32) {
        let seq = RECORDED.wrapping_add(1 + self.recorded);
        let mut frame = segment((seq, CLIENT + 1, ACK), 100, &[], &vec![1; len as usize]);
        let segment = Segment::parse(&mut frame).unwrap();
        self.conversation.recorded(&segment);
        self.recorded += len;
    }

    /// Ours sends, at a time that its timestamps tell; gives what leaves.
    fn ours(&mut self, len: u32, time: u8) -> Vec<u8> {
        let seq = OURS.wrapping_add(1 + self.ours);
        let stamps = [1, 1, 8, 10, 0, 0, 1, time, 0, 0, 0, 0];
        let text = vec![2; len as usize];
        let mut frame = segment((seq, CLIENT + 1, ACK), 80, &stamps, &text);
        self.conversation.sent(&mut frame);
        self.ours += len;
        frame
    }

    /// The client says something; `None` if it is left out.
    fn client(&mut self, seq: u32, flags: u8, options: &[u8], text: &[u8]) -> Option<Vec<u8>> {
        self.number += 1;
        let ack = RECORDED.wrapping_add(1 + self.recorded);
        let mut frame = segment((CLIENT + seq, ack, flags), 500, options, text);
        let mut segment = Segment::parse(&mut frame).unwrap();
        let delivered = self.conversation.client(self.number, &mut segment);
        assert!(!segment.is_damaged());
        delivered.then_some(frame)
    }

    /// The client acknowledges `text` bytes of the recorded server; gives how many of ours that are.
    fn acknowledge(&mut self, text: u32) -> Option<u32> {
        let before = self.recorded;
        self.recorded = text;
        let frame = self.client(1, ACK, &[1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 9], b"");
        self.recorded = before;
        let mut frame = frame?;
        let ack = Segment::parse(&mut frame).unwrap().ack();
        Some(ack.wrapping_sub(OURS.wrapping_add(1)))
    }
}

#[test]
fn parts_are_the_same_parts_and_all_is_all() {
    for (len, parts) in [
        (500, [100, 250, 500]),
        (1000, [200, 500, 1000]),
        (2000, [400, 1000, 2000]),
    ] {
        let mut test = Test::offered();
        test.recorded(600);
        test.recorded(400);
        test.ours(len, 1);
        let acked = [200, 500, 1000].map(|text| test.acknowledge(text));
        assert_eq!(acked, parts.map(Some));
    }
}

#[test]
fn all_until_then_is_all_of_ours_until_then() {
    let mut test = Test::offered();
    test.recorded(100);
    test.ours(700, 1);
    assert_eq!(test.acknowledge(100), Some(700));
    test.ours(300, 1);
    test.recorded(900);
    assert_eq!(test.acknowledge(1000), Some(1000));
    // What the capture lacks of the server was there if the client says so.
    test.ours(5, 1);
    assert_eq!(test.acknowledge(1400), Some(1005));
}

#[test]
fn a_loss_is_a_loss_at_the_same_place() {
    let mut test = Test::offered();
    test.recorded(1000);
    test.ours(2000, 1);
    let repeated = [300, 300, 300, 300, 1000].map(|text| test.acknowledge(text));
    assert_eq!(repeated, [600, 600, 600, 600, 2000].map(Some));
    assert_eq!(test.acknowledge(400), Some(2000), "an old one is no news");
}

#[test]
fn what_would_look_like_a_loss_is_left_out() {
    let mut test = Test::offered();
    test.recorded(1000);
    test.ours(2, 1);
    let acked = [400, 500, 600, 700, 1000].map(|text| test.acknowledge(text));
    assert_eq!(acked, [None, Some(1), None, None, Some(2)]);
    assert_eq!(test.conversation.counts.left_out, 3);
}

#[test]
fn the_offer_is_the_recorded_one() {
    let facts = |offer: &[u8]| Facts {
        offer: Some(offer.to_vec()),
        ..Facts::default()
    };
    let mut frame = segment((CLIENT, 0, SYN), 0xffff, &OFFER, b"");
    let mut syn = Segment::parse(&mut frame).unwrap();
    let mut plain = Conversation::new(facts(&[2, 4, 5, 0x64]), &syn);
    assert!(plain.client(1, &mut syn));
    let kinds = [WINDOW_SCALE, SACK_PERMITTED, TIMESTAMPS];
    assert!(kinds.iter().all(|kind| syn.option(*kind).is_none()));
    assert!(syn.option(2).is_some() && !syn.is_damaged());

    let mut test = Test::offered();
    let mut ours = segment((OURS, CLIENT + 1, SYN | ACK), 100, &OUR_OFFER, b"");
    test.conversation.sent(&mut ours);
    let ours = Segment::parse(&mut ours).unwrap();
    let mut expected = OFFER;
    expected[8..16].copy_from_slice(&[0, 0, 1, 0, 0, 0, 0, 8]);
    assert_eq!(ours.options(), expected);
    assert!(!ours.is_damaged());
    assert_eq!(ours.window(), 100, "the window of a SYN is never shifted");
    let mut later = test.ours(1, 1);
    assert_eq!(Segment::parse(&mut later).unwrap().window(), 80 >> 3);
}

#[test]
fn the_echo_is_of_the_segment_that_is_acknowledged() {
    let mut test = Test::offered();
    test.recorded(1000);
    for time in 1..=4 {
        test.ours(250, time);
    }
    let stamps = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 9];
    for (text, echo) in [(200, 0x101), (250, 0x101), (251, 0x102), (1000, 0x104)] {
        test.recorded = text;
        let mut frame = test.client(1, ACK, &stamps, b"").unwrap();
        let segment = Segment::parse(&mut frame).unwrap();
        assert_eq!(segment.timestamps(), Some((1, echo)), "{text}");
        test.recorded = 1000;
    }
}

#[test]
fn selective_acknowledgements_are_left_out() {
    let mut test = Test::offered();
    test.recorded(1000);
    test.ours(1000, 1);
    test.recorded = 300;
    let sack = [1, 1, 5, 10, 0, 0, 0, 5, 0, 0, 0, 9];
    let mut frame = test.client(1, ACK, &sack, b"").unwrap();
    assert_eq!(Segment::parse(&mut frame).unwrap().option(SACK), None);
}

#[test]
fn who_waits_follows_up_until_the_next_request() {
    let settled = VecDeque::from([3]);
    let mut test = Test::new(Facts {
        offer: Some(OFFER.to_vec()),
        settled,
        round_trip: Duration::from_micros(10),
    });
    assert_eq!(test.conversation.round_trip(), Duration::from_millis(1));
    test.recorded(10);
    test.ours(10, 1);
    test.acknowledge(10);
    assert!(test.conversation.follow_up().is_none(), "all is said");
    test.ours(5, 2);
    assert!(test.conversation.wants_follow_up());
    let mut frame = test.conversation.follow_up().unwrap();
    let segment = Segment::parse(&mut frame).unwrap();
    assert!(!segment.is_damaged() && segment.len() == 0);
    assert_eq!(segment.ack(), OURS.wrapping_add(16));
    assert_eq!((segment.seq(), segment.flags()), (CLIENT + 1, ACK));
    assert_eq!(segment.timestamps(), Some((1, 0x102)));
    assert!(test.conversation.follow_up().is_none());
    // A request: from here on the recording says when.
    assert!(test.client(1, ACK, &[], b"GET / HTTP/1.1\r\n").is_some());
    test.ours(5, 3);
    assert!(!test.conversation.wants_follow_up());
    assert_eq!(test.conversation.counts.follow_ups, 1);
}

#[test]
fn an_endless_response_is_not_followed_for_ever() {
    let mut test = Test::offered();
    test.conversation.waits = true;
    test.conversation.followed_up = MAX_FOLLOW_UP - 150;
    let mut follow = || {
        test.ours(100, 1);
        test.conversation.follow_up().is_some()
    };
    assert_eq!([follow(), follow(), follow()], [true, true, false]);
}

#[test]
fn a_reset_is_passed_on_and_ends_it() {
    let mut test = Test::offered();
    test.recorded(10);
    test.ours(100, 1);
    test.conversation.waits = true;
    let mut frame = test.client(1, RST | ACK, &[], b"").unwrap();
    let reset = Segment::parse(&mut frame).unwrap();
    assert_eq!(reset.ack(), OURS.wrapping_add(101));
    assert!(test.conversation.counts.client_reset && !test.conversation.wants_follow_up());
}

#[test]
fn a_client_whose_server_was_not_recorded_is_understood() {
    let mut test = Test::new(Facts::default());
    test.ours(100, 1);
    assert_eq!(test.acknowledge(70), Some(100));
    assert_eq!(test.conversation.client.missing(), 0);
}

#[test]
fn nothing_can_be_said_before_our_server_answers() {
    let mut frame = segment((CLIENT, 0, SYN), 0xffff, &OFFER, b"");
    let syn = Segment::parse(&mut frame).unwrap();
    let mut conversation = Conversation::new(Facts::default(), &syn);
    let mut frame = segment((CLIENT + 1, 77, ACK), 500, &[], b"text");
    let mut early = Segment::parse(&mut frame).unwrap();
    assert!(!conversation.client(2, &mut early));
}

#[test]
fn requests_are_counted_and_holes_found() {
    let mut test = Test::offered();
    let text = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    let two = [&text[..], text].concat();
    test.client(1, ACK, &[], &two[..10]);
    test.client(1 + 10, ACK, &[], &two[10..]);
    assert_eq!(test.conversation.client.marks, 2);
    test.client(1 + 10, ACK, &[], &two[10..]);
    assert_eq!(test.conversation.client.repeated, 1);
    assert_eq!(test.conversation.client.marks, 2);
    let end = 1 + two.len() as u32;
    test.client(end + 7, ACK, &[], b"behind");
    assert_eq!(test.conversation.client.missing(), 7);
    test.client(end, ACK, &[], b"between");
    assert_eq!(test.conversation.client.missing(), 0);
}

proptest! {
    /// Whatever was recorded, and whatever ours does: no acknowledgement goes back, or beyond what
    /// ours has sent.
    #[test]
    fn acknowledgements_make_sense(steps: Vec<(u8, u16)>) {
        let mut test = Test::offered();
        let mut last = 0;
        for (kind, len) in steps {
            match kind % 3 {
                0 => test.recorded(u32::from(len % 3000)),
                1 => drop(test.ours(u32::from(len % 3000), kind)),
                _ => {
                    let acked = test.acknowledge(u32::from(len) % (test.recorded + 10));
                    if let Some(acked) = acked {
                        prop_assert!(last <= acked && acked <= test.ours);
                        last = acked;
                    }
                }
            }
        }
    }
}
