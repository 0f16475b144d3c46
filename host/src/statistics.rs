//! What was done, said at the end.

use packet::{Class, Pool};
use runtime::Console as _;

use crate::clients::Published;
use crate::console::Output;

/// Prints what the place has done.
pub(crate) fn print(output: &Output, net: &Published, stack: Option<&stack::Net>, pool: &Pool) {
    let (requests, bytes) = output.served();
    let connections = net.accepted();
    match requests {
        // Not every application logs them.
        0 => output.print(format_args!("Served {connections} connections")),
        _ => output.print(format_args!(
            "Served {requests} requests ({bytes} bytes of bodies) on {connections} connections"
        )),
    }
    let Some(stack) = stack else { return };
    let stats = stack.stats();
    let tcp = stats.tcp;
    output.print(format_args!(
        "  frames    {} received, {} sent, {} dropped",
        stats.frames_received,
        stats.frames_sent,
        stats.drops.iter().sum::<u64>()
    ));
    output.print(format_args!(
        "  segments  {} received, {} sent, {} sent again, {} dropped",
        tcp.segments_received,
        tcp.segments_sent,
        tcp.segments_resent,
        tcp.drops.iter().sum::<u64>()
    ));
    let udp = stats.udp;
    // Few applications have any.
    if udp.received + udp.sent > 0 {
        output.print(format_args!(
            "  datagrams {} received, {} sent, {} dropped",
            udp.received,
            udp.sent,
            udp.drops.iter().sum::<u64>()
        ));
    }
    let held = Class::ALL.map(|class| pool.usage(class).held * class.size());
    output.print(format_args!(
        "  buffers   {} KiB held, cached files among them",
        held.iter().sum::<usize>() / 1024
    ));
}
