//! An address of ours that is ours no longer.

use alloc::vec::Vec;
use core::net::Ipv4Addr;

use packet::Instant;

use crate::tcp::Tcp;
use crate::{Error, State};

impl Tcp {
    /// Ends the connections of `local` with [`Error::Unreachable`], without a word to their peers: nothing
    /// may be sent from there any more. Handshakes and TIME-WAIT run out by themselves; listeners stay,
    /// as they listen at every address.
    pub fn address_lost(&mut self, now: Instant, local: Ipv4Addr) {
        for slot in self.connections.slots().collect::<Vec<_>>() {
            let Some(tcb) = self.connections.get_mut(slot) else {
                continue;
            };
            if *tcb.local.ip() != local || matches!(tcb.state, State::Closed | State::TimeWait) {
                continue;
            }
            tcb.close(Some(Error::Unreachable), &mut self.shared);
            self.settle(slot, now);
        }
    }
}
