//! From the labels of a sample to its series: OpenTelemetry's mapping of names (specification, "Prometheus and OpenMetrics
//! compatibility").

use std::sync::Arc;

use weir_core::{
    Attributes, Descriptor, Interner, KeyValue, Kind, Reason, Resource, Scope, Temporality, Value,
};
use weir_exposition::{FamilyType, family::Part, number, text::LabelList};

use super::{
    Failure, Identity, Labels, NAME, Settings,
    reasons::{BAD_HISTOGRAM, BAD_LINE, BAD_NAME, BAD_SUMMARY, NO_NAME},
    units,
};

/// The scope of what names no other.
const SCOPE: &str = "weir/prometheus";
/// Labels of a sample that say what its scope is.
const SCOPE_PREFIX: &str = "otel_scope_";

/// What a sample is called.
#[derive(Debug)]
pub(super) struct Named {
    pub(super) identity: weir_core::Identity,
    /// The bound of a bucket, or the quantile.
    pub(super) key: Option<f64>,
}

/// Why a sample has no series.
#[derive(Debug)]
pub(super) enum Unnamed {
    /// Relabelling leaves it out.
    LeftOut,
    Refused(Reason),
    Failed(Failure),
}

/// A family as its samples need it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Within<'a> {
    pub(super) family_type: FamilyType,
    pub(super) unit: &'a str,
    pub(super) part: Part,
    /// What the sample's name has beyond the family's.
    pub(super) suffix: &'a str,
}

/// The labels of a sample after those of its target and relabelling.
pub(super) fn labels_of(
    name: &str,
    own: &LabelList<'_>,
    target: &Identity,
    settings: &Settings,
) -> Result<Labels, Unnamed> {
    if own.iter().any(|(name, _)| name == NAME) {
        return Err(Unnamed::Refused(BAD_LINE)); // two names
    }
    let mut labels: Labels = own.iter().map(|(name, value)| (&**name, &**value)).collect();
    labels.set(NAME, name);
    for (name, value) in target.labels.iter() {
        // One that is written, and empty, is honoured too: so says who pushes for others that it is about none.
        if settings.honor_labels && own.iter().any(|(own, _)| &**own == name) {
            continue;
        }
        let theirs = labels.get(name).to_owned();
        if !theirs.is_empty() {
            let mut exported = format!("exported_{name}");
            while labels.has(&exported) || target.labels.has(&exported) {
                exported.insert_str(0, "exported_");
            }
            labels.set(&exported, &theirs);
        }
        labels.set(name, value);
    }
    if !settings.relabel.apply(&mut labels) {
        return Err(Unnamed::LeftOut);
    }
    if labels.get(NAME).is_empty() {
        return Err(Unnamed::Refused(NO_NAME));
    }
    if settings.legacy_names && !labels.iter().all(|(name, value)| is_legacy(name, value)) {
        return Err(Unnamed::Refused(BAD_NAME));
    }
    check_limits(&labels, settings).map_err(Unnamed::Failed)?;
    Ok(labels)
}

/// `external_labels` where the series has none of that name, last of all: as Prometheus adds them to what leaves it.
pub(super) fn add_external(labels: &mut Labels, settings: &Settings) {
    for (name, value) in settings.external_labels.iter() {
        if !labels.has(name) {
            labels.set(name, value);
        }
    }
}

fn is_legacy(label: &str, value: &str) -> bool {
    let fits = |name: &str, colons: bool| {
        let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
        name.bytes().all(fits) && !name.starts_with(|first: char| first.is_ascii_digit())
    };
    fits(label, false) && (label != NAME || fits(value, true))
}

fn check_limits(labels: &Labels, settings: &Settings) -> Result<(), Failure> {
    let limits = &settings.limits;
    let series = || labels.get(NAME).to_owned();
    let is_over = |found: usize, limit: usize| limit > 0 && found > limit;
    if is_over(labels.len(), limits.labels) {
        return Err(Failure::Labels { found: labels.len(), limit: limits.labels, series: series() });
    }
    for (name, value) in labels.iter() {
        if is_over(name.len(), limits.label_name_length) {
            let limit = limits.label_name_length;
            return Err(Failure::LabelName { found: name.len(), limit, series: series() });
        }
        if is_over(value.len(), limits.label_value_length) {
            let limit = limits.label_value_length;
            return Err(Failure::LabelValue { found: value.len(), limit, series: series() });
        }
    }
    Ok(())
}

/// What `labels` are called in OpenTelemetry.
pub(super) fn name(
    labels: &Labels,
    within: Within<'_>,
    target: &Identity,
    interner: &Interner,
) -> Result<Named, Reason> {
    let key = key_of(labels, within)?;
    let own_label = own_label(within.part);
    let is_attribute = |name: &str| {
        name != own_label && !matches!(name, NAME | "job" | "instance") && !name.starts_with(SCOPE_PREFIX)
    };
    let attributes: Vec<KeyValue> = labels
        .iter()
        .filter(|(name, _)| is_attribute(name))
        .map(|(name, value)| interner.attribute(name, Value::str(value)))
        .collect();
    let identity = weir_core::Identity {
        resource: resource(labels, target, interner),
        scope: scope(labels, interner),
        descriptor: interner.descriptor(descriptor(labels.get(NAME), within)),
        attributes: Attributes::new(attributes),
    };
    Ok(Named { identity, key })
}

/// The label that says which bucket or quantile a sample is; none of the others has one.
pub(super) const fn own_label(part: Part) -> &'static str {
    match part {
        Part::Bucket => "le",
        Part::Quantile => "quantile",
        _ => "",
    }
}

/// The bound or the quantile of a sample that must have one.
fn key_of(labels: &Labels, within: Within<'_>) -> Result<Option<f64>, Reason> {
    let read = |label: &str| number::value(labels.get(label).as_bytes()).filter(|key| !key.is_nan());
    match within.part {
        Part::Bucket => read("le").map(Some).ok_or(BAD_HISTOGRAM),
        Part::Quantile => {
            let quantile = read("quantile").filter(|quantile| (0.0..=1.0).contains(quantile));
            quantile.map(Some).ok_or(BAD_SUMMARY)
        }
        _ => Ok(None),
    }
}

fn descriptor(name: &str, within: Within<'_>) -> Descriptor {
    let unit = units::in_ucum(within.unit);
    let sum = |name: &str, monotonic| Descriptor::sum(name, &unit, Temporality::Cumulative, monotonic);
    let stem = name.strip_suffix(within.suffix).unwrap_or(name);
    let assembled = |kind, temporality| Descriptor { kind, temporality, ..Descriptor::gauge(stem, &unit) };
    match (within.family_type, within.part) {
        // The name of a counter is that of its samples.
        (FamilyType::Counter, Part::Created) => sum(&format!("{stem}_total"), true),
        (FamilyType::Counter, _) => sum(name, true),
        (FamilyType::Info | FamilyType::StateSet, _) => sum(name, false),
        (FamilyType::Histogram, Part::Native) => {
            assembled(Kind::ExponentialHistogram, Temporality::Cumulative)
        }
        (FamilyType::Histogram, _) => assembled(Kind::Histogram, Temporality::Cumulative),
        (FamilyType::Summary, _) => assembled(Kind::Summary, Temporality::Unspecified),
        (FamilyType::Gauge | FamilyType::Unknown | FamilyType::GaugeHistogram, _) => {
            Descriptor::gauge(name, &unit)
        }
    }
}

/// The resource of a sample: its job and instance, which the sample itself may say (`honor_labels`), and its target's address.
fn resource(labels: &Labels, target: &Identity, interner: &Interner) -> Arc<Resource> {
    let parts = [
        ("service.name", labels.get("job")),
        ("service.instance.id", labels.get("instance")),
        ("server.address", &target.address),
        ("server.port", &target.port),
        ("url.scheme", &target.scheme),
    ];
    let stated = parts.into_iter().filter(|(_, value)| !value.is_empty());
    let attributes = stated.map(|(name, value)| interner.attribute(name, Value::str(value))).collect();
    interner.resource(Attributes::new(attributes), "")
}

/// The resource with what `target_info` says.
pub(super) fn with_info(resource: &Resource, info: &Labels, interner: &Interner) -> Arc<Resource> {
    let info = info.iter().map(|(name, value)| interner.attribute(name, Value::str(value)));
    let mut attributes: Vec<KeyValue> = info.collect();
    attributes.extend(resource.attributes.iter().cloned()); // who it is stays, whatever it says of itself
    interner.resource(Attributes::new(attributes), &resource.schema_url)
}

fn scope(labels: &Labels, interner: &Interner) -> Arc<Scope> {
    let mut scope = Scope { name: interner.string(SCOPE), ..Scope::default() };
    let mut attributes = Vec::new();
    for (label, value) in labels.iter() {
        match label.strip_prefix(SCOPE_PREFIX) {
            Some("name") => scope.name = interner.string(value),
            Some("version") => scope.version = interner.string(value),
            Some("schema_url") => scope.schema_url = interner.string(value),
            Some(name) if !name.is_empty() => attributes.push(interner.attribute(name, Value::str(value))),
            _ => {}
        }
    }
    scope.attributes = Attributes::new(attributes);
    interner.scope(scope)
}
