//! The labels of a series.

use std::collections::BTreeMap;

use weir_core::{Resource, Series};

use super::{Config, names, store::Shown};

/// Sorted labels.
pub(super) type Labels = Vec<(String, String)>;

/// What a series has. Two attributes that are one label are joined, as the Collector does; one that has the name of a label which the
/// exporter gives is `exported_…`, as Prometheus does it with what it scrapes, so that no two series become one.
pub(super) fn of(series: &Series, kind: Shown, config: &Config) -> Labels {
    let mut labels: BTreeMap<String, String> = who(series.resource()).into_iter().collect();
    if !config.without_scope_info {
        let scope = series.scope();
        for (name, value) in [("otel_scope_name", &scope.name), ("otel_scope_version", &scope.version)] {
            if !value.is_empty() {
                labels.insert(name.to_owned(), value.to_string());
            }
        }
    }
    labels.extend(config.const_labels.clone());
    let of_format = match kind {
        Shown::Histogram => "le",
        Shown::Summary => "quantile",
        Shown::Gauge | Shown::Counter => "",
    };
    let theirs = attributes(series, config);
    for (label, value) in &theirs {
        let mut name = label.clone();
        while name == of_format
            || labels.contains_key(&name)
            || (name != *label && theirs.contains_key(&name))
        {
            name.insert_str(0, "exported_");
        }
        labels.insert(name, value.clone());
    }
    labels.into_iter().collect()
}

fn attributes(series: &Series, config: &Config) -> BTreeMap<String, String> {
    let mut labels: BTreeMap<String, String> = BTreeMap::new();
    let of_resource = series.resource().attributes.iter();
    let of_resource = of_resource.filter(|_| config.resource_to_telemetry_conversion.enabled);
    for pair in series.attributes().iter().chain(of_resource) {
        let value = pair.value.to_string();
        if !value.is_empty() {
            let known = labels.entry(names::label(&pair.key)).or_default();
            *known = if known.is_empty() { value } else { format!("{known};{value}") };
        }
    }
    labels
}

/// Who a resource is, as `job` and `instance`.
pub(super) fn who(resource: &Resource) -> Labels {
    let of = |name: &str| resource.attributes.get(name).map(ToString::to_string).unwrap_or_default();
    let (namespace, service, instance) =
        (of("service.namespace"), of("service.name"), of("service.instance.id"));
    let job = if namespace.is_empty() { service } else { format!("{namespace}/{service}") };
    let labels = [("instance", instance), ("job", job)];
    labels
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}
