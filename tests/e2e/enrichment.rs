//! Where Weir runs, told by stand-ins of the services that know: data never waits for them.

use std::{
    collections::BTreeMap,
    process::Command,
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::harness::{
    Asked, FarEnd, Increment, Program, SECOND, Service, Weir, config_file, increments, instance, now, until,
};

const GROUP: (&str, &str) = ("aws:autoscaling:groupName", "fleet");

/// Weir with these settings of `dimensions` and this environment.
async fn start(far_end: &FarEnd, dimensions: &str, environment: &[(&str, &str)], arguments: &[&str]) -> Weir {
    let config = format!(
        "receivers:\n  otlp: {{protocols: {{grpc: {{endpoint: '127.0.0.1:0'}}}}}}\nprocessors:\n  dimensions: {dimensions}\n\
         exporters:\n  cloudwatch: {}\nservice:\n  telemetry: {{metrics: {{address: '127.0.0.1:0'}}}}\n  pipelines:\n    \
         metrics: {{receivers: [otlp], processors: [dimensions], exporters: [cloudwatch]}}\n",
        far_end.exporter(&["period: 60s", "region: us-east-1"])
    );
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.env_clear().envs(environment.iter().copied());
    command
        .args(["run", "--log-format", "json", "-c", config_file(&config).to_str().unwrap()])
        .args(arguments);
    Weir::ready(Program::spawn(command)).await
}

fn increment(time: u64) -> Increment {
    Increment { series: 7, time, value: 1 }
}

/// What is stored of `requests`: samples by dimensions.
fn stored(far_end: &FarEnd) -> Vec<(BTreeMap<String, String>, f64)> {
    let of_metric = far_end.0.store().series().into_iter().filter(|one| one.metric.name == "requests");
    let dimensions = of_metric.map(|one| {
        let names = one.metric.dimensions.iter().map(|one| (one.name.clone(), one.value.clone()));
        (names.collect(), one.total_count)
    });
    dimensions.collect()
}

fn dimensions(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn data_never_waits_and_the_first_window_has_the_names_that_arrive_within_it() {
    let far_end = FarEnd::start().await;
    // The service is slow: it answers when the test says so.
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    let held = Arc::clone(&gate);
    let imds = Service::start(move |asked| {
        let open = held.1.wait_while(held.0.lock().unwrap(), |open| !*open);
        drop(open);
        Some(instance(asked, Some(&[GROUP])))
    });
    let settings = "{append: [InstanceId, InstanceType, AutoScalingGroupName], timeout: 30s}";
    let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*imds.url())];
    let weir = start(&far_end, settings, &environment, &[]).await;
    let mut sender = weir.sender().await;
    let time = now();
    sender.send(increments("requests", [increment(time)])).await;
    assert_eq!(weir.metric("weir_detector_ready", &["detector=\"ec2\""]), 0.0);
    assert!(weir.get("/status").1.contains("nothing is found yet"));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    let is_ready = || (weir.metric("weir_detector_ready", &["detector=\"ec2\""]) == 1.0).then_some(());
    until("a detector that is ready", is_ready).await;
    sender.send(increments("requests", [increment(time + 1)])).await;
    weir.drain().await;
    // Both samples are under the name that arrived between them.
    let expected = [
        ("AutoScalingGroupName", "fleet"),
        ("InstanceId", "i-0abc"),
        ("InstanceType", "p5.48xlarge"),
        ("series", "7"),
    ];
    assert_eq!(stored(&far_end), [(dimensions(&expected), 2.0)]);
}

#[tokio::test]
async fn each_way_to_fail_is_named_and_data_goes_on_without() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mute = Service::start(|_| None);
    let refusing = Service::start(|_| Some((401, String::new())));
    let failing = Service::start(|_| Some((500, String::new())));
    let babbling = Service::start(|asked| {
        Some((200, if asked.line.starts_with("PUT") { "a-token" } else { "no document" }.to_owned()))
    });
    let cases = [
        (mute.url(), "hop_limit", "hop limit is 1"),
        (format!("http://{closed}"), "unreachable", "is not there"),
        (refusing.url(), "denied", "401"),
        (failing.url(), "unavailable", "500"),
        (babbling.url(), "malformed", "identity document cannot be read"),
    ];
    for (endpoint, reason, words) in cases {
        let far_end = FarEnd::start().await;
        let environment = [("AWS_EC2_METADATA_SERVICE_ENDPOINT", &*endpoint)];
        // Short only where it must pass: a busy machine is no further way to fail.
        let timeout = if reason == "hop_limit" { "300ms" } else { "30s" };
        let settings = format!("{{append: [InstanceId], timeout: {timeout}}}");
        let weir = start(&far_end, &settings, &environment, &[]).await;
        weir.sender().await.send(increments("requests", [increment(now())])).await;
        let label = format!("reason=\"{reason}\"");
        let counted =
            || (weir.metric("weir_detector_failures", &["detector=\"ec2\"", &label]) >= 1.0).then_some(());
        until(&format!("a failure {reason}"), counted).await;
        let status = weir.get("/status").1;
        assert!(status.contains("detector ec2") && status.contains(words), "{reason}: {status}");
        assert_eq!(weir.get("/ready").0, 200, "{reason}");
        let log = weir.program.stderr.clone();
        weir.drain().await;
        assert_eq!(stored(&far_end), [(dimensions(&[("series", "7")]), 1.0)], "{reason}");
        let said = log.so_far().lines().filter(|line| line.contains(words)).count();
        assert_eq!(said, 1, "{reason}: one line a cause, however often it is tried");
    }
}

#[tokio::test]
async fn a_tag_that_the_instance_does_not_show_comes_signed_from_the_ec2_api_even_late() {
    let far_end = FarEnd::start().await;
    let imds = Service::start(|asked| Some(instance(asked, None)));
    // At the first call the group's tag is not there yet, as at boot.
    let asked_before = AtomicBool::new(false);
    let api = Service::start(move |_| {
        let tag =
            |(name, value): (&str, &str)| format!("<item><key>{name}</key><value>{value}</value></item>");
        let group = if asked_before.swap(true, Relaxed) { tag(GROUP) } else { String::new() };
        let all = tag(("team", "ml")) + &group;
        Some((200, format!("<DescribeTagsResponse><tagSet>{all}</tagSet></DescribeTagsResponse>")))
    });
    let (imds_url, api_url) = (imds.url(), api.url());
    let environment = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds_url.as_str()),
        ("AWS_ENDPOINT_URL_EC2", &api_url),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
        ("AWS_SESSION_TOKEN", "session"),
    ];
    // Three minutes lie between two looks for a tag: they pass in less than a second.
    let weir =
        start(&far_end, "{append: [AutoScalingGroupName]}", &environment, &["--clock-rate", "600"]).await;
    let is_ready = || (weir.metric("weir_detector_ready", &["detector=\"ec2\""]) == 1.0).then_some(());
    until("the group's name", is_ready).await;
    let calls = api.asked();
    assert!(calls.len() >= 2, "{calls:?}");
    for call in &calls {
        assert!(call.body.starts_with("Action=DescribeTags&Version=2016-11-15&"), "{call:?}");
        assert!(call.body.ends_with("Filter.1.Name=resource-id&Filter.1.Value.1=i%2D0abc"), "{call:?}");
        assert_eq!(call.headers["x-amz-security-token"], "session");
        assert_eq!(signature(call), given(call, "Signature"), "{call:?}");
    }
    assert!(weir.get("/status").1.contains("detector ec2"));
    weir.drain().await;
}

const SECRET: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

/// A part of the header `Authorization`.
fn given(call: &Asked, part: &str) -> String {
    let header = &call.headers["authorization"];
    let found = header.split([' ', ',']).find_map(|one| one.strip_prefix(&format!("{part}=")));
    found.unwrap_or_else(|| panic!("no {part} in {header}")).to_owned()
}

/// Signature Version 4, from the documentation of AWS and not from the code that signed.
fn signature(call: &Asked) -> String {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat();
    let mac = |key: &[u8], text: &str| {
        let mut mac = Hmac::<Sha256>::new_from_slice(key).unwrap();
        mac.update(text.as_bytes());
        mac.finalize().into_bytes().to_vec()
    };
    let names = given(call, "SignedHeaders");
    let headers =
        names.split(';').map(|name| format!("{name}:{}\n", call.headers[name])).collect::<Vec<_>>().concat();
    let request = format!("POST\n/\n\n{headers}\n{names}\n{}", hex(&Sha256::digest(call.body.as_bytes())));
    let credential = given(call, "Credential");
    let scope = credential.split_once('/').unwrap().1;
    let parts: Vec<&str> = scope.split('/').collect();
    assert_eq!(parts[1..], ["eu-west-1", "ec2", "aws4_request"], "the instance's own Region");
    let text = format!(
        "AWS4-HMAC-SHA256\n{}\n{scope}\n{}",
        call.headers["x-amz-date"],
        hex(&Sha256::digest(request.as_bytes()))
    );
    let first = format!("AWS4{SECRET}").into_bytes();
    let key = parts.iter().fold(first, |key, part| mac(&key, part));
    hex(&mac(&key, &text))
}

#[tokio::test]
async fn a_task_of_ecs_and_a_pod_of_eks_are_known_without_instance_metadata() {
    let far_end = FarEnd::start().await;
    let task = r#"{"Cluster": "shop", "TaskARN": "arn:aws:ecs:eu-west-1:123456789012:task/shop/abc123", "Family": "cart",
        "Revision": "4", "LaunchType": "FARGATE", "AvailabilityZone": "eu-west-1a", "Containers": []}"#;
    let ecs = Service::start(move |asked| {
        Some(if asked.line == "GET /v4/x/task" { (200, task.to_owned()) } else { (404, String::new()) })
    });
    let uri = format!("{}/v4/x", ecs.url());
    let environment =
        [("ECS_CONTAINER_METADATA_URI_V4", uri.as_str()), ("NODE_NAME", "node-7"), ("CLUSTER_NAME", "prod")];
    let off = ["cloud.account.id", "cloud.availability_zone", "host.id", "host.image.id", "host.type"];
    let off = off.map(|name| format!("{name}: {{enabled: false}}")).join(", ");
    let settings = format!(
        "{{detectors: [ecs, eks], eks: {{resource_attributes: {{{off}}}}}, append: [TaskDefinitionFamily, ClusterName], \
         actions: [{{key: cluster.arn, action: insert, from_resource: aws.ecs.cluster.arn}}, \
         {{key: launch, action: insert, from_metadata: aws.ecs.launchtype}}, \
         {{key: node, action: insert, from_resource: k8s.node.name}}]}}"
    );
    let weir = start(&far_end, &settings, &environment, &[]).await;
    let ready = || (weir.metric("weir_detector_ready", &[]) == 2.0).then_some(());
    until("two detectors that are ready", ready).await;
    weir.sender().await.send(increments("requests", [increment(now() - SECOND)])).await;
    weir.drain().await;
    let expected = [
        ("ClusterName", "prod"),
        ("TaskDefinitionFamily", "cart"),
        ("cluster.arn", "arn:aws:ecs:eu-west-1:123456789012:cluster/shop"),
        ("launch", "fargate"),
        ("node", "node-7"),
        ("series", "7"),
    ];
    assert_eq!(stored(&far_end), [(dimensions(&expected), 1.0)]);
}

/// What `DescribeInstances` answers of the node's instance, in the shape of the API's reference.
const INSTANCES: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>
<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">
  <requestId>8f7724cf-496f-496e-8fe3-example</requestId>
  <reservationSet><item>
    <reservationId>r-1234567890abcdef0</reservationId><ownerId>123456789012</ownerId>
    <instancesSet><item>
      <instanceId>i-0node</instanceId><imageId>ami-2</imageId>
      <privateDnsName>ip-10-0-0-7.eu-west-1.compute.internal</privateDnsName>
      <instanceType>p5.48xlarge</instanceType>
      <placement><availabilityZone>eu-west-1c</availabilityZone><tenancy>default</tenancy></placement>
      <tagSet>
        <item><key>Name</key><value>node</value></item>
        <item><key>kubernetes.io/cluster/prod</key><value>owned</value></item>
      </tagSet>
    </item></instancesSet>
  </item></reservationSet>
</DescribeInstancesResponse>";

#[tokio::test]
async fn a_pod_of_eks_that_is_kept_from_instance_metadata_asks_the_ec2_api_by_its_nodes_name() {
    let far_end = FarEnd::start().await;
    // A hop limit of 1: the connection is there, and a token never comes.
    let imds = Service::start(|_| None);
    // The role gets its right while Weir runs.
    let allowed = Arc::new(AtomicBool::new(false));
    let is_allowed = Arc::clone(&allowed);
    let api = Service::start(move |_| {
        let denied =
            "<Response><Errors><Error><Code>UnauthorizedOperation</Code></Error></Errors></Response>";
        Some(if is_allowed.load(Relaxed) { (200, INSTANCES.to_owned()) } else { (403, denied.to_owned()) })
    });
    let (imds_url, api_url) = (imds.url(), api.url());
    let environment = [
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds_url.as_str()),
        ("AWS_ENDPOINT_URL_EC2", &api_url),
        ("NODE_NAME", "ip-10-0-0-7.eu-west-1.compute.internal"),
        ("AWS_REGION", "eu-west-1"),
        ("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE"),
        ("AWS_SECRET_ACCESS_KEY", SECRET),
    ];
    let settings = "{detectors: [eks], timeout: 300ms, eks: {resource_attributes: {k8s.cluster.name: {enabled: true}}}, \
         append: [ClusterName], actions: [{key: account, action: insert, from_resource: cloud.account.id}, \
         {key: instance, action: insert, from_resource: host.id}, \
         {key: type, action: insert, from_resource: host.type}, \
         {key: zone, action: insert, from_resource: cloud.availability_zone}, \
         {key: node, action: insert, from_resource: k8s.node.name}]}";
    let weir = start(&far_end, settings, &environment, &[]).await;
    let denied = ["detector=\"eks\"", "reason=\"denied\""];
    let counted = || (weir.metric("weir_detector_failures", &denied) >= 1.0).then_some(());
    until("a failure for want of a right", counted).await;
    let status = weir.get("/status").1;
    assert!(
        status.contains("hop limit is 1") && status.contains("allow `ec2:DescribeInstances`"),
        "{status}"
    );
    weir.sender().await.send(increments("requests", [increment(now())])).await;
    allowed.store(true, Relaxed);
    let is_ready = || (weir.metric("weir_detector_ready", &["detector=\"eks\""]) == 1.0).then_some(());
    until("a node that is known", is_ready).await;
    weir.sender().await.send(increments("requests", [increment(now())])).await;
    weir.drain().await;

    let expected = [
        ("ClusterName", "prod"),
        ("account", "123456789012"),
        ("instance", "i-0node"),
        ("node", "ip-10-0-0-7.eu-west-1.compute.internal"),
        ("series", "7"),
        ("type", "p5.48xlarge"),
        ("zone", "eu-west-1c"),
    ];
    assert_eq!(stored(&far_end), [(dimensions(&expected), 2.0)], "the first point too: its window was open");
    for call in api.asked() {
        let filter = "Filter.1.Name=private-dns-name&Filter.1.Value.1=ip%2D10%2D0%2D0%2D7%2Eeu%2Dwest%2D1%2Ecompute%2Einternal";
        assert_eq!(call.body, format!("Action=DescribeInstances&Version=2016-11-15&{filter}"));
        assert_eq!(signature(&call), given(&call, "Signature"), "{call:?}");
    }
}
