use super::*;

const HEAD: &[u8] = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n";

fn read(pieces: &[&'static [u8]]) -> (Result<Option<Vec<u8>>, Refusal>, usize) {
    let limits = Limits::default();
    let budget = Budget::new(limits.gathered);
    let mut reader = Reader::new(&limits, &budget);
    for piece in pieces {
        let mut unread = Chunk::from(*piece);
        match reader.push(&mut unread) {
            Ok(None) => assert!(unread.is_empty()),
            Ok(Some(head)) => return (Ok(Some(head.to_vec())), unread.len()),
            Err(refusal) => return (Err(refusal), unread.len()),
        }
    }
    (Ok(None), 0)
}

#[test]
fn a_head_in_one_piece_is_not_copied() {
    let limits = Limits::default();
    let budget = Budget::new(0);
    let mut unread = Chunk::from(HEAD);
    let head = Reader::new(&limits, &budget).push(&mut unread);
    let head = head.unwrap().unwrap();
    assert_eq!(head.as_ptr(), HEAD.as_ptr());
    assert_eq!(head.len(), HEAD.len());
}

#[test]
fn what_follows_the_head_is_left() {
    let pipelined = b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET";
    assert_eq!(read(&[pipelined]), (Ok(Some(HEAD.to_vec())), 3));
    assert_eq!(
        read(&[&pipelined[..9], &pipelined[9..]]),
        (Ok(Some(HEAD.to_vec())), 3)
    );
}

#[test]
fn a_head_in_single_bytes_is_scanned_once() {
    let limits = Limits::default();
    let budget = Budget::new(limits.gathered);
    let mut head = b"GET / HTTP/1.1\r\n".to_vec();
    while head.len() < 8 * 1024 {
        head.extend_from_slice(b"X-Padding: 0123456789abcdef\r\n");
    }
    head.extend_from_slice(b"\r\n");
    let head: &'static [u8] = head.leak();
    let mut reader = Reader::new(&limits, &budget);
    let mut whole = None;
    for byte in head.chunks(1) {
        whole = reader.push(&mut Chunk::from(byte)).unwrap();
    }
    assert_eq!(&*whole.unwrap(), head);
    assert_eq!(reader.scanner.scanned, head.len());
    assert_eq!(
        budget.left.get(),
        limits.gathered,
        "all memory is given back"
    );
}

#[test]
fn empty_lines_before_a_head_are_forgiven_twice() {
    assert_eq!(
        read(&[b"\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"]).0,
        Ok(Some(HEAD.to_vec()))
    );
    assert_eq!(
        read(&[b"\r", b"\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"]).0,
        Ok(Some(HEAD.to_vec()))
    );
    assert_eq!(read(&[b"\r\n\r\n\r\n"]).0, Err(Refusal::StartLine));
}

#[test]
fn bare_ends_of_lines_and_nul_are_refused_at_once() {
    for bytes in [
        &b"GET / HTTP/1.1\n"[..],
        b"GET / HTTP/1.1\r ",
        b"GET / HTTP/1.1\r\nA: b\n",
        b"GET / HTTP/1.1\r\n\n",
        b"GET / HTTP/1.1\r\n\rA",
        b"GET /\0",
        b"\n",
    ] {
        assert_eq!(read(&[bytes]).0, Err(Refusal::StartLine), "{bytes:?}");
    }
}

#[test]
fn sizes_are_bounded() {
    let long_line = [b'a'; 8 * 1024 + 1];
    assert_eq!(
        read(&[Vec::from(long_line).leak()]).0,
        Err(Refusal::LineTooLong)
    );
    let mut long_head = b"GET / HTTP/1.1\r\nA: ".to_vec();
    long_head.resize(16 * 1024 + 1, b'a');
    assert_eq!(read(&[long_head.leak()]).0, Err(Refusal::HeadTooLarge));
}

#[test]
fn the_budget_is_common_to_all_heads() {
    let limits = Limits::default();
    let budget = Budget::new(2 * FIRST_CAPACITY);
    let mut readers = [(); 3].map(|()| Reader::new(&limits, &budget));
    let results = readers
        .each_mut()
        .map(|reader| reader.push(&mut Chunk::from(&b"GET"[..])).map(|_| ()));
    assert_eq!(results, [Ok(()), Ok(()), Err(Refusal::Busy)]);
    drop(readers);
    assert_eq!(budget.left.get(), 2 * FIRST_CAPACITY);
}
