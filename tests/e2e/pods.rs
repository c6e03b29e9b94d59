//! `configs/sidecar.yaml` and `configs/gateway.yaml` as they stand, in the surroundings that each is for.

use std::{collections::BTreeMap, fs, path::Path, process::Command};

use crate::harness::{Application, FarEnd, Increment, Service, Weir, increments, now, text};

const FREE_PORTS: [(&str, &str); 5] = [
    ("WEIR_OTLP_ENDPOINT", "localhost:0"),
    ("WEIR_OTLP_HTTP_ENDPOINT", "localhost:0"),
    ("WEIR_HEALTH_ENDPOINT", "localhost:0"),
    ("AWS_REGION", "eu-west-1"),
    ("WEIR_NAMESPACE", "E2E"),
];
/// What manifests give a container by `fieldRef`.
const POD: [(&str, &str); 4] = [
    ("POD_NAME", "shop-6f7c-x2x9p"),
    ("POD_NAMESPACE", "prod"),
    ("NODE_NAME", "ip-10-0-0-7.ec2.internal"),
    ("POD_UID", "0f6b5c2e-9d3a-4a55-8f0e-1d2c3b4a5f60"),
];

fn file(name: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name)).unwrap()
}

async fn start(name: &str, far: &FarEnd, settings: &[&str], environment: &[(&str, &str)]) -> Weir {
    let endpoint = format!("exporters.cloudwatch.endpoint={}", far.0.endpoint());
    let all = [endpoint.as_str()].into_iter().chain(settings.iter().copied());
    let arguments: Vec<&str> = all.flat_map(|setting| ["--set", setting]).collect();
    let variables: Vec<(&str, String)> =
        FREE_PORTS.iter().chain(environment).map(|(name, value)| (*name, (*value).to_owned())).collect();
    Weir::start_with(&file(name), &arguments, &variables).await
}

/// What an app of `service.name` shop sends: an increment, of no host.
async fn send(weir: &Weir) {
    let mut request = increments("requests", [Increment { series: 7, time: now(), value: 3 }]);
    let resource = &mut request.resource_metrics[0].resource;
    resource.get_or_insert_default().attributes = vec![text("service.name", "shop".to_owned())];
    weir.sender().await.send(request).await;
}

/// The dimensions of the one metric that is stored.
fn dimensions(far: &FarEnd) -> BTreeMap<String, String> {
    let all = far.0.store().series();
    let [one] = all.as_slice() else { panic!("{all:?}") };
    assert_eq!((one.metric.name.as_str(), one.total_sum), ("requests", 3.0));
    one.metric.dimensions.iter().map(|one| (one.name.clone(), one.value.clone())).collect()
}

fn pairs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn neither_has_a_lint() {
    for name in ["sidecar.yaml", "gateway.yaml"] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs").join(name);
        let ended = command.env_clear().args(["validate", "-c"]).arg(path).output().unwrap();
        let said = String::from_utf8(ended.stdout).unwrap() + &String::from_utf8(ended.stderr).unwrap();
        assert!(ended.status.success() && said.starts_with("valid: 1 pipeline"), "{name}: {said}");
        assert!(!said.contains("warning"), "{name}: {said}");
    }
}

#[tokio::test]
async fn the_sidecar_says_which_pod_it_is_from_variables_or_from_the_volume() {
    let volume = Path::new(env!("CARGO_TARGET_TMPDIR")).join("podinfo");
    fs::create_dir_all(&volume).unwrap();
    for (name, value) in [("name", POD[0].1), ("namespace", POD[1].1), ("uid", POD[3].1)] {
        fs::write(volume.join(name), value).unwrap();
    }
    let path = format!("processors.dimensions.k8s_downward.path={}", volume.display());
    let everything = "exporters.cloudwatch.dimensions.resource=[service.name, k8s.namespace.name, k8s.pod.name, \
                      k8s.pod.uid, k8s.node.name]";
    let by_volume = POD[2..3].to_vec(); // the node's name is in no volume
    for (settings, environment) in [(vec![everything], POD.to_vec()), (vec![everything, &path], by_volume)] {
        let far = FarEnd::start().await;
        let weir = start("sidecar.yaml", &far, &settings, &environment).await;
        send(&weir).await;
        weir.drain().await;
        let expected = [
            ("series", "7"),
            ("service.name", "shop"),
            ("k8s.namespace.name", POD[1].1),
            ("k8s.pod.name", POD[0].1),
            ("k8s.pod.uid", POD[3].1),
            ("k8s.node.name", POD[2].1),
        ];
        assert_eq!(dimensions(&far), pairs(&expected), "{environment:?}");
    }
}

#[tokio::test]
async fn the_sidecar_pays_for_no_pod_and_stays_small() {
    const SERIES: usize = 5000;
    let far = FarEnd::start().await;
    let weir = start("sidecar.yaml", &far, &[], &POD).await;
    send(&weir).await;
    // Half of the series that it is bounded to, running totals in five exports.
    let mut application = Application::start("series", SERIES);
    let mut sender = weir.sender().await;
    for _ in 0..5 {
        application.count();
        sender.send(application.export()).await;
    }
    let resident = weir.resident_bytes();
    weir.drain().await;
    let of_app = far.0.store().series();
    let one = of_app.iter().find(|one| one.metric.name == "requests").unwrap();
    let names: Vec<&str> = one.metric.dimensions.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["k8s.namespace.name", "series", "service.name"], "no pod among them");
    assert_eq!(of_app.len(), SERIES + 1);
    assert!(resident < 64 << 20, "{resident} bytes are more than a container of 64 MiB has");
    println!("sidecar with {SERIES} series: {} KiB resident", resident >> 10);
}

#[tokio::test]
async fn the_gateway_stamps_nothing_of_its_own_host() {
    let far = FarEnd::start().await;
    let metadata = Service::start(|_| Some((500, String::new())));
    let url = metadata.url();
    // It runs in a pod, on an instance, in a task, and says so nowhere.
    let mut surroundings = POD.to_vec();
    surroundings.extend([
        ("HOSTNAME", "gateway-1"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=gateway,host.name=gateway-1"),
        ("AWS_EC2_METADATA_SERVICE_ENDPOINT", &url),
        ("ECS_CONTAINER_METADATA_URI_V4", &url),
    ]);
    let every_resource_attribute = "exporters.cloudwatch.dimensions.resource=[service.name, host.name, host.id, \
        k8s.pod.name, k8s.namespace.name, k8s.node.name, k8s.pod.uid, aws.ecs.task.arn, cloud.region, os.type]";
    let settings = [every_resource_attribute, "exporters.cloudwatch.namespace=E2E"];
    let weir = start("gateway.yaml", &far, &settings, &surroundings).await;
    send(&weir).await;
    weir.drain().await;
    assert_eq!(dimensions(&far), pairs(&[("series", "7"), ("service.name", "shop")]));
    assert!(metadata.asked().iter().all(|asked| !asked.line.contains("identity")), "{:?}", metadata.asked());
}
