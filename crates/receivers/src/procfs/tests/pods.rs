//! The scraper `pods`, on trees as kubelets make them.

use weir_core::UnixNanos;
use weir_testkit::{START, seconds};

use super::{
    super::{PodsConfig, Scrape},
    *,
};

const UID: &str = "3f1c9a52-7a64-4f0e-9d5e-0a1b2c3d4e5f";
const STATIC: &str = "8b6f0d6a3d1e4c5f9a7b8c9d0e1f2a3b";
const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const BURSTABLE: &str = "kubepods.slice/kubepods-burstable.slice";

fn slice_of(uid: &str) -> String {
    format!("{BURSTABLE}/kubepods-burstable-pod{}.slice", uid.replace('-', "_"))
}

fn config(machine: &Machine, containers: bool) -> ProcfsConfig {
    let pods = PodsConfig { containers, ..PodsConfig::default() };
    machine.config(Scrapers { pods: listed(pods), ..Scrapers::default() })
}

/// Each point of `cpu.time` as `metric uid qos container`, and its start.
fn cpu_times(fixture: &Fixture, batch: &Batch) -> BTreeMap<String, UnixNanos> {
    let mut times = BTreeMap::new();
    for point in &batch.numbers {
        let series = fixture.series(point.series);
        let name = series.descriptor().name.clone();
        if name.ends_with(".cpu.time") {
            let of = |key: &str| {
                let attributes = &series.resource().attributes;
                attributes
                    .iter()
                    .find(|one| &*one.key == key)
                    .map_or("-".to_owned(), |one| one.value.to_string())
            };
            let keys = ["k8s.pod.uid", "k8s.pod.qos_class", "container.runtime", "container.id"];
            let whole = keys.map(of).join(" ");
            assert_eq!(times.insert(format!("{name} {whole}"), point.start), None, "{name} {whole}");
        }
    }
    times
}

#[test]
fn pods_and_containers_of_both_drivers_are_told_apart_by_their_paths() {
    let pod = slice_of(UID);
    let cases: [(&str, &[String], &[String]); 3] = [
        (
            "systemd",
            &[
                pod.clone(),
                format!("{pod}/cri-containerd-{ID}.scope"),
                format!("{pod}/crio-conmon-{ID}.scope"),
                format!("kubepods.slice/kubepods-pod{STATIC}.slice"),
                "system.slice/kubelet.service".to_owned(),
            ],
            &[
                format!("container.cpu.time {UID} Burstable containerd {ID}"),
                format!("k8s.pod.cpu.time {UID} Burstable - -"),
                format!("k8s.pod.cpu.time {STATIC} Guaranteed - -"),
            ],
        ),
        (
            "cgroupfs",
            &[
                format!("kubepods/besteffort/pod{UID}"),
                format!("kubepods/besteffort/pod{UID}/{ID}"),
                format!("kubepods/besteffort/pod{UID}/{ID}/of-its-own"),
            ],
            &[
                format!("container.cpu.time {UID} BestEffort - {ID}"),
                format!("k8s.pod.cpu.time {UID} BestEffort - -"),
            ],
        ),
        (
            "nested",
            &[format!(
                "kubelet.slice/kubelet-kubepods.slice/kubelet-kubepods-pod{}.slice",
                UID.replace('-', "_")
            )],
            &[format!("k8s.pod.cpu.time {UID} Guaranteed - -")],
        ),
    ];
    for (driver, paths, expected) in cases {
        let machine = Machine::small();
        paths.iter().for_each(|path| machine.cgroup(path, fixtures::CGROUP));
        let fixture = Fixture::new();
        let mut scrape = Scrape::new(&config(&machine, true), &fixture.context("procfs")).unwrap();
        let found: Vec<String> = cpu_times(&fixture, &scrape.collect(seconds(START))).into_keys().collect();
        assert_eq!((found, scrape.troubles()), (expected.to_vec(), 0), "{driver}");
    }
}

#[test]
fn by_default_pods_alone_are_reported_with_cpu_and_memory() {
    let machine = Machine::small();
    machine.cgroup(&slice_of(UID), fixtures::CGROUP);
    machine.cgroup(&format!("{}/cri-containerd-{ID}.scope", slice_of(UID)), fixtures::CGROUP);
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&config(&machine, false), &fixture.context("procfs")).unwrap();
    let found = readings(&fixture, &scrape.collect(seconds(START)));
    assert_eq!(found["k8s.pod.memory.working_set{}"], Number::Int(83_886_080));
    assert_eq!(found["k8s.pod.memory.paging.faults{system.paging.fault.type=major}"], Number::Int(30));
    assert_eq!(found.len(), 5 + 11, "{found:?}");
}

#[test]
fn a_pod_that_ends_is_no_trouble_and_one_that_begins_counts_from_the_round_before() {
    let machine = Machine::small();
    let (ends, begins) = ("11111111-2222-4333-8444-555555555555", "66666666-7777-4888-8999-aaaaaaaaaaaa");
    machine.cgroup(&slice_of(UID), fixtures::CGROUP);
    machine.cgroup(&slice_of(ends), fixtures::CGROUP);
    let fixture = Fixture::new();
    let mut scrape = Scrape::new(&config(&machine, false), &fixture.context("procfs")).unwrap();
    let time = |uid: &str| format!("k8s.pod.cpu.time {uid} Burstable - -");
    let unknown = UnixNanos(0);
    let first = cpu_times(&fixture, &scrape.collect(seconds(START)));
    assert_eq!(first, BTreeMap::from([(time(UID), unknown), (time(ends), unknown)]));

    fs::remove_dir_all(machine.root().join("sys/fs/cgroup").join(slice_of(ends))).unwrap();
    machine.cgroup(&slice_of(begins), fixtures::CGROUP);
    for round in [60, 120] {
        let times = cpu_times(&fixture, &scrape.collect(seconds(START + round)));
        let expected = [(time(UID), unknown), (time(begins), seconds(START))];
        assert_eq!(times, BTreeMap::from(expected), "its start stays");
    }
    assert_eq!(scrape.troubles(), 0);

    // Its folder is listed still, and its files are gone.
    let folder = machine.root().join("sys/fs/cgroup").join(slice_of(begins));
    fixtures::CGROUP.iter().for_each(|(name, _)| fs::remove_file(folder.join(name)).unwrap());
    let times = cpu_times(&fixture, &scrape.collect(seconds(START + 180)));
    assert_eq!((times, scrape.troubles()), (BTreeMap::from([(time(UID), unknown)]), 0));
}

#[test]
fn a_machine_without_pods_or_without_version_2_says_so() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut scrape = Scrape::new(&config(&machine, false), &context).unwrap();
    assert_eq!((scrape.collect(seconds(START)).points(), scrape.troubles()), (0, 1));
    machine.cgroup("system.slice", fixtures::CGROUP);
    assert_eq!((scrape.collect(seconds(START)).points(), scrape.troubles()), (0, 2));
    assert!(context.status.read().last_error.is_some_and(|error| error.contains("kubepods")));
}
