//! TCP connections by state.

use super::{
    sink::{Metric, Shape, Sink},
    tcp::Tcp,
    trouble::{Trouble, Troubles},
};

const CONNECTIONS: Metric =
    Metric::new("weir/procfs/network", "system.network.connections", "{connections}", Shape::UpDown);

/// The states in the Collector's words, in the order of the kernel's numbers, which begin with 1.
const STATES: [&str; 11] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT1",
    "FIN_WAIT2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];

/// Puts every state, those without a connection too: an alarm on `CLOSE_WAIT` needs its zeros.
pub(super) fn put(tcp: &mut Tcp, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
    let tally = tcp.count(troubles)?;
    for (state, count) in STATES.iter().zip(&tally.by_state[1..]) {
        let attributes = [("protocol", b"tcp".as_slice()), ("state", state.as_bytes())];
        sink.put_int(&CONNECTIONS, &attributes, *count);
    }
    Ok(())
}
