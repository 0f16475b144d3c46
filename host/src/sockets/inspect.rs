//! What the kernel tells of its connections, and the numbers of our side.

use core::time::Duration;

use runtime::{Clock, Inspect, Number, show_pool, show_tables};

use super::Sockets;
use super::connection::Connection;
use crate::sys;

impl Inspect for Sockets {
    fn numbers(&self, show: &mut dyn FnMut(Number)) {
        let tables = {
            let state = self.state.borrow();
            let (connections, listeners) = (state.connections.len(), state.listeners.len());
            [
                ("connections", connections, self.limits.connections),
                ("listeners", listeners, self.limits.listeners),
                ("ports", state.ports.len(), self.limits.ports),
            ]
        };
        show_tables(&tables, show);
        show_pool(&self.pool, show);
    }

    /// Asks the kernel, half a microsecond for each.
    fn connections(&self, show: &mut dyn FnMut(&runtime::Connection) -> bool) {
        let mut state = self.state.borrow_mut();
        for connection in state.connections.iter() {
            if let Some(connection) = look(connection)
                && !show(&connection)
            {
                return;
            }
        }
    }

    fn trace(&self, _: &Clock) -> Option<Vec<u8>> {
        None
    }
}

/// `None` for one that has no peer (any more).
fn look(connection: &Connection) -> Option<runtime::Connection> {
    let info = sys::tcp_info(&connection.stream).ok()?;
    let micros = |micros: u32| Duration::from_micros(micros.into());
    // The kernel counts these in segments.
    let bytes = |segments: u32| u64::from(segments) * u64::from(info.tcpi_snd_mss);
    Some(runtime::Connection {
        local: connection.stream.local_addr().ok()?,
        remote: connection.stream.peer_addr().ok()?,
        state: state(info.tcpi_state),
        srtt: Some(micros(info.tcpi_rtt)).filter(|rtt| !rtt.is_zero()),
        rto: micros(info.tcpi_rto),
        cwnd: bytes(info.tcpi_snd_cwnd),
        in_flight: bytes(info.tcpi_unacked),
        resent: info.tcpi_total_retrans.into(),
        send_window: None,
        receive_window: None,
        queued: None,
        unread: None,
    })
}

/// The name of a state (`include/net/tcp_states.h`).
fn state(number: u8) -> &'static str {
    match number {
        1 => "ESTABLISHED",
        2 => "SYN-SENT",
        3 => "SYN-RECEIVED",
        4 => "FIN-WAIT-1",
        5 => "FIN-WAIT-2",
        6 => "TIME-WAIT",
        8 => "CLOSE-WAIT",
        9 => "LAST-ACK",
        11 => "CLOSING",
        _ => "CLOSED",
    }
}
