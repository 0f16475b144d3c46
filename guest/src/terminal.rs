//! The console as an application has it: lines out, and lines that somebody types.

use alloc::collections::VecDeque;
use alloc::string::String;
use core::cell::RefCell;
use core::fmt;
use core::task::{Context, Poll, Waker};

use log::info;
use packet::Instant;
use runtime::{Console, Driver, Request};
use xen::Lines;

use crate::outlet;

/// Lines that nobody has asked for yet. Full: the rest waits in Xen's ring, and then with who types it.
const LIMIT: usize = 16;
/// Bytes taken in at once.
const GULP: usize = 64;

/// The console.
#[derive(Default)]
pub(crate) struct Terminal(RefCell<Typed>);

#[derive(Default)]
struct Typed {
    lines: Lines,
    whole: VecDeque<String>,
    waker: Option<Waker>,
}

impl Console for Terminal {
    fn print(&self, line: fmt::Arguments<'_>) {
        outlet::print(line);
    }

    /// Only for who asked for it (`log=info`): each line costs a call of Xen, and work in dom0.
    fn log_request(&self, request: &Request<'_>) {
        info!(target: "request", "{request}");
    }

    fn poll_line(&self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        let mut typed = self.0.borrow_mut();
        if let Some(line) = typed.whole.pop_front() {
            return Poll::Ready(Some(line));
        }
        match outlet::with_console(|_, _| ()) {
            None => Poll::Ready(None),
            Some(()) => {
                typed.waker = Some(cx.waker().clone());
                Poll::Pending
            }
        }
    }
}

impl Driver for Terminal {
    fn receive(&self, _: Instant) -> bool {
        self.read()
    }

    fn transmit(&self, _: Instant) {}

    fn next_event(&self) -> Option<Instant> {
        None
    }

    /// Tasks may have made room since it was read.
    fn arm(&self) -> bool {
        self.read()
    }
}

impl Terminal {
    /// Takes in what was typed, as far as there is room; tells whether anything was.
    fn read(&self) -> bool {
        let mut typed = self.0.borrow_mut();
        if typed.whole.len() >= LIMIT {
            return false;
        }
        let Some(happened) = outlet::with_console(|console, _| typed.read(console)) else {
            return false;
        };
        let waker = match typed.whole.is_empty() {
            true => None,
            false => typed.waker.take(),
        };
        drop(typed);
        if let Some(waker) = waker {
            waker.wake();
        }
        happened
    }
}

impl Typed {
    fn read(&mut self, console: &mut xen::Console) -> bool {
        let mut bytes = [0; GULP];
        let count = console.read(&mut bytes);
        for byte in bytes.into_iter().take(count) {
            let line = self.lines.take(byte, &mut |echo| console.echo(echo));
            self.whole.extend(line);
        }
        count > 0
    }
}
