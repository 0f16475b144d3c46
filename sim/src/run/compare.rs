//! Whether a segment is the one that a script expects.

use core::time::Duration;

use crate::script::{Flags, Options, Segment, SegmentOption, Value};

/// What is not as expected, if anything.
///
/// PSH is demanded where the script writes `P`, and free where it does not: RFC 9293 3.9.1.2 asks
/// for it on the last segment of what was written and leaves the others to the sender.
pub(super) fn differs(expected: &Segment, got: &Segment, slack: Duration) -> Option<&'static str> {
    let flags = |segment: &Segment| match expected.flags.has(Flags::PSH) {
        true => segment.flags,
        false => segment.flags.without(Flags::PSH),
    };
    let checks = [
        ("peer", expected.peer == got.peer),
        ("flags", flags(expected) == flags(got)),
        ("sequence number", expected.seq == got.seq),
        ("length", expected.len == got.len),
        ("acknowledgement", expected.ack == got.ack),
        (
            "window",
            expected.window.is_none() || expected.window == got.window,
        ),
        ("urgent pointer", expected.urgent == got.urgent),
        (
            "options",
            same_options(&expected.options, &got.options, slack),
        ),
    ];
    let wrong = checks.into_iter().find(|(_, same)| !same);
    wrong.map(|(what, _)| what)
}

/// One segment for two that follow each other on the wire, if they may stand for one.
pub(super) fn join(first: &Segment, second: &Segment) -> Option<Segment> {
    let last_flags = Flags(Flags::PSH.0 | Flags::FIN.0);
    let fits = first.peer == second.peer
        && first.seq.wrapping_add(first.len) == second.seq
        && first.ack == second.ack
        && !first.flags.has(Flags::FIN)
        && first.flags.without(last_flags) == second.flags.without(last_flags);
    fits.then(|| Segment {
        len: first.len + second.len,
        flags: second.flags,
        ..first.clone()
    })
}

fn same_options(expected: &Options, got: &Options, slack: Duration) -> bool {
    if *expected == Options::Any {
        return true;
    }
    let padding =
        |o: &&SegmentOption| !matches!(o, SegmentOption::NoOperation | SegmentOption::End);
    let mut left: Vec<&SegmentOption> = got.iter().filter(padding).collect();
    for wanted in expected.iter().filter(padding) {
        match left
            .iter()
            .position(|option| same_option(wanted, option, slack))
        {
            Some(at) => left.remove(at),
            None => return false,
        };
    }
    left.is_empty()
}

fn same_option(expected: &SegmentOption, got: &SegmentOption, slack: Duration) -> bool {
    match (expected, got) {
        (SegmentOption::Mss(expected), SegmentOption::Mss(got)) => expected.accepts(got),
        (SegmentOption::WindowScale(expected), SegmentOption::WindowScale(got)) => {
            expected.accepts(got)
        }
        (
            SegmentOption::Timestamps(value, echo),
            SegmentOption::Timestamps(got_value, got_echo),
        ) => close(*value, *got_value, slack) && echo.accepts(got_echo),
        (expected, got) => expected == got,
    }
}

/// Whether a timestamp (in milliseconds) is the one expected, give or take what its time may be off.
fn close(expected: Value<u32>, got: Value<u32>, slack: Duration) -> bool {
    let (Some(expected), Some(got)) = (expected.0, got.0) else {
        return expected.0.is_none();
    };
    let off = expected.wrapping_sub(got).cast_signed().unsigned_abs();
    u128::from(off) <= slack.as_millis()
}
