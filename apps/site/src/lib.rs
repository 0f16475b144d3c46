//! A static web site: the files of `env.storage`.
//!
//! Settings: `port` (80); `dotfiles=yes` serves names that begin with a dot; `quiet=yes` logs no
//! requests; and those of `inside`.
#![no_std]
#![forbid(unsafe_code)]

extern crate alloc;

mod file;

use alloc::rc::Rc;
use core::net::SocketAddr;

use http::{Answered, Error, Exchange, FilePath, Handler, Limits, Request, Server};
use inside::Inside;
use packet::Transport;
use runtime::{Env, Failure};

/// Serves the site until the program is asked to stop.
///
/// # Errors
/// A setting that cannot be used, or a port that cannot be had.
pub async fn main(env: Env) -> Result<(), Failure> {
    let port = env.config.value("port", 80)?;
    let site = Rc::new(Site::new(env.clone()));
    let inside = Rc::new(Inside::new(&env)?);
    runtime::serve(&env, port, |flow, peer| {
        let visitor = Visitor::new(&site, peer.address);
        let inside = Rc::clone(&inside);
        async move {
            let handler = inside.around(peer.address, &visitor);
            visitor.site.server.serve(flow, &handler).await;
        }
    })
    .await?;
    Ok(())
}

/// What all connections share.
pub struct Site {
    /// Serves their connections.
    pub server: Server,
    env: Env,
    dotfiles: bool,
    quiet: bool,
}

impl Site {
    /// The site in `env`'s storage.
    #[must_use]
    pub fn new(env: Env) -> Self {
        let is_set = |key| env.config.text(key) == Some("yes");
        Self {
            server: Server::new(Limits::default(), env.clone()),
            dotfiles: is_set("dotfiles"),
            quiet: is_set("quiet"),
            env,
        }
    }
}

/// One connection's view of the site.
pub struct Visitor {
    site: Rc<Site>,
    peer: SocketAddr,
}

impl Visitor {
    /// The view of whoever has this address.
    #[must_use]
    pub fn new(site: &Rc<Site>, peer: SocketAddr) -> Self {
        Self {
            site: Rc::clone(site),
            peer,
        }
    }
}

impl Handler for Visitor {
    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        let path = FilePath::parse(request.path)?;
        if path.is_hidden() && !self.site.dotfiles {
            return file::not_found(exchange).await;
        }
        file::serve(&self.site.env.storage, request, &path, exchange).await
    }

    fn log(&self, answered: &Answered<'_>) {
        if self.site.quiet {
            return;
        }
        self.site.env.console.log_request(&runtime::Request {
            peer: self.peer,
            method: answered.method,
            target: answered.target,
            status: answered.status.0,
            bytes: answered.bytes,
            took: answered.took,
        });
    }
}
