extern crate std;

use alloc::sync::Arc;
use alloc::task::Wake;
use alloc::vec::Vec;
use core::future::Future;
use core::pin::{Pin, pin};
use core::sync::atomic::{AtomicUsize, Ordering};

use proptest::prelude::*;

use super::*;

/// Counts how often it was woken.
#[derive(Default)]
struct Bell(AtomicUsize);

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

impl Bell {
    fn new() -> Arc<Self> {
        Arc::default()
    }

    /// How often it was woken since it was asked last.
    fn rings(&self) -> usize {
        self.0.swap(0, Ordering::Relaxed)
    }
}

fn poll<F: Future>(future: Pin<&mut F>, bell: &Arc<Bell>) -> Poll<F::Output> {
    let waker = Waker::from(Arc::clone(bell));
    future.poll(&mut Context::from_waker(&waker))
}

/// Polls once with a waker that does nothing.
fn once<F: Future>(future: F) -> Poll<F::Output> {
    poll(pin!(future), &Bell::new())
}

#[test]
fn messages_come_in_order_and_the_capacity_holds() {
    let (sender, mut receiver) = channel(2);
    assert_eq!(once(receiver.receive()), Poll::Pending);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(once(sender.send(2)), Poll::Ready(Ok(())));
    assert_eq!(sender.try_send(3), Err(Error::NoBuffer));
    assert_eq!(once(sender.send(3)), Poll::Pending, "and given up");
    assert_eq!(once(receiver.receive()), Poll::Ready(Some(1)));
    assert_eq!(once(receiver.receive()), Poll::Ready(Some(2)));
    assert_eq!(once(receiver.receive()), Poll::Pending);
}

#[test]
fn there_is_always_room_for_one() {
    let (sender, mut receiver) = channel(0);
    assert_eq!(sender.try_send(1), Ok(()));
    assert_eq!(sender.try_send(2), Err(Error::NoBuffer));
    assert_eq!(once(receiver.receive()), Poll::Ready(Some(1)));
}

#[test]
fn without_senders_the_rest_still_comes_then_the_end() {
    let (sender, mut receiver) = channel(2);
    let other = sender.clone();
    other.try_send(1).unwrap();
    drop(other);
    assert_eq!(once(receiver.receive()), Poll::Ready(Some(1)));
    let bell = Bell::new();
    let mut receive = pin!(receiver.receive());
    assert_eq!(poll(receive.as_mut(), &bell), Poll::Pending);
    drop(sender);
    assert_eq!(bell.rings(), 1);
    assert_eq!(poll(receive.as_mut(), &bell), Poll::Ready(None));
}

#[test]
fn without_its_receiver_it_is_closed_and_who_waits_hears_so() {
    let (sender, receiver) = channel(1);
    sender.try_send(Rc::new(1)).unwrap();
    let held = Rc::new(2);
    let bell = Bell::new();
    let mut send = pin!(sender.send(Rc::clone(&held)));
    assert_eq!(poll(send.as_mut(), &bell), Poll::Pending);
    drop(receiver);
    assert_eq!(bell.rings(), 1);
    assert_eq!(poll(send.as_mut(), &bell), Poll::Ready(Err(Error::Closed)));
    assert_eq!(sender.try_send(held), Err(Error::Closed));
}

#[test]
fn a_message_may_hold_a_sender_of_its_channel() {
    struct Letter(#[expect(dead_code, reason = "held, not read")] Sender<Self>);
    let (sender, receiver) = channel(1);
    let shared = Rc::downgrade(&sender.0);
    assert!(sender.try_send(Letter(sender.clone())).is_ok());
    drop(receiver);
    drop(sender);
    assert!(shared.upgrade().is_none(), "nothing is left of it");
}

#[test]
fn room_is_given_in_the_order_of_the_line() {
    let (sender, mut receiver) = channel(1);
    sender.try_send(0).unwrap();
    let bells = [(); 3].map(|()| Bell::new());
    let mut sends: Vec<_> = (1..4)
        .map(|n| alloc::boxed::Box::pin(sender.send(n)))
        .collect();
    for (send, bell) in sends.iter_mut().zip(&bells) {
        assert_eq!(poll(send.as_mut(), bell), Poll::Pending);
    }
    assert_eq!(once(receiver.receive()), Poll::Ready(Some(0)));
    assert_eq!(bells.each_ref().map(|bell| bell.rings()), [1, 0, 0]);
    // Whoever is polled out of turn, or comes only now, waits.
    assert_eq!(poll(sends[2].as_mut(), &bells[2]), Poll::Pending);
    assert_eq!(sender.try_send(9), Err(Error::NoBuffer));
    // The first gives up although it was woken: its room is the second's.
    drop(sends.remove(0));
    assert_eq!(bells.each_ref().map(|bell| bell.rings()), [0, 1, 0]);
    assert_eq!(poll(sends[0].as_mut(), &bells[1]), Poll::Ready(Ok(())));
    assert_eq!(once(receiver.receive()), Poll::Ready(Some(2)));
    assert_eq!(bells.each_ref().map(|bell| bell.rings()), [0, 0, 1]);
}

#[test]
fn nothing_is_allocated_for_a_message() {
    let (sender, mut receiver) = channel(4);
    let before = sender.0.queue.borrow().capacity();
    for round in 0..1000 {
        for n in 0..4 {
            sender.try_send(round + n).unwrap();
        }
        for n in 0..4 {
            assert_eq!(once(receiver.receive()), Poll::Ready(Some(round + n)));
        }
    }
    assert_eq!(sender.0.queue.borrow().capacity(), before);
}

proptest! {
    /// Senders come, give up and are polled only when woken: every message that was sent comes once,
    /// in order, and nobody waits while there is room.
    #[test]
    fn nobody_sleeps_through_its_turn(actions in proptest::collection::vec(0..4u8, 1..200), capacity in 1..4usize) {
        let (sender, mut receiver) = channel(capacity);
        let mut waiting = Vec::new();
        let (mut next, mut sent, mut received) = (0u32, 0usize, 0usize);
        let mut last = None;
        for action in actions {
            match action {
                0 | 1 => {
                    let (mut send, bell) = (alloc::boxed::Box::pin(sender.send(next)), Bell::new());
                    next += 1;
                    match poll(send.as_mut(), &bell) {
                        Poll::Ready(result) => { prop_assert_eq!(result, Ok(())); sent += 1; }
                        Poll::Pending => waiting.push((send, bell)),
                    }
                }
                2 if !waiting.is_empty() => { drop(waiting.remove(waiting.len() / 2)); }
                _ => if let Poll::Ready(message) = once(receiver.receive()) {
                    prop_assert!(message > last, "{message:?} behind {last:?}");
                    last = message;
                    received += 1;
                },
            }
            waiting.retain_mut(|(send, bell)| {
                let done = bell.rings() > 0 && poll(send.as_mut(), bell).is_ready();
                sent += usize::from(done);
                !done
            });
            prop_assert!(sent - received <= capacity);
            prop_assert!(waiting.is_empty() || sent - received == capacity, "somebody waits for room that is there");
        }
    }
}
