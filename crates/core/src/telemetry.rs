//! Self-telemetry: what `/metrics` shows, read from the ledger's plain atomics when somebody asks. Nothing is done per point.
//!
//! Names are the Collector's where it has the same thing (`otelcol_…`), Weir's otherwise (`weir_…`).

use std::fs;

use opentelemetry::{
    KeyValue,
    metrics::{AsyncInstrument, Meter},
};

use crate::{
    clock::UnixNanos,
    ledger::{Account, EdgeEntry, NodeEntry},
    pressure,
    process::Process,
    sending::Sending,
    storage::StorageStats,
};

/// Registers every instrument with `meter`.
pub fn register(meter: &Meter, process: &Process) {
    receivers(meter, process);
    processors(meter, process);
    exporters(meter, process);
    queues(meter, process);
    requests(meter, process);
    nodes(meter, process);
    edges(meter, process);
    series(meter, process);
    overflow(meter, process);
    storages(meter, process);
    detectors(meter, process);
    targets(meter, process);
    own_process(meter, process);
}

type Pick = fn(&Account) -> u64;

/// A counter with one value a node of `kind`.
fn of_nodes(
    meter: &Meter,
    process: &Process,
    kind: &'static str,
    name: &'static str,
    about: &'static str,
    pick: Pick,
) {
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter(name)
        .with_description(about)
        .with_callback(move |observer| {
            for node in ledger.nodes().iter().filter(|node| node.kind == kind) {
                observer.observe(pick(&node.ledger.read()), &labels(node));
            }
        })
        .build();
}

fn labels(node: &NodeEntry) -> Vec<KeyValue> {
    let mut labels = vec![KeyValue::new(node.kind, node.component.to_string())];
    if !node.pipeline.is_empty() {
        labels.push(KeyValue::new("pipeline", node.pipeline.to_string()));
    }
    labels
}

fn receivers(meter: &Meter, process: &Process) {
    let add = |name, about, pick| of_nodes(meter, process, "receiver", name, about, pick);
    add("otelcol_receiver_accepted_metric_points", "Points that entered the pipelines.", |a| a.passed);
    add(
        "otelcol_receiver_refused_metric_points",
        "Points that were turned away, their sender told so.",
        Account::refused_total,
    );
    add(
        "otelcol_receiver_failed_metric_points",
        "Points that were read and dropped at the receiver.",
        Account::dropped_total,
    );
    add("weir_receiver_exemplars_left", "Exemplars that were left behind.", |a| a.exemplars);
}

fn processors(meter: &Meter, process: &Process) {
    let add = |name, about, pick| of_nodes(meter, process, "processor", name, about, pick);
    add("otelcol_processor_incoming_items", "Points that reached the processor.", |a| a.taken);
    add("otelcol_processor_outgoing_items", "Points that the processor passed on.", |a| a.passed);
}

fn exporters(meter: &Meter, process: &Process) {
    let add = |name, about, pick| of_nodes(meter, process, "exporter", name, about, pick);
    add("otelcol_exporter_sent_metric_points", "Points delivered.", |a| a.passed);
    add(
        "otelcol_exporter_send_failed_metric_points",
        "Points that could not be delivered.",
        Account::dropped_total,
    );
}

/// What exporters say of their requests.
fn requests(meter: &Meter, process: &Process) {
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_sending_requests")
        .with_description("Requests that ended, by outcome.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                for (outcome, requests) in node.ledger.sending().outcomes() {
                    let mut labels = labels(&node);
                    labels.push(KeyValue::new("outcome", outcome));
                    observer.observe(requests, &labels);
                }
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .f64_observable_gauge("weir_sending_rate_limit")
        .with_description("Requests a second that may go out: falls by half when the destination throttles, and grows again.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                if let Some(limit) = node.ledger.sending().rate_limit() {
                    observer.observe(limit, &labels(&node));
                }
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_gauge("weir_sending_in_flight")
        .with_description("Requests under way.")
        .with_callback(move |observer| {
            for node in ledger.nodes().iter().filter(|node| node.ledger.sending().rate_limit().is_some()) {
                observer.observe(node.ledger.sending().in_flight(), &labels(node));
            }
        })
        .build();
    let counter = |name: &'static str, about: &'static str, read: fn(&Sending) -> u64| {
        let ledger = process.ledger.clone();
        meter
            .u64_observable_counter(name)
            .with_description(about)
            .with_callback(move |observer| {
                for node in ledger.nodes() {
                    let value = read(node.ledger.sending());
                    if value > 0 {
                        observer.observe(value, &labels(&node));
                    }
                }
            })
            .build();
    };
    counter("weir_sending_quarantined", "Items that the destination refuses for good.", Sending::quarantined);
    counter(
        "weir_sending_possible_duplicate_points",
        "Points that were sent again though they may have arrived: the answer was lost.",
        Sending::possible_duplicates,
    );
}

/// A gauge of the queues that exporters have.
fn queues(meter: &Meter, process: &Process) {
    let gauge = |name: &'static str, about: &'static str, pick: fn((u64, u64)) -> u64| {
        let ledger = process.ledger.clone();
        meter
            .u64_observable_gauge(name)
            .with_description(about)
            .with_unit("By")
            .with_callback(move |observer| {
                for node in ledger.nodes() {
                    let fill = node.ledger.queue_fill();
                    if fill.1 > 0 {
                        observer.observe(pick(fill), &labels(&node));
                    }
                }
            })
            .build();
    };
    gauge("otelcol_exporter_queue_size", "Bytes in the exporter's queue.", |(bytes, _)| bytes);
    gauge("otelcol_exporter_queue_capacity", "Bytes that the exporter's queue takes.", |(_, bound)| bound);
}

fn nodes(meter: &Meter, process: &Process) {
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_repairs")
        .with_description("Names and values changed to what the destination takes.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                observe_reasons(observer, &node, &node.ledger.repairs());
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_dropped_points")
        .with_description("Points dropped, by component and reason.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                observe_reasons(observer, &node, &node.ledger.read().dropped);
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_refused_points")
        .with_description("Points turned away, by component and reason.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                observe_reasons(observer, &node, &node.ledger.read().refused);
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_receiver_requests_turned_away")
        .with_description("Requests turned away, their sender asked to come again, by component and reason.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                observe_reasons(observer, &node, &node.ledger.turned_away());
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_gauge("weir_held_points")
        .with_description("Points that a node holds: windows, queues, batches.")
        .with_callback(move |observer| {
            for node in ledger.nodes() {
                observer.observe(node.ledger.read().held, &[KeyValue::new("component", node.name())]);
            }
        })
        .build();
}

fn observe_reasons(
    observer: &dyn AsyncInstrument<u64>,
    node: &NodeEntry,
    reasons: &std::collections::BTreeMap<crate::ledger::Reason, u64>,
) {
    for (reason, points) in reasons {
        let labels = [KeyValue::new("component", node.name()), KeyValue::new("reason", reason.0)];
        observer.observe(*points, &labels);
    }
}

fn edges(meter: &Meter, process: &Process) {
    let labels = |edge: &EdgeEntry| {
        [KeyValue::new("from", edge.from.to_string()), KeyValue::new("to", edge.to.to_string())]
    };
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_edge_points")
        .with_description("Points sent into an edge.")
        .with_callback(move |observer| {
            ledger.edges().iter().for_each(|edge| observer.observe(edge.ledger.passed(), &labels(edge)));
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_counter("weir_edge_missed_points")
        .with_description("Points that a branch of a fan-out missed, by reason.")
        .with_callback(move |observer| {
            for edge in ledger.edges() {
                for (reason, points) in edge.ledger.dropped() {
                    let [from, to] = labels(&edge);
                    observer.observe(points, &[from, to, KeyValue::new("reason", reason.0)]);
                }
            }
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_gauge("weir_edge_queued_bytes")
        .with_description("Bytes waiting in an edge.")
        .with_unit("By")
        .with_callback(move |observer| {
            ledger
                .edges()
                .iter()
                .for_each(|edge| observer.observe(edge.ledger.queued_bytes(), &labels(edge)));
        })
        .build();
    let ledger = process.ledger.clone();
    meter
        .u64_observable_gauge("weir_edge_capacity_bytes")
        .with_description("Bytes that may wait in an edge.")
        .with_unit("By")
        .with_callback(move |observer| {
            ledger.edges().iter().for_each(|edge| observer.observe(edge.capacity, &labels(edge)));
        })
        .build();
}

fn series(meter: &Meter, process: &Process) {
    let gauge = |name: &'static str, about: &'static str, read: fn(&Process) -> u64| {
        let process = process.clone();
        meter
            .u64_observable_gauge(name)
            .with_description(about)
            .with_callback(move |observer| observer.observe(read(&process), &[]))
            .build();
    };
    gauge("weir_interner_streams", "Streams that are active at doors.", |p| {
        p.interner.stats().streams as u64
    });
    gauge("weir_interner_series", "Series that are live, rewritten ones included.", |p| {
        p.interner.stats().series as u64
    });
    gauge("weir_interner_slots", "Slots ever made: the most series that were there at a time.", |p| {
        p.interner.stats().slots as u64
    });
    gauge("weir_interner_retired", "Retired series that wait for leases.", |p| {
        p.interner.stats().retired as u64
    });
    gauge("weir_interner_limit", "The cap on streams.", |p| p.interner.stats().limit as u64);
    gauge("weir_door_aliases", "Names by which senders call series.", |p| p.doors.aliases().0);
    gauge("weir_door_alias_bytes", "Bytes that those names take.", |p| p.doors.aliases().1);
}

/// Points over the cap that went to an overflow series (R4): delivered, and yet without their own name.
fn overflow(meter: &Meter, process: &Process) {
    let doors = process.doors.clone();
    meter
        .u64_observable_counter("weir_door_overflowed_points")
        .with_description("Points over the cap on streams that went to an overflow series.")
        .with_callback(move |observer| observer.observe(doors.overflowed(), &[]))
        .build();
}

fn storages(meter: &Meter, process: &Process) {
    let counter = |name: &'static str, about: &'static str, pick: fn(&StorageStats) -> u64| {
        let storages = process.storages.clone();
        meter
            .u64_observable_counter(name)
            .with_description(about)
            .with_callback(move |observer| {
                for stats in storages.stats() {
                    observer.observe(pick(&stats), &[KeyValue::new("component", stats.owner.clone())]);
                }
            })
            .build();
    };
    counter("weir_storage_saves", "How often state was saved.", |stats| stats.saves);
    counter("weir_storage_failures", "How often state could not be read or saved.", |stats| stats.failures);
}

fn detectors(meter: &Meter, process: &Process) {
    let metadata = process.metadata.clone();
    meter
        .u64_observable_gauge("weir_detector_ready")
        .with_description("1 where a detector has found all that it looks for, else 0.")
        .with_callback(move |observer| {
            for detector in metadata.detectors() {
                let label = KeyValue::new("detector", detector.name.to_string());
                observer.observe(u64::from(detector.is_ready), &[label]);
            }
        })
        .build();
    let metadata = process.metadata.clone();
    meter
        .u64_observable_counter("weir_detector_failures")
        .with_description("Failed attempts of detectors, by reason.")
        .with_callback(move |observer| {
            for detector in metadata.detectors() {
                for (reason, attempts) in detector.failures {
                    let label = KeyValue::new("detector", detector.name.to_string());
                    observer.observe(attempts, &[label, KeyValue::new("reason", reason.0)]);
                }
            }
        })
        .build();
}

/// Whom receivers ask, and how that ended.
fn targets(meter: &Meter, process: &Process) {
    let health = process.health.clone();
    meter
        .u64_observable_gauge("weir_targets")
        .with_description("Targets of receivers that scrape, by state.")
        .with_callback(move |observer| {
            for (name, targets) in health.asking() {
                for (state, count) in targets.states() {
                    let label = KeyValue::new("component", name.clone());
                    observer.observe(count, &[label, KeyValue::new("state", state.name())]);
                }
            }
        })
        .build();
    let health = process.health.clone();
    meter
        .u64_observable_counter("weir_scrapes")
        .with_description("Scrapes that ended, by outcome: `ok`, or why one failed.")
        .with_callback(move |observer| {
            for (name, targets) in health.asking() {
                for (outcome, count) in targets.outcomes() {
                    let label = KeyValue::new("component", name.clone());
                    observer.observe(count, &[label, KeyValue::new("outcome", outcome)]);
                }
            }
        })
        .build();
}

fn own_process(meter: &Meter, process: &Process) {
    let started = process.clock.now();
    let clock = process.clock.clone();
    meter
        .f64_observable_counter("otelcol_process_uptime")
        .with_description("Seconds since the start.")
        .with_unit("s")
        .with_callback(move |observer| observer.observe(seconds(clock.now(), started), &[]))
        .build();
    meter
        .u64_observable_gauge("otelcol_process_memory_rss")
        .with_description("Resident set size.")
        .with_unit("By")
        .with_callback(|observer| observer.observe(pressure::resident_bytes(), &[]))
        .build();
    meter
        .f64_observable_counter("otelcol_process_cpu_seconds")
        .with_description("CPU time, user and system.")
        .with_unit("s")
        .with_callback(|observer| {
            if let Some(seconds) = cpu_seconds() {
                observer.observe(seconds, &[]);
            }
        })
        .build();
    let pressure = process.pressure.clone();
    meter
        .u64_observable_gauge("weir_memory_limit")
        .with_description(
            "Memory above 85 % of which receivers ask their senders to wait; 0 where there is no limit.",
        )
        .with_unit("By")
        .with_callback(move |observer| observer.observe(pressure.figures().1, &[]))
        .build();
}

fn seconds(now: UnixNanos, since: UnixNanos) -> f64 {
    now.since(since).as_secs_f64()
}

/// Fields 14 and 15 of `/proc/self/stat` (proc(5)), counted behind the name, which may hold anything.
fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (u64, u64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) as f64 / rustix::param::clock_ticks_per_second() as f64)
}
