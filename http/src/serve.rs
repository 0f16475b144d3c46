//! The server's side of a connection: one request after the other until one of the two closes.

use alloc::boxed::Box;
use core::cell::{Cell, RefCell};
use core::fmt::Write as _;
use core::future::{Future, poll_fn};
use core::pin::pin;
use core::task::Poll;

use heapless::String;
use packet::{Duration, Instant, Surroundings, Transport};

use crate::connection::Connection;
use crate::exchange::Exchange;
use crate::head::{Budget, Head, Reader};
use crate::request::{Method, Request};
use crate::response::Response;
use crate::{Date, Error, Limits, Status, media};

/// What an application does with requests.
#[expect(async_fn_in_trait, reason = "one thread: no future here is ever Send")]
pub trait Handler {
    /// The methods that the resource at `path` takes. Others are answered with 405 and OPTIONS with
    /// this list, before [`Handler::handle`] sees them.
    fn methods(&self, path: &str) -> &'static [Method] {
        let _ = path;
        &[Method::Get, Method::Head]
    }

    /// Answers a request.
    ///
    /// # Errors
    /// Those of the exchange, handed on; [`Error::Aborted`] when it cannot go on.
    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>>;

    /// Hears of each response, when its last byte was handed over.
    fn log(&self, answered: &Answered<'_>) {
        let _ = answered;
    }
}

/// A request and what became of it.
#[derive(Clone, Copy, Debug)]
pub struct Answered<'a> {
    /// `-` where the request was refused before anything of it could be believed.
    pub method: &'a str,
    /// The target as it was sent, or `-`.
    pub target: &'a str,
    /// What the peer was told.
    pub status: Status,
    /// Bytes of the response's body.
    pub bytes: u64,
    /// From the end of the request's head to here.
    pub took: Duration,
}

/// What all connections of a server share.
pub struct Server {
    limits: Limits,
    surroundings: Box<dyn Surroundings>,
    gathered: Budget,
    /// The text of a second: it is the same for thousands of responses.
    date: RefCell<(Date, String<32>)>,
    served: Cell<u64>,
}

/// How long the memory of a request stays for the next one. Steady traffic allocates nothing; a
/// connection that rests longer holds only itself.
const LINGER: Duration = Duration::from_secs(1);

/// What becomes of a connection.
enum Next {
    Request,
    Close,
    /// It failed: nobody listens any more.
    Drop,
}

impl Server {
    /// A server with these limits.
    #[must_use]
    pub fn new(limits: Limits, surroundings: impl Surroundings + 'static) -> Self {
        Self {
            gathered: Budget::new(limits.gathered),
            limits,
            surroundings: Box::new(surroundings),
            date: RefCell::new((Date { unix: u64::MAX }, String::new())),
            served: Cell::new(0),
        }
    }

    /// Requests answered so far, refused ones too.
    #[must_use]
    pub fn served(&self) -> u64 {
        self.served.get()
    }

    /// Serves a connection until it is closed. Not cancel safe: dropping it drops the connection.
    pub async fn serve<T: Transport>(&self, transport: T, handler: &impl Handler) {
        let mut connection = Connection::new(transport);
        let mut rest = Duration::ZERO;
        while self
            .wait(&mut connection, self.limits.idle.saturating_sub(rest))
            .await
        {
            // The future of a request is large. It owns the connection and gives it back, so that
            // its memory can be used again for the next.
            let mut place = Box::pin(None);
            loop {
                place.set(Some(self.exchange(connection, handler)));
                let Some(future) = place.as_mut().as_pin_mut() else {
                    return;
                };
                let next;
                (connection, next) = future.await;
                match next {
                    Next::Request => {}
                    Next::Close => return self.close(connection).await,
                    Next::Drop => return,
                }
                if !self.wait(&mut connection, LINGER).await {
                    break;
                }
            }
            rest = LINGER.min(self.limits.idle);
        }
        self.close(connection).await;
    }

    pub(crate) const fn limits(&self) -> &Limits {
        &self.limits
    }

    pub(crate) fn now(&self) -> Instant {
        self.surroundings.now()
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.surroundings.is_stopping()
    }

    pub(crate) fn date(&self) -> Date {
        Date {
            unix: self.surroundings.unix_time().as_secs(),
        }
    }

    pub(crate) fn with_date<R>(&self, use_it: impl FnOnce(&str) -> R) -> R {
        let now = self.date();
        let (date, text) = &mut *self.date.borrow_mut();
        if *date != now {
            *date = now;
            text.clear();
            // 29 bytes always fit.
            let _ = write!(text, "{now}");
        }
        use_it(text)
    }

    /// Waits for the first byte of a request. `false`: there is none, because the time is over, the
    /// peer has finished or the server stops. Cancel safe.
    async fn wait<T: Transport>(&self, connection: &mut Connection<T>, time: Duration) -> bool {
        if !connection.unread.is_empty() {
            return true;
        }
        if connection.ended {
            return false;
        }
        let deadline = self.now() + time;
        let mut fill = pin!(connection.fill(Some(deadline)));
        poll_fn(|cx| match fill.as_mut().poll(cx) {
            Poll::Ready(filled) => Poll::Ready(filled.is_ok()),
            Poll::Pending if self.is_stopping() => Poll::Ready(false),
            Poll::Pending => Poll::Pending,
        })
        .await
    }

    /// Reads and answers one request.
    async fn exchange<T: Transport, H: Handler>(
        &self,
        mut connection: Connection<T>,
        handler: &H,
    ) -> (Connection<T>, Next) {
        let began = self.now();
        connection.requests = connection.requests.saturating_add(1);
        let read = self.read_head(&mut connection, began).await;
        let head;
        let request = match read {
            Ok(Some(whole)) => {
                head = whole;
                Request::parse(&head, &self.limits).map_err(Error::Refused)
            }
            Ok(None) => return (connection, Next::Close),
            Err(error) => Err(error),
        };
        let next = self.answer(&mut connection, request, handler, began).await;
        (connection, next)
    }

    /// `None` when the peer had nothing more to ask.
    async fn read_head<T: Transport>(
        &self,
        connection: &mut Connection<T>,
        began: Instant,
    ) -> Result<Option<Head<'_>>, Error<T::Error>> {
        let mut reader = Reader::new(&self.limits, &self.gathered);
        loop {
            if let Some(head) = reader.push(&mut connection.unread)? {
                return Ok(Some(head));
            }
            let deadline = began + self.limits.head_time;
            match connection.fill(Some(deadline)).await {
                Err(Error::Refused(_)) if !reader.has_begun() => return Ok(None),
                filled => filled?,
            }
        }
    }

    async fn answer<T: Transport, H: Handler>(
        &self,
        connection: &mut Connection<T>,
        request: Result<Request<'_>, Error<T::Error>>,
        handler: &H,
        began: Instant,
    ) -> Next {
        let head_ended = self.now();
        let (request, mut result) = match request {
            Ok(request) => (Some(request), Ok(())),
            Err(error) => (None, Err(error)),
        };
        let request = request.as_ref();
        let mut exchange = Exchange::new(self, connection, request, began);
        if let Some(request) = request {
            result = dispatch(request, &mut exchange, handler).await;
        }
        if result.is_ok() {
            result = exchange.complete().await;
        }
        if let Err(error) = &result {
            exchange.persists = false;
            if let Some(status) = error.status() {
                result = exchange.give_up(status).await;
            }
        }
        if let Some(status) = exchange.status {
            self.served.set(self.served.get().wrapping_add(1));
            handler.log(&Answered {
                method: request.map_or("-", |request| request.method.as_str()),
                target: request.map_or("-", |request| request.target),
                status,
                bytes: exchange.sent,
                took: self.now().since(head_ended),
            });
        }
        match result {
            Err(Error::Transport(_)) => Next::Drop,
            Ok(()) if exchange.persists => Next::Request,
            _ => Next::Close,
        }
    }

    /// Closes so that the peer sees all that was sent (RFC 9112, 9.6): says that nothing more comes,
    /// waits until the peer has all of it, and goes on listening for a while. Closing with bytes
    /// unread would reset the connection, and a reset destroys what the peer has not read yet.
    async fn close<T: Transport>(&self, connection: Connection<T>) {
        let Connection {
            mut transport,
            ended,
            unread,
            ..
        } = connection;
        drop(unread);
        transport.finish();
        if ended {
            return;
        }
        transport.deadline(Some(self.now() + self.limits.deliver));
        if transport.drained().await.is_err() {
            return;
        }
        transport.deadline(Some(self.now() + self.limits.drain_time));
        let mut left = self.limits.drain;
        while let Ok(Some(unwanted)) = transport.receive().await {
            let Some(rest) = left.checked_sub(unwanted.len() as u64) else {
                return;
            };
            left = rest;
        }
    }
}

/// Answers what no handler has to.
async fn dispatch<T: Transport, H: Handler>(
    request: &Request<'_>,
    exchange: &mut Exchange<'_, T>,
    handler: &H,
) -> Result<(), Error<T::Error>> {
    let methods = handler.methods(request.path);
    if methods.contains(&request.method) {
        return handler.handle(request, exchange).await;
    }
    if request.method == Method::Options {
        let response = Response::new(Status::NO_CONTENT).allow(methods);
        return exchange.respond(response).await;
    }
    let status = Status::METHOD_NOT_ALLOWED;
    let response = Response::new(status)
        .allow(methods)
        .content_type(media::TEXT);
    exchange.reply(response, status.reason().as_bytes()).await
}
