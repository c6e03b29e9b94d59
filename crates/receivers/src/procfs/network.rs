//! Network interfaces, from `/proc/net/dev`; connections, and the table that the kernel tracks them in.

use std::path::Path;

use super::{
    config::{NetworkConfig, NetworkMetrics},
    connections,
    filter::Filter,
    scrape::{self, Scraper},
    sink::{Metric, Shape, Sink},
    source::Source,
    tcp::Tcp,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/network";
const IO: Metric = Metric::new(SCOPE, "system.network.io", "By", Shape::Counter);
const PACKETS: Metric = Metric::new(SCOPE, "system.network.packets", "{packets}", Shape::Counter);
const ERRORS: Metric = Metric::new(SCOPE, "system.network.errors", "{errors}", Shape::Counter);
const DROPPED: Metric = Metric::new(SCOPE, "system.network.dropped", "{packets}", Shape::Counter);
const TRACKED: Metric = Metric::new(SCOPE, "system.network.conntrack.count", "{entries}", Shape::UpDown);
const MOST_TRACKED: Metric = Metric::new(SCOPE, "system.network.conntrack.max", "{entries}", Shape::UpDown);

/// What went over an interface in one direction since it is there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    pub(super) bytes: u64,
    pub(super) packets: u64,
    pub(super) errors: u64,
    pub(super) dropped: u64,
}

/// An interface's line of `/proc/net/dev`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct InterfaceLine<'a> {
    pub(super) name: &'a [u8],
    pub(super) received: Traffic,
    pub(super) transmitted: Traffic,
}

/// The interfaces; the two lines of headings hold no colon.
pub(super) fn interfaces(dev: &[u8]) -> impl Iterator<Item = InterfaceLine<'_>> {
    text::lines(dev).filter_map(interface)
}

fn interface(line: &[u8]) -> Option<InterfaceLine<'_>> {
    // A wide number follows the colon without a blank; a name holds no colon (`dev_valid_name` in the kernel).
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = line[..colon].trim_ascii();
    let mut words = text::words(&line[colon + 1..]);
    let received = traffic(&mut words)?;
    let [_fifo, _frame, _compressed, _multicast] = text::numbers(&mut words)?;
    let transmitted = traffic(&mut words)?;
    let [_fifo, _collisions, _carrier, _compressed] = text::numbers(&mut words)?;
    (!name.is_empty()).then_some(InterfaceLine { name, received, transmitted })
}

fn traffic<'a>(words: &mut impl Iterator<Item = &'a [u8]>) -> Option<Traffic> {
    let [bytes, packets, errors, dropped] = text::numbers(words)?;
    Some(Traffic { bytes, packets, errors, dropped })
}

/// Reports network interfaces.
#[derive(Debug)]
pub(super) struct Network {
    metrics: NetworkMetrics,
    filter: Filter,
    dev: Source,
    connections: Option<Tcp>,
    conntrack: Vec<(&'static Metric, Source)>,
}

impl Network {
    pub(super) fn new(config: NetworkConfig, root: &Path) -> Result<Self, regex::Error> {
        let filter = Filter::new(config.include.names(), config.exclude.names())?;
        let connections = config.metrics.connections.enabled.then(|| Tcp::of(root));
        let conntrack = [
            (config.metrics.conntrack_count, &TRACKED, "nf_conntrack_count"),
            (config.metrics.conntrack_max, &MOST_TRACKED, "nf_conntrack_max"),
        ];
        let conntrack = conntrack.into_iter().filter(|(switch, ..)| switch.enabled);
        let conntrack = conntrack
            .map(|(_, metric, file)| (metric, scrape::proc(root, &format!("sys/net/netfilter/{file}"))));
        let dev = scrape::of_the_network(root, "dev");
        Ok(Self { metrics: config.metrics, filter, dev, connections, conntrack: conntrack.collect() })
    }
}

impl Scraper for Network {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        let Self { metrics, filter, dev, connections, conntrack } = self;
        if let Some(tcp) = connections
            && let Err(trouble) = connections::put(tcp, sink, troubles)
        {
            troubles.report(trouble);
        }
        for (metric, file) in conntrack {
            match entries(file) {
                Ok(entries) => sink.put_int(metric, &[], entries),
                Err(trouble) => troubles.report(trouble),
            }
        }
        let dev = dev.read()?;
        for interface in interfaces(dev.bytes).filter(|interface| filter.passes(interface.name)) {
            let directions = [("receive", interface.received), ("transmit", interface.transmitted)];
            for (direction, traffic) in directions {
                let attributes = [("device", interface.name), ("direction", direction.as_bytes())];
                let counters = [
                    (metrics.io, &IO, traffic.bytes),
                    (metrics.packets, &PACKETS, traffic.packets),
                    (metrics.errors, &ERRORS, traffic.errors),
                    (metrics.dropped, &DROPPED, traffic.dropped),
                ];
                for (_, metric, count) in counters.into_iter().filter(|(switch, ..)| switch.enabled) {
                    sink.put_int(metric, &attributes, count);
                }
            }
        }
        Ok(())
    }
}

/// The number that a file of the tracking of connections holds. There is none as long as no rule of the firewall needs it.
fn entries(file: &mut Source) -> Result<u64, Trouble> {
    let file = file.read()?;
    let number = text::lines(file.bytes).next().and_then(text::number);
    number.ok_or_else(|| file.holds_no("number"))
}
