//! A listening socket.

use core::net::SocketAddr;
use core::task::{Context, Poll, Waker};
use std::io::{self, ErrorKind};

use mio::net::{TcpListener, TcpStream};
use rustix::io::Errno;

use super::canonical;

/// The most connections accepted in a turn, so that a crowd at the door leaves time for who is in.
const TURN_ACCEPTS: u16 = 64;

pub(super) struct Listening {
    pub(super) socket: TcpListener,
    /// Whether there may be a connection to accept.
    pub(super) ready: bool,
    /// The turn of the last accept, and how many there were in it.
    turn: u64,
    accepted: u16,
    waiter: Option<Waker>,
}

impl Listening {
    pub(super) fn new(socket: std::net::TcpListener, backlog: u16) -> io::Result<Self> {
        socket.set_nonblocking(true)?;
        // On a socket that listens already, this changes the length of its queue (listen(2)).
        rustix::net::listen(&socket, i32::from(backlog))?;
        Ok(Self {
            socket: TcpListener::from_std(socket),
            ready: true,
            turn: 0,
            accepted: 0,
            waiter: None,
        })
    }

    /// The next connection. Fails only where the machine has no room for one more.
    pub(super) fn poll_accept(
        &mut self,
        turn: u64,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        if self.turn != turn {
            (self.turn, self.accepted) = (turn, 0);
        }
        while self.ready {
            if self.accepted >= TURN_ACCEPTS {
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            match self.socket.accept() {
                Ok((stream, peer)) => {
                    self.accepted += 1;
                    return Poll::Ready(Ok((stream, canonical(peer))));
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.ready = false,
                Err(error) if is_of_the_listener(&error) => {
                    self.wait(cx);
                    return Poll::Ready(Err(error));
                }
                // An error of the connection that it would have been (accept(2)): it is gone.
                Err(_) => {}
            }
        }
        self.wait(cx);
        Poll::Pending
    }

    pub(super) fn wait(&mut self, cx: &Context<'_>) {
        self.waiter = Some(cx.waker().clone());
    }

    pub(super) fn wake(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

fn is_of_the_listener(error: &io::Error) -> bool {
    let errno = Errno::from_io_error(error);
    matches!(
        errno,
        Some(
            Errno::MFILE | Errno::NFILE | Errno::NOBUFS | Errno::NOMEM | Errno::BADF | Errno::INVAL
        )
    )
}
