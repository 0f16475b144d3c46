//! A page that says what serves it.
//!
//! Settings: `port` (80), `place`, the words for where the program runs, and those of `inside`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

use alloc::format;
use alloc::rc::Rc;
use alloc::string::{String, ToString};
use core::net::SocketAddr;

use http::{Answered, Error, Exchange, Handler, Limits, Request, Response, Server, Status, media};
use inside::Inside;
use packet::{Duration, Instant, Transport};
use runtime::{Env, Failure};

/// Serves the page until the program is asked to stop.
///
/// # Errors
/// A setting that cannot be used, or a port that cannot be had.
pub async fn main(env: Env) -> Result<(), Failure> {
    let port = env.config.value("port", 80)?;
    let hello = Rc::new(Hello {
        server: Server::new(Limits::default(), env.clone()),
        inside: Inside::new(&env)?,
        started: env.clock.now(),
        env: env.clone(),
    });
    runtime::serve(&env, port, |flow, peer| {
        let visitor = Visitor {
            hello: Rc::clone(&hello),
            peer: peer.address,
        };
        async move {
            let Hello { server, inside, .. } = &*visitor.hello;
            let handler = inside.around(visitor.peer, &visitor);
            server.serve(flow, &handler).await;
        }
    })
    .await?;
    Ok(())
}

struct Hello {
    server: Server,
    inside: Inside,
    started: Instant,
    env: Env,
}

/// One connection's view of the application.
struct Visitor {
    hello: Rc<Hello>,
    peer: SocketAddr,
}

/// The page, with `@@` where something is filled in.
const PAGE: &str = include_str!("page.html");

impl Handler for Visitor {
    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        if request.path != "/" {
            return exchange.reply_status(Status::NOT_FOUND).await;
        }
        let env = &self.hello.env;
        let facts = [
            escaped(env.config.text("place").unwrap_or("Parhelion")),
            self.peer.to_string(),
            duration(env.clock.now().since(self.hello.started)),
            (self.hello.server.served() + 1).to_string(),
        ];
        let pieces = PAGE.split("@@").map(str::len).sum::<usize>();
        let length = pieces + facts.iter().map(String::len).sum::<usize>();
        let response = Response::new(Status::OK)
            .content_type(media::HTML)
            .length(length as u64);
        exchange.respond(response).await?;
        let mut facts = facts.iter();
        for piece in PAGE.split("@@") {
            exchange.send(piece.as_bytes().into()).await?;
            if let Some(fact) = facts.next() {
                exchange.write(fact.as_bytes()).await?;
            }
        }
        Ok(())
    }

    fn log(&self, answered: &Answered<'_>) {
        self.hello.env.console.log_request(&runtime::Request {
            peer: self.peer,
            method: answered.method,
            target: answered.target,
            status: answered.status.0,
            bytes: answered.bytes,
            took: answered.took,
        });
    }
}

/// `text` so that it stands in a page as itself.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// The two largest units that matter.
fn duration(time: Duration) -> String {
    let seconds = time.as_secs();
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86_400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min {} s", seconds % 60),
        (0, ..) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uptime_is_for_people() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (61, "1 min 1 s"),
            (3600, "1 h 0 min"),
            (90_000, "1 d 1 h"),
        ] {
            assert_eq!(duration(Duration::from_secs(seconds)), text);
        }
    }

    #[test]
    fn the_page_has_a_place_for_each_fact() {
        assert_eq!(PAGE.split("@@").count(), 5);
        assert_eq!(escaped("<tap & co>"), "&lt;tap &amp; co&gt;");
    }
}
