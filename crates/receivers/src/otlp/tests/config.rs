//! The keys, as a person writes them.

use weir_config::{Check, Diagnostics, Env, Source, from_node, load};
use weir_core::Config as _;

use crate::otlp::config::{Acknowledge, OtlpConfig};

/// Reads and checks a receiver's section; answers it and each error with the text that it points at.
fn read(text: &str) -> (Option<OtlpConfig>, Vec<(String, String)>) {
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: "test".to_owned(), text: text.to_owned() };
    let env = Env::from_pairs::<&str, &str>([]);
    let document = load(&[source], &[], &env, &mut diags);
    let config: Option<OtlpConfig> = from_node(document.root(), &mut diags);
    if let Some(config) = &config {
        config.check(&mut Check::new(document.root(), &mut diags));
    }
    let shown = |span: weir_config::Span| text[span.range()].to_owned();
    let errors = diags.iter().map(|found| (found.span.map(shown).unwrap_or_default(), found.message.clone()));
    (config, errors.collect())
}

#[track_caller]
fn good(text: &str) -> OtlpConfig {
    let (config, errors) = read(text);
    assert_eq!(errors, []);
    config.unwrap()
}

#[test]
fn an_empty_section_listens_on_the_usual_port() {
    for text in ["", "protocols:", "protocols:\n  grpc:"] {
        let config = good(text);
        let grpc = &config.protocols.grpc;
        assert_eq!((&*grpc.endpoint, grpc.max_message_bytes()), ("localhost:4317", 67_108_864));
        assert!(!grpc.include_metadata && config.acknowledge == Acknowledge::Accepted);
    }
}

#[test]
fn every_key_is_read() {
    let config = good(
        "protocols:\n  grpc:\n    endpoint: '[::1]:0'\n    max_recv_msg_size_mib: 4\n    max_concurrent_streams: 7\n    \
         include_metadata: true\nacknowledge: exported\n",
    );
    let grpc = &config.protocols.grpc;
    assert_eq!((&*grpc.endpoint, grpc.max_message_bytes()), ("[::1]:0", 4_194_304));
    assert!(grpc.max_concurrent_streams == 7 && grpc.include_metadata);
    let facts = config.facts();
    assert!(facts.waits_for_export && facts.cumulative);
    let key = ["protocols", "grpc", "endpoint"].map(str::to_owned).to_vec();
    assert_eq!(facts.open_listeners, [(key, "[::1]:0".to_owned())]);
}

#[test]
fn http_is_refused_where_it_stands() {
    for http in ["http:", "http: {endpoint: 'localhost:4318', cors: {allowed_origins: ['*']}}"] {
        let (_, errors) = read(&format!("protocols:\n  grpc:\n  {http}\n"));
        let [(_, message)] = &*errors else { panic!("one error, found {errors:?}") };
        assert_eq!(message, "OTLP over HTTP is not supported yet; use grpc");
    }
}

#[test]
fn values_out_of_range_are_refused_where_they_stand() {
    let key = |line: &str| format!("protocols:\n  grpc:\n    {line}\n");
    for (line, at) in [
        ("endpoint: localhost", "localhost"),
        ("endpoint: ::1:4317", "::1:4317"),
        ("endpoint: http://localhost:4317", "http://localhost:4317"),
        ("endpoint: localhost:99999", "localhost:99999"),
        ("max_recv_msg_size_mib: 0", "0"),
        ("max_recv_msg_size_mib: 4096", "4096"),
        ("max_concurrent_streams: 0", "0"),
    ] {
        let (_, errors) = read(&key(line));
        let places: Vec<_> = errors.iter().map(|(place, _)| &**place).collect();
        assert_eq!(places, [at], "{line}: {errors:?}");
    }
}
