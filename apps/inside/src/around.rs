//! A handler with the look inside around it.

use alloc::boxed::Box;
use core::net::SocketAddr;

use http::{Answered, Error, Exchange, Handler, Method, Request};
use packet::Transport;

use crate::Inside;

/// Answers what is below `/_/` to whoever may look inside; all else is the application's.
pub struct Around<'a, H> {
    inside: &'a Inside,
    may_look: bool,
    handler: &'a H,
}

impl Inside {
    /// The application's handler for a connection with `peer`, with the look inside around it.
    pub const fn around<'a, H: Handler>(
        &'a self,
        peer: SocketAddr,
        handler: &'a H,
    ) -> Around<'a, H> {
        Around {
            inside: self,
            may_look: self.audience.admits(peer),
            handler,
        }
    }
}

impl<H> Around<'_, H> {
    fn is_inside(&self, path: &str) -> bool {
        self.may_look && path.starts_with("/_/")
    }
}

impl<H: Handler> Handler for Around<'_, H> {
    fn methods(&self, path: &str) -> &'static [Method] {
        if self.is_inside(path) {
            return &[Method::Get, Method::Head];
        }
        self.handler.methods(path)
    }

    async fn handle<T: Transport>(
        &self,
        request: &Request<'_>,
        exchange: &mut Exchange<'_, T>,
    ) -> Result<(), Error<T::Error>> {
        if self.is_inside(request.path) && self.inside.audience.admits_host(request.host) {
            // In a box: the memory of an ordinary request should not grow for this.
            return Box::pin(self.inside.answer(request, exchange)).await;
        }
        self.handler.handle(request, exchange).await
    }

    fn log(&self, answered: &Answered<'_>) {
        let Inside {
            responses, bytes, ..
        } = self.inside;
        responses.set(responses.get() + 1);
        bytes.set(bytes.get().wrapping_add(answered.bytes));
        self.handler.log(answered);
    }
}
