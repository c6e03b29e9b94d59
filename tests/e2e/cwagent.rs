//! `configs/cwagent-host.yaml` as it is: what the CloudWatch Agent sends with its default configuration on an EC2 instance.

use std::{
    fs,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    process::Command,
};

use crate::harness::{FarEnd, Program, Service, Weir, instance, until};

/// A machine in a folder, which a `root_path` leads to: its root and a tmpfs are mounted, and a `/proc` without blocks.
struct Machine(PathBuf);

impl Machine {
    fn new() -> Self {
        let root = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("cwagent-machine");
        for folder in ["proc/1", "run"] {
            fs::create_dir_all(root.join(folder)).unwrap();
        }
        let write = |file: &str, text: &str| fs::write(root.join("proc").join(file), text).unwrap();
        write("stat", "cpu  1 1 1 1 1 1 1 1 0 0\nbtime 1699990000\n");
        write(
            "meminfo",
            "MemTotal: 8000 kB\nMemFree: 1000 kB\nMemAvailable: 5000 kB\nBuffers: 200 kB\nCached: 3000 kB\nSReclaimable: 300 kB\n",
        );
        let device = fs::metadata(&root).unwrap().dev();
        let number = format!("{}:{}", rustix::fs::major(device), rustix::fs::minor(device));
        write(
            "1/mountinfo",
            &format!("22 1 {number} / / rw - xfs /dev/nvme0n1p1 rw\n23 22 0:24 / /run rw - tmpfs tmpfs rw\n"),
        );
        Self(root)
    }
}

/// Each metric: `namespace name{dimensions} unit`, and its samples.
fn stored(far_end: &FarEnd) -> Vec<(String, f64)> {
    let described = |one: weir_cloudwatch_local::SeriesSummary| {
        let dimensions: Vec<String> =
            one.metric.dimensions.iter().map(|one| format!("{}={}", one.name, one.value)).collect();
        let name = format!(
            "{} {}{{{}}} {}",
            one.metric.namespace,
            one.metric.name,
            dimensions.join(","),
            one.unit.as_str()
        );
        (name, one.total_count)
    };
    far_end.0.store().series().into_iter().map(described).collect()
}

#[tokio::test]
async fn the_default_configuration_of_the_agent_gives_the_agents_metrics_and_no_others() {
    let (far_end, machine) = (FarEnd::start().await, Machine::new());
    let imds = Service::start(|asked| Some(instance(asked, Some(&[("aws:autoscaling:groupName", "fleet")]))));
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/cwagent-host.yaml");
    let mut command = Command::new(env!("CARGO_BIN_EXE_weir"));
    command.env_clear().env("AWS_EC2_METADATA_SERVICE_ENDPOINT", imds.url());
    command.args(["run", "--log-format", "json", "-c", file.to_str().unwrap()]);
    // Where the machine and CloudWatch are; everything else is as the file has it.
    for (key, value) in [
        ("receivers.procfs.root_path", machine.0.display().to_string()),
        ("exporters.cloudwatch.endpoint", far_end.0.endpoint()),
        ("service.telemetry.metrics.address", "127.0.0.1:0".to_owned()),
    ] {
        command.args(["--set", &format!("{key}={value}")]);
    }
    let weir = Weir::ready(Program::spawn(command)).await;
    let is_ready = || (weir.metric("weir_detector_ready", &["detector=\"ec2\""]) == 1.0).then_some(());
    until("the instance's identity", is_ready).await;
    let held = || (weir.metric("weir_held_points", &["cloudwatch"]) >= 3.0).then_some(());
    until("the first round", held).await;
    let log = weir.program.stderr.clone();
    weir.drain().await;
    let of_the_instance =
        "AutoScalingGroupName=fleet,ImageId=ami-1,InstanceId=i-0abc,InstanceType=p5.48xlarge";
    let expected = [
        format!("CWAgent disk_used_percent{{{of_the_instance},device=nvme0n1p1,fstype=xfs,path=/}} Percent"),
        format!("CWAgent disk_used_percent{{{of_the_instance},device=tmpfs,fstype=tmpfs,path=/run}} Percent"),
        format!("CWAgent mem_used_percent{{{of_the_instance}}} Percent"),
    ];
    let found = stored(&far_end);
    assert_eq!(found.iter().map(|(name, _)| name.clone()).collect::<Vec<_>>(), expected);
    // One round, or two where a minute ended meanwhile.
    assert!(found.iter().all(|(_, samples)| *samples >= 1.0), "{found:?}");
    let said: Vec<String> =
        log.so_far().lines().filter(|line| line.contains("WARN")).map(str::to_owned).collect();
    assert_eq!(said, Vec::<String>::new());
}
