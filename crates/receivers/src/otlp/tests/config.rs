//! The keys, as a person writes them.

use weir_core::{Config as _, OpenListener};
use weir_net::{Endpoint, Versions};
use weir_testkit::section;

use crate::otlp::{
    config::{Acknowledge, OtlpConfig},
    metadata::Metadata,
};

/// Reads and checks a receiver's section; answers it and each error with the text that it points at.
fn read(text: &str) -> (Option<OtlpConfig>, Vec<(String, String)>) {
    let (config, told) = section(text, &[]);
    (config, told.into_iter().map(|one| (one.at, one.message)).collect())
}

#[track_caller]
fn good(text: &str) -> OtlpConfig {
    let (config, errors) = read(text);
    assert_eq!(errors, []);
    config.unwrap()
}

#[test]
fn where_no_protocol_is_listed_both_listen_on_their_usual_ports() {
    for text in ["", "protocols:", "protocols: {}"] {
        let config = good(text);
        let (grpc, http) = (config.grpc().unwrap(), config.http().unwrap());
        assert_eq!((&*grpc.endpoint, grpc.max_message_bytes()), ("localhost:4317", 67_108_864));
        assert_eq!((&*http.endpoint, http.max_request_body_size.0), ("localhost:4318", 67_108_864));
        assert_eq!(http.metrics_url_path, "/v1/metrics");
        assert!(!grpc.include_metadata && !http.include_metadata);
        assert_eq!(config.acknowledge, Acknowledge::Accepted);
    }
}

#[test]
fn a_protocol_that_is_not_listed_is_off() {
    let config = good("protocols:\n  grpc:\n");
    assert!(config.grpc().is_some() && config.http().is_none());
    let config = good("protocols:\n  http: {}\n");
    assert!(config.grpc().is_none() && config.http().is_some());
}

#[test]
fn every_key_is_read() {
    let config = good(
        "protocols:\n  grpc:\n    endpoint: '[::1]:0'\n    max_recv_msg_size_mib: 4\n    max_concurrent_streams: 7\n    \
         include_metadata: true\n    metadata_keys: [X-Tenant]\n    max_connections: 9\n  http:\n    endpoint: /run/otlp.sock\n    \
         transport: unix\n    metrics_url_path: /in\n    max_request_body_size: 1MiB\n    read_timeout: 5s\n    \
         idle_timeout: 6s\n    max_connections: 8\nacknowledge: exported\n",
    );
    let (grpc, http) = (config.grpc().unwrap(), config.http().unwrap());
    assert_eq!(grpc.endpoint(), Some(Endpoint::Tcp { host: "::1".to_owned(), port: 0 }));
    assert_eq!((grpc.max_message_bytes(), grpc.max_concurrent_streams), (4_194_304, 7));
    assert_eq!((grpc.limits().connections, http.limits().connections), (9, 8));
    assert!(matches!(grpc.metadata(), Metadata::Included(names) if names == ["x-tenant"]));
    assert_eq!(http.endpoint(), Some(Endpoint::Unix("/run/otlp.sock".into())));
    assert_eq!((&*http.metrics_url_path, http.max_request_body_size.0), ("/in", 1_048_576));
    assert_eq!((http.read_timeout.as_secs(), http.limits().header_read_timeout.as_secs()), (5, 6));
    let facts = config.facts();
    assert!(facts.waits_for_export && facts.cumulative);
    let grpc = open("grpc", "[::1]:0", false);
    assert_eq!(facts.open_listeners, [grpc], "a Unix socket is not open to others");
}

#[test]
fn values_out_of_range_are_refused_where_they_stand() {
    for (protocol, line, at) in [
        ("grpc", "endpoint: localhost", "localhost"),
        ("grpc", "endpoint: ::1:4317", "::1:4317"),
        ("grpc", "endpoint: http://localhost:4317", "http://localhost:4317"),
        ("grpc", "endpoint: localhost:99999", "localhost:99999"),
        ("grpc", "max_recv_msg_size_mib: 0", "0"),
        ("grpc", "max_recv_msg_size_mib: 4096", "4096"),
        ("grpc", "max_concurrent_streams: 0", "0"),
        ("grpc", "max_connections: 0", "0"),
        ("grpc", "metadata_keys: [a b]\n    include_metadata: true", "a b"),
        ("grpc", "metadata_keys: [a]", "[a]"),
        ("http", "endpoint: localhost", "localhost"),
        ("http", "metrics_url_path: v1", "v1"),
        ("http", "max_request_body_size: 0", "0"),
        ("http", "read_timeout: 0s", "0s"),
        ("http", "idle_timeout: 0s", "0s"),
        ("http", "max_connections: 0", "0"),
        ("http", "metadata_keys: [a]", "[a]"),
    ] {
        let (_, errors) = read(&format!("protocols:\n  {protocol}:\n    {line}\n"));
        let places: Vec<_> = errors.iter().map(|(place, _)| &**place).collect();
        assert_eq!(places, [at], "{line}: {errors:?}");
    }
}

#[test]
fn the_room_of_requests_is_read_and_none_is_refused() {
    assert_eq!(good("admission: {request_limit_mib: 3}\n").admission.limit(), 3 << 20);
    assert_eq!(good("protocols:\n").admission.limit(), 128 << 20);
    let (_, errors) = read("admission:\n  request_limit_mib: 0\n  waiter_limit_mib: 1\n");
    let places: Vec<_> = errors.iter().map(|(place, _)| &**place).collect();
    assert_eq!(places, ["0", "waiter_limit_mib"], "{errors:?}");
}

fn open(protocol: &str, address: &str, authenticates: bool) -> OpenListener {
    let path = ["protocols", protocol, "endpoint"].map(str::to_owned).to_vec();
    OpenListener { path, address: address.to_owned(), authenticates }
}

#[test]
fn keys_of_security_are_read_and_tls_closes_the_listener() {
    let config = good(
        "protocols:\n  grpc:\n    endpoint: 0.0.0.0:4317\n    tls: {cert_file: a, key_file: b, client_ca_file: c, min_version: '1.3'}\n    \
         keepalive: {server_parameters: {max_connection_age: 1h, max_connection_idle: 5m, time: 10s}}\n  \
         http:\n    endpoint: 0.0.0.0:4318\n    auth: {authenticator: basicauth/x}\n    cors: {allowed_origins: ['*'], max_age: 60}\n",
    );
    let grpc = config.grpc().unwrap();
    let limits = grpc.limits();
    assert_eq!(limits.max_age.map(|age| age.as_secs()), Some(3600));
    assert_eq!(limits.idle_timeout.map(|idle| idle.as_secs()), Some(300));
    assert!(matches!(grpc.versions(), Versions::Http2(http2) if http2.keepalive.as_secs() == 10));
    assert_eq!(grpc.tls.unwrap().client_ca_file, Some("c".into()));
    let facts = config.facts();
    assert_eq!(facts.open_listeners, [open("http", "0.0.0.0:4318", true)], "a password is sent in the clear");
    let path = ["protocols", "http", "auth", "authenticator"].map(str::to_owned).to_vec();
    assert_eq!(facts.authenticators, [(path, "basicauth/x".to_owned())]);
}

#[test]
fn the_collectors_keys_that_are_not_taken_say_what_to_do() {
    for (protocol, line, said) in [
        ("grpc", "tls: {cert_file: a, key_file: b, cipher_suites: [x]}", "`cipher_suites` is not taken: "),
        ("grpc", "tls: {cert_file: a, key_file: b, ca_file: x}", "`ca_file` is not taken: it is for clients"),
        ("grpc", "keepalive: {enforcement_policy: {min_time: 10s}}", "`enforcement_policy` is not taken: "),
        ("grpc", "dialer: {timeout: 5s}", "`dialer` is not taken: it is for clients"),
        ("http", "include_tls_metadata: true", "`include_tls_metadata` is not taken: "),
        ("grpc", "read_buffer_size: 524288", "`read_buffer_size` is not taken: "),
        ("http", "traces_url_path: /v1/traces", "`traces_url_path` is not taken: Weir carries metrics only"),
        ("http", "compression_algorithms: [gzip]", "`compression_algorithms` is not taken: "),
        ("http", "auth: {authenticator: a, request_params: [x]}", "`request_params` is not taken: "),
        ("http", "tls: {cert_file: a}", "TLS needs `key_file` or `key_pem`, and neither is there"),
        (
            "http",
            "tls: {cert_file: a, key_file: b, min_version: '1.3', max_version: '1.2'}",
            "`min_version` is newer",
        ),
        ("http", "cors: {allowed_headers: [a b]}", "`a b` is not the name of a header"),
    ] {
        let (_, errors) = read(&format!("protocols:\n  {protocol}:\n    {line}\n"));
        let [(_, message)] = &*errors else { panic!("one error, found {errors:?}") };
        assert!(message.starts_with(said), "{message}");
    }
}
