//! Where credentials come from: the real binary, against fakes of what AWS has on every host.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{
    TlsAcceptor,
    rustls::{
        self, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

use crate::harness::{
    Asked, FarEnd, Increment, Issued, Ledger, Program, SECOND, Service, Weir, config_file, increments,
    issued, now, until, within,
};

const COUNTER: &str = "e2e.events";

/// No `endpoint`: with one on loopback Weir would make credentials up. The environment leads to the far end.
fn config(keys: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: 'localhost:0' }} }} }} }}
exporters: {{ cloudwatch: {{ namespace: E2E, region: us-east-1, period: 1s, retry_on_failure: {{ initial_interval: 50ms, max_interval: 200ms }}{keys} }} }}
service: {{ pipelines: {{ metrics: {{ receivers: [otlp], exporters: [cloudwatch] }} }} }}
"
    )
}

fn environment(far: &FarEnd, more: &[(&'static str, String)]) -> Vec<(&'static str, String)> {
    let mut all = vec![
        ("AWS_ENDPOINT_URL_CLOUDWATCH", far.0.endpoint()),
        ("AWS_EC2_METADATA_DISABLED", "true".to_owned()),
    ];
    all.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
    all.extend(more.iter().cloned());
    all
}

/// Sends a point, waits until it is stored, and answers with which keys.
async fn keys_of(far: &FarEnd, config: &str, environment: &[(&str, String)]) -> Vec<String> {
    let weir = Weir::start_with(config, &[], environment).await;
    send(&weir, 0..10).await;
    far.wait_for_samples(10).await;
    weir.drain().await;
    far.0.counters().put_by_key.keys().cloned().collect()
}

async fn send(weir: &Weir, series: std::ops::Range<u32>) {
    let point = |series| Increment { series, time: now(), value: 1 };
    weir.sender().await.send(increments(COUNTER, series.map(point))).await;
}

fn time_in(wait: Duration) -> String {
    let seconds = now() / SECOND + wait.as_secs();
    // The tests that parse dates are elsewhere: `date` is on every machine that these run on.
    let output = std::process::Command::new("date")
        .args(["-u", "-d", &format!("@{seconds}"), "+%Y-%m-%dT%H:%M:%SZ"])
        .output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

fn json_keys(key: &str, life: Duration) -> String {
    let expiration = time_in(life);
    format!(
        r#"{{"Code":"Success","Type":"AWS-HMAC","AccessKeyId":"{key}","SecretAccessKey":"s","Token":"t","Expiration":"{expiration}","LastUpdated":"{expiration}"}}"#
    )
}

fn sts_answer(operation: &str, key: &str) -> String {
    let expiration = time_in(Duration::from_secs(3600));
    format!(
        "<{operation}Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><{operation}Result><AssumedRoleUser>\
         <Arn>arn:aws:sts::123456789012:assumed-role/r/weir</Arn><AssumedRoleId>A:weir</AssumedRoleId></AssumedRoleUser>\
         <Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>\
         <Expiration>{expiration}</Expiration></Credentials></{operation}Result></{operation}Response>"
    )
}

fn token_file(name: &str, text: &str) -> String {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_the_instance_come_by_imds_version_2() {
    let far = FarEnd::start().await;
    let imds = Service::start(|asked| {
        let is_known =
            asked.headers.get("x-aws-ec2-metadata-token").map(String::as_str) == Some("imds-token");
        match asked.line.as_str() {
            "PUT /latest/api/token" => Some((200, "imds-token".to_owned())),
            _ if !is_known => Some((401, String::new())),
            line if line.ends_with("/security-credentials/app")
                || line.ends_with("/security-credentials-extended/app") =>
            {
                Some((200, json_keys("KEYIMDS", Duration::from_secs(3600))))
            }
            line if line.ends_with("/security-credentials/")
                || line.ends_with("/security-credentials-extended/") =>
            {
                Some((200, "app".to_owned()))
            }
            _ => Some((404, String::new())),
        }
    });
    let more = [
        ("AWS_EC2_METADATA_DISABLED", "false".to_owned()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url()),
    ];
    assert_eq!(keys_of(&far, &config(""), &environment(&far, &more)).await, ["KEYIMDS"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_instances_metadata_is_out_of_reach_the_hop_limit_is_named() {
    let far = FarEnd::start().await;
    // A port that nobody listens at any more.
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let more = [
        ("AWS_EC2_METADATA_DISABLED", "false".to_owned()),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", format!("http://{closed}")),
    ];
    let stop_soon = ["--set", "service.shutdown_timeout=6s"];
    let weir = Weir::start_with(&config(""), &stop_soon, &environment(&far, &more)).await;
    send(&weir, 0..1).await;
    let log = weir.program.stderr.clone();
    log.wait_for("why", |line| line.contains("hop limit is 1").then_some(())).await;
    let (_, ledger) = weir.stop("TERM").await;
    assert_eq!(ledger.row("exporter cloudwatch").dropped_for("shutdown"), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_of_a_task_and_of_a_pod_come_from_their_container_endpoint() {
    // EKS Pod Identity: the token is read from a file, and shown.
    let far = FarEnd::start().await;
    let agent = Service::start(|asked| match asked.headers.get("authorization").map(String::as_str) {
        Some("pod-token") => Some((200, json_keys("KEYPOD", Duration::from_secs(3600)))),
        _ => Some((401, String::new())),
    });
    let more = [
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/v1/credentials"),
        ("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", token_file("pod-token", "pod-token")),
    ];
    assert_eq!(keys_of(&far, &config(""), &environment(&far, &more)).await, ["KEYPOD"]);
    // ECS: no token.
    let far = FarEnd::start().await;
    let agent = Service::start(|asked| {
        assert_eq!(asked.headers.get("authorization").map(String::as_str), None);
        Some((200, json_keys("KEYECS", Duration::from_secs(3600))))
    });
    let more = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/v2/credentials")];
    assert_eq!(keys_of(&far, &config(""), &environment(&far, &more)).await, ["KEYECS"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_web_identity_and_a_role_are_exchanged_at_sts() {
    let sts = || {
        Service::start(|asked: &Asked| {
            let of = |action: &str| asked.body.contains(&format!("Action={action}&"));
            let answer =
                if of("AssumeRoleWithWebIdentity") && asked.body.contains("WebIdentityToken=irsa-token") {
                    sts_answer("AssumeRoleWithWebIdentity", "KEYIRSA")
                } else if of("AssumeRole") && asked.body.contains("ExternalId=partner-7") {
                    sts_answer("AssumeRole", "KEYROLE")
                } else {
                    return Some((403, String::new()));
                };
            Some((200, answer))
        })
    };
    // IRSA.
    let (far, service) = (FarEnd::start().await, sts());
    let role = "arn:aws:iam::123456789012:role/r".to_owned();
    let more = [
        ("AWS_ENDPOINT_URL_STS", service.url()),
        ("AWS_ROLE_ARN", role),
        ("AWS_WEB_IDENTITY_TOKEN_FILE", token_file("irsa-token", "irsa-token")),
    ];
    assert_eq!(keys_of(&far, &config(""), &environment(&far, &more)).await, ["KEYIRSA"]);
    // A role with an external id, assumed with the environment's keys.
    let (far, service) = (FarEnd::start().await, sts());
    let more = [
        ("AWS_ENDPOINT_URL_STS", service.url()),
        ("AWS_ACCESS_KEY_ID", "KEYBASE".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s".to_owned()),
    ];
    let keys = ", role_arn: 'arn:aws:iam::123456789012:role/r', external_id: partner-7";
    assert_eq!(keys_of(&far, &config(keys), &environment(&far, &more)).await, ["KEYROLE"]);
    let signed_by = service.asked()[0].headers.get("authorization").unwrap().to_owned();
    assert!(signed_by.contains("Credential=KEYBASE/"), "{signed_by}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_expire_in_mid_run_are_fetched_anew_once_and_nothing_is_lost() {
    let far = FarEnd::start().await;
    let number = std::sync::atomic::AtomicU32::new(0);
    let agent = Service::start(move |_| {
        let number = number.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        Some((200, json_keys(&format!("KEY{number}"), Duration::from_secs(3600))))
    });
    let more = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/v1/credentials")];
    let weir = Weir::start_with(&config(""), &[], &environment(&far, &more)).await;
    send(&weir, 0..1000).await;
    far.wait_for_samples(1000).await;
    // An hour before their time, as after a revocation.
    far.0.expire("KEY0");
    send(&weir, 1000..5000).await;
    far.wait_for_samples(5000).await;
    let ledger = weir.drain().await;
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.out, exporter.dropped), (5000, 0));
    let counters = far.0.counters();
    assert!(counters.failed("ExpiredToken") > 0, "{counters:?}");
    assert_eq!((far.by_series(COUNTER).len(), counters.samples), (5000, 5000.0));
    assert_eq!(agent.asked().len(), 2, "one refresh, however many requests were refused");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sigterm_while_keys_expire_leaves_nothing_unaccounted() {
    // New keys are to be had, or nobody gives any for as long as Weir lives.
    for renewed in [true, false] {
        let far = FarEnd::start().await;
        let given = std::sync::atomic::AtomicU32::new(0);
        let agent = Service::start(move |_| {
            let number = given.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            let status = if number == 0 || renewed { 200 } else { 500 };
            Some((status, json_keys(&format!("KEY{number}"), Duration::from_secs(3600))))
        });
        let more = [("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/v1/credentials")];
        let stop_soon = ["--set", "service.shutdown_timeout=8s"];
        let weir = Weir::start_with(&config(""), &stop_soon, &environment(&far, &more)).await;
        send(&weir, 0..1000).await;
        far.wait_for_samples(1000).await;
        far.0.expire("KEY0");
        send(&weir, 1000..5000).await;
        within(
            "a request that is refused",
            far.0.wait_until(|far| far.counters().failed("ExpiredToken") > 0),
        )
        .await;
        weir.program.signal("TERM");
        let ended = weir.program.ended().await;
        let ledger = Ledger::parse(&ended.stderr);
        ledger.assert_adds_up();
        let exporter = ledger.row("exporter cloudwatch");
        let stored = far.0.counters().samples;
        assert_eq!((exporter.taken, exporter.out as f64), (5000, stored), "{}", ended.stderr);
        assert_eq!(exporter.out + exporter.dropped, 5000, "{}", ended.stderr);
        assert_eq!(exporter.out == 5000, renewed, "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cloudwatch_is_reached_by_the_proxy_and_the_credentials_endpoint_is_not() {
    let proxy = Service::start(|_| Some((502, String::new())));
    let agent = Service::start(|_| Some((200, json_keys("KEYPOD", Duration::from_secs(3600)))));
    let environment = [
        ("HTTPS_PROXY", proxy.url()),
        ("HTTP_PROXY", proxy.url()),
        ("AWS_CONTAINER_CREDENTIALS_FULL_URI", agent.url() + "/v1/credentials"),
    ];
    let weir = Weir::start_with(
        &config(", use_fips: true"),
        &["--set", "service.shutdown_timeout=6s"],
        &environment,
    )
    .await;
    send(&weir, 0..1).await;
    until("a tunnel to be asked for", || (!proxy.asked().is_empty()).then_some(())).await;
    weir.stop("INT").await;
    for asked in proxy.asked() {
        assert_eq!(asked.line, "CONNECT monitoring-fips.us-east-1.amazonaws.com:443");
    }
    assert_eq!(agent.asked().len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_are_no_keys_one_line_says_which_sources_were_asked_and_why_each_has_none() {
    let far = FarEnd::start().await;
    let stop_soon = ["--set", "service.shutdown_timeout=2s"];
    let weir = Weir::start_with(&config(""), &stop_soon, &environment(&far, &[])).await;
    send(&weir, 0..10).await;
    let failed = || weir.metric("weir_sending_requests", &["failed"]);
    until("several attempts", || (failed() >= 4.0).then_some(())).await;
    let (ended, ledger) = weir.stop("TERM").await;
    let said: Vec<&str> = ended.stderr.lines().filter(|line| line.contains("no AWS credentials: ")).collect();
    let [said] = said[..] else { panic!("once a minute: {said:?}") };
    for words in ["Environment: ", "AWS_WEB_IDENTITY_TOKEN_FILE was not set", "EcsContainer: "] {
        assert!(said.contains(words) && said.len() < 1000, "{words}: {said}");
    }
    assert_eq!(ledger.row("exporter cloudwatch").dropped_for("shutdown"), 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_endpoint_that_is_written_is_where_requests_go_whatever_the_environment_chooses_among_awss() {
    let far = FarEnd::start().await;
    let config = config(&format!(", endpoint: '{}'", far.0.endpoint()));
    let variables = ["AWS_USE_FIPS_ENDPOINT", "AWS_USE_DUALSTACK_ENDPOINT"];
    let environment = variables.map(|name| (name, "true".to_owned()));
    assert_eq!(keys_of(&far, &config, &environment).await, ["local"]);
}

/// TLS before the far end, as AWS has it: passes on what comes by connections that the client believes in.
async fn with_tls(far: &FarEnd, issued: &Issued) -> String {
    let certificates =
        CertificateDer::pem_slice_iter(issued.certificate.as_bytes()).map(Result::unwrap).collect();
    let key = PrivateKeyDer::from_pem_slice(issued.key.as_bytes()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let server = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let server = server.with_no_client_auth().with_single_cert(certificates, key).unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(server));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, behind) = (listener.local_addr().unwrap().port(), far.0.addr());
    // It ends with the test's runtime.
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                if let Ok(mut stream) = acceptor.accept(stream).await {
                    let mut far = TcpStream::connect(behind).await.unwrap();
                    // Either end may go first.
                    let _ = tokio::io::copy_bidirectional(&mut stream, &mut far).await;
                }
            });
        }
    });
    format!("https://localhost:{port}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_authority_of_its_own_is_believed_and_no_other() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("authorities");
    fs::create_dir_all(&folder).unwrap();
    let (ours, other) = (issued(&folder, "ours"), issued(&folder, "other"));
    let far = FarEnd::start().await;
    let endpoint = with_tls(&far, &ours).await;
    let keys = [
        ("AWS_ENDPOINT_URL_CLOUDWATCH", endpoint),
        ("AWS_ACCESS_KEY_ID", "KEYTLS".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "s".to_owned()),
    ];
    let believing = |ca: &Path| config(&format!(", tls: {{ ca_file: '{}' }}", ca.display()));
    let keys_used = keys_of(&far, &believing(&ours.ca), &environment(&far, &keys)).await;
    assert_eq!(keys_used, ["KEYTLS"]);
    // As for the AWS CLI, the variable counts where the configuration names no file.
    let mut by_variable = environment(&far, &keys);
    by_variable.push(("AWS_CA_BUNDLE", ours.ca.display().to_string()));
    let weir = Weir::start_with(&config(""), &[], &by_variable).await;
    send(&weir, 10..20).await;
    far.wait_for_samples(20).await;
    weir.drain().await;

    let stop_soon = ["--set", "service.shutdown_timeout=6s"];
    let weir = Weir::start_with(&believing(&other.ca), &stop_soon, &environment(&far, &keys)).await;
    send(&weir, 20..30).await;
    let log = weir.program.stderr.clone();
    log.wait_for("why", |line| line.contains("UnknownIssuer").then_some(())).await;
    let (_, ledger) = weir.stop("TERM").await;
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.out, exporter.dropped, far.0.counters().samples), (0, 10, 20.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_region_or_with_a_bad_file_of_certificates_it_does_not_start_and_says_why() {
    for (config, words) in [
        (config("").replace("region: us-east-1, ", ""), "no AWS Region"),
        (config(", tls: { ca_file: /no/such/ca.pem }"), "/no/such/ca.pem"),
    ] {
        let file = config_file(&config);
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_weir"));
        command
            .args(["run", "-c", file.to_str().unwrap()])
            .args(["--set", "service.telemetry.metrics.level=none"]);
        // A variable that is empty names no Region.
        command.env_clear().envs([("AWS_EC2_METADATA_DISABLED", "true"), ("AWS_REGION", "")]);
        let ended = Program::spawn(command).ended().await;
        assert_eq!(ended.code, Some(1), "{}", ended.stderr);
        let error = ended.stderr.lines().find(|line| line.starts_with("error:")).unwrap_or_default();
        assert!(error.contains(words) && error.contains("exporter cloudwatch"), "{}", ended.stderr);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_shows_each_request_and_needs_neither_keys_nor_a_region() {
    let config = config(", dry_run: true").replace("region: us-east-1, ", "");
    let weir = Weir::start_with(&config, &[], &[("AWS_EC2_METADATA_DISABLED", "true".to_owned())]).await;
    send(&weir, 0..3).await;
    let (ended, ledger) = weir.stop("TERM").await;
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert!(
        lines[0].starts_with("PutMetricData namespace=\"E2E\" region=- datums=3 bytes="),
        "{}",
        ended.stdout
    );
    for (at, line) in lines[1..].iter().enumerate() {
        assert!(line.ends_with(&format!("e2e.events {{series=\"{at}\"}} resolution=1s value=1")), "{line}");
    }
    assert_eq!(lines.len(), 4);
    assert!(ended.stderr.contains("sent to CloudWatch: nothing, in a dry run"), "{}", ended.stderr);
    let exporter = ledger.row("exporter cloudwatch");
    assert_eq!((exporter.out, exporter.dropped_for("dry_run"), exporter.dropped), (0, 3, 3));
}
