//! The grammar of a script: packetdrill's, the part that is needed here.

use super::cursor::Cursor;
use super::{
    Action, Call, Damage, Descriptor, Errno, Flags, Options, Script, Segment, SegmentOption,
    SocketOption, Span, Step, Unreachable, Value, What, When,
};

const DIFFERS: &str = "Linux differs:";

/// Reads a whole file.
pub(super) fn script(name: &str, text: &str) -> Result<Script, String> {
    let title = text.lines().next().and_then(|line| line.strip_prefix("//"));
    let title = title.map(str::trim).filter(|title| title.contains("[RFC "));
    let title = title.ok_or_else(|| {
        format!("{name}:1: the first line must be a comment: a sentence and its [RFC n section]")
    })?;
    let mut script = Script {
        name: name.to_owned(),
        title: title.to_owned(),
        linux_differs: None,
        steps: Vec::new(),
    };
    for (line, number) in text.lines().zip(1..) {
        let (code, comment) = line.split_once("//").unwrap_or((line, ""));
        if let Some(reason) = comment.trim().strip_prefix(DIFFERS) {
            script.linux_differs = Some(reason.trim().to_owned());
        }
        let mut cursor = Cursor::new(code);
        if cursor.is_empty() {
            continue;
        }
        let (when, action) = step(&mut cursor).map_err(|e| format!("{name}:{number}: {e}"))?;
        script.steps.push(Step {
            line: number,
            when,
            action,
        });
    }
    if script.steps.is_empty() {
        return Err(format!("{name}:1: the script does nothing"));
    }
    Ok(script)
}

fn step(cursor: &mut Cursor<'_>) -> Result<(When, Action), String> {
    let when = when(cursor)?;
    let action = if cursor.eat("<") {
        if cursor.eat("icmp") {
            Action::Complain(unreachable(cursor)?)
        } else {
            Action::Inject(segment(cursor)?)
        }
    } else if cursor.eat(">") {
        Action::Expect(segment(cursor)?)
    } else {
        Action::Call(call(cursor)?)
    };
    if !cursor.is_empty() {
        return Err(format!("did not expect `{}`", cursor.rest()));
    }
    let fits = match (when.span, &action) {
        (Span::Point, _) => true,
        (Span::Blocking(_), action) => matches!(action, Action::Call(_)),
        (_, action) => matches!(action, Action::Expect(_)),
    };
    if !fits {
        return Err(
            "only calls block (`...`), only `>` may come in a window (`~`, `*`)".to_owned(),
        );
    }
    Ok((when, action))
}

fn when(cursor: &mut Cursor<'_>) -> Result<When, String> {
    if cursor.eat("*") {
        return Ok(When {
            relative: true,
            from: core::time::Duration::ZERO,
            span: Span::Any,
        });
    }
    let relative = cursor.eat("+");
    let from = cursor.seconds()?;
    let span = if cursor.eat("~") {
        if cursor.eat("+") != relative {
            return Err("both ends of a window are relative, or none is".to_owned());
        }
        Span::Window(cursor.seconds()?)
    } else if cursor.eat("...") {
        Span::Blocking(cursor.seconds()?)
    } else {
        Span::Point
    };
    match span {
        Span::Window(to) | Span::Blocking(to) if to < from => {
            Err("a step ends before it starts".to_owned())
        }
        span => Ok(When {
            relative,
            from,
            span,
        }),
    }
}

/// `#2 P. 1:1001(1000) ack 1 win 1000 urg 3 <nop,nop,TS val 1 ecr 2> badsum`
fn segment(cursor: &mut Cursor<'_>) -> Result<Segment, String> {
    let peer = if cursor.eat("#") { cursor.number()? } else { 1 };
    let letters = cursor.take_while(|c| !c.is_whitespace());
    let flags = Flags::from_letters(letters).ok_or_else(|| format!("no flags: `{letters}`"))?;
    let (seq, len) = sequence(cursor)?;
    let mut segment = Segment {
        peer,
        flags,
        seq,
        len,
        ..Segment::default()
    };
    while !cursor.is_empty() {
        if cursor.eat("ack ") {
            segment.ack = Some(cursor.number()?);
        } else if cursor.eat("win ") {
            segment.window = Some(cursor.number()?);
        } else if cursor.eat("urg ") {
            segment.urgent = cursor.number()?;
        } else if cursor.eat("badsum") {
            segment.damage = Some(Damage::Checksum);
        } else if cursor.eat("doff ") {
            segment.damage = Some(Damage::DataOffset(cursor.number()?));
        } else if cursor.eat("<") {
            segment.options = options(cursor)?;
        } else {
            return Err(format!("did not expect `{}`", cursor.rest()));
        }
    }
    if segment.ack.is_some() != flags.has(Flags::ACK) {
        return Err("`.` goes with `ack`, and only then".to_owned());
    }
    Ok(segment)
}

/// `1:1001(1000)`
fn sequence(cursor: &mut Cursor<'_>) -> Result<(u32, u32), String> {
    let seq: u32 = cursor.number()?;
    cursor.expect(":")?;
    let end: u32 = cursor.number()?;
    cursor.expect("(")?;
    let len: u32 = cursor.number()?;
    cursor.expect(")")?;
    if end != seq.wrapping_add(len) {
        return Err(format!("{seq}:{end} is not {len} bytes"));
    }
    Ok((seq, len))
}

fn options(cursor: &mut Cursor<'_>) -> Result<Options, String> {
    if cursor.eat("...>") {
        return Ok(Options::Any);
    }
    let mut list = Vec::new();
    loop {
        list.push(option(cursor)?);
        if !cursor.eat(",") {
            cursor.expect(">")?;
            return Ok(Options::List(list));
        }
    }
}

fn option(cursor: &mut Cursor<'_>) -> Result<SegmentOption, String> {
    let name = cursor.word();
    Ok(match name {
        "eol" => SegmentOption::End,
        "nop" => SegmentOption::NoOperation,
        "mss" => SegmentOption::Mss(value(cursor)?),
        "wscale" => SegmentOption::WindowScale(value(cursor)?),
        "sackOK" => SegmentOption::SackPermitted,
        "sack" => {
            let mut blocks = Vec::new();
            while cursor.peek().is_some_and(|c| c.is_ascii_digit()) {
                let left = cursor.number()?;
                cursor.expect(":")?;
                blocks.push((left, cursor.number()?));
            }
            SegmentOption::Sack(blocks)
        }
        "TS" => {
            cursor.expect("val ")?;
            let val = value(cursor)?;
            cursor.expect("ecr ")?;
            SegmentOption::Timestamps(val, value(cursor)?)
        }
        "opt" => {
            let kind = cursor.number()?;
            SegmentOption::Other(kind, bytes(cursor.word())?)
        }
        _ => return Err(format!("no such option: `{name}`")),
    })
}

fn value<T: core::str::FromStr>(cursor: &mut Cursor<'_>) -> Result<Value<T>, String> {
    if cursor.eat("*") {
        return Ok(Value(None));
    }
    cursor.number().map(|number| Value(Some(number)))
}

fn bytes(digits: &str) -> Result<Vec<u8>, String> {
    let pairs = digits.as_bytes().chunks(2);
    let pairs = pairs.map(|pair| u8::from_str_radix(core::str::from_utf8(pair).ok()?, 16).ok());
    pairs
        .collect::<Option<Vec<u8>>>()
        .ok_or_else(|| format!("not hexadecimal: `{digits}`"))
}

/// `unreachable port_unreachable [0:0(0)]`
fn unreachable(cursor: &mut Cursor<'_>) -> Result<Unreachable, String> {
    cursor.expect("unreachable ")?;
    let code = match cursor.word() {
        "net_unreachable" => 0,
        "host_unreachable" => 1,
        "protocol_unreachable" => 2,
        "port_unreachable" => 3,
        other => return Err(format!("no such code: `{other}`")),
    };
    cursor.expect("[")?;
    let (seq, _) = sequence(cursor)?;
    cursor.expect("]")?;
    Ok(Unreachable { code, seq })
}

/// `read(4, ..., 1000) = 500`
fn call(cursor: &mut Cursor<'_>) -> Result<Call, String> {
    let text = cursor.rest().to_owned();
    let name = cursor.word();
    cursor.expect("(")?;
    let arguments = cursor.until(") =")?;
    let arguments: Vec<&str> = arguments.split(',').map(str::trim).collect();
    let what = what(name, &arguments)?;
    let result = if cursor.eat("-1") {
        let errno = cursor.word();
        let errno = Errno::named(errno).ok_or_else(|| format!("no such error: `{errno}`"))?;
        if cursor.eat("(") {
            cursor.until(")")?;
        }
        Err(errno)
    } else {
        Ok(cursor.number()?)
    };
    Ok(Call { what, result, text })
}

fn what(name: &str, arguments: &[&str]) -> Result<What, String> {
    let text = |at: usize| arguments.get(at).copied().unwrap_or_default();
    let number = |at: usize| {
        let wrong = || format!("argument {} of {name} must be a number", at + 1);
        text(at).parse::<usize>().map_err(|_| wrong())
    };
    let peer = text(1).strip_prefix('#').map(str::parse::<u16>);
    let peer = peer
        .transpose()
        .map_err(|_| format!("no peer: `{}`", text(1)))?;
    if name == "socket" {
        return Ok(What::Socket);
    }
    let descriptor = u32::try_from(number(0)?).map_err(|_| "no such descriptor")?;
    let on = Descriptor(descriptor);
    Ok(match name {
        "bind" => What::Bind(on),
        "listen" => What::Listen(on, number(1)?),
        "accept" => What::Accept(on, peer),
        "connect" => What::Connect(on, peer.unwrap_or(1)),
        "read" => What::Read(on, number(2)?),
        "write" => What::Write(on, number(2)?),
        "shutdown" if text(1) == "SHUT_WR" => What::Shutdown(on),
        "close" => What::Close(on),
        "fcntl" if text(2).contains("O_NONBLOCK") => What::Nonblocking(on),
        "setsockopt" => What::Set(on, socket_option(text(2), text(3))?),
        _ => return Err(format!("cannot call {name}({})", arguments.join(", "))),
    })
}

fn socket_option(name: &str, value: &str) -> Result<SocketOption, String> {
    let number = value.trim_start_matches('[').trim_end_matches(']').parse();
    Ok(match (name, number) {
        ("TCP_USER_TIMEOUT", Ok(millis)) => {
            let millis = u32::try_from(millis).map_err(|_| format!("too long: {millis}"))?;
            SocketOption::UserTimeout(millis)
        }
        ("TCP_NODELAY", Ok(on)) => SocketOption::NoDelay(on != 0),
        ("SO_SNDBUF", Ok(size)) => SocketOption::SendBuffer(size),
        ("SO_RCVBUF", Ok(size)) => SocketOption::ReceiveBuffer(size),
        ("SO_LINGER", _) if value == "{onoff=1" => SocketOption::Abort,
        _ => return Err(format!("cannot set {name} to {value}")),
    })
}

#[cfg(test)]
mod tests;
