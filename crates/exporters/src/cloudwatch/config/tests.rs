use weir_config::{Diagnostics, Env, Severity, Source, from_node, load};

use super::{super::rules::Rules, *};

/// What reading `yaml` gives, and the text under each error.
fn read(yaml: &str) -> (Option<Config>, Vec<String>) {
    let mut diags = Diagnostics::default();
    let source = Source::Text { name: "test".to_owned(), text: yaml.to_owned() };
    let document = load(&[source], &[], &Env::default(), &mut diags);
    let config: Option<Config> = from_node(document.root(), &mut diags);
    if let Some(config) = &config {
        weir_core::Config::check(config, &mut Check::new(document.root(), &mut diags));
    }
    let errors = diags.iter().filter(|found| found.severity == Severity::Error);
    let under = errors.map(|found| document.sources().snippet(found.span.unwrap()).to_owned()).collect();
    (config, under)
}

fn valid(yaml: &str) -> Config {
    let (config, errors) = read(yaml);
    assert_eq!(errors, [""; 0], "{yaml}");
    config.unwrap()
}

/// `StorageResolution` of what no rule is for.
fn resolution(config: &Config) -> i32 {
    let f = weir_testkit::Fixture::new();
    let series = f.stream(weir_core::Descriptor::gauge("g", "1"), &[]);
    Rules::new(config).of(&series).0.resolution
}

#[test]
fn an_empty_section_is_the_defaults() {
    let config = valid("{}");
    assert_eq!((config.namespace.as_str(), config.period.0.as_secs()), ("Weir", 60));
    assert_eq!(config.dimensions.attributes, ["*"]);
    assert_eq!(config.sending_queue.queue_size, ByteSize(33_554_432));
    assert!(config.retry_on_failure.max_elapsed_time.0.is_zero(), "an outage alone drops nothing");
}

#[test]
fn every_key_is_read() {
    let config = valid(
        "endpoint: http://127.0.0.1:4000\nregion: eu-west-1\nnamespace: Shop\nprofile: p\n\
         role_arn: 'arn:aws:iam::123456789012:role/weir'\nexternal_id: x\nuse_fips: false\nuse_dual_stack: false\n\
         proxy: 'http://user:secret@proxy:3128'\ntls: {ca_file: /etc/ca.pem}\n\
         period: 10s\nstorage_resolution: 60\ntimeout: 3s\n\
         dimensions: {attributes: [route], resource: [service.name], static: {env: prod}}\n\
         retry_on_failure: {enabled: false, initial_interval: 1s, multiplier: 2, randomization_factor: 0,\n\
         \x20 max_interval: 2s, max_elapsed_time: 60s}\n\
         sending_queue: {queue_size: 1MiB, num_consumers: 2}\n",
    );
    assert_eq!(resolution(&config), 60);
    assert_eq!(config.dimensions.fixed["env"], "prod");
    assert_eq!((config.sending_queue.queue_size, config.sending_queue.num_consumers), (ByteSize(1 << 20), 2));
    assert!(!config.retry_on_failure.enabled);
    assert_eq!(config.tls.ca_file.as_deref(), Some(std::path::Path::new("/etc/ca.pem")));
    assert!(!format!("{config:?}").contains("secret"), "a proxy's password is not shown");
}

#[test]
fn each_mistake_is_found_at_its_value() {
    let cases = [
        ("period: 7s", "7s"),
        ("storage_resolution: 5", "5"),
        ("namespace: ''", "''"),
        ("namespace: '  '", "'  '"),
        ("namespace: ':mine'", "':mine'"),
        ("namespace: AWS/EC2", "AWS/EC2"),
        ("namespace: ö", "ö"),
        ("endpoint: 127.0.0.1:4000", "127.0.0.1:4000"),
        ("endpoint: http://", "http://"),
        ("{endpoint: 'https://vpce.example.com', use_fips: true}", "true"),
        ("region: ''", "''"),
        ("profile: ' '", "' '"),
        ("role_arn: arn:aws:iam::123456789012:user/weir", "arn:aws:iam::123456789012:user/weir"),
        ("external_id: x", "x"),
        ("timeout: 0s", "0s"),
        ("sending_queue: {num_consumers: 0}", "0"),
        ("sending_queue: {num_consumers: 65}", "65"),
        ("sending_queue: {queue_size: 0}", "0"),
        ("dimensions: {static: {':a': b}}", "b"),
        ("dimensions: {static: {a: ' '}}", "' '"),
        ("retry_on_failure: {multiplier: 0.5}", "0.5"),
        ("retry_on_failure: {multiplier: .nan}", ".nan"),
        ("retry_on_failure: {randomization_factor: 1.5}", "1.5"),
        ("retry_on_failure: {initial_interval: 0s}", "0s"),
        ("retry_on_failure: {max_interval: 1s}", "1s"),
        ("retry_on_failure: {max_elapsed_time: 10s}", "10s"),
    ];
    for (yaml, at) in cases {
        assert_eq!(read(yaml).1, [at], "{yaml}");
    }
}

#[test]
fn the_resolution_follows_the_period_unless_it_is_given() {
    assert_eq!(resolution(&valid("period: 10s")), 1);
    assert_eq!(resolution(&valid("period: 5m")), 60);
    assert_eq!(resolution(&valid("{period: 10s, storage_resolution: 60}")), 60);
    assert_eq!(resolution(&valid("{period: 60s, storage_resolution: 1}")), 1);
}

#[test]
fn only_loopback_endpoints_are_local() {
    let is_local =
        |endpoint: &str| Config { endpoint: Some(endpoint.to_owned()), ..Config::default() }.is_local();
    for endpoint in
        ["http://127.0.0.1:4000", "http://127.9.9.9/path", "http://[::1]:4000", "https://localhost"]
    {
        assert!(is_local(endpoint), "{endpoint}");
    }
    for endpoint in [
        "https://monitoring.eu-central-1.amazonaws.com",
        "https://localhost.example.com",
        "http://10.0.0.1:4000",
        "http://127.0.0.1@example.com",
    ] {
        assert!(!is_local(endpoint), "{endpoint}");
    }
    assert!(!Config::default().is_local());
}

#[test]
fn a_dimension_with_two_sources_is_warned_of_at_its_name() {
    let yaml = "dimensions: {attributes: [a, b], resource: [b, c], static: {a: x, c: y, d: z}}";
    let mut diags = Diagnostics::default();
    let source = Source::Text { name: "test".to_owned(), text: yaml.to_owned() };
    let document = load(&[source], &[], &Env::default(), &mut diags);
    let config: Config = from_node(document.root(), &mut diags).unwrap();
    weir_core::Config::check(&config, &mut Check::new(document.root(), &mut diags));
    let found: Vec<&str> = diags.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(
        found,
        [
            "dimension `b` has two sources: `attributes` and `resource`",
            "dimension `a` has two sources: `static` and `attributes`",
            "dimension `c` has two sources: `static` and `resource`",
        ]
    );
    assert!(!diags.has_errors());
    let words = weir_core::Config::facts(&config).dimensions;
    assert_eq!(words, ["the point attributes a, b; the resource attributes b, c; a=x, c=y, d=z"]);
}

#[test]
fn more_dimensions_than_cloudwatch_takes_are_warned_of() {
    let many: Vec<String> = (0..31).map(|i| format!("d{i}: x")).collect();
    let yaml = format!("dimensions: {{static: {{{}}}}}", many.join(", "));
    let mut diags = Diagnostics::default();
    let source = Source::Text { name: "test".to_owned(), text: yaml };
    let document = load(&[source], &[], &Env::default(), &mut diags);
    let config: Config = from_node(document.root(), &mut diags).unwrap();
    weir_core::Config::check(&config, &mut Check::new(document.root(), &mut diags));
    let found: Vec<&str> = diags.iter().map(|found| found.message.as_str()).collect();
    assert_eq!(found, ["31 dimensions are listed, CloudWatch takes 30"]);
}
