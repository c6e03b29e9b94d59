//! What metrics and labels are called in Prometheus (OpenTelemetry specification, "Prometheus and OpenMetrics compatibility", OTLP to
//! Prometheus).

use weir_core::{Descriptor, Kind};

/// What the samples of a metric are called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct MetricName {
    /// The name of its family in OpenMetrics: a counter's without `_total`.
    pub(super) family: String,
    /// The unit in words, where the name ends with it.
    pub(super) unit: String,
    /// Whether Prometheus's text writes a counter with `_total` too.
    pub(super) has_total: bool,
}

/// The name of `metric`.
pub(super) fn metric(metric: &Descriptor, namespace: &str, suffixes: bool) -> MetricName {
    let is_counter = metric.kind == Kind::Sum && metric.monotonic;
    let mut family = plain(&metric.name, true);
    if !namespace.is_empty() {
        family = format!("{}_{family}", plain(namespace, true));
    }
    let has_total = suffixes || family.ends_with("_total");
    if is_counter && let Some(stem) = family.strip_suffix("_total") {
        family.truncate(stem.len());
    }
    let mut unit = String::new();
    if suffixes {
        unit = unit_in_words(&metric.unit, metric.kind == Kind::Gauge);
        let is_there = unit.is_empty() || family.ends_with(&format!("_{unit}"));
        if !is_there {
            family = format!("{family}_{unit}");
        }
    }
    MetricName { family, unit, has_total: is_counter && has_total }
}

/// The label of an attribute.
pub(super) fn label(attribute: &str) -> String {
    let name = plain(attribute, false);
    if name.starts_with(|first: char| first.is_ascii_digit()) { format!("key_{name}") } else { name }
}

/// With `_` for what a name may not have, and once for several of them in a metric's.
fn plain(name: &str, is_metric: bool) -> String {
    let mut out = String::with_capacity(name.len());
    for char in name.chars() {
        let fits = char.is_ascii_alphanumeric() || char == '_' || (is_metric && char == ':');
        if fits {
            out.push(char);
        } else if !(is_metric && out.ends_with('_')) {
            out.push('_');
        }
    }
    if is_metric && (out.is_empty() || out.starts_with(|first: char| first.is_ascii_digit())) {
        out.insert(0, '_');
    }
    out
}

/// A unit of UCUM in words; empty for what is none, such as `{request}`. A gauge of 1 is a ratio.
fn unit_in_words(unit: &str, is_gauge: bool) -> String {
    if unit == "1" {
        return if is_gauge { "ratio".to_owned() } else { String::new() };
    }
    let (of, per) = unit.split_once('/').map_or((unit, None), |(of, per)| (of, Some(per)));
    let mut words = word(of).to_owned();
    if let Some(per) = per.map(|per| plain(word_per(per), true)).filter(|per| !per.is_empty()) {
        words = if words.is_empty() { format!("per_{per}") } else { format!("{words}_per_{per}") };
    }
    plain_unit(&words)
}

fn plain_unit(words: &str) -> String {
    if words.is_empty() { String::new() } else { plain(words, true) }
}

fn word(unit: &str) -> &str {
    match unit {
        "d" => "days",
        "h" => "hours",
        "min" => "minutes",
        "s" => "seconds",
        "ms" => "milliseconds",
        "us" => "microseconds",
        "ns" => "nanoseconds",
        "By" => "bytes",
        "KiBy" => "kibibytes",
        "MiBy" => "mebibytes",
        "GiBy" => "gibibytes",
        "TiBy" => "tibibytes",
        "KBy" | "kBy" => "kilobytes",
        "MBy" => "megabytes",
        "GBy" => "gigabytes",
        "TBy" => "terabytes",
        "m" => "meters",
        "V" => "volts",
        "A" => "amperes",
        "J" => "joules",
        "W" => "watts",
        "g" => "grams",
        "Cel" => "celsius",
        "Hz" => "hertz",
        "%" => "percent",
        "1" => "",
        other if other.contains('{') => "",
        other => other,
    }
}

fn word_per(unit: &str) -> &str {
    match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "w" => "week",
        "mo" => "month",
        "y" => "year",
        other if other.contains('{') => "",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use weir_core::Temporality;

    use super::*;

    #[test]
    fn names_end_with_their_unit_and_counters_with_total() {
        let of = |metric: &Descriptor, suffixes| {
            let name = super::metric(metric, "shop", suffixes);
            (name.family, name.unit, name.has_total)
        };
        let counter = Descriptor::sum("http.server.duration", "s", Temporality::Delta, true);
        assert_eq!(of(&counter, true), ("shop_http_server_duration_seconds".into(), "seconds".into(), true));
        assert_eq!(of(&counter, false), ("shop_http_server_duration".into(), String::new(), false));
        let ready = Descriptor::sum("io_bytes_total", "By", Temporality::Cumulative, true);
        assert_eq!(of(&ready, true), ("shop_io_bytes".into(), "bytes".into(), true));
        assert_eq!(of(&ready, false), ("shop_io_bytes".into(), String::new(), true));
        let ratio = Descriptor::gauge("cpu..use", "1");
        assert_eq!(of(&ratio, true), ("shop_cpu_use_ratio".into(), "ratio".into(), false));
        let requests = Descriptor::gauge("rate", "{request}/s");
        assert_eq!(of(&requests, true), ("shop_rate_per_second".into(), "per_second".into(), false));
    }

    #[test]
    fn labels_are_plain() {
        assert_eq!(["http.route", "1st", "a_b"].map(label), ["http_route", "key_1st", "a_b"]);
    }
}
