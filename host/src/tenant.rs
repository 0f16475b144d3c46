//! Waiting for an address that a server lends us.

use core::future::poll_fn;
use core::task::{Poll, ready};
use core::time::Duration;

use runtime::Env;
use stack::{LeaseEvent, Tenant};

use crate::failure::Failure;

/// How long a command that fetches something waits for an address, whatever a server answers meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// Waits for an address, and says that it is there.
pub(crate) async fn settle(
    tenant: &mut Tenant,
    env: &Env,
    mut say: impl FnMut(&str),
) -> Result<(), Failure> {
    let acquired = poll_fn(|cx| {
        loop {
            match ready!(tenant.poll(env.clock.now(), cx)) {
                (LeaseEvent::Acquired, line) => return Poll::Ready(Ok(line)),
                (LeaseEvent::Unanswered, _) => {
                    return Poll::Ready(Err("no DHCP server answers"));
                }
                _ => {}
            }
        }
    });
    let acquired = env.timeout(PATIENCE, acquired).await;
    let line = acquired.unwrap_or(Err("no address was to be had of a DHCP server"));
    let line = line.map_err(|why| {
        let link = tenant.link();
        let what_to_do = "start one there, or name an address with --address ADDR/LEN";
        Failure::refused(format!("{why} on {link}: {what_to_do}"))
    });
    line.map(|line| say(&line))
}
