//! The plugin `net`, from `/proc/net/dev` and, for which interfaces are up, `/sys/class/net`.

use std::{
    ffi::OsStr,
    fs::File,
    io::Read as _,
    os::unix::ffi::{OsStrExt as _, OsStringExt as _},
    path::Path,
};

use weir_core::Number;

use super::{
    config::DeviceSection,
    last::{Last, added},
    measure::{BYTES, COUNT, Chosen, Measure, increment, whole},
};
use crate::procfs::{
    filter::Filter,
    network::{InterfaceLine, interfaces},
    scrape::{Scraper, of_the_network},
    sink::Sink,
    source::Source,
    trouble::{Trouble, Troubles},
};

pub(super) const MEASURES: &[Measure<Reading>] = &[
    increment("net_bytes_recv", BYTES, |net| net.added(BYTES_IN)),
    increment("net_bytes_sent", BYTES, |net| net.added(BYTES_OUT)),
    increment("net_drop_in", COUNT, |net| net.added(DROPPED_IN)),
    increment("net_drop_out", COUNT, |net| net.added(DROPPED_OUT)),
    increment("net_err_in", COUNT, |net| net.added(ERRORS_IN)),
    increment("net_err_out", COUNT, |net| net.added(ERRORS_OUT)),
    increment("net_packets_recv", COUNT, |net| net.added(PACKETS_IN)),
    increment("net_packets_sent", COUNT, |net| net.added(PACKETS_OUT)),
];

const BYTES_IN: usize = 0;
const BYTES_OUT: usize = 1;
const DROPPED_IN: usize = 2;
const DROPPED_OUT: usize = 3;
const ERRORS_IN: usize = 4;
const ERRORS_OUT: usize = 5;
const PACKETS_IN: usize = 6;
const PACKETS_OUT: usize = 7;

/// The counters of an interface, as the constants above number them.
fn counters(interface: &InterfaceLine<'_>) -> [u64; 8] {
    let (received, sent) = (interface.received, interface.transmitted);
    [
        received.bytes,
        sent.bytes,
        received.dropped,
        sent.dropped,
        received.errors,
        sent.errors,
        received.packets,
        sent.packets,
    ]
}

/// What came to each counter of an interface since the round before.
#[derive(Debug)]
pub(super) struct Reading([u64; 8]);

impl Reading {
    fn added(&self, counter: usize) -> Option<Number> {
        whole(self.0[counter])
    }
}

/// Reports network interfaces.
#[derive(Debug)]
pub(super) struct Net {
    chosen: Chosen<Reading>,
    /// Those that the configuration names; without, those that are up and not the loopback.
    named: Option<Filter>,
    dev: Source,
    flags: Flags,
    last: Last<8>,
}

impl Net {
    pub(super) fn new(config: &DeviceSection, root: &Path) -> Result<Self, regex::Error> {
        let named = if config.named().is_empty() { None } else { Some(config.filter()?) };
        Ok(Self {
            chosen: Chosen::new(MEASURES, &config.measurement),
            named,
            dev: of_the_network(root, "dev"),
            flags: Flags::new(root),
            last: Last::default(),
        })
    }
}

impl Scraper for Net {
    fn scrape(&mut self, sink: &mut Sink<'_>, _: &mut Troubles) -> Result<(), Trouble> {
        let Self { chosen, named, dev, flags, last } = self;
        let dev = dev.read()?;
        for interface in interfaces(dev.bytes) {
            let is_wanted = match named {
                Some(filter) => filter.passes(interface.name),
                None => flags.is_up(interface.name),
            };
            if !is_wanted {
                continue;
            }
            let counts = counters(&interface);
            if let Some((since, before)) = last.replace(interface.name, counts, sink.now) {
                let reading = Reading(std::array::from_fn(|at| added(before[at], counts[at])));
                chosen.put(&reading, &[("interface", interface.name)], since, sink);
            }
        }
        last.end_round();
        Ok(())
    }
}

/// `IFF_UP` and `IFF_LOOPBACK` (netdevice(7)).
const UP: u32 = 0x1;
const LOOPBACK: u32 = 0x8;

/// The flags of interfaces, each in a file of its own. Opened anew each time: a node of Kubernetes has hundreds of interfaces.
#[derive(Debug)]
struct Flags {
    /// `…/sys/class/net/`, and what is put behind it.
    path: Vec<u8>,
    folder: usize,
}

impl Flags {
    fn new(root: &Path) -> Self {
        let path = root.join("sys/class/net/").into_os_string().into_vec();
        Self { folder: path.len(), path }
    }

    /// Whether an interface is up, and not the loopback; where the kernel does not say, the name decides.
    fn is_up(&mut self, interface: &[u8]) -> bool {
        match self.of(interface) {
            Some(flags) => flags & UP != 0 && flags & LOOPBACK == 0,
            None => interface != b"lo",
        }
    }

    fn of(&mut self, interface: &[u8]) -> Option<u32> {
        self.path.truncate(self.folder);
        self.path.extend_from_slice(interface);
        self.path.extend_from_slice(b"/flags");
        let mut text = [0; 16]; // such as `0x1003`
        let mut file = File::open(OsStr::from_bytes(&self.path)).ok()?;
        let length = file.read(&mut text).ok()?;
        let digits = std::str::from_utf8(text[..length].trim_ascii()).ok()?.strip_prefix("0x")?;
        u32::from_str_radix(digits, 16).ok()
    }
}
