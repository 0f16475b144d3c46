use core::time::Duration;

use super::*;

fn only(line: &str) -> Result<Step, String> {
    let script = script("x.pkt", &format!("// A test. [RFC 9293 1]\n{line}\n"))?;
    Ok(script.steps[0].clone())
}

#[test]
fn a_segment_reads_as_it_is_shown() {
    for text in [
        "S 0:0(0) win 65535 <mss 1000,nop,wscale 7>",
        "SEW 0:0(0) win 1",
        "P. 1:1001(1000) ack 1",
        "#2 F. 4294967295:0(1) ack 7 win 0 <nop,nop,TS val 1 ecr *>",
        ". 1:1(0) ack 1 win 5 <nop,nop,sack 1001:2001 3001:4001>",
        "R 5:5(0)",
        "- 5:6(1)",
        ".U 1:2(1) ack 1 win 9 urg 1 <opt 254 01ff,eol>",
        ". 1:1(0) ack 1 win 9 badsum",
        ". 1:1(0) ack 1 win 9 doff 4",
        "S. 0:0(0) ack 1 <...>",
    ] {
        let Action::Expect(segment) = only(&format!("+0 > {text}")).unwrap().action else {
            panic!("{text} is not an expectation");
        };
        assert_eq!(segment.to_string(), text);
    }
}

#[test]
fn times_have_four_forms() {
    let millis = Duration::from_millis;
    for (text, relative, from, span) in [
        ("+.1 > . 1:1(0) ack 1", true, 100, Span::Point),
        ("1.5 > . 1:1(0) ack 1", false, 1500, Span::Point),
        (
            "+.1~+.3 > . 1:1(0) ack 1",
            true,
            100,
            Span::Window(millis(300)),
        ),
        ("* > . 1:1(0) ack 1", true, 0, Span::Any),
        (
            "+0...0.2 close(3) = 0",
            true,
            0,
            Span::Blocking(millis(200)),
        ),
    ] {
        let expected = When {
            relative,
            from: millis(from),
            span,
        };
        assert_eq!(only(text).unwrap().when, expected, "{text}");
    }
}

#[test]
fn calls_have_results_and_errors() {
    let step = only("+0 read(4, ..., 100) = -1 ECONNRESET (Connection reset by peer)").unwrap();
    let Action::Call(call) = step.action else {
        panic!("not a call");
    };
    assert_eq!(call.what, What::Read(Descriptor(4), 100));
    assert_eq!(call.result, Err(Errno::ConnectionReset));
    let step = only("+0 setsockopt(4, SOL_SOCKET, SO_LINGER, {onoff=1, linger=0}, 8) = 0").unwrap();
    let Action::Call(call) = step.action else {
        panic!("not a call");
    };
    assert_eq!(call.what, What::Set(Descriptor(4), SocketOption::Abort));
}

#[test]
fn mistakes_are_told_with_their_line() {
    for (line, told) in [
        ("+0 > Q 0:0(0)", "no flags: `Q`"),
        ("+0 > . 1:3(1) ack 1", "1:3 is not 1 bytes"),
        ("+0 > . 1:1(0)", "`.` goes with `ack`"),
        ("+0 < S 0:0(0) <size 3>", "no such option: `size`"),
        ("+0...1 < S 0:0(0)", "only calls block"),
        ("+.3~+.1 > S 0:0(0)", "ends before it starts"),
        ("+0 frobnicate(3) = 0", "cannot call frobnicate"),
        ("+0 read(4, ..., x) = 0", "argument 3 of read"),
        ("+0 read(4, ..., 1) = -1 ENOPE", "no such error: `ENOPE`"),
        ("soon > S 0:0(0)", "expected seconds"),
    ] {
        let error = only(line).unwrap_err();
        assert!(error.starts_with("x.pkt:2: "), "{error}");
        assert!(error.contains(told), "{error}");
    }
    assert!(
        script("x.pkt", "+0 close(3) = 0")
            .unwrap_err()
            .contains("first line")
    );
}

#[test]
fn the_marker_for_linux_is_read() {
    let text = "// A test. [RFC 9293 1]\n// Linux differs: it is older.\n+0 close(3) = 0 // done\n";
    let script = script("x.pkt", text).unwrap();
    assert_eq!(script.linux_differs.as_deref(), Some("it is older."));
    assert_eq!(script.title, "A test. [RFC 9293 1]");
    assert_eq!(script.steps[0].line, 3);
}
