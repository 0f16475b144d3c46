//! The link of a machine without a network.

use link::{Burst, Caps, Full, Link, LinkError, LinkState, Transmit};
use packet::Instant;

/// Carries nothing, ever.
pub(crate) struct Unplugged(Caps);

impl Unplugged {
    pub(crate) const fn new() -> Self {
        Self(Caps {
            mac: [2, 0, 0, 0, 0, 1],
            mtu: 1500,
            checksum_offload: false,
            max_super_frame: None,
            max_parts: 1,
            gather_from: 0,
        })
    }
}

impl Link for Unplugged {
    fn caps(&self) -> &Caps {
        &self.0
    }

    fn state(&self) -> LinkState {
        LinkState::Down
    }

    fn receive(&mut self, _: Instant, _: &mut Burst) -> Result<(), LinkError> {
        Ok(())
    }

    fn transmit(&mut self, _: Instant, _: Transmit<'_>) -> Result<(), Full> {
        Err(Full)
    }

    fn flush(&mut self, _: Instant) -> Result<(), LinkError> {
        Ok(())
    }

    fn arm(&mut self) -> bool {
        false
    }
}
