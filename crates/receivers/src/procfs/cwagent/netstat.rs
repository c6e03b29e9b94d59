//! The plugin `netstat`: TCP sockets, and those of the kernel's tables `/proc/net/udp`, `udp6` and `unix`.

use std::path::Path;

use weir_core::UnixNanos;

use super::{
    config::Section,
    measure::{COUNT, Chosen, Measure, gauge, whole},
};
use crate::procfs::{
    distinct::Distinct,
    scrape::{Scraper, of_the_network},
    sink::Sink,
    source::Source,
    tcp::{Tally, Tcp},
    text,
    trouble::{Trouble, Troubles},
};

// The states are numbered as in the kernel's include/net/tcp_states.h.
pub(super) const MEASURES: &[Measure<Sockets>] = &[
    gauge("netstat_tcp_close", COUNT, |sockets| whole(sockets.tcp.by_state[7])),
    gauge("netstat_tcp_close_wait", COUNT, |sockets| whole(sockets.tcp.by_state[8])),
    gauge("netstat_tcp_closing", COUNT, |sockets| whole(sockets.tcp.by_state[11])),
    gauge("netstat_tcp_established", COUNT, |sockets| whole(sockets.tcp.by_state[1])),
    gauge("netstat_tcp_fin_wait1", COUNT, |sockets| whole(sockets.tcp.by_state[4])),
    gauge("netstat_tcp_fin_wait2", COUNT, |sockets| whole(sockets.tcp.by_state[5])),
    gauge("netstat_tcp_last_ack", COUNT, |sockets| whole(sockets.tcp.by_state[9])),
    gauge("netstat_tcp_listen", COUNT, |sockets| whole(sockets.tcp.addresses_listening)),
    gauge("netstat_tcp_none", COUNT, |sockets| whole(sockets.unix_streams)),
    gauge("netstat_tcp_syn_recv", COUNT, |sockets| whole(sockets.tcp.by_state[3])),
    gauge("netstat_tcp_syn_sent", COUNT, |sockets| whole(sockets.tcp.by_state[2])),
    gauge("netstat_tcp_time_wait", COUNT, |sockets| whole(sockets.tcp.by_state[6])),
    // The Agent takes every datagram socket for one of UDP.
    gauge("netstat_udp_socket", COUNT, |sockets| whole(sockets.udp + sockets.unix_datagrams)),
];

/// The sockets that there are; of several with the same addresses, or the same path, one counts (of TCP only those that listen can be such).
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::procfs) struct Sockets {
    tcp: Tally,
    pub(in crate::procfs) udp: u64,
    /// Unix sockets of streams and of packets in sequence. The Agent has them as TCP without a state.
    pub(in crate::procfs) unix_streams: u64,
    pub(in crate::procfs) unix_datagrams: u64,
}

/// A table of the kernel.
#[derive(Clone, Copy, Debug)]
pub(in crate::procfs) enum Table {
    Udp,
    Unix,
}

/// Counts the lines of tables.
#[derive(Debug, Default)]
pub(in crate::procfs) struct Counter {
    pub(in crate::procfs) sockets: Sockets,
    /// Addresses and paths.
    seen: Distinct,
}

impl Counter {
    fn reset(&mut self) {
        self.sockets = Sockets::default();
        self.seen.clear();
    }

    /// Counts a line; what is none of a socket (the heading) counts nothing.
    pub(in crate::procfs) fn line(&mut self, table: Table, line: &[u8]) {
        let _ = self.socket(table, line);
    }

    fn socket(&mut self, table: Table, line: &[u8]) -> Option<()> {
        let mut words = text::words(line);
        match table {
            Table::Udp => {
                let [_number, local, remote, state] = next(&mut words)?;
                usize::from_str_radix(std::str::from_utf8(state).ok()?, 16).ok()?; // else it is the heading
                self.sockets.udp += u64::from(self.seen.is_new(&(1, local, remote)));
            }
            Table::Unix => {
                let [_number, _references, _protocol, _flags, kind, _state, _inode] = next(&mut words)?;
                let kind = text::number(kind)?;
                let path = words.next().filter(|_| words.next().is_none()).unwrap_or_default();
                let is_new = self.seen.is_new(&(2, kind, path));
                let count = match kind {
                    DATAGRAM => &mut self.sockets.unix_datagrams,
                    _ => &mut self.sockets.unix_streams,
                };
                *count += u64::from(is_new);
            }
        }
        Some(())
    }
}

/// `SOCK_DGRAM`.
const DATAGRAM: u64 = 2;

/// The next `N` words.
fn next<'a, const N: usize>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<[&'a [u8]; N]> {
    let mut all = [&[][..]; N];
    for slot in &mut all {
        *slot = words.next()?;
    }
    Some(all)
}

/// The files; those of version 6 are not there where the kernel is without it.
const FILES: [(&str, Table, bool); 3] =
    [("udp", Table::Udp, true), ("udp6", Table::Udp, false), ("unix", Table::Unix, true)];

/// Reports sockets.
#[derive(Debug)]
pub(super) struct NetStat {
    chosen: Chosen<Sockets>,
    tcp: Tcp,
    tables: [(Source, Table, bool); FILES.len()],
    counter: Counter,
}

impl NetStat {
    pub(super) fn new(config: &Section, root: &Path) -> Self {
        Self {
            chosen: Chosen::new(MEASURES, &config.measurement),
            tcp: Tcp::of(root),
            tables: FILES
                .map(|(file, table, must_be_there)| (of_the_network(root, file), table, must_be_there)),
            counter: Counter::default(),
        }
    }
}

impl Scraper for NetStat {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        let Self { chosen, tcp, tables, counter } = self;
        counter.reset();
        counter.sockets.tcp = tcp.count(troubles)?;
        for (source, table, must_be_there) in tables {
            match source.each_line(|line| counter.line(*table, line)) {
                Err(trouble) if *must_be_there || !trouble.is_absence() => return Err(trouble),
                _ => {}
            }
        }
        chosen.put(&counter.sockets, &[], UnixNanos(0), sink);
        Ok(())
    }
}
