use core::cell::Cell;
use core::sync::atomic::Ordering;
use std::collections::VecDeque;
use std::string::ToString;
use std::vec;

use super::*;
use crate::DomainId;
use crate::model::{Bells, Turns, Xenstored};

fn refused<T>(refusal: Refusal) -> Result<T, StoreError> {
    Err(StoreError::Refused(refusal))
}

/// A store whose daemon does `turn` with their page.
fn against(turn: impl Fn(&SharedPage) + 'static) -> Result<Store, StoreError> {
    let page = SharedPage::new();
    let shared = page.clone();
    let wait = Box::new(Turns::new(move || turn(&shared)));
    Store::open(page, Port(1), Rc::new(Bells::default()), wait)
}

/// Says bytes as a daemon does, at the ring's place.
fn say(page: &SharedPage, bytes: &[u8]) {
    let produced = page.u32(0x80c);
    for byte in bytes {
        let place = 0x400 + produced.fetch_add(1, Ordering::Relaxed) as usize % 1024;
        page.u8(place).store(*byte, Ordering::Relaxed);
    }
}

fn message(kind: u32, request: u32, len: u32, payload: &[u8]) -> Vec<u8> {
    let header = [kind, request, 0, len].map(u32::to_le_bytes);
    [header.as_flattened(), payload].concat()
}

#[test]
fn values_are_written_read_listed_and_removed() {
    let (daemon, mut store) = Xenstored::with_store();
    daemon.write("device/vif/0/backend-id", "0");
    assert_eq!(store.read("device/vif/0/backend-id").as_deref(), Ok("0"));
    assert_eq!(store.number("device/vif/0/backend-id"), Ok(Some(0)));
    assert_eq!(
        store.list("device/vif").as_deref(),
        Ok(&["0".to_string()][..])
    );
    assert_eq!(store.list("device/vbd"), Ok(vec![]));
    store
        .write("device/vif/0/state", format_args!("{}", 4))
        .expect("ours");
    let read = daemon.read("/local/domain/1/device/vif/0/state");
    assert_eq!(read.as_deref(), Some("4"));
    store.remove("device/vif/0").expect("ours");
    store.remove("device/vif/0").expect("as good as done");
    assert_eq!(store.find("device/vif/0/state"), Ok(None));
    assert_eq!(store.read("device/vif/0/state"), refused(Refusal::NotFound));
}

#[test]
fn what_is_no_number_is_none() {
    let (daemon, mut store) = Xenstored::with_store();
    for (value, expected) in [
        ("7", Some(7)),
        ("4294967295", Some(u32::MAX)),
        ("4294967296", None),
        ("", None),
        ("+1", None),
        ("-1", None),
        (" 1", None),
    ] {
        daemon.write("data/number", value);
        assert_eq!(store.number("data/number"), Ok(expected), "{value:?}");
    }
    assert_eq!(store.number("data/missing"), Ok(None));
}

#[test]
fn what_is_not_ours_is_refused() {
    let (_, mut store) = Xenstored::with_store();
    let written = store.write("/local/domain/0/x", format_args!("1"));
    assert_eq!(written, refused(Refusal::Denied));
}

#[test]
fn what_the_protocol_cannot_say_is_not_said() {
    let (daemon, mut store) = Xenstored::with_store();
    for path in ["", "a\0b", &"x".repeat(MAX_PATH + 1)] {
        assert_eq!(store.read(path), Err(StoreError::Unspeakable));
        assert_eq!(store.watch(path), Err(StoreError::Unspeakable));
    }
    let value = "y".repeat(MAX_PAYLOAD - 2);
    store
        .write("z", format_args!("{value}"))
        .expect("just fits");
    assert_eq!(daemon.read("z").as_deref(), Some(&value[..]));
    let written = store.write("z", format_args!("{value}y"));
    assert_eq!(written, Err(StoreError::Unspeakable));
    // It comes back through a ring of a quarter of its length.
    assert_eq!(store.read("z").as_deref(), Ok(&value[..]));
}

#[test]
fn a_ring_that_was_used_before_goes_on_where_it_is() {
    for index in [1000, u32::MAX - 5] {
        let page = SharedPage::new();
        for at in [0x800, 0x804, 0x808, 0x80c] {
            page.u32(at).store(index, Ordering::Relaxed);
        }
        let daemon = Xenstored::new(page.clone(), DomainId(5));
        // Somebody's watch, told to nobody.
        say(&page, &message(15, 0, 5, b"x\0bio"));
        let daemon = (daemon, Xenstored::new(page.clone(), DomainId(5))).1;
        daemon.write("name", "guest");
        let served = daemon.clone();
        let wait = Box::new(Turns::new(move || served.serve()));
        let store = Store::open(page, Port(1), Rc::new(Bells::default()), wait);
        assert_eq!(
            store.and_then(|mut store| store.read("name")).as_deref(),
            Ok("guest")
        );
    }
}

#[test]
fn a_transaction_is_done_again_until_nobody_disturbs_it() {
    let (daemon, mut store) = Xenstored::with_store();
    daemon.disturb(3);
    let mut runs = 0;
    let done = store.transaction(|transaction| {
        runs += 1;
        transaction.write("a", format_args!("{runs}"))?;
        transaction.read("a")
    });
    assert_eq!(done.as_deref(), Ok("4"));
    assert_eq!(daemon.read("a").as_deref(), Some("4"));
    daemon.disturb(u32::MAX);
    let done = store.transaction(|transaction| transaction.write("a", format_args!("5")));
    assert_eq!(done, refused(Refusal::Again));
    assert_eq!(daemon.read("a").as_deref(), Some("4"));
}

#[test]
fn what_others_change_meanwhile_is_seen() {
    let (daemon, mut store) = Xenstored::with_store();
    daemon.write("x", "old");
    let other = daemon.clone();
    let has_changed = Cell::new(false);
    let done = store.transaction(|transaction| {
        let value = transaction.read("x")?;
        if !has_changed.replace(true) {
            other.write("x", "new");
        }
        transaction.write("copy", format_args!("{value}"))
    });
    assert_eq!(done, Ok(()));
    assert_eq!(daemon.read("copy").as_deref(), Some("new"));
}

#[test]
fn a_transaction_that_fails_has_done_nothing() {
    let (daemon, mut store) = Xenstored::with_store();
    let done = store.transaction(|transaction| {
        transaction.write("a", format_args!("1"))?;
        transaction.read("missing")
    });
    assert_eq!(done, refused(Refusal::NotFound));
    assert_eq!(daemon.read("a"), None);
    assert_eq!(store.write("b", format_args!("2")), Ok(()));
}

#[test]
fn a_watch_tells_at_first_and_after_each_change_once() {
    let (daemon, mut store) = Xenstored::with_store();
    let vif = store.watch("device/vif").expect("room");
    let other = store.watch("control/shutdown").expect("room");
    assert_eq!(store.poll(), Ok(true));
    assert!(store.take_changed(vif) && store.take_changed(other));
    assert_eq!(store.poll(), Ok(false));
    for index in 0..100 {
        daemon.write("device/vif/0/state", &index.to_string());
        store.poll().expect("sound");
    }
    assert!(store.take_changed(vif));
    assert!(!store.take_changed(vif) && !store.take_changed(other));
    daemon.remove("device");
    assert_eq!(store.poll(), Ok(true));
    assert!(store.take_changed(vif) && !store.take_changed(other));
}

#[test]
fn a_change_between_question_and_answer_is_not_lost() {
    let (daemon, mut store) = Xenstored::with_store();
    let watch = store.watch("a").expect("room");
    store.poll().expect("sound");
    assert!(store.take_changed(watch));
    store.write("a/b", format_args!("ours")).expect("ours");
    assert_eq!(daemon.read("a/b").as_deref(), Some("ours"));
    assert!(store.take_changed(watch));
}

#[test]
fn watches_have_a_limit_and_are_given_up() {
    let (daemon, mut store) = Xenstored::with_store();
    let watches: Vec<Watch> = (0..MAX_WATCHES)
        .map(|_| store.watch("a").expect("room"))
        .collect();
    assert_eq!(store.watch("a"), Err(StoreError::TooMany));
    for watch in watches {
        assert_eq!(store.unwatch(watch), Ok(()));
        assert_eq!(store.unwatch(watch), Ok(()), "there is none any more");
    }
    assert_eq!(daemon.watches(), 0);
    daemon.write("a", "1");
    assert_eq!(store.poll(), Ok(false));
    store.watch("a").expect("room again");
}

#[test]
fn watches_of_others_before_us_are_forgotten() {
    let (daemon, mut store) = Xenstored::with_store();
    store.watch("a").expect("room");
    let served = daemon.clone();
    let wait = Box::new(Turns::new(move || served.serve()));
    let again = Store::open(daemon.page(), Port(1), Rc::new(Bells::default()), wait);
    assert!(again.is_ok());
    assert_eq!(daemon.watches(), 0);
}

#[test]
fn who_never_answers_is_not_waited_for_forever() {
    assert_eq!(against(|_| {}).err(), Some(StoreError::TimedOut));
}

#[test]
fn an_answer_that_comes_late_is_not_anothers() {
    let page = SharedPage::new();
    let daemon = Xenstored::new(page.clone(), DomainId(1));
    daemon.write("a", "first");
    daemon.write("b", "second");
    let is_asleep = Rc::new(Cell::new(false));
    let (served, asleep) = (daemon.clone(), is_asleep.clone());
    let turn = move || {
        if !asleep.get() {
            served.serve();
        }
    };
    let wait = Box::new(Turns::new(turn));
    let mut store =
        Store::open(page, Port(1), Rc::new(Bells::default()), wait).expect("it answers");
    is_asleep.set(true);
    assert_eq!(store.read("a"), Err(StoreError::TimedOut));
    assert_eq!(store.read(&"long/".repeat(400)), Err(StoreError::TimedOut));
    is_asleep.set(false);
    assert_eq!(store.read("b").as_deref(), Ok("second"));
}

#[test]
fn nonsense_fails_a_question_and_no_more() {
    let store = against(|page| {
        // Of another kind, of a stranger, a watch of nobody, without a token, not even a path.
        say(page, &message(21, 99, 3, b"OK\0"));
        say(page, &message(15, 0, 4, b"a\09\0"));
        say(page, &message(15, 0, 1, b"a"));
        say(page, &message(15, 0, 0, b""));
        say(page, &message(2, 1, 0, b""));
    });
    assert_eq!(store.err(), Some(StoreError::Malformed));
}

#[test]
fn each_way_to_break_the_ring_ends_it_for_good() {
    /// What a daemon does, and what comes of it.
    struct Harm(fn(&SharedPage), Cause);
    let harms = [
        Harm(
            |page| page.u32(0x80c).store(0x4000_0000, Ordering::Relaxed),
            Cause::RingIndex,
        ),
        Harm(
            |page| page.u32(0x800).store(0x4000_0000, Ordering::Relaxed),
            Cause::RingIndex,
        ),
        Harm(
            |page| say(page, &message(2, 1, 4097, b"")),
            Cause::MessageLength,
        ),
        Harm(
            |page| {
                page.u32(0x810).store(2, Ordering::Relaxed);
                page.u32(0x818).store(3, Ordering::Relaxed);
            },
            Cause::Daemon(3),
        ),
    ];
    for Harm(turn, cause) in harms {
        let page = SharedPage::new();
        let daemon = Xenstored::new(page.clone(), DomainId(1));
        let (shared, is_hostile) = (page.clone(), Rc::new(Cell::new(false)));
        let hostile = is_hostile.clone();
        let wait = Box::new(Turns::new(move || {
            if hostile.get() {
                turn(&shared);
            } else {
                daemon.serve();
            }
        }));
        let mut store =
            Store::open(page, Port(1), Rc::new(Bells::default()), wait).expect("kind at first");
        // A question that does not fit into the ring at once.
        is_hostile.set(true);
        let value = "v".repeat(3000);
        let dead = Err(StoreError::Dead(cause));
        assert_eq!(store.write("a", format_args!("{value}")), dead);
        is_hostile.set(false);
        assert_eq!(store.write("a", format_args!("1")), dead);
        assert_eq!(store.poll().map(drop), dead);
    }
}

#[test]
fn a_daemon_that_never_stops_does_not_keep_us() {
    let page = SharedPage::new();
    let mut client = Client::new(page.clone(), Port(1), Rc::new(Bells::default()));
    // The ring is full again whenever it is looked at: as if the other processor were faster.
    let event = message(15, 0, 0, b"");
    for _ in 0..100 {
        say(&page, &event.repeat(64));
        client.pump().expect("sound");
        assert_eq!(
            page.u32(0x808).load(Ordering::Relaxed),
            page.u32(0x80c).load(Ordering::Relaxed)
        );
    }
}

#[test]
fn while_the_daemon_makes_itself_anew_the_ring_is_left_alone() {
    let (daemon, mut store) = Xenstored::with_store();
    let page = daemon.page();
    page.u32(0x810).store(1, Ordering::Relaxed);
    page.u32(0x814).store(1, Ordering::Relaxed);
    let before = page.u32(0x804).load(Ordering::Relaxed);
    assert_eq!(store.read("a"), Err(StoreError::TimedOut));
    assert_eq!(page.u32(0x804).load(Ordering::Relaxed), before);
    page.u32(0x814).store(0, Ordering::Relaxed);
    daemon.write("a", "1");
    assert_eq!(store.read("a").as_deref(), Ok("1"));
}

#[test]
fn a_message_may_come_byte_by_byte_and_be_as_long_as_any() {
    let long = "z".repeat(MAX_PAYLOAD);
    let said = [
        message(21, 1, 3, b"OK\0"),
        message(2, 2, 4096, long.as_bytes()),
    ];
    let rest: Cell<VecDeque<u8>> = Cell::new(said.concat().into());
    // Each turn a byte; while the long value comes, as much as there is room for.
    let store = against(move |page| {
        let mut bytes = rest.take();
        let count = if bytes.len() < 4000 { 1 } else { 7 };
        let now: Vec<u8> = bytes.drain(..count.min(bytes.len())).collect();
        say(page, &now);
        rest.set(bytes);
    });
    let read = store.and_then(|mut store| store.read("a"));
    assert_eq!(read.as_deref(), Ok(&long[..]));
}

#[test]
fn words_of_what_a_daemon_cannot_do_mean_nothing() {
    let (daemon, mut store) = Xenstored::with_store();
    daemon.write("a", "1");
    daemon.page().u32(0x814).store(1, Ordering::Relaxed);
    daemon.page().u32(0x818).store(3, Ordering::Relaxed);
    assert_eq!(store.read("a").as_deref(), Ok("1"));
}

#[test]
fn what_nobody_has_told_has_not_changed() {
    let answers = Cell::new(0);
    let store = against(move |page| {
        let kind = [21, 4][answers.get()];
        answers.set(answers.get() + 1);
        say(page, &message(kind, answers.get() as u32, 3, b"OK\0"));
    });
    let mut store = store.expect("it answers");
    let path = "p".repeat(MAX_PATH);
    let watch = store.watch(&path).expect("just short enough");
    assert_eq!(store.poll(), Ok(false));
    assert!(!store.take_changed(watch));
}

#[test]
fn a_bell_is_rung_for_what_was_written_and_for_what_was_read() {
    let bells = Rc::new(Bells::default());
    let page = SharedPage::new();
    let mut client = Client::new(page.clone(), Port(1), Rc::<Bells>::clone(&bells));
    client.pump().expect("sound");
    assert_eq!((bells.rung.take(), bells.taken.take()), (0, 1));
    let question = message::Outgoing::new(Kind::Read, 0, &[b"a\0"]);
    client.start(question.expect("short")).expect("sound");
    assert_eq!(bells.rung.take(), 1);
    client.pump().expect("sound");
    assert_eq!(bells.rung.take(), 0, "nothing has moved");
    say(&page, &message(2, 1, 1, b"x"));
    client.pump().expect("sound");
    assert_eq!(bells.rung.take(), 1);
    assert_eq!(client.answer(), Poll::Ready(Ok(b"x".into())));
    // A ring that is full takes nothing, and so nobody need look.
    let question = message::Outgoing::new(Kind::Write, 0, &[&[b'y'; 2000]]);
    client.start(question.expect("short")).expect("sound");
    assert_eq!(bells.rung.take(), 1);
    client.pump().expect("sound");
    assert_eq!(bells.rung.take(), 0);
}
