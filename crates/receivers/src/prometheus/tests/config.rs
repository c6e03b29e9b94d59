//! The keys, as a person writes them.

use weir_config::{Check, Diagnostics, Env, Source, load};
use weir_core::Config;
use weir_testkit::section;

use crate::prometheus::config::{
    NameEscaping, PromDuration, PrometheusConfig, RecordType, RelabelAction, ScrapeProtocol,
};

/// Reads and checks a receiver's section; answers it and each error with the text that it points at.
fn read(text: &str) -> (Option<PrometheusConfig>, Vec<(String, String)>) {
    let (config, told) = section(text, &[("TOKEN", "t0ken")]);
    (config, told.into_iter().map(|one| (one.at, one.message)).collect())
}

#[track_caller]
pub(in crate::prometheus) fn good(text: &str) -> PrometheusConfig {
    let (config, errors) = read(text);
    assert_eq!(errors, []);
    config.unwrap()
}

#[track_caller]
fn wrong(job: &str) -> Vec<(String, String)> {
    read(&format!("scrape_configs:\n  - job_name: a\n    {}\n", job.replace('\n', "\n    "))).1
}

/// What Prometheus's documentation shows of scrape configurations, in values of our own.
const EVERYTHING: &str = r#"
config:
  global:
    scrape_interval: 15s
    scrape_timeout: 10s
    external_labels: {cluster: west}
    body_size_limit: 15MB
    sample_limit: 1500
    target_limit: 30
    label_limit: 30
    label_name_length_limit: 200
    label_value_length_limit: 200
    keep_dropped_targets: 5
  scrape_configs:
    - job_name: apps
      honor_labels: true
      honor_timestamps: false
      track_timestamps_staleness: true
      scrape_interval: 1m30s
      scrape_timeout: 5s
      scrape_protocols: [PrometheusProto, OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4]
      fallback_scrape_protocol: PrometheusText0.0.4
      scrape_native_histograms: true
      always_scrape_classic_histograms: true
      convert_classic_histograms_to_nhcb: true
      native_histogram_bucket_limit: 160
      metrics_path: /federate
      scheme: https
      enable_compression: false
      enable_http2: false
      follow_redirects: false
      extra_scrape_metrics: true
      metric_name_validation_scheme: legacy
      params:
        'match[]': ['{job="x"}', up]
      sample_limit: 1000
      body_size_limit: 10MB
      target_limit: 35
      basic_auth:
        username: admin
        password: pass word
      tls_config:
        server_name: apps.internal
        insecure_skip_verify: true
        min_version: TLS12
      proxy_url: http://proxy:3128
      no_proxy: 10.0.0.0/8,.internal
      http_headers:
        X-Tenant: {values: [a, b]}
      file_sd_configs:
        - files: [targets/*.json, more.yml]
          refresh_interval: 10m
      http_sd_configs:
        - url: https://sd.internal/targets?q=1
          refresh_interval: 30s
          authorization: {type: Token, credentials: '${env:TOKEN}'}
      dns_sd_configs:
        - names: [_app._tcp.internal, other.internal]
          refresh_interval: 15s
        - {names: [plain.internal], type: A, port: 9100}
      static_configs:
        - targets: ['localhost:9090', 'localhost:9191']
          labels: {my: label, your: label}
        - targets: [other:80]
      relabel_configs:
        - source_labels: [job, __meta_dns_name]
          regex: (.*)some-[regex]
          target_label: job
          replacement: foo-${1}
        - source_labels: [abc]
          target_label: cde
        - replacement: static
          target_label: abc
        - source_labels: [__address__]
          target_label: __tmp_hash
          modulus: 8
          action: hashmod
        - {source_labels: [__tmp_hash], regex: ^1$, action: keep}
        - {action: labelmap, regex: __meta_kubernetes_(.+), replacement: k8s_$1}
        - {action: labeldrop, regex: d}
        - {action: Uppercase, source_labels: [a], target_label: a}
        - {action: keepequal, source_labels: [a], target_label: b}
      metric_relabel_configs:
        - source_labels: [__name__]
          regex: expensive_metric.*
          action: drop
    - job_name: service
      authorization: {credentials: secret}
      static_configs: [{targets: [a:1]}]
    - job_name: tokens
      oauth2:
        client_id: id
        client_secret: word
        token_url: https://auth.internal/token
        scopes: [read]
        endpoint_params: {audience: metrics}
        tls_config: {insecure_skip_verify: true}
      static_configs: [{targets: [a:2]}]
"#;

#[test]
fn scrape_configurations_as_the_documentation_shows_them_are_read() {
    let config = good(EVERYTHING);
    let jobs = config.jobs().unwrap();
    let [apps, service, tokens] = &*jobs else { panic!("three jobs") };
    assert_eq!((apps.interval.to_string(), apps.timeout), ("1m30s".to_owned(), PromDuration::from_secs(5)));
    assert_eq!(
        (service.interval.to_string(), service.timeout.to_string()),
        ("15s".to_owned(), "10s".to_owned())
    );
    assert_eq!((apps.limits.samples, service.limits.samples, service.limits.labels), (1000, 1500, 30));
    assert_eq!((apps.body_size_limit, service.body_size_limit), (10 << 20, 15 << 20));
    assert_eq!((apps.target_limit, apps.keep_dropped_targets), (35, 5));
    assert_eq!(apps.protocols[0], ScrapeProtocol::PrometheusProto);
    assert_eq!(service.protocols[0], ScrapeProtocol::OpenMetricsText100);
    assert!(apps.legacy_names && apps.escaping == NameEscaping::Underscores && apps.extra_metrics);
    assert!(!service.legacy_names && service.escaping == NameEscaping::AllowUtf8 && !service.extra_metrics);
    let written = &apps.config;
    assert_eq!(written.relabel_configs[0].replacement.as_deref(), Some("foo-${1}"));
    assert_eq!(written.relabel_configs[5].replacement.as_deref(), Some("k8s_$1"));
    assert_eq!(written.relabel_configs[7].action, RelabelAction::Uppercase);
    assert_eq!(written.dns_sd_configs[1].record, RecordType::A);
    let token = written.http_sd_configs[0].authorization.as_ref().unwrap();
    assert_eq!((&*token.scheme, token.credentials.expose()), ("Token", "t0ken"));
    assert_eq!(tokens.config.oauth2.as_ref().unwrap().endpoint_params["audience"], "metrics");
}

#[test]
fn the_shape_without_config_is_the_same() {
    let short = good(
        "global: {scrape_interval: 30s}\nscrape_configs: [{job_name: a, static_configs: [{targets: [a:1]}]}]",
    );
    let job = &short.jobs().unwrap()[0];
    assert_eq!((job.interval.to_string(), job.timeout.to_string()), ("30s".to_owned(), "10s".to_owned()));
    let both = "config: {scrape_configs: [{job_name: a}]}\nscrape_configs: [{job_name: b}]";
    assert!(read(both).1[0].1.contains("stands beside `config`"));
}

#[test]
fn defaults_are_prometheus_defaults() {
    let config = good("scrape_configs: [{job_name: a}]");
    let job = &config.jobs().unwrap()[0];
    assert_eq!((job.interval.to_string(), job.timeout.to_string()), ("1m".to_owned(), "10s".to_owned()));
    let written = &job.config;
    assert_eq!((&*written.metrics_path, &*written.scheme), ("/metrics", "http"));
    assert!(
        written.honor_timestamps
            && written.follow_redirects
            && written.enable_http2
            && written.enable_compression
    );
    assert!(!written.honor_labels && !written.track_timestamps_staleness && !job.native_histograms);
    assert_eq!(job.protocols.len(), 4);
    // A timeout of all jobs that is longer than the interval of one is cut to it, as in Prometheus.
    let quick = good("scrape_configs: [{job_name: a, scrape_interval: 5s}]");
    assert_eq!(quick.jobs().unwrap()[0].timeout.to_string(), "5s");
}

#[test]
fn every_mistake_is_told_at_its_place() {
    for (job, at, message) in [
        ("scrape_interval: 1.5s", "1.5s", "`1.5s` is no duration"),
        (
            "scrape_interval: 5s\nscrape_timeout: 6s",
            "6s",
            "the timeout of 6s is longer than the interval of 5s",
        ),
        ("scrape_interval: 0s\nscrape_timeout: 0s", "0s", "an interval of 0"),
        ("scheme: ftp", "ftp", "unknown scheme `ftp`"),
        ("scrape_protocols: []", "[]", "no format is left"),
        ("scrape_protocols: [PrometheusProto, PrometheusProto]", "PrometheusProto", "named twice"),
        ("body_size_limit: 10", "10", "`10` is no size"),
        ("static_configs: [{targets: ['http://a/metrics']}]", "'http://a/metrics'", "is no address"),
        ("file_sd_configs: [{files: [a.txt]}]", "a.txt", "neither JSON nor YAML"),
        ("file_sd_configs: [{files: ['*/a.json']}]", "'*/a.json'", "not in a folder's"),
        ("http_sd_configs: [{url: 'sd:1'}]", "'sd:1'", "is no URL"),
        ("dns_sd_configs: [{names: [a], type: A}]", "names", "a port is needed"),
        ("relabel_configs: [{regex: '(', action: keep}]", "'('", "is no regular expression"),
        (
            "relabel_configs: [{action: hashmod, target_label: a}]",
            "hashmod",
            "the action `hashmod` needs `modulus`",
        ),
        ("relabel_configs: [{action: mangle}]", "mangle", "unknown value `mangle`"),
        (
            "basic_auth: {username: a}\nauthorization: {credentials: b}",
            "{credentials: b}",
            "a request can show one",
        ),
        ("basic_auth: {password: a, password_file: b}", "b", "are both there"),
        ("authorization: {type: Basic}", "Basic", "is not a token's"),
        ("oauth2: {client_id: a, token_url: x}", "x", "no URL of a token server"),
        ("tls_config: {cert_file: a}", "tls_config", "belong together"),
        ("tls_config: {min_version: TLS10}", "TLS10", "not spoken"),
        ("http_sd_configs: [{url: 'https://a:b@sd/'}]", "'https://a:b@sd/'", "are not sent"),
        ("proxy_url: 'https://a:1'", "'https://a:1'", "the proxy is none"),
        ("proxy_url: 'socks5://a:1'", "'socks5://a:1'", "the proxy is none"),
        ("http_headers: {Authorization: {values: [a]}}", "{values: [a]}", "set by the receiver itself"),
        ("static_configs: [~, {targets: [a:1]}]", "~", "this entry is empty"),
        (
            "metric_name_validation_scheme: legacy\nmetric_name_escaping_scheme: allow-utf-8",
            "allow-utf-8",
            "refused by `metric_name_validation_scheme: legacy`",
        ),
        (
            "relabel_configs: [{action: labeldrop, regex: a, separator: ','}]",
            "','",
            "the action `labeldrop` has no use for `separator`",
        ),
        (
            "metric_relabel_configs: [{action: labelkeep, regex: a, modulus: 2}]",
            "2",
            "the action `labelkeep` has no use for `modulus`",
        ),
    ] {
        let errors = wrong(job);
        let found = errors.iter().find(|(_, found)| found.contains(message));
        let (shown, _) = found.unwrap_or_else(|| panic!("{job}: no `{message}` in {errors:?}"));
        assert_eq!(shown, at, "{job}");
    }
}

/// Prometheus takes it, and scrapes what the other formats have.
#[test]
fn native_histograms_that_no_format_brings_are_a_warning() {
    let text = "scrape_configs: [{job_name: a, scrape_native_histograms: true, scrape_protocols: [PrometheusText0.0.4]}]";
    let (config, told) = read(text);
    let [(at, message)] = &*told else { panic!("{told:?}") };
    assert_eq!(at, "[PrometheusText0.0.4]");
    assert!(message.starts_with("native histograms come by protobuf only"), "{message}");
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
    let document = load(&[source], &[], &Env::process(), &mut diags);
    config.unwrap().check(&mut Check::new(document.root(), &mut diags));
    assert!(!diags.has_errors());
}

#[test]
fn how_names_are_escaped_follows_from_where_their_validation_is_said() {
    let job = |global: &str, own: &str| {
        let config = good(&format!("global: {{{global}}}\nscrape_configs: [{{job_name: a, {own}}}]"));
        let job = config.jobs().unwrap().remove(0);
        (job.legacy_names, job.escaping)
    };
    let legacy = "metric_name_validation_scheme: legacy";
    let all_dots = "metric_name_escaping_scheme: dots";
    assert_eq!(job(all_dots, ""), (false, NameEscaping::Dots));
    assert_eq!(job(&format!("{legacy}, {all_dots}"), ""), (true, NameEscaping::Dots));
    // A job that says how names are validated does not have what `global` says of escaping.
    assert_eq!(job(all_dots, legacy), (true, NameEscaping::Underscores));
    assert_eq!(job("metric_name_escaping_scheme: allow-utf-8", legacy), (true, NameEscaping::Underscores));
    assert_eq!(job(legacy, "metric_name_validation_scheme: utf8"), (false, NameEscaping::AllowUtf8));
    assert_eq!(
        job(all_dots, &format!("{legacy}, metric_name_escaping_scheme: values")),
        (true, NameEscaping::Values)
    );
    // What all jobs have is told at each that has it.
    let all = format!(
        "global: {{{legacy}, metric_name_escaping_scheme: allow-utf-8}}\nscrape_configs: [{{job_name: a}}]"
    );
    assert!(read(&all).1[0].1.contains("refused by `metric_name_validation_scheme: legacy`"));
}

#[test]
fn keys_that_are_known_and_not_taken_say_what_to_use() {
    for (job, message) in [
        ("kubernetes_sd_configs: [{role: pod}]", "`kubernetes_sd_configs` is not taken: pods and services"),
        ("consul_sd_configs: [{server: a}]", "`consul_sd_configs` is not taken: targets are discovered in"),
        ("ec2_sd_configs: [{region: a}]", "`ec2_sd_configs` is not taken"),
        ("bearer_token_file: /a", "`bearer_token_file` is not taken: it is out of use"),
        ("scrape_failure_log_file: /a", "`scrape_failure_log_file` is not taken"),
        ("native_histogram_min_bucket_factor: 1.1", "`native_histogram_min_bucket_factor` is not taken"),
        ("proxy_connect_header: {A: [b]}", "`proxy_connect_header` is not taken"),
        ("basic_auth: {password_ref: a}", "`password_ref` is not taken: there is no secret manager"),
    ] {
        let errors = wrong(job);
        assert!(errors.iter().any(|(_, found)| found.starts_with(message)), "{job}: {errors:?}");
        assert_eq!(errors.len(), 1, "{job}: {errors:?}");
    }
    for (outer, message) in [
        (
            "config: {scrape_configs: [{job_name: a}], remote_write: [{url: a}]}",
            "`remote_write` is not taken",
        ),
        ("config: {scrape_configs: [{job_name: a}], rule_files: [a]}", "`rule_files` is not taken"),
        (
            "target_allocator: {endpoint: a}\nscrape_configs: [{job_name: a}]",
            "`target_allocator` is not taken",
        ),
        (
            "trim_metric_suffixes: true\nscrape_configs: [{job_name: a}]",
            "`trim_metric_suffixes` is not taken",
        ),
        ("global: {query_log_file: a}\nscrape_configs: [{job_name: a}]", "`query_log_file` is not taken"),
        (
            "global: {evaluation_interval: 15s}\nscrape_configs: [{job_name: a}]",
            "`evaluation_interval` changes nothing",
        ),
    ] {
        let errors = read(outer).1;
        assert!(errors.iter().any(|(_, found)| found.starts_with(message)), "{outer}: {errors:?}");
    }
}

#[test]
fn jobs_have_names_and_no_two_the_same() {
    let errors = read("scrape_configs: [{job_name: a}, {scheme: http}, {job_name: a}]").1;
    let messages: Vec<&str> = errors.iter().map(|(_, message)| message.as_str()).collect();
    assert_eq!(messages, ["a job needs a `job_name`", "`a` is the name of job 1 too"]);
    assert_eq!(read("scrape_configs: []").1[0].1, "there is nothing to scrape");
}

#[test]
fn jobs_may_stand_in_files() {
    let folder = std::env::temp_dir().join(format!("weir-jobs-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(
        folder.join("one.yaml"),
        "scrape_configs: [{job_name: b, static_configs: [{targets: [a:1]}]}]",
    )
    .unwrap();
    let outer =
        format!("scrape_configs: [{{job_name: a}}]\nscrape_config_files: ['{}/*.yaml']", folder.display());
    let jobs = good(&outer).jobs().unwrap();
    assert_eq!(jobs.iter().map(|job| &*job.config.job_name).collect::<Vec<_>>(), ["a", "b"]);
    std::fs::write(folder.join("two.yaml"), "scrape_configs: [{job_name: c, schema: http}]").unwrap();
    let error = &read(&outer).1[0].1;
    assert!(error.contains("two.yaml") && error.contains("schema"), "{error}");
    // What follows from `global` is looked at in files too.
    std::fs::write(folder.join("two.yaml"), "scrape_configs: [{job_name: c, scrape_timeout: 9s}]").unwrap();
    let error = &read(&format!("global: {{scrape_interval: 8s}}\n{outer}")).1[0].1;
    assert!(error.contains("the timeout of 9s is longer than the interval of 8s"), "{error}");
    std::fs::remove_dir_all(folder).unwrap();
}
