//! Which event channels are pending: two bitmaps in the page that Xen shares with a guest
//! (`struct shared_info` of `xen.h`).

use core::sync::atomic::Ordering;

use crate::{Port, SharedPage};

const PENDING: usize = 0x800;
const MASK: usize = 0xa00;
const WORDS: usize = 64;

/// The bitmaps of one guest. Each port is a bit, 4,096 in all.
#[derive(Clone, Debug)]
pub(crate) struct Pending(SharedPage);

impl Pending {
    /// Masks all ports: a guest that polls wants no interrupt, and needs none to see a bit.
    pub(crate) fn new(shared_info: SharedPage) -> Self {
        for word in 0..WORDS {
            shared_info
                .u64(MASK + word * 8)
                .store(u64::MAX, Ordering::Relaxed);
        }
        Self(shared_info)
    }

    /// Clears a bit, and tells whether it was set.
    pub(crate) fn take(&self, port: Port) -> bool {
        let (offset, bit) = place(port);
        let word = self.0.u64(offset);
        // A look first: mostly it is not set, and a look costs no locked instruction.
        word.load(Ordering::Acquire) & bit != 0 && word.fetch_and(!bit, Ordering::AcqRel) & bit != 0
    }

    /// What Xen does.
    pub(crate) fn set(&self, port: Port) {
        let (offset, bit) = place(port);
        self.0.u64(offset).fetch_or(bit, Ordering::AcqRel);
    }
}

/// The word of a port, and its bit. Xen gives no port that has none; one would be taken for another.
const fn place(port: Port) -> (usize, u64) {
    let word = port.0 as usize / 64 % WORDS;
    (PENDING + word * 8, 1 << (port.0 % 64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bit_is_taken_once_and_only_its_own() {
        let page = SharedPage::new();
        let pending = Pending::new(page.clone());
        pending.set(Port(3));
        pending.set(Port(4095));
        assert!(!pending.take(Port(4094)));
        assert!(pending.take(Port(4095)));
        assert!(!pending.take(Port(4095)));
        assert_eq!(page.u64(0x800).load(Ordering::Relaxed), 1 << 3);
    }

    #[test]
    fn all_ports_are_masked_and_nothing_else_is_touched() {
        let page = SharedPage::new();
        Pending::new(page.clone());
        let set = |offset: &usize| page.u64(*offset).load(Ordering::Relaxed) == u64::MAX;
        assert!((0xa00..0xc00).step_by(8).all(|offset| set(&offset)));
        assert!(
            !(0..0xa00)
                .chain(0xc00..4096)
                .step_by(8)
                .any(|offset| set(&offset))
        );
    }
}
