//! What a host shows of its inside.

use alloc::vec::Vec;
use core::net::SocketAddr;
use core::time::Duration;

use runtime::{Clock, Connection, Inspect, Number, show_pool, show_tables};
use tcp::Fill;

use crate::host::Host;
use crate::{Drop, Net};

impl Inspect for Net {
    fn numbers(&self, show: &mut dyn FnMut(Number)) {
        let inner = self.0.borrow();
        let host = &inner.host;
        link(host, show);
        segments(host.tcp.stats(), show);
        datagrams(host.udp.stats(), show);
        tables(host, show);
        show_pool(host.tcp.pool(), show);
    }

    fn connections(&self, show: &mut dyn FnMut(&Connection) -> bool) {
        let inner = self.0.borrow();
        for (local, remote, info) in inner.host.tcp.connections() {
            let connection = Connection {
                local: SocketAddr::V4(local),
                remote: SocketAddr::V4(remote),
                state: info.state.name(),
                srtt: info.srtt,
                rto: info.rto,
                cwnd: info.cwnd.into(),
                in_flight: info.in_flight.into(),
                resent: info.resent.into(),
                send_window: Some(info.snd_wnd.into()),
                receive_window: Some(info.rcv_wnd.into()),
                queued: Some(info.queued as u64),
                unread: Some(info.unread as u64),
            };
            if !show(&connection) {
                return;
            }
        }
    }

    fn trace(&self, clock: &Clock) -> Option<Vec<u8>> {
        let elapsed = Duration::from_nanos(clock.now().as_nanos());
        let start = clock.unix_time().saturating_sub(elapsed);
        let inner = self.0.borrow();
        let notes = inner.host.tcp.notes();
        Some(inner.host.interface.recorder.trace(start, notes))
    }
}

/// What passed the link, and what was thrown away before it came to a protocol above.
fn link(host: &Host, show: &mut dyn FnMut(Number)) {
    let stats = &host.interface.stats;
    let mut count = |name, help, value| show(Number::new(name, help, value));
    count(
        "link_frames_received_total",
        "Frames received, good or bad.",
        stats.frames_received,
    );
    count(
        "link_received_bytes_total",
        "Bytes of frames received.",
        stats.bytes_received,
    );
    count("link_frames_sent_total", "Frames sent.", stats.frames_sent);
    count(
        "link_sent_bytes_total",
        "Bytes of frames sent.",
        stats.bytes_sent,
    );
    count(
        "link_full_total",
        "How often the link had no room.",
        stats.link_full,
    );
    count(
        "link_errors_total",
        "How often the link failed.",
        stats.link_errors,
    );
    count(
        "link_ups_total",
        "How often the link came up.",
        stats.link_ups,
    );
    count("icmp_echoes_total", "Echo requests answered.", stats.echoes);
    count(
        "arp_conflicts_total",
        "How often another host claimed our address.",
        stats.conflicts,
    );
    for reason in Drop::ALL {
        let (name, help) = (
            "link_frames_dropped_total",
            "Frames thrown away below TCP and UDP.",
        );
        show(Number::new(name, help, stats.dropped(reason)).labelled("reason", reason.name()));
    }
}

fn segments(stats: &tcp::Stats, show: &mut dyn FnMut(Number)) {
    let mut count = |name, help, value| show(Number::new(name, help, value));
    count(
        "tcp_segments_received_total",
        "Segments received, good or bad.",
        stats.segments_received,
    );
    count(
        "tcp_segments_sent_total",
        "Segments sent.",
        stats.segments_sent,
    );
    count(
        "tcp_segments_resent_total",
        "Segments sent again.",
        stats.segments_resent,
    );
    count("tcp_resets_sent_total", "Resets sent.", stats.resets_sent);
    count(
        "tcp_replies_dropped_total",
        "Replies without room or beyond their limit.",
        stats.replies_dropped,
    );
    count(
        "tcp_accepted_total",
        "Connections that others opened.",
        stats.accepted,
    );
    count(
        "tcp_connected_total",
        "Connections that we opened.",
        stats.connected,
    );
    count(
        "tcp_failed_total",
        "Connections that ended with an error.",
        stats.failed,
    );
    count(
        "tcp_timeouts_total",
        "Retransmission timeouts.",
        stats.timeouts,
    );
    count(
        "tcp_urgent_total",
        "Segments with urgent data, read as ordinary.",
        stats.urgent,
    );
    count(
        "tcp_time_wait_evicted_total",
        "TIME-WAIT entries that had to go early.",
        stats.time_wait_evicted,
    );
    for reason in tcp::Drop::ALL {
        let (name, help) = ("tcp_segments_dropped_total", "Segments thrown away.");
        show(Number::new(name, help, stats.dropped(reason)).labelled("reason", reason.name()));
    }
}

fn datagrams(stats: &udp::Stats, show: &mut dyn FnMut(Number)) {
    let mut count = |name, help, value| show(Number::new(name, help, value));
    count(
        "udp_datagrams_received_total",
        "Datagrams received, good or bad.",
        stats.received,
    );
    count("udp_datagrams_sent_total", "Datagrams sent.", stats.sent);
    count(
        "udp_undelivered_total",
        "Errors heard about datagrams of bound ports.",
        stats.undelivered,
    );
    for reason in udp::Drop::ALL {
        let (name, help) = ("udp_datagrams_dropped_total", "Datagrams thrown away.");
        show(Number::new(name, help, stats.dropped(reason)).labelled("reason", reason.name()));
    }
}

fn tables(host: &Host, show: &mut dyn FnMut(Number)) {
    let tcp = host.tcp.tables();
    let tables: [(&str, Fill); 5] = [
        ("tcp_connections", tcp.connections),
        ("tcp_handshakes", tcp.half_open),
        ("tcp_time_wait", tcp.time_wait),
        ("tcp_replies", tcp.outbox),
        ("icmp_replies", host.outbox.fill()),
    ];
    show_tables(
        &tables.map(|(table, fill)| (table, fill.used, fill.limit)),
        show,
    );
}
