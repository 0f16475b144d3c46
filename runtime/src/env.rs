//! Everything an application has.

use alloc::rc::Rc;
use alloc::string::String;
use core::future::{Future, poll_fn};
use core::net::SocketAddr;
use core::pin::pin;
use core::task::Poll;
use core::time::Duration;

use packet::Instant;

use crate::{
    Clock, Config, Console, Datagrams, Entropy, Error, Executor, File, Flow, Inspect, Listener,
    Network, Storage, StorageError,
};

/// What a place gives to `main(env)`, the first task of an application. Cheap to clone; each task
/// has its own.
#[derive(Clone)]
pub struct Env {
    /// Connections and datagrams.
    pub net: Rc<dyn Network>,
    /// What time it is.
    pub clock: Clock,
    /// Lines out and in.
    pub console: Rc<dyn Console>,
    /// What the place shows of its inside.
    pub inspect: Rc<dyn Inspect>,
    /// Files.
    pub storage: Rc<dyn Storage>,
    /// Settings.
    pub config: Rc<Config>,
    /// Random numbers.
    pub entropy: Entropy,
    /// The tasks: this one and the others.
    pub tasks: Executor,
}

impl Env {
    /// Starts to listen on `port`.
    ///
    /// # Errors
    /// As [`Network::listen`].
    pub fn listen(&self, port: u16) -> Result<Listener, Error> {
        Listener::bind(&self.net, port)
    }

    /// Connects to `remote`. Dropping the future aborts.
    ///
    /// # Errors
    /// As [`Flow::connect`].
    pub async fn connect(&self, remote: SocketAddr) -> Result<Flow, Error> {
        Flow::connect(&self.net, remote).await
    }

    /// Binds `port` for datagrams; 0 stands for a free one that a stranger cannot guess.
    ///
    /// # Errors
    /// As [`Network::bind`].
    pub fn datagrams(&self, port: u16) -> Result<Datagrams, Error> {
        Datagrams::bind(&self.net, port)
    }

    /// Opens the file at `path`. Cancel safe.
    ///
    /// # Errors
    /// As [`File::open`].
    pub async fn open(&self, path: &str) -> Result<File, StorageError> {
        File::open(&self.storage, path).await
    }

    /// Waits for the next line that somebody types, without its end; `None` when there will be no
    /// more. At most one task may wait: the last that asked. Cancel safe: a line is taken or stays.
    pub async fn line(&self) -> Option<String> {
        poll_fn(|cx| self.console.poll_line(cx)).await
    }

    /// Starts a task. It runs from the next turn on, until it is done or the program ends.
    ///
    /// # Errors
    /// [`Error::NoBuffer`] when there are as many tasks as there may be: the task is dropped. An
    /// accepted connection dropped with it is closed, which is how a server sheds load.
    pub fn spawn(&self, task: impl Future<Output = ()> + 'static) -> Result<(), Error> {
        self.tasks.spawn(task)
    }

    /// Waits for `duration`. Cancel safe.
    pub async fn sleep(&self, duration: Duration) {
        self.sleep_until(self.clock.now() + duration).await;
    }

    /// Waits until `at`. Cancel safe.
    pub async fn sleep_until(&self, at: Instant) {
        poll_fn(|_| self.tasks.poll_deadline(at)).await;
    }

    /// Runs `future` for `duration` at most, then drops it.
    ///
    /// # Errors
    /// [`Error::TimedOut`] when it was not done by then.
    pub async fn timeout<F: Future>(
        &self,
        duration: Duration,
        future: F,
    ) -> Result<F::Output, Error> {
        let at = self.clock.now() + duration;
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Ok(output)),
            Poll::Pending => self.tasks.poll_deadline(at).map(|()| Err(Error::TimedOut)),
        })
        .await
    }

    /// Waits until the program is asked to stop (Ctrl-C, a signal, the hypervisor, the end of a
    /// capture). From then on a bounded time is left. Cancel safe.
    pub async fn shutdown(&self) {
        poll_fn(|_| match self.is_stopping() {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Whether the program was asked to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.tasks.is_stopping()
    }

    /// Runs `future` until it is done, or drops it when the program is asked to stop: then `None`.
    /// What was ready before still counts.
    pub async fn until_shutdown<F: Future>(&self, future: F) -> Option<F::Output> {
        let mut future = pin!(future);
        poll_fn(|cx| match future.as_mut().poll(cx) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending if self.is_stopping() => Poll::Ready(None),
            Poll::Pending => Poll::Pending,
        })
        .await
    }
}
