//! Text in any order, in any pieces, and with too little memory.

use alloc::vec::Vec;

use packet::{Limits, RxMeta};
use proptest::prelude::*;

use super::*;

const BUDGET: usize = 64 * 1024;

fn text(pool: &Pool, bytes: &[u8]) -> Text {
    pieces(pool, &[bytes])
}

/// A frame of several pieces, the first with a header in front, the last with padding behind.
fn pieces(pool: &Pool, pieces: &[&[u8]]) -> Text {
    let len = pieces.iter().map(|piece| piece.len()).sum();
    let mut pieces: Vec<_> = pieces.iter().map(|piece| piece.to_vec()).collect();
    pieces[0].splice(0..0, *b"header");
    pieces.last_mut().unwrap().extend(b"padding");
    let mut parts = pieces
        .iter()
        .map(|piece| Part::copy_from(pool, piece).unwrap());
    let mut frame = Frame::new(parts.next().unwrap(), RxMeta::default());
    parts.for_each(|part| frame.push(part).unwrap());
    Text {
        frame,
        start: 6,
        len,
    }
}

fn read_all(queue: &mut RecvQueue) -> Vec<u8> {
    core::iter::from_fn(|| queue.pop())
        .flat_map(|chunk| chunk.to_vec())
        .collect()
}

#[test]
fn tiny_segments_are_copied_densely_beyond_the_budget() {
    let pool = Pool::new(Limits {
        cells: 1000,
        pages: 100,
        bays: 0,
    });
    let mut queue = RecvQueue::default();
    for i in 0..2000u64 {
        assert_eq!(queue.push(i, text(&pool, &[i as u8]), 10 * 256, &pool), 1);
    }
    assert!(queue.held() <= 10 * 256 + 2000 + 4096, "{}", queue.held());
    let expected: Vec<u8> = (0..2000u64).map(|i| i as u8).collect();
    assert_eq!(read_all(&mut queue), expected);
    assert_eq!((queue.held(), queue.unread()), (0, 0));
}

#[test]
fn out_of_order_text_is_bounded_by_the_budget() {
    let pool = Pool::new(Limits {
        cells: 1000,
        pages: 8,
        bays: 0,
    });
    let mut queue = RecvQueue::default();
    let kept = (0..100)
        .filter(|i| queue.push_later(10 + 2 * i, text(&pool, b"x"), 5 * 256))
        .count();
    assert_eq!(kept, 5);
}

proptest! {
    /// Any segments in any order, overlapping in any way, give the stream.
    #[test]
    fn reassembles_any_order(pieces in proptest::collection::vec((0usize..200, 1usize..60), 1..60)) {
        let pool = Pool::new(Limits { cells: 400, pages: 8, bays: 0 });
        let stream: Vec<u8> = (0..300).map(|i| (i % 251) as u8).collect();
        let mut queue = RecvQueue::default();
        let (mut nxt, mut read) = (0u64, Vec::new());
        let mut sent = [false; 300];
        for (start, len) in pieces {
            let end = (start + len).min(200);
            sent[start..end].fill(true);
            if (end as u64) <= nxt {
                continue;
            }
            let start = (start as u64).max(nxt);
            let text = text(&pool, &stream[start as usize..end]);
            if start == nxt {
                nxt += queue.push(nxt, text, BUDGET, &pool) as u64;
                read.extend(read_all(&mut queue));
            } else {
                prop_assert!(queue.push_later(start, text, BUDGET));
            }
        }
        let expected = sent.iter().position(|sent| !sent).unwrap();
        prop_assert_eq!(nxt as usize, expected);
        prop_assert_eq!(&read[..], &stream[..expected]);
        let beyond = sent[expected..].iter().any(|sent| *sent);
        prop_assert_eq!(queue.has_hole(), beyond);
        prop_assert_eq!(queue.is_empty(), !beyond);
        if !beyond {
            prop_assert_eq!((queue.held(), queue.unread()), (0, 0));
        }
    }
}

fn pool(cells: usize) -> Pool {
    Pool::new(Limits {
        cells,
        pages: 4,
        bays: 0,
    })
}

/// Everything that the pool has left.
fn all_of(pool: &Pool) -> Vec<packet::Buf> {
    let classes = Class::ALL.into_iter();
    let all = classes.flat_map(|class| core::iter::from_fn(move || pool.take(class)));
    all.collect()
}

#[test]
fn every_piece_of_a_frame_is_taken_in_order_and_later() {
    let pool = pool(64);
    let mut queue = RecvQueue::default();
    assert!(queue.push_later(9, pieces(&pool, &[b"89", b"ab", b"c"]), BUDGET));
    assert!(queue.has_hole() && !queue.is_empty());
    assert_eq!(
        queue.push(1, pieces(&pool, &[b"012", b"", b"34567"]), BUDGET, &pool),
        13
    );
    assert_eq!((queue.unread(), queue.has_hole()), (13, false));
    assert_eq!(read_all(&mut queue), b"0123456789abc");
    assert!(queue.is_empty());
}

#[test]
fn without_memory_the_rest_of_a_frame_is_not_taken() {
    let pool = pool(64);
    let mut queue = RecvQueue::default();
    let first = text(&pool, b"first");
    // Its second piece would fit into the budget, but not before the rest of the first.
    let long = [7; 300];
    let rest = pieces(&pool, &[&long, b"and more"]);
    assert!(queue.push_later(50, text(&pool, b"there already"), 1000));
    assert_eq!(queue.push(0, first, 1000, &pool), 5);
    let all = all_of(&pool);
    // What the first one's buffer has behind it.
    let room = 256 - b"headerfirst".len();
    assert_eq!(queue.push(5, rest, 1000, &pool), room);
    assert_eq!(queue.unread(), 5 + room);
    assert!(!queue.has_hole(), "what is known by now is kept no longer");
    drop(all);
    assert_eq!(
        read_all(&mut queue),
        [&b"first"[..], &long[..room]].concat()
    );
    assert_eq!((queue.held(), queue.unread()), (0, 0));
}

/// The budget holds without memory too.
#[test]
fn where_nothing_can_be_copied_the_buffer_is_kept_if_the_budget_allows() {
    let pool = pool(64);
    for (budget, taken) in [(256, 3), (255, 0)] {
        let mut queue = RecvQueue::default();
        let text = text(&pool, b"abc");
        let all = all_of(&pool);
        assert_eq!(queue.push(0, text, budget, &pool), taken);
        assert_eq!(queue.unread(), taken);
        drop(all);
    }
    let mut queue = RecvQueue::default();
    let texts = [&[1; 243][..], b"padding", b"abc"].map(|bytes| text(&pool, bytes));
    let all = all_of(&pool);
    let mut taken = Vec::new();
    let mut freed = Vec::new();
    for text in texts {
        taken.push(queue.push(0, text, 511, &pool));
        // What was copied leaves its own buffer free.
        freed.extend(all_of(&pool));
    }
    assert_eq!(taken, [243, 7, 0]);
    drop(all);
}

#[test]
fn with_little_memory_left_text_is_copied_densely() {
    let pool = pool(64);
    let mut queue = RecvQueue::default();
    let take = || pool.take(Class::Cell).filter(|_| !pool.is_low(Class::Cell));
    let most: Vec<_> = core::iter::from_fn(take).collect();
    for (at, letter) in [(0, b"a"), (1, b"b"), (2, b"c")] {
        assert_eq!(queue.push(at, text(&pool, letter), BUDGET, &pool), 1);
    }
    assert_eq!(queue.held(), 256);
    assert_eq!(read_all(&mut queue), b"abc");
    drop(most);
}

#[test]
fn the_pieces_out_of_order_have_a_limit() {
    let pool = pool(1000);
    let mut queue = RecvQueue::default();
    let kept = (0..600).filter(|i| queue.push_later(10 + 2 * i, text(&pool, b"x"), usize::MAX));
    assert_eq!(kept.count(), LATER_LIMIT);
    assert!(!queue.push_later(5, pieces(&pool, &[b"x", b"y"]), usize::MAX));
}

/// The next connection must not find anything of the last one.
#[test]
fn a_queue_for_another_connection_is_empty_and_small() {
    let pool = pool(1000);
    let mut queue = RecvQueue::default();
    for at in 0..200 {
        assert_eq!(queue.push(at, text(&pool, b"x"), BUDGET, &pool), 1);
        assert!(queue.push_later(1000 + 2 * at, text(&pool, b"x"), usize::MAX));
    }
    queue.recycle();
    assert!(queue.is_empty());
    assert_eq!((queue.unread(), queue.held()), (0, 0));
    assert!(queue.ready.capacity() <= SPARE_CAPACITY);
    assert!(queue.later.capacity() <= SPARE_CAPACITY);
    assert_eq!(pool.usage(Class::Cell).held, 0);
}
