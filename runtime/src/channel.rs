//! Messages from task to task, in order, through a queue of a fixed length.
//!
//! The queue's memory is taken when the channel is made; a message allocates nothing. Who finds it
//! full waits in line: the first `room` of those who wait may send, and whoever comes later waits
//! behind them, so no sender is passed over.
//!
//! It is also how one task learns another's result: a channel for one message.

use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use core::future::poll_fn;
use core::task::{Context, Poll, Waker};

use crate::Error;

/// Makes a channel for at most `capacity` messages that nobody has received yet, at least one.
///
/// It is closed when its receiver is dropped, or when all its senders are.
#[must_use]
pub fn channel<T>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let shared = Rc::new(Shared {
        capacity: capacity.max(1),
        queue: RefCell::new(VecDeque::with_capacity(capacity.max(1))),
        line: RefCell::default(),
        next_ticket: Cell::new(0),
        receiver: RefCell::default(),
        senders: Cell::new(1),
        is_received: Cell::new(true),
    });
    (Sender(Rc::clone(&shared)), Receiver(shared))
}

/// The end that sends; any number of clones.
pub struct Sender<T>(Rc<Shared<T>>);

/// The end that receives.
pub struct Receiver<T>(Rc<Shared<T>>);

struct Shared<T> {
    capacity: usize,
    /// Sent, not yet received.
    queue: RefCell<VecDeque<T>>,
    /// Who waits for room, by ticket: one sender a task at most, so no longer than there are tasks.
    line: RefCell<VecDeque<(u64, Waker)>>,
    next_ticket: Cell<u64>,
    /// Who waits for a message.
    receiver: RefCell<Option<Waker>>,
    senders: Cell<usize>,
    /// Whether there is a receiver.
    is_received: Cell<bool>,
}

impl<T> Sender<T> {
    /// Sends `message`; waits while the channel is full, behind those who waited before. Cancel safe:
    /// dropped before it is done, nothing was sent, and the place in the line is the next one's.
    ///
    /// # Errors
    /// [`Error::Closed`] when nobody receives any more; the message is dropped.
    pub async fn send(&self, message: T) -> Result<(), Error> {
        let mut message = Some(message);
        let mut turn = Turn {
            shared: &self.0,
            ticket: None,
        };
        poll_fn(|cx| turn.poll(&mut message, cx)).await
    }

    /// Sends `message` if there is room for it and nobody waits.
    ///
    /// # Errors
    /// [`Error::NoBuffer`] when there is not, [`Error::Closed`] when nobody receives any more; the
    /// message is dropped.
    pub fn try_send(&self, message: T) -> Result<(), Error> {
        if !self.0.is_received.get() {
            return Err(Error::Closed);
        }
        if self.0.line.borrow().len() >= self.0.room() {
            return Err(Error::NoBuffer);
        }
        self.0.push(message);
        Ok(())
    }
}

impl<T> Receiver<T> {
    /// Takes the message that was sent first; `None` when there is none and never will be. Cancel
    /// safe: a message is taken or stays.
    pub async fn receive(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll(cx)).await
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let message = self.0.queue.borrow_mut().pop_front();
        if message.is_some() {
            self.0.admit();
            return Poll::Ready(message);
        }
        if self.0.senders.get() == 0 {
            return Poll::Ready(None);
        }
        self.0.receiver.replace(Some(cx.waker().clone()));
        Poll::Pending
    }
}

impl<T> Shared<T> {
    fn room(&self) -> usize {
        self.capacity - self.queue.borrow().len()
    }

    fn push(&self, message: T) {
        self.queue.borrow_mut().push_back(message);
        let waker = self.receiver.borrow_mut().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Wakes the last in the line for whom there is room: those before him were woken before.
    fn admit(&self) {
        let last = self.room().checked_sub(1);
        if let Some((_, waker)) = last.and_then(|last| self.line.borrow().get(last).cloned()) {
            waker.wake();
        }
    }
}

/// A place in the line of those who wait for room, given up when dropped.
struct Turn<'a, T> {
    shared: &'a Shared<T>,
    ticket: Option<u64>,
}

impl<T> Turn<'_, T> {
    fn poll(&mut self, message: &mut Option<T>, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if !self.shared.is_received.get() {
            return Poll::Ready(Err(Error::Closed));
        }
        let before = self.place().unwrap_or(self.shared.line.borrow().len());
        if before < self.shared.room() {
            // The room that this one takes is nobody else's, so no one has to be woken.
            self.leave();
            if let Some(message) = message.take() {
                self.shared.push(message);
            }
            return Poll::Ready(Ok(()));
        }
        let mut line = self.shared.line.borrow_mut();
        let ticket = *self.ticket.get_or_insert_with(|| {
            let ticket = self.shared.next_ticket.get();
            self.shared.next_ticket.set(ticket + 1);
            ticket
        });
        match line.get_mut(before) {
            Some((_, waker)) => waker.clone_from(cx.waker()),
            None => line.push_back((ticket, cx.waker().clone())),
        }
        Poll::Pending
    }

    /// How many are before this one in the line, if it is in it.
    fn place(&self) -> Option<usize> {
        let line = self.shared.line.borrow();
        line.binary_search_by_key(&self.ticket?, |(ticket, _)| *ticket)
            .ok()
    }

    /// Whether it was in the line.
    fn leave(&mut self) -> bool {
        let place = self.place();
        self.ticket = None;
        place.is_some_and(|place| self.shared.line.borrow_mut().remove(place).is_some())
    }
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        if self.leave() {
            self.shared.admit();
        }
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.0.senders.set(self.0.senders.get() + 1);
        Self(Rc::clone(&self.0))
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.0.senders.set(self.0.senders.get() - 1);
        let waker = self.0.receiver.borrow_mut().take();
        match waker {
            Some(waker) if self.0.senders.get() == 0 => waker.wake(),
            waker => *self.0.receiver.borrow_mut() = waker,
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        self.0.is_received.set(false);
        for (_, waker) in self.0.line.take() {
            waker.wake();
        }
        // A message may hold a sender of this very channel: nothing is borrowed while it is dropped.
        drop(self.0.queue.take());
    }
}

#[cfg(test)]
mod tests;
