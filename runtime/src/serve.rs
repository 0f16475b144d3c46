//! What every server does before its protocol begins.

use core::future::Future;
use core::time::Duration;

use packet::{Instant, Surroundings};

use crate::{Env, Error, Flow, Peer};

/// Accepts connections on `port` until the program is asked to stop, and gives each to a task of its
/// own. A connection for which there is no room is closed; the log says how many were.
///
/// It returns once nothing more is accepted: the tasks then have the run loop's grace to finish.
///
/// # Errors
/// As listening or accepting fails.
pub async fn serve<F: Future<Output = ()> + 'static>(
    env: &Env,
    port: u16,
    connection: impl Fn(Flow, Peer) -> F,
) -> Result<(), Error> {
    let mut listener = env.listen(port)?;
    let mut turned_away = 0u64;
    while let Some(accepted) = env.until_shutdown(listener.accept()).await {
        let (flow, peer) = accepted?;
        if env.spawn(connection(flow, peer)).is_err() {
            turned_away += 1;
            // Often enough to be seen, seldom enough not to add to the load.
            if turned_away.is_power_of_two() {
                log::warn!("no room for more connections: {turned_away} turned away so far");
            }
        }
    }
    Ok(())
}

impl Surroundings for Env {
    fn now(&self) -> Instant {
        self.clock.now()
    }

    fn unix_time(&self) -> Duration {
        self.clock.unix_time()
    }

    fn is_stopping(&self) -> bool {
        Self::is_stopping(self)
    }
}
