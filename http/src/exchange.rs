//! One request and its response, from the handler's side.

use core::fmt::Write as _;

use heapless::String;
use packet::{Chunk, Instant, Transport};

use crate::body::{Body, Framing};
use crate::connection::Connection;
use crate::request::{Method, Request, Version};
use crate::response::{BodyFraming, Facts, Head, Persistence, Response};
use crate::{Date, Error, Server, Status, media};

/// What a handler does with a request: read its body, say how the response begins, send the body.
///
/// Each function waits for the peer no longer than the limits allow. None is cancel safe.
pub struct Exchange<'a, T> {
    server: &'a Server,
    connection: &'a mut Connection<T>,
    body: Body,
    /// When the first byte of the request was there.
    began: Instant,
    /// The peer waits for `100 Continue`.
    continue_due: bool,
    method: Method,
    version: Version,
    /// Whether the connection stays after this response.
    pub(crate) persists: bool,
    /// Set once the response has begun.
    pub(crate) status: Option<Status>,
    outgoing: Outgoing,
    /// Bytes of the response's body.
    pub(crate) sent: u64,
    /// Until when the transport may wait to send. The clock stands still within a turn, so most
    /// pieces of a large body need not set it again.
    deadline: Option<Instant>,
}

/// What of the response's body is still to come.
enum Outgoing {
    /// So many bytes.
    Length(u64),
    /// Chunks, and the one that ends them.
    Chunked,
    /// All that comes until the connection closes.
    UntilClose,
    /// What the handler sends is thrown away: the peer gets the head only.
    Silent,
}

impl<'a, T: Transport> Exchange<'a, T> {
    pub(crate) fn new(
        server: &'a Server,
        connection: &'a mut Connection<T>,
        request: Option<&Request<'_>>,
        began: Instant,
    ) -> Self {
        let framing = request.map_or(Framing::Length(0), |request| request.framing);
        Self {
            body: Body::new(framing, server.limits().body),
            began,
            continue_due: request.is_some_and(|request| request.expects_continue),
            method: request.map_or(Method::Get, |request| request.method),
            version: request.map_or(Version::Http11, |request| request.version),
            persists: request.is_some_and(|request| request.persists)
                && connection.requests < server.limits().requests,
            status: None,
            outgoing: Outgoing::Length(0),
            sent: 0,
            deadline: None,
            server,
            connection,
        }
    }

    /// What day it is.
    #[must_use]
    pub fn now(&self) -> Date {
        self.server.date()
    }

    /// Whether the peer will get a body, if there is one: not when it asked with HEAD.
    #[must_use]
    pub const fn wants_body(&self) -> bool {
        !matches!(self.method, Method::Head)
    }

    /// Takes the next bytes of the request's body, in the buffer that brought them; `None` at its
    /// end.
    ///
    /// # Errors
    /// A body that is too long, too slow or malformed: hand it on, and the peer is told.
    pub async fn receive(&mut self) -> Result<Option<Chunk>, Error<T::Error>> {
        loop {
            if let Some(data) = self.body.take(&mut self.connection.unread)? {
                self.continue_due = false;
                return Ok(Some(data));
            }
            if self.body.is_done() {
                return Ok(None);
            }
            if core::mem::take(&mut self.continue_due) && self.status.is_none() {
                self.connection
                    .write(b"HTTP/1.1 100 Continue\r\n\r\n")
                    .await?;
            }
            let limits = self.server.limits();
            let whole = self.began + limits.request_time;
            let deadline = whole.min(self.server.now() + limits.stall);
            self.deadline = None;
            self.connection.fill(Some(deadline)).await?;
        }
    }

    /// Begins the response. Where its length is unknown it goes out in chunks, or to a 1.0 peer until
    /// the connection closes.
    ///
    /// # Errors
    /// [`Error::Misused`] the second time.
    pub async fn respond(&mut self, response: Response<'_>) -> Result<(), Error<T::Error>> {
        if self.status.is_some() {
            return Err(Error::Misused);
        }
        self.status = Some(response.status);
        // A peer that was not told to go on may or may not send its body: nobody can know what
        // comes next. And it costs less to close than to read what nobody wants.
        let costly = self.body.left_at_least() > self.server.limits().drain;
        let unwanted = !self.body.is_done() && (self.continue_due || costly);
        if unwanted || self.server.is_stopping() {
            self.persists = false;
        }
        let framing = self.frame(&response);
        let facts = Facts {
            framing,
            persistence: match (self.persists, self.version) {
                (false, _) => Persistence::Close,
                (true, Version::Http10) => Persistence::KeepAlive,
                (true, Version::Http11) => Persistence::Usual,
            },
        };
        let mut head = Head::new();
        self.server
            .with_date(|date| response.write(&mut head, date, facts))
            .map_err(|_| Error::Misused)?;
        self.push_deadline();
        if response.location.is_none() && head.0.push_str("\r\n").is_ok() {
            return self.connection.write(head.0.as_bytes()).await;
        }
        self.connection.write(head.0.as_bytes()).await?;
        if let Some(location) = response.location {
            self.connection.write(b"Location: ").await?;
            for visible in location.split(|character: char| !character.is_ascii_graphic()) {
                self.connection.write(visible.as_bytes()).await?;
            }
            self.connection.write(b"\r\n").await?;
        }
        self.connection.write(b"\r\n").await
    }

    /// Sends the next bytes of the response's body without copying them.
    ///
    /// # Errors
    /// [`Error::Misused`] before [`Exchange::respond`], and for bytes beyond the declared length.
    pub async fn send(&mut self, chunk: Chunk) -> Result<(), Error<T::Error>> {
        if !self.admit(chunk.len()).await? {
            return Ok(());
        }
        self.connection
            .transport
            .send(chunk)
            .await
            .map_err(Error::Transport)?;
        self.end_chunk().await
    }

    /// Sends bytes that were made for this response, copying them: a line of text, a counter.
    ///
    /// # Errors
    /// As [`Exchange::send`].
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), Error<T::Error>> {
        if !self.admit(bytes.len()).await? {
            return Ok(());
        }
        self.connection.write(bytes).await?;
        self.end_chunk().await
    }

    /// Waits until the peer has acknowledged all that was sent so far: for who would rather let a slow
    /// peer go than have more and more wait for it.
    ///
    /// # Errors
    /// As the connection fails.
    pub async fn delivered(&mut self) -> Result<(), Error<T::Error>> {
        self.push_deadline();
        let drained = self.connection.transport.drained().await;
        drained.map_err(Error::Transport)
    }

    /// Answers with all of a body at once.
    ///
    /// # Errors
    /// As [`Exchange::respond`].
    pub async fn reply(
        &mut self,
        response: Response<'_>,
        body: impl Into<Chunk>,
    ) -> Result<(), Error<T::Error>> {
        let body = body.into();
        self.respond(response.length(body.len() as u64)).await?;
        self.send(body).await
    }

    /// Answers with a status and its name as text.
    ///
    /// # Errors
    /// As [`Exchange::respond`].
    pub async fn reply_status(&mut self, status: Status) -> Result<(), Error<T::Error>> {
        let response = Response::new(status).content_type(media::TEXT);
        self.reply(response, status.reason().as_bytes()).await
    }

    /// Ends what the handler began. An error means that the peer must see the connection close.
    pub(crate) async fn complete(&mut self) -> Result<(), Error<T::Error>> {
        if self.status.is_none() {
            self.reply_status(Status::INTERNAL_SERVER_ERROR).await?;
        }
        match self.outgoing {
            Outgoing::Length(0) | Outgoing::Silent => {}
            Outgoing::Length(_) => return Err(Error::Aborted),
            Outgoing::Chunked => self.connection.write(b"0\r\n\r\n").await?,
            Outgoing::UntilClose => {}
        }
        let mut left = self.server.limits().drain;
        while self.persists && !self.body.is_done() {
            let unwanted = self.receive().await?.map_or(0, |chunk| chunk.len() as u64);
            self.persists = unwanted <= left;
            left = left.saturating_sub(unwanted);
        }
        Ok(())
    }

    /// Answers in place of a handler that could not; the connection closes.
    pub(crate) async fn give_up(&mut self, status: Status) -> Result<(), Error<T::Error>> {
        self.persists = false;
        if self.status.is_some() {
            return Ok(());
        }
        self.reply_status(status).await
    }

    /// How the body will be delimited; sets what is expected of the handler.
    fn frame(&mut self, response: &Response<'_>) -> BodyFraming {
        if response.status.is_bodiless() {
            self.outgoing = Outgoing::Silent;
            return BodyFraming::Silent;
        }
        let (framing, outgoing) = match (response.length, self.version) {
            (Some(length), _) => (BodyFraming::Length(length), Outgoing::Length(length)),
            (None, Version::Http11) => (BodyFraming::Chunked, Outgoing::Chunked),
            (None, Version::Http10) => {
                self.persists = false;
                (BodyFraming::Silent, Outgoing::UntilClose)
            }
        };
        self.outgoing = if self.wants_body() {
            outgoing
        } else {
            Outgoing::Silent
        };
        framing
    }

    /// Checks that `count` more bytes of body were promised, and begins their chunk. `false`: there
    /// is nothing to send.
    async fn admit(&mut self, count: usize) -> Result<bool, Error<T::Error>> {
        if self.status.is_none() {
            return Err(Error::Misused);
        }
        let count = count as u64;
        self.push_deadline();
        match &mut self.outgoing {
            _ if count == 0 => return Ok(false),
            Outgoing::Silent => return Ok(false),
            Outgoing::Length(left) => *left = left.checked_sub(count).ok_or(Error::Misused)?,
            Outgoing::Chunked => {
                let mut line = String::<18>::new();
                write!(line, "{count:x}\r\n").map_err(|_| Error::Misused)?;
                self.connection.write(line.as_bytes()).await?;
            }
            Outgoing::UntilClose => {}
        }
        self.sent += count;
        Ok(true)
    }

    async fn end_chunk(&mut self) -> Result<(), Error<T::Error>> {
        match self.outgoing {
            Outgoing::Chunked => self.connection.write(b"\r\n").await,
            _ => Ok(()),
        }
    }

    fn push_deadline(&mut self) {
        let deadline = Some(self.server.now() + self.server.limits().stall);
        if self.deadline != deadline {
            self.deadline = deadline;
            self.connection.transport.deadline(deadline);
        }
    }
}

impl<E> Error<E> {
    /// What the peer is told where nothing was answered yet; `None`: there is nobody to tell.
    pub(crate) const fn status(&self) -> Option<Status> {
        match self {
            Self::Transport(_) => None,
            Self::Refused(refusal) => Some(refusal.status()),
            Self::Aborted | Self::Misused => Some(Status::INTERNAL_SERVER_ERROR),
        }
    }
}
