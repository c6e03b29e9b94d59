//! `docs/gpu-metrics.md` is what the catalogue says; `UPDATE_DOCS=1` writes it anew.

use std::{fmt::Write as _, fs, path::Path};

use super::super::{
    Profile,
    catalogue::{INSTANCE_CALLS, INSTANCE_PROFILE, PROFILE, Scope, Tier, calls, fields},
    metric::{Metric, Name, Shape},
};

const HEAD: &str = "# Metrics of GPUs

What [the receiver `nvml`](components/nvml.md) has of each GPU that supports it. Written by `UPDATE_DOCS=1 cargo test -p weir-receivers --lib nvml::tests::page`
from [the catalogue](../crates/receivers/src/nvml/catalogue/mod.rs), and compared with it by that test.

- *Every*: at which of the receiver's intervals.
- *By default*: published where `metrics` lists nothing, or `default`. Of the others those are that are listed, or all by `all`. Under DCGM exporter's names those marked
  with `*` are the ones by default; of the CloudWatch Agent's all are.
- *From*: a call of its own, a field by NVML's number (several: the first that the GPU has; `of each link` and such: whose it is), or a metric of GPM by NVML's number.

| metric | unit | kind | every | by default | from | DCGM exporter | CloudWatch Agent |
| --- | --- | --- | --- | --- | --- | --- | --- |
";

fn page() -> String {
    let mut page = HEAD.to_owned();
    for call in calls().chain(INSTANCE_CALLS) {
        call.metrics.iter().for_each(|metric| row(&mut page, metric, call.tier, "a call"));
    }
    for field in fields() {
        let ids: Vec<_> = field.sources.iter().map(|source| source.id.to_string()).collect();
        let of = match field.of {
            Scope::Gpu => "",
            Scope::Module => " of the module",
            Scope::Links => " of all links",
            Scope::EachLink => " of each link",
        };
        row(&mut page, &field.metric, field.tier, &format!("field {}{of}", ids.join(", ")));
    }
    for sampled in PROFILE.iter().chain(INSTANCE_PROFILE) {
        row(&mut page, &sampled.metric, Tier::Medium, &format!("GPM {}", sampled.id));
    }
    page
}

fn row(page: &mut String, metric: &Metric, tier: Tier, from: &str) {
    let Some(Name { unit, shape, .. }) = metric.name() else { return };
    let attributes: Vec<_> = metric.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
    let attributes =
        if attributes.is_empty() { String::new() } else { format!("{{{}}}", attributes.join(",")) };
    let semconv = metric.under(Profile::Semconv).map(|name| format!("`{}{attributes}`", name.name));
    let kind = if shape == Shape::Counter { "counter" } else { "gauge" };
    let tier = match tier {
        Tier::Fast => "fast",
        Tier::Medium => "medium",
        Tier::Slow => "slow",
    };
    let default = if metric.is_default(Profile::Semconv) { "yes" } else { "" };
    let mark = if metric.is_default(Profile::Dcgm) { " *" } else { "" };
    let dcgm = metric.under(Profile::Dcgm).map(|name| format!("`{}` {}{mark}", name.name, name.unit));
    let cwagent = metric.under(Profile::Cwagent).map(|name| format!("`{}`", name.name));
    let [name, dcgm, cwagent] = [semconv, dcgm, cwagent].map(Option::unwrap_or_default);
    let _ = writeln!(page, "| {name} | {unit} | {kind} | {tier} | {default} | {from} | {dcgm} | {cwagent} |");
}

#[test]
fn the_page_of_metrics_is_what_the_catalogue_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/gpu-metrics.md");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&file, page()).unwrap();
    }
    let written = fs::read_to_string(&file).unwrap_or_default();
    assert!(
        written == page(),
        "UPDATE_DOCS=1 cargo test -p weir-receivers --lib nvml::tests::page renews it"
    );
}
