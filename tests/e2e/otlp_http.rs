//! OTLP over HTTP as `curl` sends it: JSON, TLS, tokens, and files that change while Weir runs.

use std::{fs, net::SocketAddr, path::PathBuf, process::Command};

use crate::harness::{FarEnd, Issued, SECOND, Weir, issued, now, until};

fn has_curl() -> bool {
    let found = Command::new("curl").arg("--version").output().is_ok_and(|output| output.status.success());
    if !found {
        println!("skipped: OTLP by curl (curl is not installed)");
    }
    found
}

/// A request of one increment, as a person would write it.
fn increment(value: u32) -> String {
    let (start, time) = (now() - SECOND, now());
    let point = format!(
        r#"{{"attributes": [{{"key": "series", "value": {{"stringValue": "1"}}}}], "startTimeUnixNano": "{start}", "timeUnixNano": "{time}", "asInt": "{value}"}}"#
    );
    let sum = format!(r#"{{"aggregationTemporality": 1, "isMonotonic": true, "dataPoints": [{point}]}}"#);
    format!(
        r#"{{"resourceMetrics": [{{"scopeMetrics": [{{"metrics": [{{"name": "by.curl", "sum": {sum}}}]}}]}}]}}"#
    )
}

/// The status and the body that `curl` gets; `None` where there is no answer at all.
fn post(url: &str, body: &str, arguments: &[&str]) -> Option<(u16, String)> {
    let output = Command::new("curl")
        .args([
            "--silent",
            "--max-time",
            "20",
            "--write-out",
            "\n%{http_code}",
            "--header",
            "content-type: application/json",
        ])
        .args(arguments)
        .args(["--data-binary", body, url])
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let (body, status) = text.rsplit_once('\n')?;
    output.status.success().then(|| (status.parse().unwrap(), body.to_owned()))
}

fn config(far_end: &FarEnd, http: &str, more: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ http: {{ endpoint: 'localhost:0', {http} }} }} }} }}
exporters: {{ cloudwatch: {} }}
{more}
  pipelines:
    metrics: {{ receivers: [otlp], exporters: [cloudwatch] }}
",
        far_end.exporter(&["dimensions: { attributes: [series] }"])
    )
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn json_by_curl_arrives_and_what_is_no_json_is_told_why() {
    if !has_curl() {
        return;
    }
    let far_end = FarEnd::start().await;
    let weir = Weir::start(&config(&far_end, "", "service:"), &[]).await;
    let url = format!("http://{}/v1/metrics", weir.otlp_address());
    for value in [1, 2, 4] {
        assert_eq!(post(&url, &increment(value), &[]), Some((200, "{}".to_owned())));
    }
    let (status, said) = post(&url, "{\"resourceMetrics\": 1}", &[]).unwrap();
    assert!(status == 400 && said.contains("an array for `resourceMetrics`"), "{status} {said}");
    far_end.wait_for_samples(3).await;
    let ledger = weir.drain().await;
    assert_eq!(far_end.by_series("by.curl")[&1].sum, 7.0);
    assert_eq!(ledger.row("receiver otlp").taken, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_a_unix_socket_everything_is_as_over_tcp() {
    if !has_curl() {
        return;
    }
    let socket = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("otlp-http.sock");
    let far_end = FarEnd::start().await;
    let config = config(&far_end, "", "service:")
        .replace("endpoint: 'localhost:0'", &format!("transport: unix, endpoint: '{}'", socket.display()));
    let weir = Weir::start(&config, &[]).await;
    let by_socket = ["--unix-socket", socket.to_str().unwrap()];
    let url = "http://localhost/v1/metrics";
    assert_eq!(post(url, &increment(3), &by_socket), Some((200, "{}".to_owned())));
    assert_eq!(post(url, "no JSON", &by_socket).unwrap().0, 400);
    assert_eq!(post("http://localhost/v1/logs", "{}", &by_socket).unwrap().0, 404);
    far_end.wait_for_samples(1).await;
    weir.drain().await;
    assert_eq!(far_end.by_series("by.curl")[&1].sum, 3.0);
    assert!(!socket.exists(), "the file goes with the listener");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_and_certificates_change_without_a_restart() {
    if !has_curl() {
        return;
    }
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("otlp-http");
    fs::create_dir_all(&folder).unwrap();
    let (old, new) = (issued(&folder, "old"), issued(&folder, "new"));
    let install = |issued: &Issued| {
        fs::write(folder.join("tls.crt"), &issued.certificate).unwrap();
        fs::write(folder.join("tls.key"), &issued.key).unwrap();
    };
    install(&old);
    fs::write(folder.join("tokens"), "first\n").unwrap();
    let shown = folder.display();
    let http = format!(
        "tls: {{ cert_file: '{shown}/tls.crt', key_file: '{shown}/tls.key', reload_interval: 20ms }}, auth: {{ authenticator: bearertokenauth }}"
    );
    let more = format!(
        "extensions: {{ bearertokenauth: {{ filename: '{shown}/tokens', reload_interval: 20ms }} }}\nservice:\n  extensions: [bearertokenauth]"
    );
    let far_end = FarEnd::start().await;
    let weir = Weir::start(&config(&far_end, &http, &more), &[]).await;
    let SocketAddr::V4(address) = weir.otlp_address() else { panic!("localhost is IPv4 first") };
    let url = format!("https://localhost:{}/v1/metrics", address.port());
    let send = |issued: &Issued, token: Option<&str>| {
        let token = token.map(|token| format!("authorization: Bearer {token}"));
        let mut arguments = vec!["--ipv4", "--cacert", issued.ca.to_str().unwrap()];
        arguments.extend(token.iter().flat_map(|token| ["--header", token.as_str()]));
        post(&url, &increment(1), &arguments).map(|(status, _)| status)
    };
    assert_eq!(send(&old, Some("first")), Some(200));
    assert_eq!(send(&old, None), Some(401));
    assert_eq!(send(&old, Some("second")), Some(401));
    assert_eq!(send(&new, Some("first")), None, "the certificate is of the old CA");

    fs::write(folder.join("tokens"), "second\n").unwrap();
    until("the new token", || (send(&old, Some("second")) == Some(200)).then_some(())).await;
    assert_eq!(send(&old, Some("first")), Some(401));
    install(&new);
    until("the new certificate", || (send(&new, Some("second")) == Some(200)).then_some(())).await;
    assert_eq!(send(&old, Some("second")), None, "the certificate is of the new CA");

    far_end.wait_for_samples(3).await;
    let ledger = weir.drain().await;
    assert_eq!(
        (far_end.samples(), ledger.row("receiver otlp").taken),
        (3, 3),
        "what was not let in is nowhere"
    );
}
