//! From what was discovered to a target: its labels, its URL, its times (Prometheus's scrape/target.go).

use std::{collections::BTreeMap, time::Duration};

use hyper::Uri;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};

use super::{
    config::{Job, PromDuration},
    discovery::{ADDRESS, Group},
    ingest::{Identity, Labels},
    of_form,
    relabel::Relabel,
};

const INSTANCE: &str = "instance";
const JOB: &str = "job";
const METRICS_PATH: &str = "__metrics_path__";
const PARAM: &str = "__param_";
const SCHEME: &str = "__scheme__";
const NATIVE_HISTOGRAMS: &str = "__scrape_native_histograms__";
const CLASSIC_HISTOGRAMS: &str = "__always_scrape_classic_histograms__";
/// Here it changes nothing: see `convert_classic_histograms_to_nhcb`.
const CUSTOM_BUCKETS: &str = "__convert_classic_histograms_to_nhcb__";
const SCRAPE_INTERVAL: &str = "__scrape_interval__";
const SCRAPE_TIMEOUT: &str = "__scrape_timeout__";
/// Labels that only relabelling sees.
const META: &str = "__meta_";

/// What a path cannot hold as it is.
const PATH: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'%')
    .add(b'<')
    .add(b'>')
    .add(b'?')
    .add(b'`')
    .add(b'{')
    .add(b'}');

/// A target as it is scraped. Two that are equal are one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Spec {
    /// The labels of its series, and those that begin with `__` and are not `__meta_`: they tell targets apart.
    labels: Labels,
    pub(super) url: String,
    pub(super) interval: Duration,
    pub(super) timeout: Duration,
    pub(super) native_histograms: bool,
    pub(super) always_classic_histograms: bool,
}

/// What became of something that was discovered.
#[derive(Debug)]
pub(super) enum Found {
    Target(Spec),
    /// Relabelling leaves it out; its labels before.
    Dropped(Labels),
}

/// Why something that was discovered cannot be scraped.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum SpecError {
    /// Nothing says where it is.
    #[error("a target has no address after relabelling: {0}")]
    NoAddress(String),
    /// It is something else than host and port.
    #[error("`{0}` is no address: write host:port")]
    Address(String),
    /// Its URL is none.
    #[error("`{0}` is no URL of HTTP")]
    Url(String),
    /// A label that holds a time holds none that can be.
    #[error("`{label}` of `{address}` is `{value}`: {why}")]
    Time { label: &'static str, address: String, value: String, why: &'static str },
    /// A label that is true or false is neither.
    #[error("`{label}` of `{address}` is `{value}`: write `true` or `false`")]
    Flag { label: &'static str, address: String, value: String },
}

/// Every target of a group.
pub(super) fn targets<'a>(
    group: &'a Group,
    job: &'a Job,
    relabel: &'a Relabel,
) -> impl Iterator<Item = Result<Found, SpecError>> + 'a {
    group.targets.iter().map(move |target| found(discovered(target, &group.labels, job), job, relabel))
}

/// Everything that relabelling may look at.
fn discovered(target: &Labels, of_group: &Labels, job: &Job) -> Labels {
    let mut labels = target.clone();
    let config = &job.config;
    let interval = job.interval.to_string();
    let timeout = job.timeout.to_string();
    let word = |is_on: bool| if is_on { "true" } else { "false" };
    let of_job = [
        (JOB, config.job_name.as_str()),
        (NATIVE_HISTOGRAMS, word(job.native_histograms)),
        (CLASSIC_HISTOGRAMS, word(job.always_classic_histograms)),
        (CUSTOM_BUCKETS, word(job.custom_buckets)),
        (SCRAPE_INTERVAL, &interval),
        (SCRAPE_TIMEOUT, &timeout),
        (METRICS_PATH, &config.metrics_path),
        (SCHEME, &config.scheme),
    ];
    for (name, value) in of_group.iter().chain(of_job) {
        if !labels.has(name) {
            labels.set(name, value);
        }
    }
    for (name, values) in &config.params {
        let name = format!("{PARAM}{name}");
        if let Some(first) = values.first()
            && !labels.has(&name)
        {
            labels.set(&name, first);
        }
    }
    labels
}

fn found(before: Labels, job: &Job, relabel: &Relabel) -> Result<Found, SpecError> {
    let mut labels = before.clone();
    if !relabel.apply(&mut labels) {
        return Ok(Found::Dropped(before));
    }
    let address = labels.get(ADDRESS).to_owned();
    if address.is_empty() {
        return Err(SpecError::NoAddress(words(&before)));
    }
    if address.contains('/') {
        return Err(SpecError::Address(address));
    }
    let interval = time(&labels, SCRAPE_INTERVAL, &address)?;
    let timeout = time(&labels, SCRAPE_TIMEOUT, &address)?;
    if timeout > interval {
        let value = labels.get(SCRAPE_TIMEOUT).to_owned();
        return Err(SpecError::Time {
            label: SCRAPE_TIMEOUT,
            address,
            value,
            why: "longer than the interval",
        });
    }
    let native_histograms = flag(&labels, NATIVE_HISTOGRAMS, &address)?.unwrap_or(job.native_histograms);
    let always_classic_histograms =
        flag(&labels, CLASSIC_HISTOGRAMS, &address)?.unwrap_or(job.always_classic_histograms);
    flag(&labels, CUSTOM_BUCKETS, &address)?;
    let url = url(&labels, &job.config.params);
    let is_url = url.parse::<Uri>().is_ok_and(|uri| uri.host().is_some_and(|host| !host.is_empty()));
    if !is_url || !["http", "https"].contains(&labels.get(SCHEME)) {
        return Err(SpecError::Url(url));
    }
    labels.retain(|name, _| !name.starts_with(META));
    if !labels.has(INSTANCE) {
        labels.set(INSTANCE, &address);
    }
    Ok(Found::Target(Spec { labels, url, interval, timeout, native_histograms, always_classic_histograms }))
}

/// What a label says that is true or false, in any spelling of Go's `ParseBool`; `None` where it is not there.
fn flag(labels: &Labels, label: &'static str, address: &str) -> Result<Option<bool>, SpecError> {
    match labels.get(label) {
        "" => Ok(None),
        "1" | "t" | "T" | "true" | "True" | "TRUE" => Ok(Some(true)),
        "0" | "f" | "F" | "false" | "False" | "FALSE" => Ok(Some(false)),
        value => Err(SpecError::Flag { label, address: address.to_owned(), value: value.to_owned() }),
    }
}

fn time(labels: &Labels, label: &'static str, address: &str) -> Result<Duration, SpecError> {
    let value = labels.get(label);
    let wrong = |why| SpecError::Time { label, address: address.to_owned(), value: value.to_owned(), why };
    let PromDuration(time) = value.parse().map_err(|_| wrong("no duration"))?;
    if time.is_zero() { Err(wrong("it cannot be 0")) } else { Ok(time) }
}

fn url(labels: &Labels, params: &BTreeMap<String, Vec<String>>) -> String {
    let mut params = params.clone();
    for (name, value) in labels.iter() {
        if let Some(param) = name.strip_prefix(PARAM) {
            let values = params.entry(param.to_owned()).or_default();
            match values.first_mut() {
                Some(first) => value.clone_into(first),
                None => values.push(value.to_owned()),
            }
        }
    }
    let pairs = params.iter().flat_map(|(name, values)| values.iter().map(move |value| (name, value)));
    let pairs: Vec<String> =
        pairs.map(|(name, value)| format!("{}={}", of_form(name), of_form(value))).collect();
    let path = utf8_percent_encode(labels.get(METRICS_PATH), PATH).to_string();
    let slash = if path.starts_with('/') { "" } else { "/" };
    let question = if pairs.is_empty() { "" } else { "?" };
    let (scheme, address, query) = (labels.get(SCHEME), labels.get(ADDRESS), pairs.join("&"));
    format!("{scheme}://{address}{slash}{path}{question}{query}")
}

fn words(labels: &Labels) -> String {
    let words: Vec<String> = labels.iter().map(|(name, value)| format!("{name}=\"{value}\"")).collect();
    format!("{{{}}}", words.join(", "))
}

impl Spec {
    /// The labels that its series have.
    pub(super) fn shown(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().filter(|(name, _)| !name.starts_with("__"))
    }

    /// Who it is to the ingest.
    pub(super) fn identity(&self) -> Identity {
        let uri: Uri = self.url.parse().unwrap_or_default();
        let default_port = if uri.scheme_str() == Some("https") { 443 } else { 80 };
        Identity {
            labels: self.shown().collect(),
            address: uri.host().unwrap_or_default().trim_matches(['[', ']']).to_owned(),
            port: uri.port_u16().unwrap_or(default_port).to_string(),
            scheme: uri.scheme_str().unwrap_or_default().to_owned(),
        }
    }

    /// When in its interval it is scraped: the same after a restart, and spread evenly over all targets.
    pub(super) fn offset(&self) -> Duration {
        let url = self.url.as_bytes().iter();
        let labels =
            self.labels.iter().flat_map(|(name, value)| name.bytes().chain([0]).chain(value.bytes()));
        // FNV-1a of 64 bits: the standard library's hash may change with its version.
        let hash = url.copied().chain([0]).chain(labels).fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        });
        let interval = u64::try_from(self.interval.as_nanos()).unwrap_or(u64::MAX).max(1);
        Duration::from_nanos(hash % interval)
    }
}

#[cfg(test)]
mod tests {
    use weir_core::Config as _;

    use super::*;
    use crate::prometheus::config::{PrometheusConfig, RelabelAction, RelabelConfig, ScrapeConfig};

    fn job(config: ScrapeConfig) -> Job {
        let config = PrometheusConfig { scrape_configs: vec![config], ..PrometheusConfig::default() };
        assert!(config.facts().collects);
        config.jobs().unwrap().remove(0)
    }

    fn config() -> ScrapeConfig {
        ScrapeConfig { job_name: "apps".to_owned(), ..ScrapeConfig::default() }
    }

    fn step(source: &str, target: &str, replacement: &str) -> RelabelConfig {
        RelabelConfig {
            source_labels: vec![source.to_owned()],
            target_label: target.to_owned(),
            replacement: Some(replacement.to_owned()),
            action: RelabelAction::Replace,
            ..RelabelConfig::default()
        }
    }

    fn group(target: &[(&str, &str)], labels: &[(&str, &str)]) -> Group {
        Group { targets: vec![target.iter().copied().collect()], labels: labels.iter().copied().collect() }
    }

    fn one(group: &Group, job: &Job) -> Result<Found, SpecError> {
        let relabel = Relabel::new(&job.config.relabel_configs).unwrap();
        targets(group, job, &relabel).next().unwrap()
    }

    fn spec(group: &Group, job: &Job) -> Spec {
        match one(group, job) {
            Ok(Found::Target(spec)) => spec,
            other => panic!("expected a target, found {other:?}"),
        }
    }

    #[test]
    fn a_target_has_its_jobs_labels_its_groups_and_its_own_in_that_order_of_weight() {
        let group = group(&[(ADDRESS, "a:80"), ("zone", "own")], &[("zone", "group"), ("rack", "7")]);
        let spec = spec(&group, &job(config()));
        let labels: Vec<_> = spec.shown().collect();
        assert_eq!(labels, [("instance", "a:80"), ("job", "apps"), ("rack", "7"), ("zone", "own")]);
        assert_eq!(spec.url, "http://a:80/metrics");
        assert_eq!((spec.interval.as_secs(), spec.timeout.as_secs()), (60, 10));
        let identity = spec.identity();
        assert_eq!((&*identity.address, &*identity.port, &*identity.scheme), ("a", "80", "http"));
    }

    #[test]
    fn labels_decide_where_and_how_often_it_is_scraped() {
        let mut config = config();
        config.params = [("module".to_owned(), vec!["http 2xx".to_owned(), "b".to_owned()])].into();
        config.relabel_configs = vec![
            step("__address__", "__param_target", "$1"),
            step("__param_target", "instance", "$1"),
            step("", "__address__", "[::1]:9115"),
            step("", "__scheme__", "https"),
            step("", "__metrics_path__", "probe it"),
            step("", "__scrape_interval__", "30s"),
            step("", "__scrape_timeout__", "5s"),
        ];
        let spec = spec(&group(&[(ADDRESS, "https://example.org/?x=1")], &[("__meta_x", "y")]), &job(config));
        let target = "https%3A%2F%2Fexample.org%2F%3Fx%3D1";
        assert_eq!(
            spec.url,
            format!("https://[::1]:9115/probe%20it?module=http+2xx&module=b&target={target}")
        );
        assert_eq!((spec.interval.as_secs(), spec.timeout.as_secs()), (30, 5));
        assert_eq!(spec.labels.get("instance"), "https://example.org/?x=1");
        assert!(!spec.labels.has("__meta_x"));
        assert_eq!(spec.identity().address, "::1");
    }

    #[test]
    fn labels_decide_how_histograms_are_scraped_and_begin_as_the_job_says() {
        let of = |steps: Vec<RelabelConfig>| {
            let config =
                ScrapeConfig { scrape_native_histograms: Some(true), relabel_configs: steps, ..config() };
            let spec = spec(&group(&[(ADDRESS, "a:1")], &[]), &job(config));
            (spec.native_histograms, spec.always_classic_histograms, spec.labels.get("seen").to_owned())
        };
        let seen = || step("__scrape_native_histograms__", "seen", "$1");
        assert_eq!(of(vec![seen()]), (true, false, "true".to_owned()));
        let steps = vec![
            step("", "__scrape_native_histograms__", "F"),
            step("", "__always_scrape_classic_histograms__", "1"),
        ];
        assert_eq!(of(steps), (false, true, String::new()));
        assert!(
            of(vec![step("", "__scrape_native_histograms__", "")]).0,
            "without the label, as the job says"
        );
    }

    #[test]
    fn what_cannot_be_scraped_is_refused_in_words() {
        let refused = |steps: Vec<RelabelConfig>, address: &str| {
            let config = ScrapeConfig { relabel_configs: steps, ..config() };
            one(&group(&[(ADDRESS, address)], &[]), &job(config)).unwrap_err().to_string()
        };
        let gone = step("", "__address__", "");
        assert!(
            refused(vec![gone], "a:1")
                .starts_with("a target has no address after relabelling: {__address__=\"a:1\"")
        );
        assert_eq!(refused(vec![], "a/b"), "`a/b` is no address: write host:port");
        assert_eq!(refused(vec![step("", "__scheme__", "ftp")], "a"), "`ftp://a/metrics` is no URL of HTTP");
        assert_eq!(
            refused(vec![step("", "__scrape_interval__", "0s")], "a"),
            "`__scrape_interval__` of `a` is `0s`: it cannot be 0"
        );
        assert_eq!(
            refused(vec![step("", "__scrape_timeout__", "2m")], "a"),
            "`__scrape_timeout__` of `a` is `2m`: longer than the interval"
        );
        assert_eq!(
            refused(vec![step("", "__convert_classic_histograms_to_nhcb__", "maybe")], "a"),
            "`__convert_classic_histograms_to_nhcb__` of `a` is `maybe`: write `true` or `false`"
        );
    }

    #[test]
    fn offsets_are_spread_over_the_interval_and_stay() {
        let job = job(config());
        let offset =
            |number: usize| spec(&group(&[(ADDRESS, &format!("host-{number}:80"))], &[]), &job).offset();
        assert_eq!(offset(1), offset(1));
        let mut by_tenth = [0; 10];
        (0..10_000).for_each(|number| by_tenth[(offset(number).as_secs() / 6) as usize] += 1);
        // Of 10,000 even draws a tenth holds 1,000 ± 95 (three standard deviations); five are allowed.
        assert!(by_tenth.iter().all(|count| (850..1150).contains(count)), "{by_tenth:?}");
    }
}
