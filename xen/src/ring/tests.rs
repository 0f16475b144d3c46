//! The front end's ring against the back end's.

use alloc::collections::{BTreeSet, VecDeque};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::*;
use crate::model::BackRing;

type Front = FrontRing<[u32; 3], u32>;
type Back = BackRing<[u32; 3], u32>;

/// Counters from which a run of a few hundred steps passes the end of 32 bits, or does not.
fn starts() -> impl Strategy<Value = u32> {
    prop_oneof![
        Just(0),
        Just(u32::MAX),
        u32::MAX - 600..=u32::MAX,
        any::<u32>()
    ]
}

fn ring(start: u32) -> (Front, Back) {
    let page = SharedPage::new();
    let front = Front::starting_at(page.clone(), start);
    (front, Back::new(page))
}

/// A ring with this many requests that the back end has seen.
fn with_requests(start: u32, count: u32) -> (Front, Back) {
    let (mut front, back) = ring(start);
    (0..count).for_each(|n| front.push(&[n; 3]).unwrap());
    assert_eq!(front.publish(), count > 0);
    (front, back)
}

#[test]
fn netfront_and_blkfront_have_as_many_slots_as_xen_says() {
    assert_eq!(FrontRing::<[u8; 12], [u8; 4]>::SLOTS, 256);
    assert_eq!(FrontRing::<[u8; 8], [u8; 8]>::SLOTS, 256);
    assert_eq!(FrontRing::<[u8; 112], [u8; 16]>::SLOTS, 32);
}

#[test]
fn a_new_ring_is_as_xen_wants_it() {
    let page = SharedPage::new();
    page.u64(1000).store(u64::MAX, Ordering::Relaxed);
    let ring = Front::new(page);
    assert_eq!(ring.page().read::<[u32; 4]>(0), [0, 1, 0, 1]);
    assert!((16..4096).all(|at| ring.page().u8(at).load(Ordering::Relaxed) == 0));
}

#[test]
fn a_full_ring_takes_no_more_until_a_response_is_taken() {
    let (mut front, mut back) = with_requests(u32::MAX - 100, Front::SLOTS);
    assert_eq!(front.push(&[0; 3]), Err(RingFull));
    assert!(back.take().is_some());
    back.push(&9);
    assert!(back.publish());
    assert_eq!(front.push(&[0; 3]), Err(RingFull));
    assert_eq!(front.look(), Ok(1));
    assert_eq!(front.take().map(|(_, response)| response), Some(9));
    assert_eq!(front.push(&[0; 3]), Ok(()));
    assert_eq!(front.room(), 0);
}

#[test]
fn what_is_not_published_is_not_seen() {
    let (mut front, mut back) = ring(0);
    front.push(&[1; 3]).unwrap();
    assert_eq!(back.take(), None);
    assert!(front.publish());
    assert_eq!(back.take(), Some([1; 3]));
    assert!(!front.publish());
}

#[test]
fn who_did_not_ask_is_not_notified() {
    let (mut front, mut back) = with_requests(u32::MAX - 1, 2);
    let show_one = |front: &mut Front| {
        front.push(&[0; 3]).unwrap();
        front.publish()
    };
    assert!(!show_one(&mut front));
    assert!(back.arm());
    assert!(!show_one(&mut front));
    while back.take().is_some() {}
    assert!(!back.arm());
    assert!(show_one(&mut front));
    assert!(!show_one(&mut front));
}

#[test]
fn an_answer_to_what_was_not_shown_breaks_the_ring() {
    let (mut front, mut back) = with_requests(0, 1);
    front.push(&[0; 3]).unwrap();
    back.push(&1);
    back.push(&2);
    let _ = back.publish();
    assert_eq!(front.look(), Err(Broken));
}

#[test]
fn a_request_is_not_read_back_from_the_page() {
    let (mut front, back) = with_requests(0, 3);
    back.page()
        .u32(REQUESTS_PRODUCED)
        .store(77, Ordering::Relaxed);
    assert_eq!((front.outstanding(), front.next_slot()), (3, 3));
    front.push(&[7; 3]).unwrap();
    let _ = front.publish();
    assert_eq!(
        back.page().u32(REQUESTS_PRODUCED).load(Ordering::Relaxed),
        4
    );
}

#[test]
fn responses_are_those_that_the_last_look_found() {
    let (mut front, mut back) = with_requests(0, 2);
    back.push(&10);
    let _ = back.publish();
    assert_eq!(front.look(), Ok(1));
    back.push(&11);
    let _ = back.publish();
    assert_eq!(front.take(), Some((0, 10)));
    assert_eq!(front.take(), None);
    assert_eq!(front.look(), Ok(1));
    assert_eq!(front.take(), Some((1, 11)));
}

#[test]
fn a_batch_of_responses_is_notified_of_once() {
    let (mut front, mut back) = with_requests(0, 8);
    assert_eq!(front.arm(4), Ok(false));
    let notified: Vec<bool> = (0..8)
        .map(|n| {
            back.push(&n);
            back.publish()
        })
        .collect();
    assert_eq!(
        notified,
        [false, false, false, true, false, false, false, false]
    );
    assert_eq!(front.arm(8), Ok(true));
    assert_eq!(front.arm(9), Ok(false));
}

proptest! {
    /// A counter that is not between what was taken and what was asked for breaks the ring, and
    /// nothing is taken from it ever after.
    #[test]
    fn a_false_counter_breaks_the_ring(
        start in starts(), asked in 0_u32..=256, answered in 0_u32..=256,
        away in prop_oneof![0_u32..600, any::<u32>()],
    ) {
        let answered = answered.min(asked);
        let (mut front, mut back) = with_requests(start, asked);
        (0..answered).for_each(|n| back.push(&n));
        let _ = back.publish();
        prop_assert_eq!(front.look(), Ok(answered));
        back.claim(start.wrapping_add(away));
        if (answered..=asked).contains(&away) {
            prop_assert_eq!(front.look(), Ok(away));
        } else {
            prop_assert_eq!(front.look(), Err(Broken));
            prop_assert_eq!(front.take(), None);
            back.claim(start.wrapping_add(answered));
            prop_assert_eq!(front.look(), Err(Broken));
            prop_assert_eq!(front.arm(1), Err(Broken));
        }
    }

    /// Both sides do as they like, in any order and across the end of the counters: everything
    /// arrives once, in order and unchanged, and nobody sleeps on work.
    #[test]
    fn nothing_is_lost_and_nobody_sleeps_on_work(
        start in starts(), steps in proptest::collection::vec((0_u8..6, 1_u32..100), 1..300),
    ) {
        let (mut front, mut back) = ring(start);
        let (mut sent, mut answers) = (VecDeque::new(), VecDeque::new());
        let (mut next, mut unpublished) = (0_u32, false);
        let (mut front_sleeps, mut back_sleeps) = (false, true);
        for (step, count) in steps {
            match step {
                // The front end asks,
                0 => for _ in 0..count {
                    if front.push(&[next, !next, 5]).is_ok() {
                        sent.push_back(next);
                        next += 1;
                    }
                },
                // shows it,
                1 => {
                    let fresh = front.written != front.published;
                    let notify = front.publish();
                    prop_assert!(notify || !(fresh && back_sleeps), "the back end sleeps on work");
                    back_sleeps &= !notify;
                }
                // takes answers,
                2 => {
                    let there = front.look().unwrap();
                    prop_assert!(there <= answers.len() as u32);
                    for _ in 0..count.min(there) {
                        let slot = front.taken % Front::SLOTS;
                        let answer: u32 = answers.pop_front().unwrap();
                        prop_assert_eq!(front.take(), Some((slot, answer)));
                    }
                }
                // goes to sleep.
                3 => front_sleeps = !front.arm(1).unwrap(),
                // The back end works,
                4 => for _ in 0..count {
                    let Some([n, inverse, five]) = back.take() else { break };
                    prop_assert_eq!((inverse, five), (!n, 5));
                    prop_assert_eq!(Some(n), sent.pop_front());
                    back.push(&n.wrapping_mul(7));
                    unpublished = true;
                    answers.push_back(n.wrapping_mul(7));
                },
                // shows it and goes to sleep.
                _ => {
                    let fresh = unpublished;
                    unpublished = false;
                    let notify = back.publish();
                    prop_assert!(notify || !(fresh && front_sleeps), "the front end sleeps on work");
                    front_sleeps &= !notify;
                    back_sleeps = !back.arm();
                }
            }
        }
    }

    #[test]
    fn a_made_up_number_names_nothing(ids in proptest::collection::vec(0_u16..12, 0..60)) {
        let mut in_flight = InFlight::new(8);
        let mut known = BTreeSet::new();
        for id in ids {
            match in_flight.insert(id) {
                Ok(id) => prop_assert!(known.insert(id)),
                Err(_) => prop_assert_eq!(known.len(), 8),
            }
            prop_assert_eq!(in_flight.take(id).is_some(), known.remove(&id));
            prop_assert_eq!(in_flight.len(), known.len());
        }
        prop_assert_eq!(in_flight.drain().count(), known.len());
        prop_assert!(in_flight.is_empty());
    }
}
