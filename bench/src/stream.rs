//! What the tasks ask of a stack: the same questions to ours and to smoltcp.

use std::rc::Rc;

use runtime::{Driver, Executor};

/// A host at one end of the cable.
pub(crate) trait Host: Clone + 'static {
    type Stream: Stream;

    /// What the loop calls.
    fn driver(&self) -> Rc<dyn Driver>;

    /// Gives each connection that comes to a port to a task: so many of them at the same time.
    fn serve<F: Future<Output = ()> + 'static>(
        &self,
        tasks: &Executor,
        port_and_number: (u16, usize),
        task: impl Fn(Self::Stream) -> F + Clone + 'static,
    );

    /// Connects to `port` of the other end.
    async fn connect(&self, port: u16) -> Self::Stream;
}

/// A connection. Nothing here may fail: what does ends the benchmark.
pub(crate) trait Stream: 'static {
    /// Takes all bytes that are there, and tells how many; none once the peer has finished.
    async fn receive(&mut self) -> usize;

    /// Sends bytes that must be copied.
    async fn write(&mut self, bytes: &[u8]);

    /// Sends bytes that need not be.
    async fn send(&mut self, bytes: &'static [u8]);

    /// Sends the end.
    fn finish(&mut self);
}
