use core::cell::{Cell, RefCell};
use core::sync::atomic::Ordering;
use std::boxed::Box;
use std::string::String;
use std::vec::Vec;

use super::*;
use crate::model::{Bells, Turns};

/// The daemon's side of the page.
struct Screen {
    page: SharedPage,
    shown: Vec<u8>,
}

impl Screen {
    fn new(index: u32) -> (Self, Console) {
        let page = SharedPage::new();
        for at in [0xc00, 0xc04, 0xc08, 0xc0c] {
            page.u32(at).store(index, Ordering::Relaxed);
        }
        let console = Console::open(page.clone(), Port(2), Rc::new(Bells::default()));
        let shown = Vec::new();
        (Self { page, shown }, console)
    }

    /// Reads at most `most` bytes.
    fn read(&mut self, most: u32) {
        let produced = self.page.u32(0xc0c).load(Ordering::Relaxed);
        let mut consumed = self.page.u32(0xc08).load(Ordering::Relaxed);
        for _ in 0..produced.wrapping_sub(consumed).min(most) {
            let place = 0x400 + consumed as usize % 2048;
            self.shown.push(self.page.u8(place).load(Ordering::Relaxed));
            consumed = consumed.wrapping_add(1);
        }
        self.page.u32(0xc08).store(consumed, Ordering::Relaxed);
    }

    fn text(&mut self) -> String {
        self.read(2048);
        String::from_utf8(core::mem::take(&mut self.shown)).expect("text")
    }
}

#[test]
fn a_line_arrives_with_a_terminals_end() {
    let (mut screen, mut console) = Screen::new(u32::MAX - 3);
    console.print(format_args!("hello\nto {}", "you"));
    assert_eq!(screen.text(), "hello\r\nto you\r\n");
}

#[test]
fn lines_that_do_not_fit_are_counted_whole() {
    let (mut screen, mut console) = Screen::new(0);
    let line = "x".repeat(998);
    for _ in 0..5 {
        console.print(format_args!("{line}"));
    }
    assert_eq!(screen.text().len(), 2000);
    console.print(format_args!("again"));
    assert_eq!(screen.text(), "(3 lines lost)\r\nagain\r\n");
    console.print(format_args!("and on"));
    assert_eq!(screen.text(), "and on\r\n");
    console.print(format_args!("{}", "z".repeat(2046)));
    assert_eq!(screen.text().len(), 2048);
    console.print(format_args!("{}", "z".repeat(2047)));
    assert_eq!(screen.text(), "");
}

#[test]
fn what_is_written_patiently_arrives_whole() {
    let (screen, mut console) = Screen::new(77);
    let screen = Rc::new(RefCell::new(screen));
    let reader = screen.clone();
    let wait = Turns::new(move || reader.borrow_mut().read(100));
    let line = "0123456789".repeat(1000);
    console.print_patiently(format_args!("{line}"), &wait);
    console.drain(&wait);
    assert_eq!(screen.borrow_mut().text(), line + "\r\n");
}

#[test]
fn a_daemon_that_has_stopped_is_waited_for_once() {
    let (mut screen, mut console) = Screen::new(0);
    let turns = Rc::new(Cell::new(0));
    let counted = turns.clone();
    let wait = Turns::new(move || counted.set(counted.get() + 1));
    let line = "y".repeat(3000);
    console.print_patiently(format_args!("{line}"), &wait);
    let waited = turns.get();
    assert!(waited > 0);
    console.print_patiently(format_args!("{line}"), &wait);
    console.drain(&wait);
    assert_eq!(turns.get(), waited, "waited for again");
    // It reads again, and so it is waited for again.
    assert_eq!(screen.text().len(), 2048);
    console.print_patiently(format_args!("{line}"), &wait);
    assert!(turns.get() > waited);
}

#[test]
fn a_daemon_that_reads_again_is_waited_for_at_the_end() {
    let (screen, mut console) = Screen::new(0);
    let line = "y".repeat(3000);
    console.print_patiently(format_args!("{line}"), &Turns::new(|| {}));
    let screen = Rc::new(RefCell::new(screen));
    screen.borrow_mut().read(1);
    let reader = screen.clone();
    console.drain(&Turns::new(move || reader.borrow_mut().read(100)));
    assert_eq!(screen.borrow().shown.len(), 2048);
}

#[test]
fn bells_ring_for_what_is_written_and_read() {
    let bells = Rc::new(Bells::default());
    let page = SharedPage::new();
    let mut console = Console::open(page.clone(), Port(2), Rc::<Bells>::clone(&bells));
    console.print(format_args!("one"));
    assert_eq!(bells.rung.take(), 1);
    console.print_patiently(format_args!("two"), &Turns::new(|| {}));
    assert_eq!(bells.rung.take(), 1);
    console.echo(b"three");
    assert_eq!(bells.rung.take(), 1);
    assert_eq!(console.read(&mut [0; 8]), 0);
    assert_eq!(bells.rung.take(), 0);
    page.u32(0xc04).store(1, Ordering::Relaxed);
    assert_eq!(console.read(&mut [0; 8]), 1);
    assert_eq!(bells.rung.take(), 1);
    // While it waits, so that a daemon that missed it looks again.
    bells.taken.set(0);
    console.drain(&Turns::new(|| {}));
    assert!(bells.rung.take() > 1 && bells.taken.get() > 1);
    console.echo(&[b'x'; 4096]);
    bells.rung.set(0);
    console.echo(b"no room");
    assert_eq!(bells.rung.take(), 0);
}

#[test]
fn what_is_typed_is_read() {
    let (screen, mut console) = Screen::new(u32::MAX - 1);
    for (at, byte) in b"hi!".iter().enumerate() {
        let place = (u32::MAX - 1).wrapping_add(at as u32) as usize % 1024;
        screen.page.u8(place).store(*byte, Ordering::Relaxed);
    }
    let produced = (u32::MAX - 1).wrapping_add(3);
    screen.page.u32(0xc04).store(produced, Ordering::Relaxed);
    let mut into = [0; 2];
    assert_eq!(console.read(&mut into), 2);
    assert_eq!(&into, b"hi");
    assert_eq!(console.read(&mut into), 1);
    assert_eq!(console.read(&mut into), 0);
}

#[test]
fn broken_indices_are_an_empty_input_and_a_full_output() {
    let (screen, mut console) = Screen::new(0);
    screen.page.u32(0xc04).store(5000, Ordering::Relaxed);
    screen.page.u32(0xc08).store(5000, Ordering::Relaxed);
    assert_eq!(console.read(&mut [0; 64]), 0);
    console.print(format_args!("lost"));
    let wait: Box<dyn Wait> = Box::new(Turns::new(|| {}));
    console.print_patiently(format_args!("lost"), &*wait);
    console.drain(&*wait);
    assert_eq!(screen.page.u32(0xc0c).load(Ordering::Relaxed), 0);
}
