//! The switch that all hosts are plugged into (IEEE 802.1D, 7.7 and 7.8: it learns and forwards).

use std::collections::BTreeMap;

use link::{Burst, Link, Offload, Transmit};
use memory::MemoryLink;
use packet::{Chunk, Frame, Instant};

/// The most bytes that a link takes as the head of a frame.
const HEAD: usize = 128;

pub(super) struct Switch {
    ports: Vec<MemoryLink>,
    /// Behind which port a station is. No larger than there are hosts.
    stations: BTreeMap<[u8; 6], usize>,
    burst: Burst,
}

impl Switch {
    pub(super) fn new(ports: Vec<MemoryLink>) -> Self {
        Self {
            ports,
            stations: BTreeMap::new(),
            burst: Burst::new(),
        }
    }

    /// Forwards what has come. `true`: something has.
    pub(super) fn turn(&mut self, now: Instant) -> bool {
        let mut happened = false;
        for port in 0..self.ports.len() {
            // A link in memory never fails.
            let _ = self.ports[port].receive(now, &mut self.burst);
            let frames: Vec<Frame> = self.burst.drain().collect();
            for frame in &frames {
                happened = true;
                self.forward(now, port, frame);
            }
        }
        for port in &mut self.ports {
            let _ = port.flush(now);
        }
        happened
    }

    fn forward(&mut self, now: Instant, from: usize, frame: &Frame) {
        let Some((addresses, _)) = frame.head().split_first_chunk::<12>() else {
            return;
        };
        let (mut destination, mut source) = ([0; 6], [0; 6]);
        destination.copy_from_slice(&addresses[..6]);
        source.copy_from_slice(&addresses[6..]);
        self.stations.insert(source, from);
        let to = self.stations.get(&destination).copied();
        for port in 0..self.ports.len() {
            if port != from && to.is_none_or(|to| to == port) {
                // One that is full loses frames, as a switch does.
                let _ = send(&mut self.ports[port], now, frame);
            }
        }
    }
}

fn send(port: &mut MemoryLink, now: Instant, frame: &Frame) -> Result<(), link::Full> {
    let head = frame.head();
    let head = head.get(..HEAD).unwrap_or(head);
    let mut payload: Vec<Chunk> = frame.parts().cloned().map(Chunk::from).collect();
    payload[0].advance(head.len());
    port.transmit(
        now,
        Transmit {
            head,
            payload: &payload,
            offload: Offload::default(),
        },
    )
}
