//! A small site, and what a server must know of its surroundings.

use core::cell::Cell;
use std::rc::Rc;

use http::{Error, Exchange, Handler, Method, Request, Response, Status};
use packet::{Duration, Instant, Surroundings, Transport};

/// Answers with bodies of known and unknown length, and reads some.
pub(crate) struct Site;

static SHORT: &[u8] = b"a body";
static LONG: &[u8] = &[b'x'; 20_000];

impl Handler for Site {
    fn methods(&self, path: &str) -> &'static [Method] {
        match path {
            "/echo" | "/ignore" => &[Method::Post],
            _ => &[Method::Get, Method::Head],
        }
    }

    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let ok = Response::new(Status::OK);
        match request.path {
            "/" => exchange.reply(ok, SHORT).await,
            "/long" => exchange.reply(ok, LONG).await,
            "/echo" => {
                let mut body = Vec::new();
                while let Some(chunk) = exchange.receive().await? {
                    body.extend_from_slice(&chunk);
                }
                exchange.respond(ok.length(body.len() as u64)).await?;
                exchange.write(&body).await
            }
            "/ignore" => exchange.reply_status(Status::OK).await,
            "/chunked" => {
                exchange.respond(ok).await?;
                exchange.send(SHORT.into()).await?;
                exchange.write(b"and more").await
            }
            _ => exchange.reply_status(Status::NOT_FOUND).await,
        }
    }
}

/// A clock that somebody else sets.
#[derive(Clone, Default)]
pub(crate) struct World {
    pub(crate) now: Rc<Cell<Instant>>,
}

impl Surroundings for World {
    fn now(&self) -> Instant {
        self.now.get()
    }

    fn unix_time(&self) -> Duration {
        // The example of RFC 9110.
        Duration::from_secs(784_111_777)
    }

    fn is_stopping(&self) -> bool {
        false
    }
}
