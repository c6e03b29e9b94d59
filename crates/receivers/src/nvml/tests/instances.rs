//! MIG instances: what each says of itself, once for all compute instances of one GPU instance.

use weir_nvml_stub::{Card, Gpu, Node};

use super::{all, has, int};

/// A divided H100, whose GPU instances 1 and 2 count while they run.
pub(super) fn divided() -> Node {
    let mut node = Card::H100.node(1);
    let mut instances = Card::A100Mig.gpu(0).instances;
    for (instance, busy) in instances.iter_mut().zip([25.0, 75.5]) {
        instance.gpm = [(1, busy), (2, 12.0), (3, 6.0), (5, 3.0), (10, 1.5)].into();
    }
    node.gpus[0].set("mig.mode", 1);
    node.gpus[0].instances = instances;
    node
}

fn named(name: &str, instance: u32) -> String {
    format!("0 gpu.instance.{name}{{gpu.instance.id={instance}}}")
}

#[tokio::test]
async fn each_instance_has_its_memory_and_its_errors() {
    let mut node = divided();
    let second = &mut node.gpus[0].instances[1];
    second.set("memory.used", 3 << 30).set("memory.free", 11 << 30).set("memory.reserved", 1 << 30);
    second.set("bar1.used", 5 << 20).set("bar1.total", 29 << 30).set("ecc.volatile.uncorrected.sram", 4);
    let mut watched = all(node);
    let round = watched.round().await;
    let of_second = |name: &str| int(&round, &named(name, 2));
    assert_eq!((of_second("memory.usage"), of_second("memory.limit")), (3 << 30, 15 << 30));
    assert_eq!((of_second("memory.free"), of_second("memory.reserved")), (11 << 30, 1 << 30));
    assert_eq!((of_second("bar1.usage"), of_second("bar1.limit")), (5 << 20, 29 << 30));
    let errors = |instance: u32| {
        let attributes = "gpu.errors.since=driver_load";
        format!(
            "0 gpu.instance.memory.errors{{error.type=uncorrected,{attributes},gpu.instance.id={instance},gpu.memory.location=sram}}"
        )
    };
    assert_eq!((int(&round, &errors(1)), int(&round, &errors(2))), (0, 4));
    assert!(!has(&round, "0 gpu.instance.bar1.usage{gpu.instance.id=1"), "the first says nothing of it");
    watched.ends().await;
}

#[tokio::test]
async fn each_instance_counts_while_it_runs_where_the_gpu_as_a_whole_says_nothing() {
    let mut watched = all(divided());
    assert!(!has(&watched.round().await, "0 gpu.instance.sm."), "one sample says nothing");
    let round = watched.minute_later().await;
    let share = |name: &str, instance: u32| format!("{:.4}", round[&named(name, instance)].as_f64());
    assert_eq!(share("graphics.utilization", 1), "0.2500");
    assert_eq!(share("graphics.utilization", 2), "0.7550");
    assert_eq!(share("sm.utilization", 2), "0.1200");
    assert_eq!(share("sm.occupancy", 2), "0.0600");
    assert_eq!(share("memory.bandwidth.utilization", 1), "0.0150");
    let tensor = "0 gpu.instance.pipe.utilization{gpu.instance.id=2,gpu.pipe=tensor}";
    assert_eq!(format!("{:.4}", round[tensor].as_f64()), "0.0300");
    watched.ends().await;
}

#[tokio::test]
async fn compute_instances_share_what_their_gpu_instance_says_and_one_that_is_new_begins_anew() {
    let mut node = divided();
    let mut another: Gpu = node.gpus[0].instances[1].clone();
    another.set("compute.instance", 1);
    node.gpus[0].instances.push(another);
    let mut watched = all(node);
    let round = watched.round().await;
    let memories = round.keys().filter(|name| name.starts_with("0 gpu.instance.memory.usage{")).count();
    assert_eq!(memories, 2, "of three compute instances");
    // In place of the second, another: what the old one's sample said is not compared with it.
    watched
        .stub
        .change(|node| {
            node.gpus[0].instances.pop();
            node.gpus[0].instances[1].set("instance", 9);
        })
        .unwrap();
    let round = watched.minute_later().await;
    assert!(has(&round, &named("memory.usage", 9)) && !has(&round, &named("memory.usage", 2)));
    assert!(has(&round, &named("sm.utilization", 1)) && !has(&round, &named("sm.utilization", 9)));
    assert!(has(&watched.minute_later().await, &named("sm.utilization", 9)));
    watched.ends().await;
}

#[tokio::test]
async fn an_error_of_the_moment_is_not_that_a_gpu_is_divided_no_more() {
    let mut watched = all(divided());
    assert!(has(&watched.round().await, "0 gpu.instance.memory.usage{"));
    for function in
        ["nvmlDeviceGetMigMode", "nvmlDeviceGetMaxMigDeviceCount", "nvmlDeviceGetMigDeviceHandleByIndex"]
    {
        watched.stub.change(|node| node.gpus[0].faults = [(function.to_owned(), 999)].into()).unwrap();
        assert!(has(&watched.minute_later().await, "0 gpu.instance.memory.usage{"), "{function}");
    }
    watched
        .stub
        .change(|node| node.gpus[0].faults = [("nvmlDeviceGetMigMode".to_owned(), 3)].into())
        .unwrap();
    assert!(!has(&watched.minute_later().await, "0 gpu.instance.memory.usage{"));
    watched.ends().await;
}
