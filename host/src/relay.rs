//! Publishing: what this machine's clients see of a server behind our own stack.
//!
//! For each connection accepted on the outer network one is opened on the inner, and bytes are passed
//! on both ways in the buffers that brought them. An end is passed on as an end, an abort as an abort,
//! and nothing is read that the other side does not take: so memory is bounded by what the two
//! networks allow a connection.

use core::future::poll_fn;
use core::net::SocketAddr;
use core::task::{Context, Poll, ready};
use core::time::Duration;
use std::rc::Rc;

use packet::Chunk;
use runtime::{Env, Error, FlowId, ListenerId, Network, Peer};

use crate::clients::Clients;

/// A relay between two networks.
#[derive(Clone)]
pub(crate) struct Relay {
    /// Where clients come from.
    pub(crate) outer: Rc<dyn Network>,
    /// Where they are accepted.
    pub(crate) listener: ListenerId,
    /// Where the server is.
    pub(crate) inner: Rc<dyn Network>,
    /// The server.
    pub(crate) server: SocketAddr,
    /// Who is relayed, for the server to know.
    pub(crate) clients: Rc<Clients>,
}

/// How long a client may take to acknowledge the last of what the server said: as long as our HTTP
/// server allows its own clients.
const DELIVERY: Duration = Duration::from_secs(120);

/// How long a client that has everything may keep its half open.
const LINGER: Duration = Duration::from_secs(2);

/// How long to wait when there was no room for a connection; and how often before it is given up.
const BREATH: Duration = Duration::from_millis(50);
const BREATHS: usize = 100;

/// Chunks that one direction passes on before others have their turn.
const CHUNKS_A_TURN: usize = 64;

impl Relay {
    /// Accepts until the program stops. Each connection is a task; one for which there
    /// is no task is closed at once.
    pub(crate) async fn serve(self, env: Env) {
        loop {
            let accept = poll_fn(|cx| self.outer.poll_accept(self.listener, cx));
            match env.until_shutdown(accept).await {
                Some(Ok((flow, peer))) => {
                    let client = Side::new(&self.outer, flow);
                    // Dropped where there is no room for one more task, which closes the connection.
                    let _ = env.spawn(self.clone().connection(env.clone(), client, peer));
                }
                Some(Err(Error::Closed)) | None => break,
                Some(Err(error)) => {
                    log::warn!("cannot accept: {error}");
                    env.sleep(BREATH).await;
                }
            }
        }
        self.outer.unlisten(self.listener);
    }

    async fn connection(self, env: Env, client: Side, peer: Peer) {
        if let Err(error) = self.pass_on(&env, &client, peer).await {
            log::debug!("relayed connection of {}: {error}", peer.address);
            client.net.abort(client.flow);
        }
    }

    async fn pass_on(&self, env: &Env, client: &Side, peer: Peer) -> Result<(), Error> {
        let server = Side::new(&self.inner, self.connect(env).await?);
        let local = self.inner.local_address(server.flow);
        let _remembered = local.map(|local| self.clients.remember(local, peer.address));
        poll_fn(|cx| server.net.poll_connect(server.flow, cx)).await?;

        let mut passing = Passing {
            up: Direction::new(client, &server),
            down: Direction::new(&server, client),
            end: End::Open,
        };
        let result = poll_fn(|cx| passing.poll(env, cx)).await;
        if result.is_err() {
            server.net.abort(server.flow);
        }
        result
    }
}

impl Relay {
    /// Starts to connect to the server; where there is no room at the moment, a little later.
    async fn connect(&self, env: &Env) -> Result<FlowId, Error> {
        for _ in 0..BREATHS {
            match self.inner.connect(self.server) {
                Err(Error::NoBuffer) => env.sleep(BREATH).await,
                result => return result,
            }
        }
        Err(Error::NoBuffer)
    }
}

/// Both directions of a connection.
struct Passing<'a> {
    /// From the client to the server.
    up: Direction<'a>,
    down: Direction<'a>,
    end: End,
}

/// How far a connection is in ending from the server's side, which is how HTTP ends.
#[derive(Clone, Copy, PartialEq)]
enum End {
    /// The server has more to say, as far as is known.
    Open,
    /// All was passed on, but the client has not acknowledged it.
    PassedOn,
    /// The client has everything.
    Delivered,
}

impl Passing<'_> {
    fn poll(&mut self, env: &Env, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        let client = self.down.to;
        if self.end == End::Open && self.down.poll(cx)?.is_ready() {
            self.end = End::PassedOn;
            let at = env.clock.now() + DELIVERY;
            client.net.deadline(client.flow, Some(at));
        }
        if self.end == End::PassedOn && client.net.poll_drained(client.flow, cx)?.is_ready() {
            self.end = End::Delivered;
            client
                .net
                .deadline(client.flow, Some(env.clock.now() + LINGER));
        }
        match (ready!(self.poll_up(cx)), self.end) {
            (Ok(()), End::Open | End::PassedOn) => Poll::Pending,
            // What the client still says, or when it ends, is of no use to anybody.
            (_, End::Delivered) => Poll::Ready(Ok(())),
            (Err(error), _) => Poll::Ready(Err(error)),
        }
    }

    fn poll_up(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        match self.up.poll(cx) {
            // The server has answered and is gone. A reset now could overtake the answer.
            Poll::Ready(Err(_)) if self.end == End::PassedOn && !self.up.discard => {
                self.up.discard = true;
                self.up.poll(cx)
            }
            result => result,
        }
    }
}

/// One side of a relayed connection; given back when dropped.
struct Side {
    net: Rc<dyn Network>,
    flow: FlowId,
}

impl Side {
    fn new(net: &Rc<dyn Network>, flow: FlowId) -> Self {
        Self {
            net: Rc::clone(net),
            flow,
        }
    }
}

impl Drop for Side {
    fn drop(&mut self) {
        self.net.release(self.flow);
    }
}

/// What goes from one end to the other.
struct Direction<'a> {
    from: &'a Side,
    to: &'a Side,
    /// Received, not yet taken by the other side.
    chunk: Option<Chunk>,
    /// Whether the other side takes nothing any more, and what comes is dropped.
    discard: bool,
    done: bool,
}

impl<'a> Direction<'a> {
    fn new(from: &'a Side, to: &'a Side) -> Self {
        Self {
            from,
            to,
            chunk: None,
            discard: false,
            done: false,
        }
    }

    /// Ready when the end was passed on.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        if self.done {
            return Poll::Ready(Ok(()));
        }
        for _ in 0..CHUNKS_A_TURN {
            if self.chunk.is_some() && !self.discard {
                ready!(self.to.net.poll_send(self.to.flow, &mut self.chunk, cx))?;
            }
            self.chunk = ready!(self.from.net.poll_receive(self.from.flow, cx))?;
            if self.chunk.is_none() {
                self.to.net.finish(self.to.flow);
                self.done = true;
                return Poll::Ready(Ok(()));
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }
}
