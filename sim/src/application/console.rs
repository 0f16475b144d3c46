//! A console that has a script for what is typed, and remembers what was printed.

use core::cell::RefCell;
use core::fmt;
use core::task::{Context, Poll};
use std::collections::VecDeque;

use runtime::Console;

/// What will be typed, and what was printed.
#[derive(Debug, Default)]
pub struct Script {
    typed: RefCell<VecDeque<String>>,
    printed: RefCell<Vec<String>>,
}

impl Script {
    /// These lines are typed as fast as they are read; then comes the end.
    #[must_use]
    pub fn new(typed: Vec<String>) -> Self {
        Self {
            typed: RefCell::new(typed.into()),
            printed: RefCell::default(),
        }
    }

    /// What was printed, a line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        self.printed.borrow().clone()
    }
}

impl Console for Script {
    fn print(&self, line: fmt::Arguments<'_>) {
        self.printed.borrow_mut().push(line.to_string());
    }

    fn poll_line(&self, _: &mut Context<'_>) -> Poll<Option<String>> {
        Poll::Ready(self.typed.borrow_mut().pop_front())
    }
}
