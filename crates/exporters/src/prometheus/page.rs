//! How the newest values are written: piece by piece, each when the reader has taken the one before. So a reader that is slow, or many of
//! them, hold up nobody and take little memory: a piece each, and the resources that are to be described at the end.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use weir_core::{Resource, UnixNanos};
use weir_exposition::{FamilyType, Format, number, render::Writer};

use super::{
    labels::{Labels, who},
    names,
    store::{Entry, Head, Shown, Store},
    value::Value,
};

/// The metric that says what is known of resources.
const TARGET_INFO: &str = "target";
/// How many series are written before points that have come meanwhile are let in.
const AT_A_TIME: usize = 64;
/// How large a piece is at least, but for the last, in bytes: some hundred microseconds of writing, and one write to the socket.
const PIECE: usize = 64 * 1024;

/// Resources by who they are: of those that are the same one, the first that came.
#[derive(Default)]
struct Resources {
    by_who: BTreeMap<Labels, Arc<Resource>>,
    /// The one that came last: the series of a resource often follow each other, and the store is locked meanwhile.
    last: Option<Arc<Resource>>,
}

impl Resources {
    fn note(&mut self, resource: &Arc<Resource>) {
        if self.last.as_ref().is_some_and(|last| Arc::ptr_eq(last, resource)) {
            return;
        }
        self.last = Some(Arc::clone(resource));
        self.by_who.entry(who(resource)).or_insert_with(|| Arc::clone(resource));
    }
}

/// The page of a store at a time, in pieces. A series is written as a whole, as it is when its turn has come.
pub(super) struct Page {
    store: Arc<Mutex<Store>>,
    now: UnixNanos,
    writer: Writer,
    format: Format,
    timestamps: bool,
    /// What has come, where resources are described.
    resources: Option<Resources>,
    at: At,
}

/// What is to be written next.
enum At {
    /// The family whose name comes after this one.
    After(Option<String>),
    /// The series of a family whose labels come after these.
    Within { head: Head, last: Option<Labels> },
    /// The resources that are left, of a family that has begun or not.
    TargetInfo { begun: bool },
    /// Nothing.
    End,
}

impl Iterator for Page {
    type Item = String;

    fn next(&mut self) -> Option<String> {
        while self.writer.written() < PIECE {
            self.at = match std::mem::replace(&mut self.at, At::End) {
                At::After(name) => {
                    let head = self.store.lock().family_after(name.as_deref());
                    head.map_or(At::TargetInfo { begun: false }, |head| At::Within { head, last: None })
                }
                At::Within { head, last } => self.series(head, last),
                At::TargetInfo { begun } => match self.target_info(begun) {
                    Some(next) => next,
                    None => return Some(self.writer.finish()),
                },
                At::End => return None,
            };
        }
        Some(self.writer.take())
    }
}

impl Page {
    pub(super) fn new(store: &Arc<Mutex<Store>>, format: Format, now: UnixNanos) -> Self {
        let (timestamps, describes) = {
            let config = &store.lock().config;
            (config.send_timestamps, !config.resource_to_telemetry_conversion.enabled)
        };
        Self {
            store: Arc::clone(store),
            now,
            writer: Writer::new(format, false),
            format,
            timestamps,
            resources: describes.then(Resources::default),
            at: At::After(None),
        }
    }

    /// Writes the next series of a family; answers what comes then.
    fn series(&mut self, head: Head, last: Option<Labels>) -> At {
        let number = self.number_name(&head);
        let store = Arc::clone(&self.store);
        let store = store.lock();
        let (mut next, mut written) = (None, 0);
        for (labels, entry) in store.series_after(&head, last.as_ref(), self.now).take(AT_A_TIME) {
            if last.is_none() && written == 0 {
                self.head(&head, &number);
            }
            self.entry(&head, &number, labels, entry);
            if let Some(resources) = &mut self.resources {
                resources.note(entry.resource());
            }
            written += 1;
            next = Some(labels);
        }
        if written < AT_A_TIME {
            At::After(Some(head.name.family))
        } else {
            At::Within { last: next.cloned(), head }
        }
    }

    fn head(&mut self, head: &Head, number: &str) {
        let kind = match head.kind {
            Shown::Gauge => FamilyType::Gauge,
            Shown::Counter => FamilyType::Counter,
            Shown::Histogram => FamilyType::Histogram,
            Shown::Summary => FamilyType::Summary,
        };
        // OpenMetrics' family of a counter has no `_total`, Prometheus's has.
        let name = if self.format.is_openmetrics() { &head.name.family } else { number };
        self.writer.family(name, kind, "", &head.name.unit);
    }

    /// The name of a number's samples.
    fn number_name(&self, head: &Head) -> String {
        let is_counter = head.kind == Shown::Counter;
        let has_total = head.name.has_total || self.format.is_openmetrics();
        let name = &head.name.family;
        if is_counter && has_total { format!("{name}_total") } else { name.clone() }
    }

    fn entry(&mut self, head: &Head, number: &str, labels: &Labels, entry: &Entry) {
        let time = self.timestamps.then_some(entry.time);
        let name = &head.name.family;
        match &entry.value {
            Value::Number(value) => self.sample(number, labels, None, *value, time),
            Value::Histogram { bounds, counts, count, sum } => {
                let bucket = format!("{name}_bucket");
                let mut up_to = 0;
                for (bound, counted) in bounds.iter().zip(counts) {
                    up_to += counted;
                    self.sample(&bucket, labels, Some(("le", *bound)), up_to as f64, time);
                }
                self.sample(&bucket, labels, Some(("le", f64::INFINITY)), *count as f64, time);
                if let Some(sum) = sum {
                    self.sample(&format!("{name}_sum"), labels, None, *sum, time);
                }
                // In OpenMetrics a count comes with a sum only.
                if sum.is_some() || !self.format.is_openmetrics() {
                    self.sample(&format!("{name}_count"), labels, None, *count as f64, time);
                }
            }
            Value::Summary { count, sum, quantiles } => {
                for pair in quantiles.chunks_exact(2) {
                    self.sample(name, labels, Some(("quantile", pair[0])), pair[1], time);
                }
                self.sample(&format!("{name}_sum"), labels, None, *sum, time);
                self.sample(&format!("{name}_count"), labels, None, *count as f64, time);
            }
        }
    }

    fn sample(
        &mut self,
        name: &str,
        labels: &Labels,
        own: Option<(&str, f64)>,
        value: f64,
        time: Option<UnixNanos>,
    ) {
        let own = own.map(|(label, value)| (label, number::in_label(value)));
        let own = own.as_ref().map(|(label, value)| (*label, value.as_str()));
        let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
        let time = time.and_then(|time| i64::try_from(time.0).ok());
        self.writer.sample(name, labels, value, time);
    }

    /// Writes the next resources: a sample of 1 each. `None` where there are no more.
    fn target_info(&mut self, mut begun: bool) -> Option<At> {
        let name = format!("{TARGET_INFO}_info");
        for _ in 0..AT_A_TIME {
            let (who, resource) = self.resources.as_mut()?.by_who.pop_first()?;
            let Some(labels) = described(who, &resource) else { continue };
            if !begun {
                let family = if self.format.is_openmetrics() { TARGET_INFO } else { &name };
                self.writer.family(family, FamilyType::Info, "Target metadata", "");
                begun = true;
            }
            self.sample(&name, &labels, None, 1.0, None);
        }
        Some(At::TargetInfo { begun })
    }
}

/// What a resource is, and who; `None` where it has not both.
fn described(who: Labels, resource: &Resource) -> Option<Labels> {
    const WHO: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];
    let rest = resource.attributes.iter().filter(|pair| !WHO.contains(&&*pair.key));
    let mut labels: BTreeMap<String, String> =
        rest.map(|pair| (names::label(&pair.key), pair.value.to_string())).collect();
    labels.retain(|_, value| !value.is_empty());
    if labels.is_empty() || who.is_empty() {
        return None;
    }
    labels.extend(who);
    Some(labels.into_iter().collect())
}
