//! What goes wrong with GPUs and drivers, and what of it is seen.

use std::time::Duration;

use weir_config::Duration as ConfigDuration;
use weir_core::UnixNanos;
use weir_nvml_raw::{GPU_UNAVAILABLE, MIG_CHANGE, RECOVERY_ACTION};
use weir_nvml_stub::{Card, Node, Stub};
use weir_testkit::START;

use super::{Watched, has, int, late};

#[tokio::test]
async fn without_a_driver_library_it_waits_and_finds_it_when_it_comes() {
    let stub = Stub::new(Card::T4.node(1)).unwrap();
    let (library, later) = (stub.path(), stub.folder().join("later.so"));
    let mut watched = Watched::over(stub, |config| config.library.clone_from(&later));
    // Nothing is sent where there are no GPUs; that it was tried is in the status.
    while watched.context.status.read().pending.is_none() {
        tokio::task::yield_now().await;
    }
    let pending = watched.context.status.read().pending.unwrap();
    assert!(pending.contains("cannot load"), "{pending}");
    assert_eq!(watched.context.status.read().last_error, None, "no failure");
    std::fs::copy(&library, &later).unwrap();
    let round = watched.minute_later().await;
    assert_eq!(int(&round, "0 gpu.up{}"), 1);
    watched.ends().await;
}

#[tokio::test]
async fn a_driver_that_is_not_there_yet_is_waited_for() {
    for code in [9, 18, 4, 999] {
        let mut node = Card::T4.node(1);
        node.faults.insert("nvmlInit_v2".to_owned(), code);
        let mut watched = Watched::of(node);
        while watched.context.status.read().pending.is_none() {
            tokio::task::yield_now().await;
        }
        watched.stub.change(|node| node.faults.clear()).unwrap();
        assert_eq!(int(&watched.minute_later().await, "0 gpu.up{}"), 1, "after {code}");
        watched.ends().await;
    }
}

#[tokio::test]
async fn a_gpu_off_the_bus_stays_visible_and_the_others_go_on() {
    for code in [15, 16, 28, 999] {
        let mut watched = Watched::of(Card::H100.node(2));
        let round = watched.round().await;
        assert_eq!((int(&round, "0 gpu.up{}"), int(&round, "- gpu.missing{}")), (1, 0));
        watched.stub.change(|node| _ = node.gpus[0].fails(code)).unwrap();
        let round = watched.minute_later().await;
        assert_eq!((int(&round, "0 gpu.up{}"), int(&round, "1 gpu.up{}")), (0, 1));
        assert_eq!((int(&round, "- gpu.count{}"), int(&round, "- gpu.missing{}")), (1, 1));
        assert!(!has(&round, "0 hw.power"), "no figure of a GPU that does not answer");
        assert!(has(&round, "1 hw.power") && has(&round, "0 gpu.xid.errors"));
        watched.stub.change(|node| node.gpus[0].faults.clear()).unwrap();
        assert_eq!(int(&watched.minute_later().await, "0 gpu.up{}"), 1, "after {code}");
        watched.ends().await;
    }
}

#[tokio::test]
async fn a_gpu_that_is_gone_after_a_restart_of_the_driver_is_missing_under_its_own_name() {
    let mut watched = Watched::of(Card::H100.node(2));
    watched.batch().await;
    // NVML has to be opened anew, and then has one GPU, under the index of the one that is gone.
    watched.stub.change(|node| node.gpus.iter_mut().for_each(|gpu| _ = gpu.fails(18))).unwrap();
    watched.minute_later().await;
    watched
        .stub
        .change(|node| {
            node.gpus.remove(0);
            node.gpus[0].faults.clear();
        })
        .unwrap();
    watched.fixture.clock.advance(Duration::from_secs(60));
    let batch = watched.batch().await;
    let up = |uuid: &str| {
        let points =
            batch.numbers.iter().map(|point| (watched.fixture.series(point.series), point.value().as_f64()));
        let mut up = points.filter(|(series, _)| &*series.descriptor().name == "gpu.up");
        let found =
            up.find(|(series, _)| series.resource().attributes.get("hw.id").unwrap().as_str() == Some(uuid));
        found.map(|(_, value)| value)
    };
    assert_eq!(up("GPU-00000000-1111-2222-3333-444455556666"), Some(0.0));
    assert_eq!(up("GPU-00000001-1111-2222-3333-444455556666"), Some(1.0));
    watched.ends().await;
}

#[tokio::test]
async fn fewer_gpus_than_expected_is_a_metric_from_the_start() {
    let mut watched =
        Watched::over(Stub::new(Card::H100.node(7)).unwrap(), |config| config.expected_gpus = 8);
    let round = watched.round().await;
    assert_eq!((int(&round, "- gpu.count{}"), int(&round, "- gpu.missing{}")), (7, 1));
    watched.ends().await;
}

#[tokio::test]
async fn fewer_gpus_than_the_driver_lists_is_a_metric_too() {
    let stub = Stub::new(Card::H100.node(7)).unwrap();
    Watched::lists(&stub, 8);
    let mut watched = Watched::over(stub, |_| {});
    let round = watched.round().await;
    assert_eq!((int(&round, "- gpu.count{}"), int(&round, "- gpu.missing{}")), (7, 1));
    watched.ends().await;
}

#[tokio::test]
async fn no_gpus_where_the_driver_lists_some_is_a_failure() {
    let stub = Stub::new(Card::H100.node(0)).unwrap();
    Watched::lists(&stub, 2);
    let mut watched = Watched::over(stub, |_| {});
    let round = watched.round().await;
    assert_eq!((int(&round, "- gpu.count{}"), int(&round, "- gpu.missing{}")), (0, 2));
    let error = watched.context.status.read().last_error.unwrap();
    assert_eq!(error, "NVML finds none of the 2 GPUs that the driver lists");
    watched.stub.change(|node| node.gpus = Card::H100.node(2).gpus).unwrap();
    assert_eq!(int(&watched.minute_later().await, "- gpu.missing{}"), 0);
    watched.ends().await;
}

#[tokio::test]
async fn a_library_that_no_longer_fits_its_driver_asks_for_a_new_container_and_a_good_one_takes_it_back() {
    let stub = Stub::new(Card::H100.node(1)).unwrap();
    let mut watched = Watched::over(stub, |config| config.restart_after = 3);
    watched.batch().await;
    let break_it = |node: &mut Node| {
        node.faults.insert("nvmlInit_v2".to_owned(), 18);
        node.gpus[0].fails(18);
    };
    watched.stub.change(break_it).unwrap();
    // The first round finds it out, each of the next two fails to open NVML.
    for expected in [None, None] {
        assert_eq!(int(&watched.minute_later().await, "0 gpu.up{}"), 0);
        assert_eq!(watched.context.status.restart_reason(), expected);
    }
    assert_eq!(int(&watched.minute_later().await, "0 gpu.up{}"), 0);
    let reason = watched.context.status.restart_reason().unwrap();
    assert!(reason.starts_with("NVML failed 3 times in a row: no GPUs: nvmlInit_v2 returned 18"), "{reason}");
    let mend_it = |node: &mut Node| {
        node.faults.clear();
        node.gpus[0].faults.clear();
    };
    watched.stub.change(mend_it).unwrap();
    assert_eq!(int(&watched.minute_later().await, "0 gpu.up{}"), 1);
    assert_eq!(watched.context.status.restart_reason(), None);
    watched.ends().await;
}

#[tokio::test]
async fn a_machine_that_never_had_a_gpu_asks_for_no_new_container() {
    let mut node = Card::H100.node(1);
    node.faults.insert("nvmlInit_v2".to_owned(), 9);
    let watched = Watched::over(Stub::new(node).unwrap(), |config| config.restart_after = 2);
    // Each attempt follows on what came of the one before it.
    for attempts in 1..=6 {
        while watched.stub.calls("nvmlInit_v2") < attempts {
            watched.fixture.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    }
    assert_eq!(watched.context.status.restart_reason(), None);
    watched.ends().await;
}

#[tokio::test]
async fn who_never_had_the_library_asks_for_no_new_container_whatever_the_driver_lists() {
    let stub = Stub::new(Card::H100.node(1)).unwrap();
    Watched::lists(&stub, 1);
    let absent = stub.folder().join("absent.so");
    let mut watched = Watched::over(stub, |config| (config.library, config.restart_after) = (absent, 2));
    assert_eq!(int(&watched.round().await, "- gpu.missing{}"), 1);
    for _ in 0..4 {
        assert_eq!(int(&watched.minute_later().await, "- gpu.missing{}"), 1);
    }
    assert!(watched.context.status.read().last_error.unwrap().contains("cannot load"));
    assert_eq!(watched.context.status.restart_reason(), None);
    watched.ends().await;
}

#[tokio::test]
async fn what_is_not_supported_is_asked_once_and_again_when_nvml_is_opened_anew() {
    // Not supported, and what newer drivers say of a call that is too old or too new for them.
    for code in [3, 13, 25, 26] {
        let fan = "0 hw.fan.speed_ratio{gpu.fan=0}";
        let mut node = Card::A10G.node(1);
        node.gpus[0].faults.insert("nvmlDeviceGetFanSpeed_v2".to_owned(), code);
        let mut watched = Watched::of(node);
        assert!(!has(&watched.round().await, fan));
        assert!(!has(&watched.minute_later().await, fan));
        assert_eq!(watched.stub.calls("nvmlDeviceGetFanSpeed_v2"), 1, "{code}");
        watched.stub.change(|node| _ = node.gpus[0].fails(18)).unwrap();
        watched.minute_later().await;
        watched.stub.change(|node| node.gpus[0].faults.clear()).unwrap();
        assert!(has(&watched.minute_later().await, fan), "{code}");
        watched.ends().await;
    }
}

#[tokio::test]
async fn another_division_into_instances_is_an_event_after_which_everything_is_found_out_anew() {
    let mut watched = Watched::of(Card::A100Mig.node(1));
    let (load, instance) = ("0 hw.gpu.utilization{hw.gpu.task=general}", "0 gpu.instance.memory.usage{");
    let round = watched.round().await;
    assert!(!has(&round, load) && has(&round, instance));
    watched
        .stub
        .change(|node| node.gpus[0] = weir_nvml_stub::Gpu { events: vec![MIG_CHANGE], ..Card::A100.gpu(0) })
        .unwrap();
    let round = loop {
        let round = watched.minute_later().await;
        assert_eq!(int(&round, "0 gpu.up{}"), 1, "nobody is lost");
        if watched.stub.calls("nvmlInit_v2") == 2 {
            break round;
        }
    };
    assert!(has(&round, load) && !has(&round, instance));
    watched.ends().await;
}

#[tokio::test]
async fn what_is_not_allowed_leaves_its_figure_out_for_as_long_as_it_is_not() {
    for code in [4, 17] {
        let mut node = Card::H100.node(1);
        node.gpus[0].faults.insert("nvmlDeviceGetPowerUsage".to_owned(), code);
        let mut watched = Watched::of(node);
        let round = watched.round().await;
        assert!(!has(&round, "0 hw.power{") && has(&round, "0 hw.temperature{"));
        assert_eq!(int(&round, "0 gpu.up{}"), 1);
        watched.stub.change(|node| node.gpus[0].faults.clear()).unwrap();
        assert!(has(&watched.minute_later().await, "0 hw.power{"), "asked again, after {code}");
        watched.ends().await;
    }
}

#[tokio::test]
async fn a_driver_that_is_stuck_stops_its_own_gpu_alone() {
    let mut watched = Watched::of(Card::H100.node(2));
    watched.batch().await;
    watched.stub.change(|node| _ = node.gpus[0].hangs.insert("nvmlDeviceGetPowerUsage".to_owned())).unwrap();
    watched.fixture.clock.advance(Duration::from_secs(60));
    // The other GPU answers (its last call is that for its instances), this one never does: the round ends when its time is over.
    while watched.stub.calls("nvmlDeviceGetMigMode") < 3 {
        tokio::task::yield_now().await;
    }
    let round = late(&mut watched).await;
    assert_eq!(
        (int(&round, "0 gpu.up{}"), int(&round, "1 gpu.up{}"), int(&round, "- gpu.stuck{}")),
        (0, 1, 1)
    );
    assert!(!has(&round, "0 hw.power") && has(&round, "1 hw.power"));
    watched.stub.change(|node| node.gpus[0].hangs.clear()).unwrap();
    let back = loop {
        let round = watched.minute_later().await;
        if int(&round, "0 gpu.up{}") == 1 {
            break round;
        }
    };
    assert_eq!(int(&back, "- gpu.stuck{}"), 0);
    watched.ends().await;
}

#[tokio::test]
async fn an_opening_that_hangs_holds_up_nobody_who_answers_and_counts_as_a_failure() {
    let stub = Stub::new(Card::H100.node(2)).unwrap();
    let mut watched = Watched::over(stub, |config| config.restart_after = 3);
    watched.batch().await;
    let break_it = |node: &mut Node| {
        node.hangs = true;
        node.gpus[0].fails(15);
    };
    watched.stub.change(break_it).unwrap();
    // The clock stands still in each of these rounds: a wait for the opening would never end.
    let mut rounds = 0;
    let reason = loop {
        let round = watched.minute_later().await;
        assert_eq!((int(&round, "0 gpu.up{}"), int(&round, "1 gpu.up{}")), (0, 1));
        rounds += 1;
        if let Some(reason) = watched.context.status.restart_reason() {
            break reason;
        }
    };
    assert_eq!(rounds, 5, "found out, begun, and failed three times");
    assert!(reason.contains("NVML has not opened within 25s"), "{reason}");
    while watched.stub.calls("nvmlInit_v2") < 2 {
        tokio::task::yield_now().await; // its thread may not have run yet
    }
    assert_eq!(watched.stub.calls("nvmlInit_v2"), 2, "no second one beside the one that hangs");
    watched.stub.change(|node| (node.hangs, node.gpus[0].faults) = (false, [].into())).unwrap();
    while int(&watched.minute_later().await, "0 gpu.up{}") == 0 {}
    watched.minute_later().await;
    assert_eq!(watched.context.status.restart_reason(), None);
    watched.ends().await;
}

#[tokio::test]
async fn an_opening_that_hangs_at_the_start_is_waited_for_once_and_nobody_is_lost_by_it() {
    let mut node = Card::H100.node(1);
    node.hangs = true;
    let stub = Stub::new(node).unwrap();
    Watched::lists(&stub, 1);
    let mut watched = Watched::over(stub, |config| config.expected_gpus = 1);
    let began = watched.fixture.clock.now();
    assert_eq!(int(&late(&mut watched).await, "- gpu.missing{}"), 1);
    assert!(watched.fixture.clock.now().since(began) >= Duration::from_secs(5), "the timeout");
    assert_eq!(int(&watched.minute_later().await, "- gpu.missing{}"), 1, "without a wait");
    watched.stub.change(|node| node.hangs = false).unwrap();
    while int(&watched.minute_later().await, "- gpu.missing{}") == 1 {}
    watched.ends().await;
}

#[tokio::test]
async fn functions_that_an_older_driver_lacks_leave_their_figures_out_and_nothing_else() {
    let lacks = ["nvmlDeviceGetSramEccErrorStatus", "nvmlDeviceGetFieldValues", "nvmlEventSetCreate"];
    let mut watched = Watched::over(Stub::without(Card::H100.node(1), &lacks).unwrap(), |_| {});
    let round = watched.round().await;
    assert!(!has(&round, "0 hw.energy") && !has(&round, "0 gpu.memory.sram"));
    assert!(has(&round, "0 hw.power") && int(&round, "0 gpu.up{}") == 1);
    watched.ends().await;
}

#[tokio::test]
async fn a_counter_that_falls_begins_anew_after_it_was_last_seen() {
    let mut node = Card::H100.node(1);
    node.gpus[0].fields.insert(83, 9_000);
    let mut watched = Watched::of(node);
    let mut energy = Vec::new();
    for (later, joules) in [(0, 9_000), (60, 12_000), (60, 1_000), (60, 2_000)] {
        watched.stub.change(|node| _ = node.gpus[0].fields.insert(83, joules)).unwrap();
        watched.fixture.clock.advance(Duration::from_secs(later));
        let batch = watched.batch().await;
        let is_energy = |series| &*watched.fixture.series(series).descriptor().name == "hw.energy";
        let point = batch.numbers.iter().find(|point| is_energy(point.series)).unwrap();
        energy.push((point.start, point.time, point.value().as_f64()));
    }
    let at = |seconds: u64| UnixNanos((START + seconds) * 1_000_000_000);
    let expected =
        [(at(0), at(0), 9.0), (at(0), at(60), 12.0), (at(60), at(120), 1.0), (at(60), at(180), 2.0)];
    assert_eq!(energy, expected);
    watched.ends().await;
}

#[tokio::test]
async fn what_the_driver_tells_of_a_gpus_recovery_is_looked_at_with_the_next_fast_round() {
    for kind in [GPU_UNAVAILABLE, RECOVERY_ACTION] {
        let stub = Stub::new(Card::H100.node(1)).unwrap();
        // No slow round comes by itself.
        let mut watched =
            Watched::over(stub, |config| config.intervals.slow = ConfigDuration::from_secs(30 * 86_400));
        assert_eq!(int(&watched.round().await, "0 gpu.health{}"), 0);
        let recovery = |node: &mut Node| {
            node.gpus[0].fields.insert(230, 1);
            node.gpus[0].events.push(kind);
        };
        watched.stub.change(recovery).unwrap();
        let verdict = loop {
            watched.fixture.clock.advance(Duration::from_secs(1));
            let elapsed = watched.fixture.clock.now().seconds() - START;
            assert!(elapsed < 86_400, "{kind:#x}: nobody looked");
            if let Some(verdict) = watched.round().await.get("0 gpu.health{}") {
                break verdict.as_f64() as i64;
            }
        };
        assert_eq!(verdict, 2, "{kind:#x}");
        watched.ends().await;
    }
}

#[tokio::test]
async fn traffic_over_pcie_is_counted_on_where_its_32_bits_come_round() {
    let mut node = Card::H100.node(1);
    node.gpus[0].fields.insert(197, 4_000_000_000);
    let mut watched = Watched::of(node);
    let transmit = "0 hw.gpu.io{gpu.interface=pcie,network.io.direction=transmit}";
    assert_eq!(int(&watched.round().await, transmit), 4_000_000_000);
    let set = |watched: &mut Watched, bytes: u64| {
        watched.stub.change(|node| _ = node.gpus[0].fields.insert(197, bytes)).unwrap();
    };
    set(&mut watched, 5_032_704);
    assert_eq!(int(&watched.minute_later().await, transmit), 4_300_000_000, "2^32 and what is over");
    // Opened anew, it is what it was, or was reset.
    watched.stub.change(|node| _ = node.gpus[0].fails(18)).unwrap();
    watched.minute_later().await;
    watched.stub.change(|node| node.gpus[0].faults.clear()).unwrap();
    set(&mut watched, 6_032_704);
    assert_eq!(int(&watched.minute_later().await, transmit), 4_301_000_000);
    watched.ends().await;
}

#[tokio::test]
async fn a_node_without_gpus_sends_the_count_that_it_is() {
    let mut watched = Watched::of(Node { driver: "575.57.08".to_owned(), ..Node::default() });
    assert_eq!(int(&watched.round().await, "- gpu.count{}"), 0);
    watched.ends().await;
}

#[tokio::test]
async fn after_a_change_of_the_driver_series_have_its_version() {
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    watched.stub.change(|node| _ = node.gpus[0].fails(18)).unwrap();
    watched.minute_later().await;
    let new_driver = |node: &mut Node| {
        node.driver = "580.95.05".to_owned();
        node.gpus[0].faults.clear();
    };
    watched.stub.change(new_driver).unwrap();
    let batch = watched.minutes_batch().await;
    let of_a_gpu = batch.numbers.iter().map(|point| watched.fixture.series(point.series));
    let said = of_a_gpu
        .filter_map(|series| series.resource().attributes.get("hw.driver_version").map(ToString::to_string));
    let said: std::collections::BTreeSet<String> = said.collect();
    assert_eq!(said.into_iter().collect::<Vec<_>>(), ["580.95.05"]);
    watched.ends().await;
}
