//! Network interfaces, from `/proc/net/dev`.

use std::path::Path;

use super::{
    config::{NetworkConfig, NetworkMetrics},
    connections::Connections,
    filter::Filter,
    scrape::{self, Scraper},
    sink::{Metric, Shape, Sink},
    source::Source,
    text,
    trouble::{Trouble, Troubles},
};

const SCOPE: &str = "weir/procfs/network";
const IO: Metric = Metric::new(SCOPE, "system.network.io", "By", Shape::Counter);
const PACKETS: Metric = Metric::new(SCOPE, "system.network.packets", "{packets}", Shape::Counter);
const ERRORS: Metric = Metric::new(SCOPE, "system.network.errors", "{errors}", Shape::Counter);
const DROPPED: Metric = Metric::new(SCOPE, "system.network.dropped", "{packets}", Shape::Counter);

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
    connections: Option<Connections>,
}

impl Network {
    pub(super) fn new(config: NetworkConfig, root: &Path) -> Result<Self, regex::Error> {
        let filter = Filter::new(config.include.names(), config.exclude.names())?;
        let connections = config.metrics.connections.enabled.then(|| Connections::new(root));
        Ok(Self { metrics: config.metrics, filter, dev: scrape::of_the_network(root, "dev"), connections })
    }
}

impl Scraper for Network {
    fn scrape(&mut self, sink: &mut Sink<'_>, troubles: &mut Troubles) -> Result<(), Trouble> {
        let Self { metrics, filter, dev, connections } = self;
        if let Some(Err(trouble)) = connections.as_mut().map(|connections| connections.put(sink, troubles)) {
            troubles.report(trouble);
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
