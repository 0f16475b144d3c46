//! A server's resources for tests, and what a peer gets from them.
#![allow(dead_code, reason = "each test file uses some of it")]

use core::cell::RefCell;

use http::{Answered, Error, Exchange, Handler, Limits, Method, Request, Response, Server, Status};
use packet::{Chunk, Transport};

use crate::script::{Event, Peer, World, talk};

/// Resources that behave well, and some that do not.
#[derive(Default)]
pub(crate) struct Resources {
    pub(crate) log: RefCell<Vec<String>>,
}

pub(crate) static BODY: &[u8] = b"a body";

impl Handler for Resources {
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
            "/" => exchange.reply(ok, BODY).await,
            "/echo" => {
                let mut body = Vec::new();
                while let Some(chunk) = exchange.receive().await? {
                    body.extend_from_slice(&chunk);
                }
                exchange.respond(ok.length(body.len() as u64)).await?;
                exchange.write(&body).await
            }
            "/ignore" => exchange.reply_status(Status::OK).await,
            "/unknown-length" => {
                exchange.respond(ok).await?;
                exchange.send(BODY.into()).await?;
                exchange.send(Chunk::default()).await?;
                exchange.write(b"and more").await
            }
            "/not-modified" => exchange.respond(Response::new(Status::NOT_MODIFIED)).await,
            "/moved" => {
                let response = Response::new(Status::MOVED_PERMANENTLY);
                exchange
                    .reply(response.location("/a\r\nSet-Cookie: b"), BODY)
                    .await
            }
            "/silent" => Ok(()),
            "/short" => exchange.respond(ok.length(7)).await,
            "/long" => {
                exchange.respond(ok.length(5)).await?;
                exchange.send(BODY.into()).await
            }
            "/twice" => {
                exchange.reply(ok.clone(), BODY).await?;
                exchange.respond(ok).await
            }
            "/aborted" => Err(Error::Aborted),
            _ => exchange.reply_status(Status::NOT_FOUND).await,
        }
    }

    fn log(&self, answered: &Answered<'_>) {
        self.log.borrow_mut().push(format!(
            "{} {} {} {}",
            answered.method, answered.target, answered.status.0, answered.bytes
        ));
    }
}

pub(crate) const DATE: &str = "Date: Sun, 06 Nov 1994 08:49:37 GMT";

pub(crate) fn serve(script: impl IntoIterator<Item = Event>) -> Peer {
    serve_with(Limits::default(), script)
}

pub(crate) fn serve_with(limits: Limits, script: impl IntoIterator<Item = Event>) -> Peer {
    let world = World::default();
    let server = Server::new(limits, world.clone());
    talk(&server, &world, &Resources::default(), script)
}

/// The bytes a peer gets for these, without the dates.
pub(crate) fn answer(request: &str) -> String {
    let peer = serve([request.into()]);
    assert!(peer.finished);
    text(&peer)
}

pub(crate) fn text(peer: &Peer) -> String {
    let text = String::from_utf8(peer.wire.clone()).unwrap();
    text.replace(&format!("{DATE}\r\n"), "")
}

pub(crate) fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")
}

/// A response to a GET of `/` on a connection that stays.
pub(crate) const ROOT: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\na body";
