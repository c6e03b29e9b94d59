//! What a node full of pods takes in memory: the scraper `pods` of `procfs` on a tree of cgroups, over `delta` to CloudWatch.

use std::{
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use crate::{
    Error,
    process::{Peer, Weir},
    sink, start,
};

/// As many as EKS puts on most types of instance.
const PODS: usize = 110;
/// Besides the one that holds a pod's network.
const CONTAINERS: usize = 2;
/// A minute of the clock a second: while it comes to rest there are rounds every ten seconds, and windows that close and are sent.
const CLOCK_RATE: &str = "60";
/// What is measured: a name, and what stands below `pods`.
pub const CASES: [(&str, &str); 3] = [
    ("with the defaults", "{}"),
    ("with containers", "{containers: true}"),
    (
        "with containers and every controller",
        "{containers: true, controllers: [cpu, memory, io, pids, pressure]}",
    ),
];

/// What one run showed.
#[derive(Clone, Copy, Debug)]
pub struct Figures {
    /// The most bytes in RAM.
    pub peak: u64,
    /// Metrics that arrived: each pod and container has its own.
    pub series: u64,
}

/// A node's tree of cgroups in a folder, as the kubelet makes it with systemd's driver: plain files. Removed when dropped.
#[derive(Debug)]
pub struct Node(PathBuf);

impl Node {
    /// Writes it into `folder`.
    pub fn write(folder: &Path) -> Result<Self, Error> {
        let node = Self(folder.join(format!("weir-bench-node-{}", std::process::id())));
        for pod in 0..PODS {
            let pod = node.0.join(format!(
                "sys/fs/cgroup/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod{pod:08x}_0000_4000_8000_000000000000.slice"
            ));
            cgroup(&pod)?;
            for container in 0..=CONTAINERS {
                cgroup(&pod.join(format!("cri-containerd-{container:064x}.scope")))?;
            }
        }
        Ok(node)
    }

    /// Runs `binary` on it.
    pub async fn run(&self, binary: &Path, folder: &Path, pods: &str) -> Result<Figures, Error> {
        let sink = Peer::start(&["sink"]).await?;
        let yaml = config(&self.0, pods, &sink);
        let weir = Weir::start(binary, folder, &yaml, &["--clock-rate", CLOCK_RATE]).await?;
        start::rest().await;
        let ended = weir.stop().await?;
        ended.check()?;
        let arrived = sink::ask(sink.address, "").await?;
        sink.end().await?;
        if arrived.series < PODS as u64 {
            return Err(Error::Count(format!("of {PODS} pods arrived {arrived:?}")));
        }
        Ok(Figures { peak: ended.peak, series: arrived.series })
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The files of a cgroup with limits, in the formats of Linux 6.1.
fn cgroup(path: &Path) -> Result<(), Error> {
    let io = |path: &Path| Error::io(path.display().to_string());
    fs::create_dir_all(path).map_err(io(path))?;
    let pressure = "some avg10=0.00 avg60=0.00 avg300=0.00 total=1500000\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=250000\n";
    let mut memory = String::new();
    for key in ["anon", "file", "inactive_file", "active_file", "pgfault", "pgmajfault"] {
        // Writing to memory cannot fail.
        let _ = writeln!(memory, "{key} 20971520");
    }
    for (name, text) in [
        (
            "cpu.stat",
            "usage_usec 12345678\nuser_usec 10000000\nsystem_usec 2345678\nnr_periods 1000\nnr_throttled 70\nthrottled_usec 500000\n",
        ),
        ("cpu.max", "50000 100000\n"),
        ("memory.current", "104857600\n"),
        ("memory.max", "268435456\n"),
        ("memory.stat", &*memory),
        ("memory.events", "low 0\nhigh 2\nmax 5\noom 1\noom_kill 1\n"),
        ("io.stat", "259:0 rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n"),
        ("pids.current", "12\n"),
        ("pids.max", "1024\n"),
        ("cpu.pressure", pressure),
        ("memory.pressure", pressure),
        ("io.pressure", pressure),
    ] {
        let file = path.join(name);
        fs::write(&file, text).map_err(io(&file))?;
    }
    Ok(())
}

fn config(root: &Path, pods: &str, sink: &Peer) -> String {
    format!(
        "receivers:
  procfs: {{ root_path: '{}', collection_interval: 10s, scrapers: {{ pods: {pods} }} }}
processors: {{ delta: }}
exporters:
  cloudwatch:
    endpoint: 'http://{}'
    namespace: Bench
    dimensions: {{ resource: [k8s.pod.uid, container.id] }}
service:
  shutdown_timeout: 30m
  pipelines:
    metrics: {{ receivers: [procfs], processors: [delta], exporters: [cloudwatch] }}
",
        root.display(),
        sink.address,
    )
}
