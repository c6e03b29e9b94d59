//! TCP connections by state, from `/proc/net/tcp` and `tcp6` (proc_net(5)).

use super::{
    scrape,
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const CONNECTIONS: Metric =
    Metric::new("weir/procfs/network", "system.network.connections", "{connections}", Shape::UpDown);

/// The states in the Collector's words, at the places of the kernel's numbers (`include/net/tcp_states.h`, which begins with 1).
const STATES: [&str; 11] = [
    "ESTABLISHED",
    "SYN_SENT",
    "SYN_RECV",
    "FIN_WAIT_1",
    "FIN_WAIT_2",
    "TIME_WAIT",
    "CLOSE",
    "CLOSE_WAIT",
    "LAST_ACK",
    "LISTEN",
    "CLOSING",
];
/// `TCP_NEW_SYN_RECV`: a connection of which the kernel holds a request only.
const NEW_SYN_RECEIVED: usize = 12;
const SYN_RECEIVED: usize = 2;

/// Which of the states a line's connection is in; `None` for the line of the columns' names, and for what is none.
pub(super) fn state(line: &[u8]) -> Option<usize> {
    let word = std::str::from_utf8(text::words(line).nth(3)?).ok().filter(|word| word.len() == 2)?;
    match usize::from_str_radix(word, 16).ok()? {
        NEW_SYN_RECEIVED => Some(SYN_RECEIVED),
        number => number.checked_sub(1).filter(|at| *at < STATES.len()),
    }
}

/// Counts connections.
#[derive(Debug)]
pub(super) struct Connections {
    tcp: Source,
    tcp6: Source,
}

impl Connections {
    pub(super) fn new(root: &std::path::Path) -> Self {
        let of_the_network = |file| scrape::of_the_network(root, file);
        Self { tcp: of_the_network("tcp"), tcp6: of_the_network("tcp6") }
    }

    /// Every state, those without a connection too: an alarm on `CLOSE_WAIT` needs its zeros.
    pub(super) fn put(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        let mut counts = [0_u64; STATES.len()];
        let mut count = |line: &[u8]| state(line).into_iter().for_each(|at| counts[at] += 1);
        self.tcp.each_line(&mut count)?;
        if let Err(trouble) = self.tcp6.each_line(&mut count) {
            // A kernel without IPv6 has no such file.
            if !trouble.is_absence() {
                troubles.report(trouble);
            }
        }
        for (state, count) in STATES.iter().zip(counts) {
            let attributes = [("protocol", b"tcp".as_slice()), ("state", state.as_bytes())];
            sink.put_int(&CONNECTIONS, &attributes, count);
        }
        Ok(())
    }
}
