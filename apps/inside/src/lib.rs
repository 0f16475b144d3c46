//! A look inside a running application, for whoever runs it: below `/_/`, beside what the application
//! itself serves.
//!
//! | path | shows |
//! |---|---|
//! | `/_/` | a page: rates that move, connections, budgets, why things were dropped |
//! | `/_/events` | what the page shows, once a second (server-sent events of the HTML standard) |
//! | `/_/metrics` | the numbers, as text for Prometheus |
//! | `/_/trace.pcapng` | the headers of the last frames and what happened to connections, for Wireshark |
//!
//! An application makes one [`Inside`] and serves each connection by [`Inside::around`] its handler:
//!
//! ```text
//! server.serve(flow, &inside.around(peer.address, &handler)).await
//! ```
//!
//! The setting `inside` says who may look: `loopback` (the default), `everyone` or `off`. Whoever may
//! not sees what the application has there.
//!
//! Not here: passwords. Behind a proxy on the same machine everybody comes from a loopback address: switch
//! it off there, or have the proxy refuse `/_/`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod around;
mod audience;
mod events;
mod metrics;

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

use http::{Error, Exchange, Request, Response, Status, media};
use packet::{Instant, Transport};
use runtime::{ConfigError, Env, Number};

pub use around::Around;
use audience::Audience;

/// The page: one file, with its styles and its script in it.
const PAGE: &[u8] = include_bytes!("page.html");

/// Who looks at the same time, at pages or traces. More are told to come later: a look costs memory.
const VIEWERS: u32 = 16;

/// What all connections share.
pub struct Inside {
    env: Env,
    audience: Audience,
    started: Instant,
    viewers: Cell<u32>,
    /// Responses, those of this look among them, and the bytes of their bodies.
    responses: Cell<u64>,
    bytes: Cell<u64>,
    /// What viewers are shown in this second.
    sample: RefCell<(Option<u64>, Rc<str>)>,
}

impl Inside {
    /// A look at what `env` shows.
    ///
    /// # Errors
    /// When the setting `inside` is none of `loopback`, `everyone` and `off`.
    pub fn new(env: &Env) -> Result<Self, ConfigError> {
        Ok(Self {
            audience: env.config.value("inside", Audience::Loopback)?,
            started: env.clock.now(),
            viewers: Cell::new(0),
            responses: Cell::new(0),
            bytes: Cell::new(0),
            sample: RefCell::new((None, Rc::from(""))),
            env: env.clone(),
        })
    }

    async fn answer<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let ok = |media| Response::new(Status::OK).content_type(media);
        match request.path {
            "/_/" => exchange.reply(ok(media::HTML), PAGE).await,
            "/_/metrics" => {
                let text = metrics::text(|show| self.numbers(show));
                let response = ok(metrics::MEDIA).length(text.len() as u64);
                exchange.respond(response).await?;
                exchange.write(text.as_bytes()).await
            }
            "/_/events" => self.watch(exchange).await,
            "/_/trace.pcapng" => self.trace(exchange).await,
            _ => exchange.reply_status(Status::NOT_FOUND).await,
        }
    }

    /// Sends the headers of the last frames, as they were when this began.
    async fn trace<T: Transport>(
        &self,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let Some(_seat) = self.sit() else {
            return exchange.reply_status(Status::SERVICE_UNAVAILABLE).await;
        };
        let Some(file) = self.env.inspect.trace(&self.env.clock) else {
            return exchange.reply_status(Status::NOT_FOUND).await;
        };
        let response = Response::new(Status::OK).content_type(media::BYTES);
        exchange.respond(response.length(file.len() as u64)).await?;
        exchange.write(&file).await
    }

    /// A place among those who look; `None` when all are taken.
    fn sit(&self) -> Option<Seat<'_>> {
        let viewers = self.viewers.get();
        if viewers >= VIEWERS {
            return None;
        }
        self.viewers.set(viewers + 1);
        Some(Seat(&self.viewers))
    }

    /// Shows the place's numbers, and ours.
    fn numbers(&self, show: &mut dyn FnMut(Number)) {
        let mut count = |name, help, value| show(Number::new(name, help, value));
        let up = self.env.clock.now().since(self.started);
        count("uptime_seconds", "How long it runs.", up.as_secs());
        let help = "Tasks: one for each connection, and a few more.";
        count("tasks", help, self.env.tasks.len() as u64);
        count("http_responses_total", "Responses.", self.responses.get());
        let help = "Bytes of responses, without heads.";
        count("http_response_bytes_total", help, self.bytes.get());
        let help = "Who looks at this.";
        count("inside_viewers", help, self.viewers.get().into());
        self.env.inspect.numbers(show);
    }
}

/// Somebody who looks; dropped when gone.
struct Seat<'a>(&'a Cell<u32>);

impl Drop for Seat<'_> {
    fn drop(&mut self) {
        self.0.set(self.0.get() - 1);
    }
}
