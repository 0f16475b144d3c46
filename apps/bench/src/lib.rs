//! Targets for load generators: `/` (13 bytes), `/1k`, `/big` (10^12 bytes made as they go), and
//! `POST /upload`, which counts what it gets and throws it away.
//!
//! Nothing is logged. The settings are `port` (80) and those of `inside`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::rc::Rc;
use core::fmt::Write as _;

use heapless::String;
use http::{Error, Exchange, Handler, Limits, Method, Request, Response, Server, Status, media};
use inside::Inside;
use packet::{Chunk, Duration, Transport};
use runtime::{Env, Failure};

/// Serves the targets until the program is asked to stop.
///
/// # Errors
/// A setting that cannot be used, or a port that cannot be had.
pub async fn main(env: Env) -> Result<(), Failure> {
    let port = env.config.value("port", 80)?;
    let shared = Rc::new((Server::new(limits(), env.clone()), Inside::new(&env)?));
    runtime::serve(&env, port, |flow, peer| {
        let shared = Rc::clone(&shared);
        async move {
            let (server, inside) = &*shared;
            let handler = inside.around(peer.address, &Bench);
            server.serve(flow, &handler).await;
        }
    })
    .await?;
    Ok(())
}

/// Uploads of any length, and a day's time for one.
#[must_use]
pub fn limits() -> Limits {
    Limits {
        body: u64::MAX,
        request_time: Duration::from_secs(86_400),
        ..Limits::default()
    }
}

/// The targets.
pub struct Bench;

const HELLO: &[u8] = b"Hello, world!";
const BIG: u64 = 1_000_000_000_000;
/// What large bodies are made of: as much as one super-frame takes, small enough for a core's cache.
static PATTERN: [u8; 64 * 1024] = pattern();

/// Lines of 64 characters, so that a body can be looked at.
const fn pattern() -> [u8; 64 * 1024] {
    let mut bytes = [0; 64 * 1024];
    let mut at = 0;
    while at < bytes.len() {
        bytes[at] = match at % 64 {
            63 => b'\n',
            // 42 characters from `0` on, visible all of them.
            column => b'0' + (column % 42) as u8,
        };
        at += 1;
    }
    bytes
}

impl Handler for Bench {
    fn methods(&self, path: &str) -> &'static [Method] {
        match path {
            "/upload" => &[Method::Post],
            _ => &[Method::Get, Method::Head],
        }
    }

    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let text = Response::new(Status::OK).content_type(media::TEXT);
        match request.path {
            "/" => exchange.reply(text, HELLO).await,
            "/1k" => exchange.reply(text, &PATTERN[..1024]).await,
            "/big" => {
                exchange.respond(text.length(BIG)).await?;
                repeat(exchange, BIG).await
            }
            "/upload" => {
                let count = count(exchange).await?;
                let mut line = String::<24>::new();
                writeln!(line, "{count}").map_err(|_| Error::Aborted)?;
                exchange.respond(text.length(line.len() as u64)).await?;
                exchange.write(line.as_bytes()).await
            }
            _ => exchange.reply_status(Status::NOT_FOUND).await,
        }
    }
}

/// Sends `count` bytes of the pattern over and over.
async fn repeat<T: Transport>(
    exchange: &mut Exchange<'_, T>,
    count: u64,
) -> Result<(), Error<T::Error>> {
    let mut left = if exchange.wants_body() { count } else { 0 };
    while left > 0 {
        let mut chunk = Chunk::from(&PATTERN[..]);
        chunk.truncate(usize::try_from(left).unwrap_or(usize::MAX));
        left -= chunk.len() as u64;
        exchange.send(chunk).await?;
    }
    Ok(())
}

/// Throws the request's body away and tells how long it was.
async fn count<T: Transport>(exchange: &mut Exchange<'_, T>) -> Result<u64, Error<T::Error>> {
    let mut count = 0;
    while let Some(chunk) = exchange.receive().await? {
        count += chunk.len() as u64;
    }
    Ok(count)
}
