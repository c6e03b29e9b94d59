//! How the newest values are written.

use std::{collections::BTreeMap, sync::Arc};

use parking_lot::Mutex;
use weir_core::{Resource, UnixNanos};
use weir_exposition::{
    FamilyType, Format,
    render::{Writer, push_value},
};

use super::{
    labels::{Labels, who},
    names,
    store::{Entry, Head, Shown, Store},
    value::Value,
};

/// The metric that says what is known of resources.
const TARGET_INFO: &str = "target";
/// How many series are written before points that have come meanwhile are let in.
const AT_A_TIME: usize = 256;

/// The page of `store` at `now`. A series is written as a whole; those of one page may be some milliseconds apart.
pub(super) fn page(store: &Mutex<Store>, format: Format, now: UnixNanos) -> String {
    let (timestamps, describes) = {
        let config = &store.lock().config;
        (config.send_timestamps, !config.resource_to_telemetry_conversion.enabled)
    };
    let resources = describes.then(Resources::default);
    let mut page = Page { writer: Writer::new(format, false), format, timestamps, resources };
    let mut last: Option<Head> = None;
    loop {
        let last_name = last.as_ref().map(|head| head.name.family.as_str());
        let Some(head) = store.lock().family_after(last_name) else { break };
        page.family(&head, store, now);
        last = Some(head);
    }
    page.target_info();
    page.writer.finish()
}

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

struct Page {
    writer: Writer,
    format: Format,
    timestamps: bool,
    /// What has come, where resources are described.
    resources: Option<Resources>,
}

impl Page {
    fn family(&mut self, head: &Head, store: &Mutex<Store>, now: UnixNanos) {
        let number = self.number_name(head);
        let mut last: Option<Labels> = None;
        loop {
            let store = store.lock();
            let mut next = None;
            let mut written = 0;
            for (labels, entry) in store.series_after(head, last.as_ref(), now).take(AT_A_TIME) {
                if last.is_none() && written == 0 {
                    self.head(head, &number);
                }
                self.entry(head, &number, labels, entry);
                if let Some(resources) = &mut self.resources {
                    resources.note(entry.resource());
                }
                written += 1;
                next = Some(labels);
            }
            if written < AT_A_TIME {
                return;
            }
            last = next.cloned();
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
        let mut number = String::new();
        if let Some((_, own)) = own {
            push_value(&mut number, own);
            // OpenMetrics writes these as floating-point numbers: `1.0`.
            if self.format.is_openmetrics()
                && number.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
            {
                number.push_str(".0");
            }
        }
        let own = own.map(|(label, _)| (label, &*number));
        let labels = labels.iter().map(|(name, value)| (name.as_str(), value.as_str())).chain(own);
        let time = time.and_then(|time| i64::try_from(time.0).ok());
        self.writer.sample(name, labels, value, time);
    }

    /// What resources are, beside who: a sample of 1 each.
    fn target_info(&mut self) {
        const WHO: [&str; 3] = ["service.name", "service.namespace", "service.instance.id"];
        let Some(resources) = self.resources.take() else { return };
        let described: Vec<Labels> = resources
            .by_who
            .iter()
            .filter_map(|(who, resource)| {
                let rest = resource.attributes.iter().filter(|pair| !WHO.contains(&&*pair.key));
                let mut labels: BTreeMap<String, String> =
                    rest.map(|pair| (names::label(&pair.key), pair.value.to_string())).collect();
                labels.retain(|_, value| !value.is_empty());
                let has_more = !labels.is_empty() && !who.is_empty();
                labels.extend(who.clone());
                has_more.then(|| labels.into_iter().collect())
            })
            .collect();
        if described.is_empty() {
            return;
        }
        let name = format!("{TARGET_INFO}_info");
        let family = if self.format.is_openmetrics() { TARGET_INFO } else { &name };
        self.writer.family(family, FamilyType::Info, "Target metadata", "");
        for labels in described {
            self.sample(&name, &labels, None, 1.0, None);
        }
    }
}
