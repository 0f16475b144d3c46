//! Everything that a client sends on a connection.

use core::cell::RefCell;
use core::convert::Infallible;
use core::future::Future;
use core::pin::pin;
use core::task::{Context, Waker};
use std::rc::Rc;

use embedded_io_async::{BufRead, ErrorType, Read, Write};
use http::{Limits as HttpLimits, Server};
use packet::{Chunk, Instant, Limits, Part, Pool, Transport};

use crate::handler::{Site, World};
use crate::input::Input;
use crate::pool::lend;

/// Said only to who has not sent the body yet, so not to who sends all at once.
const CONTINUE: &str = "HTTP/1.1 100 Continue\r\n\r\n";

/// Serves a client that sends these bytes and then finishes: once whole, once cut into pieces as
/// long as the first byte says. It must get the same answers.
pub fn http_server(bytes: &[u8]) {
    thread_local! {
        static POOL: Pool = Pool::new(Limits {
            cells: 8,
            pages: 8,
            bays: 1,
        });
    }
    let mut input = Input::new(bytes);
    let piece = usize::from(input.byte()).max(1);
    let (whole, in_pieces) = lend(&POOL, |pool| {
        let bytes = || Part::copy_from(pool, input.rest()).map(Chunk::from);
        let (Some(whole), Some(again)) = (bytes().map(|bytes| serve(bytes, usize::MAX)), bytes())
        else {
            return (String::new(), String::new());
        };
        (whole, serve(again, piece))
    });
    assert!(whole.is_empty() || whole.starts_with("HTTP/1.1 "));
    assert_eq!(
        whole.replace(CONTINUE, ""),
        in_pieces.replace(CONTINUE, ""),
        "in pieces of {piece}"
    );
}

/// What the client gets.
fn serve(bytes: Chunk, piece: usize) -> String {
    let server = Server::new(HttpLimits::default(), World::default());
    let client = Client(Rc::new(RefCell::new(Exchanged {
        rest: bytes,
        piece,
        answer: Vec::new(),
        has_ended: false,
    })));
    let serving = pin!(server.serve(client.clone(), &Site));
    let polled = serving.poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_ready(), "it waits for what will never come");
    let exchanged = client.0.take();
    assert!(exchanged.has_ended, "the client waits for the end");
    String::from_utf8_lossy(&exchanged.answer).into_owned()
}

/// A connection to a client that has said all it will ever say.
#[derive(Clone)]
struct Client(Rc<RefCell<Exchanged>>);

#[derive(Default)]
struct Exchanged {
    rest: Chunk,
    piece: usize,
    answer: Vec<u8>,
    has_ended: bool,
}

impl Client {
    fn hear(&self, bytes: &[u8]) {
        let mut exchanged = self.0.borrow_mut();
        assert!(!exchanged.has_ended, "sent after the end");
        exchanged.answer.extend_from_slice(bytes);
    }
}

impl ErrorType for Client {
    type Error = Infallible;
}

impl Read for Client {
    async fn read(&mut self, _: &mut [u8]) -> Result<usize, Infallible> {
        unreachable!("http takes chunks")
    }
}

impl BufRead for Client {
    async fn fill_buf(&mut self) -> Result<&[u8], Infallible> {
        unreachable!("http takes chunks")
    }

    fn consume(&mut self, _: usize) {}
}

impl Write for Client {
    /// Takes a part of it, as a transport may.
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        let count = bytes.len().min(100);
        self.hear(&bytes[..count]);
        Ok(count)
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}

impl Transport for Client {
    async fn receive(&mut self) -> Result<Option<Chunk>, Infallible> {
        let mut exchanged = self.0.borrow_mut();
        let piece = exchanged.piece;
        let chunk = exchanged.rest.split_to(piece);
        Ok((!chunk.is_empty()).then_some(chunk))
    }

    async fn send(&mut self, chunk: Chunk) -> Result<(), Infallible> {
        self.hear(&chunk);
        Ok(())
    }

    fn deadline(&mut self, _: Option<Instant>) {}

    fn finish(&mut self) {
        self.0.borrow_mut().has_ended = true;
    }

    async fn drained(&mut self) -> Result<(), Infallible> {
        Ok(())
    }
}
