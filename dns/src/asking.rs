//! Nothing is asked twice at the same time: a forger would have two ids and two ports to hit
//! (RFC 5452, 5), and a server twice the work.

use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::RefCell;
use core::future::poll_fn;
use core::task::{Poll, Waker};

use crate::Name;

/// The names that are being asked for. As many as there are tasks that ask.
#[derive(Clone, Default)]
pub(crate) struct Asking(Rc<RefCell<Vec<Question>>>);

struct Question {
    name: Name,
    /// Tasks with the same question.
    waiting: Vec<Waker>,
}

/// The right to ask for a name, given back when dropped.
pub(crate) struct Turn {
    asking: Asking,
    name: Name,
}

impl Asking {
    /// Takes the turn to ask for `name`. `None`, once whoever had it has given it back: look first
    /// whether the answer is known now. Cancel safe.
    pub(crate) async fn turn(&self, name: &Name) -> Option<Turn> {
        let mut has_waited = false;
        poll_fn(|cx| {
            let mut questions = self.0.borrow_mut();
            let same = questions.iter_mut().find(|question| question.name == *name);
            match same {
                Some(question) => {
                    // A task may be polled again without need.
                    if !question
                        .waiting
                        .iter()
                        .any(|waker| waker.will_wake(cx.waker()))
                    {
                        question.waiting.push(cx.waker().clone());
                    }
                    has_waited = true;
                    Poll::Pending
                }
                None if has_waited => Poll::Ready(None),
                None => {
                    questions.push(Question {
                        name: name.clone(),
                        waiting: Vec::new(),
                    });
                    Poll::Ready(Some(Turn {
                        asking: self.clone(),
                        name: name.clone(),
                    }))
                }
            }
        })
        .await
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut questions = self.asking.0.borrow_mut();
        let place = questions
            .iter()
            .position(|question| question.name == self.name);
        let question = place.map(|place| questions.swap_remove(place));
        drop(questions);
        let waiting = question.into_iter().flat_map(|question| question.waiting);
        waiting.for_each(Waker::wake);
    }
}
