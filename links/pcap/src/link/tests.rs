//! A capture that arrives.

use ::link::{Capture, Direction};
use packet::{Chunk, Limits};

use super::*;
use crate::{Recorder, Writer};

/// A file with these packets behind a header of Ethernet each.
fn capture(packets: &[(u64, &[u8])]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut writer = Writer::new(&mut file);
    for (nanos, bytes) in packets {
        let time = Duration::from_nanos(*nanos);
        writer
            .record(time, Direction::In, &[&[9; 14], *bytes].concat())
            .unwrap();
    }
    writer.flush().unwrap();
    drop(writer);
    file
}

fn link(file: &[u8], cells: usize) -> PcapLink<&[u8]> {
    let limits = Limits {
        cells,
        pages: 0,
        bays: 0,
    };
    PcapLink::new(Reader::new(file).unwrap(), [2; 6], 1500, Pool::new(limits))
}

fn received(link: &mut impl Link, at: u64) -> Vec<Vec<u8>> {
    let mut burst = Burst::new();
    link.receive(Instant::from_nanos(at), &mut burst).unwrap();
    burst
        .drain()
        .map(|frame| frame.head()[14..].to_vec())
        .collect()
}

#[test]
fn frames_arrive_at_their_time_one_by_one() {
    let hour = 3_600_000_000_000;
    let file = capture(&[
        (1000, b"one"),
        (1000, b"two"),
        (1500, b"three"),
        (900, b"four"),
        (900 + 100 * hour, b"five"),
    ]);
    let mut link = link(&file, 8);
    let report = link.report();
    assert_eq!(link.start(), Duration::from_nanos(1000));
    assert_eq!(received(&mut link, 0), [b"one"]);
    assert_eq!(received(&mut link, 0), [b"two"]);
    assert_eq!(link.next_event(), Some(Instant::from_nanos(500)));
    assert!(received(&mut link, 499).is_empty());
    assert_eq!(received(&mut link, 500), [b"three"]);
    // A clock that goes back stands still, and one that jumps is held.
    assert_eq!(received(&mut link, 500), [b"four"]);
    assert_eq!(link.next_event(), Some(Instant::from_nanos(500 + hour)));
    assert_eq!(received(&mut link, 500 + hour), [b"five"]);
    assert_eq!(link.next_event(), None);
    assert!(report.borrow().ended);
    assert_eq!(report.borrow().frames, 5);
}

#[test]
fn the_first_may_wait() {
    let file = capture(&[(1000, b"one"), (1010, b"two")]);
    let mut link = link(&file, 8).beginning_at(Instant::from_nanos(100));
    assert_eq!(link.start(), Duration::from_nanos(900));
    assert!(received(&mut link, 99).is_empty());
    assert_eq!(received(&mut link, 100), [b"one"]);
    assert_eq!(link.next_event(), Some(Instant::from_nanos(110)));
}

#[test]
fn a_broken_end_and_a_full_pool_are_reported() {
    let mut file = capture(&[(0, b"one"), (1, b"two")]);
    let broken = file.len() as u64;
    file.extend([6, 0, 0, 0, 9]);
    let mut link = link(&file, 1);
    let report = link.report();
    let mut held = Burst::new();
    link.receive(Instant::ZERO, &mut held).unwrap();
    assert_eq!(received(&mut link, 10), Vec::<Vec<u8>>::new());
    let report = report.borrow();
    assert_eq!((report.frames, report.no_buffer), (1, 1));
    assert_eq!(report.error.as_ref().unwrap().offset, broken);
}

#[test]
fn both_directions_are_written_down_with_their_times() {
    let file = capture(&[(5000, b"question")]);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("out");
    let link = link(&file, 8);
    let out = std::fs::File::create(&path).unwrap();
    let recorder = Recorder::starting_at(link.start(), out);
    let mut link = Capture::new(link, recorder.clone());
    assert_eq!(received(&mut link, 0), [b"question"]);
    let answer = ::link::Transmit {
        head: b"an",
        payload: &[Chunk::Static(b"swer")],
        offload: ::link::Offload::default(),
    };
    link.transmit(Instant::from_nanos(7), answer).unwrap();
    assert_eq!(recorder.finish().unwrap(), 2);
    let written = std::fs::read(&path).unwrap();
    let mut reader = Reader::new(&written[..]).unwrap();
    let mut next = || {
        let record = reader.next_record().unwrap().unwrap();
        (record.time.as_nanos(), record.bytes.to_vec())
    };
    assert_eq!(next(), (5000, [&[9; 14], &b"question"[..]].concat()));
    assert_eq!(next(), (5007, b"answer".to_vec()));
}

/// A file on a full disk.
struct Full;

impl std::io::Write for Full {
    fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
        Err(std::io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_full_disk_is_told_at_the_end_and_stops_nothing() {
    let file = capture(&[(0, b"one"), (0, b"two")]);
    let recorder = Recorder::live(Full);
    let mut link = Capture::new(link(&file, 8), recorder.clone());
    assert_eq!(received(&mut link, 0), [b"one"]);
    assert!(!link.arm());
    assert_eq!(received(&mut link, 0), [b"two"]);
    let error = recorder.finish().unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::StorageFull);
}
