//! Figures of parts, and those that only some cards or drivers have: who has them, and from which source. The figures' own values stand in
//! `rows.txt`.

use std::collections::BTreeMap;

use weir_core::Number;
use weir_nvml_stub::{Card, Gpu, Node, Stub};

use super::{Watched, all, has, int};

/// The first round of one GPU, of all metrics.
async fn all_of(card: Card, change: impl FnOnce(&mut Gpu)) -> BTreeMap<String, Number> {
    let mut node = card.node(1);
    change(&mut node.gpus[0]);
    let mut watched = all(node);
    let round = watched.round().await;
    watched.ends().await;
    round
}

#[tokio::test]
async fn what_hopper_counts_while_it_runs_arrives_from_the_second_sample_on() {
    let mut node = Card::H100.node(1);
    node.gpus[0].gpm.insert(2, 100.0);
    node.gpus[0].gpm.remove(&13); // a metric that this GPU does not have
    let mut watched = all(node);
    let first = watched.round().await;
    assert!(!has(&first, "0 gpu.sm.") && !has(&first, "0 gpu.pipe.") && !has(&first, "0 gpu.io.rate"));
    let round = watched.minute_later().await;
    assert!(has(&round, "0 gpu.sm.utilization{") && has(&round, "0 gpu.pipe.utilization{gpu.pipe=fp32}"));
    assert!(!has(&round, "0 gpu.pipe.utilization{gpu.pipe=fp16}"));
    let calls = |function: &str| watched.stub.calls(function);
    assert_eq!(
        (calls("nvmlGpmSampleGet"), calls("nvmlGpmMetricsGet"), calls("nvmlGpmSampleAlloc")),
        (2, 1, 2)
    );
    watched.ends().await;
}

#[tokio::test]
async fn a_sample_that_is_refused_leaves_the_gpu_at_work_and_the_next_is_compared_with_the_one_before() {
    let mut watched = all(Card::H100.node(1));
    watched.batch().await;
    watched.stub.change(|node| _ = node.gpus[0].faults.insert("nvmlGpmSampleGet".to_owned(), 4)).unwrap();
    let round = watched.minute_later().await;
    assert!(!has(&round, "0 gpu.sm.") && has(&round, "0 hw.power{") && int(&round, "0 gpu.up{}") == 1);
    watched.stub.change(|node| node.gpus[0].faults.clear()).unwrap();
    assert!(has(&watched.minute_later().await, "0 gpu.sm."), "with the one before the refusal");
    watched.ends().await;
}

#[tokio::test]
async fn cards_before_hopper_are_asked_once_whether_they_count_so() {
    let mut watched = all(Card::A100.node(1));
    watched.batch().await;
    let round = watched.minute_later().await;
    assert!(!has(&round, "0 gpu.sm."));
    assert_eq!(watched.stub.calls("nvmlGpmQueryDeviceSupport"), 1);
    assert_eq!(watched.stub.calls("nvmlGpmSampleGet"), 0);
    watched.ends().await;
}

#[tokio::test]
async fn each_link_has_its_own_figures() {
    let round = all_of(Card::H100, |gpu| {
        let link = gpu.scoped.get_mut(&17).unwrap();
        link.extend([(138, 3), (139, 5), (164, 26_562), (165, 2), (161, 11), (162, 12), (163, 13)]);
        gpu.fields.extend([(138, 3000), (139, 5000), (160, 6)]);
    })
    .await;
    let of_17 = |name: &str| int(&round, &format!("0 gpu.nvlink.link.{name}"));
    assert_eq!(of_17("io{gpu.nvlink.link=17,network.io.direction=transmit}"), 3072);
    assert_eq!(of_17("io{gpu.nvlink.link=17,network.io.direction=receive}"), 5120);
    assert_eq!(of_17("speed{gpu.nvlink.link=17}"), 26_562_000_000);
    assert_eq!(of_17("state{gpu.nvlink.link=17}"), 2);
    assert_eq!(of_17("errors{error.type=replay,gpu.nvlink.link=17}"), 11);
    assert_eq!(of_17("errors{error.type=recovery,gpu.nvlink.link=17}"), 12);
    assert_eq!(of_17("errors{error.type=crc,gpu.nvlink.link=17}"), 13);
    assert_eq!(of_17("state{gpu.nvlink.link=0}"), 1);
    let links = round.keys().filter(|name| name.starts_with("0 gpu.nvlink.link.state{")).count();
    assert_eq!(links, 18);
    let total =
        |direction: &str| format!("0 hw.gpu.io{{gpu.interface=nvlink,network.io.direction={direction}}}");
    assert_eq!(int(&round, &total("transmit")), 3_072_000, "all links, not the first");
    assert_eq!(int(&round, &total("receive")), 5_120_000);
    let ecc = "0 hw.errors{error.type=nvlink_ecc_data,gpu.interface=nvlink,hw.type=gpu}";
    assert_eq!(int(&round, ecc), 6);
    assert!(!has(&round, "0 gpu.nvlink.link.errors{error.type=symbol"), "of Blackwell alone");
}

#[tokio::test]
async fn the_fifth_nvlink_counts_other_errors() {
    let round = all_of(Card::B200, |gpu| {
        gpu.fields.extend([(202, 4096), (204, 8192)]);
        gpu.fields.extend((206..=215).chain([219, 221]).map(|id| (id, u64::from(id) - 200)));
        gpu.fields.extend([(220, 0x30c), (222, 0xf00)]);
        gpu.scoped.get_mut(&4).unwrap().extend((206..=214).chain([219, 221]).map(|id| (id, u64::from(id))));
        gpu.scoped.get_mut(&4).unwrap().extend([(202, 9), (204, 10), (222, 0x105)]);
    })
    .await;
    for (kind, id) in [
        ("malformed_packet", 206),
        ("buffer_overrun", 207),
        ("receive", 208),
        ("receive_remote", 209),
        ("receive_general", 210),
        ("integrity", 211),
        ("transmit_discard", 212),
        ("effective", 219),
        ("symbol", 221),
    ] {
        let total = format!("0 hw.errors{{error.type=nvlink_{kind},gpu.interface=nvlink,hw.type=gpu}}");
        assert_eq!(int(&round, &total), id - 200, "{kind}");
        let of_4 = format!("0 gpu.nvlink.link.errors{{error.type={kind},gpu.nvlink.link=4}}");
        assert_eq!(int(&round, &of_4), id, "{kind}");
    }
    assert_eq!(int(&round, "0 gpu.nvlink.recoveries{outcome=success}"), 13);
    assert_eq!(int(&round, "0 gpu.nvlink.recoveries{outcome=failure}"), 14);
    assert_eq!(int(&round, "0 gpu.nvlink.link.recoveries{gpu.nvlink.link=4,outcome=failure}"), 214);
    let rate = |name: &str| round[&format!("0 gpu.nvlink.{name}")].as_f64();
    let is_near = |found: f64, expected: f64| (found - expected).abs() < expected * 1e-12;
    assert!(is_near(rate("bit_error_rate{error.type=effective}"), 3e-12));
    assert!(is_near(rate("bit_error_rate{error.type=symbol}"), 15.0));
    assert!(is_near(rate("link.bit_error_rate{error.type=symbol,gpu.nvlink.link=4}"), 1e-5));
    let io = |direction: &str| {
        int(&round, &format!("0 hw.gpu.io{{gpu.interface=nvlink,network.io.direction={direction}}}"))
    };
    assert_eq!((io("transmit"), io("receive")), (4096, 8192), "bytes, where links of before count KiB");
    assert_eq!(int(&round, "0 gpu.nvlink.link.io{gpu.nvlink.link=4,network.io.direction=transmit}"), 9);
    assert!(!has(&round, "0 hw.errors{error.type=nvlink_crc"), "of links before the fifth");
}

#[tokio::test]
async fn the_fabric_is_told_as_far_as_its_driver_tells_it() {
    let of = |reason: &str| format!("0 gpu.fabric.unhealthy{{reason={reason}}}");
    let ill = all_of(Card::B200, |gpu| {
        // Bandwidth degraded (1), no route in recovery (2), of unhealthy routes nothing is said (0), an access timeout (1), a wrong chassis (3).
        gpu.set("fabric.health", 3 << 8 | 1 << 6 | 2 << 2 | 1).set("fabric.summary", 2);
    })
    .await;
    assert_eq!((int(&ill, "0 gpu.fabric.state{}"), int(&ill, "0 gpu.fabric.status{}")), (3, 0));
    assert_eq!(int(&ill, "0 gpu.fabric.health{}"), 2);
    assert_eq!(int(&ill, &of("bandwidth_degraded")), 1);
    assert_eq!(int(&ill, &of("route_recovery")), 0);
    assert!(!has(&ill, &of("route_unhealthy")));
    assert_eq!(int(&ill, &of("access_timeout_recovery")), 1);
    assert_eq!(int(&ill, &of("incorrect_configuration")), 1);
    let well = all_of(Card::B200, |_| {}).await;
    assert_eq!((int(&well, "0 gpu.fabric.health{}"), int(&well, &of("incorrect_configuration"))), (1, 0));
    assert_eq!(int(&well, &of("route_unhealthy")), 0);
    let h100 = all_of(Card::H100, |_| {}).await;
    assert_eq!(int(&h100, "0 gpu.fabric.state{}"), 3);
    assert!(!has(&h100, "0 gpu.fabric.health") && !has(&h100, "0 gpu.fabric.unhealthy"), "N/A there");
    let probing = all_of(Card::H100, |gpu| _ = gpu.set("fabric.state", 2).set("fabric.status", 9)).await;
    assert_eq!(int(&probing, "0 gpu.fabric.state{}"), 2);
    assert!(!has(&probing, "0 gpu.fabric.status"), "of no meaning before it is completed");
    for card in [Card::A100, Card::L40S] {
        assert!(!has(&all_of(card, |_| {}).await, "0 gpu.fabric"), "{card:?}");
    }
}

#[tokio::test]
async fn limits_of_temperature_are_absolute_before_ada_and_margins_since() {
    let (absolute, margin) = ("0 gpu.temperature.limit{", "0 gpu.temperature.margin");
    for card in [Card::T4, Card::A10G, Card::A100, Card::L40S, Card::H100, Card::B200] {
        let round = all_of(card, |_| {}).await;
        let is_ada_or_later = matches!(card, Card::L40S | Card::H100 | Card::B200);
        assert_eq!(
            (has(&round, absolute), has(&round, margin)),
            (!is_ada_or_later, is_ada_or_later),
            "{card:?}"
        );
        // A sensor of the memory have those with high-bandwidth memory.
        let is_of_memory = |name: &String| name.starts_with("0 gpu.temp") && name.contains("=memory_max");
        let has_sensor = has(&round, "0 hw.temperature{gpu.sensor=memory");
        assert_eq!(round.keys().any(is_of_memory), has_sensor, "{card:?}");
        let is_averaged = has(&round, "0 gpu.power{gpu.power.window=second}");
        assert_eq!(
            is_averaged,
            !matches!(card, Card::T4 | Card::A100),
            "{card:?}: not on GA100, nor before Ampere"
        );
        assert!(!has(&round, "0 gpu.module.power"), "{card:?} is no module with a CPU");
    }
}

#[tokio::test]
async fn times_of_slower_clocks_have_the_number_of_the_driver_that_runs() {
    let time = |reason: &str| format!("0 gpu.clock.event.time{{reason={reason}}}");
    let reasons = ["sw_thermal_slowdown", "hw_thermal_slowdown", "hw_power_brake_slowdown"];
    for (driver, first) in
        [("575.57.08", Some(251)), ("580.65.06", Some(251)), ("580.82.07", Some(269)), ("?", None)]
    {
        let mut node = Node { driver: driver.to_owned(), ..Card::H100.node(1) };
        let seconds = 1_000_000_000;
        for id in 251..=273 {
            node.gpus[0].fields.insert(id, u64::from(id) * seconds);
        }
        let mut watched = Watched::of(node);
        let round = watched.round().await;
        for (at, reason) in reasons.iter().enumerate() {
            let found = round.get(&time(reason)).map(|value| value.as_f64().round() as usize);
            assert_eq!(found, first.map(|first: usize| first + at), "{reason}, driver {driver}");
        }
        watched.ends().await;
    }
}

#[tokio::test]
async fn every_figure_of_each_of_eighteen_links_comes_in_the_one_call_of_its_tier() {
    let mut watched = all(Card::H100.node(1));
    watched.batch().await;
    let before = watched.stub.calls("nvmlDeviceGetFieldValues");
    let round = watched.minute_later().await;
    assert!(has(&round, "0 gpu.nvlink.link.errors{error.type=crc,gpu.nvlink.link=17"));
    assert_eq!(
        watched.stub.calls("nvmlDeviceGetFieldValues") - before,
        3,
        "what it does not support is left out"
    );
    watched.ends().await;
}

#[tokio::test]
async fn functions_that_an_older_driver_lacks_leave_their_parts_out_and_nothing_else() {
    let lacks = [
        "nvmlGpmQueryDeviceSupport",
        "nvmlDeviceGetGpuFabricInfoV",
        "nvmlDeviceGetRepairStatus",
        "nvmlDeviceGetMarginTemperature",
        "nvmlDeviceGetSramEccErrorStatus",
    ];
    let stub = Stub::without(Card::H100.node(1), &lacks).unwrap();
    let mut watched = Watched::over(stub, |config| config.metrics = vec!["all".to_owned()]);
    watched.batch().await;
    let round = watched.minute_later().await;
    for missing in ["gpu.sm.", "gpu.fabric.", "gpu.repair.", "gpu.temperature.margin{", "gpu.memory.sram."] {
        assert!(!has(&round, &format!("0 {missing}")), "{missing}");
    }
    assert!(has(&round, "0 gpu.nvlink.link.state") && has(&round, "0 gpu.temperature.margin.limit"));
    assert_eq!(int(&round, "0 gpu.up{}"), 1);
    watched.ends().await;
}

#[tokio::test]
async fn once_a_source_has_answered_the_others_of_its_figure_are_not_asked_again() {
    let mut node = Card::B200.node(1);
    // The fifth NVLink's bytes, beside the KiB of those before.
    node.gpus[0].fields.extend([(202, 4096), (138, 7)]);
    let mut watched = all(node);
    let transmit = "0 hw.gpu.io{gpu.interface=nvlink,network.io.direction=transmit}";
    assert_eq!(int(&watched.round().await, transmit), 7 << 10);
    watched.stub.change(|node| _ = node.gpus[0].fields.remove(&138)).unwrap();
    assert!(!has(&watched.minute_later().await, transmit), "of another source: another count");
    watched.ends().await;
}
