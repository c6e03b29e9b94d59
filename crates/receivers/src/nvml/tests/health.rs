//! The verdict: each rule by itself, the gravest of several, and rules that are overridden.

use std::collections::BTreeMap;

use weir_core::Number;
use weir_nvml_raw::MIG_CHANGE;
use weir_nvml_stub::{Card, Gpu, Node, Stub, Xid};

use super::{
    super::{HealthVerdict, NvmlConfig, xid},
    Watched, all, int,
};

async fn verdict(gpu: Gpu, rules: &[(&str, HealthVerdict)]) -> (i64, Vec<String>) {
    let node = Node { gpus: vec![gpu], ..Card::H100.node(0) };
    let mut watched = Watched::over(Stub::new(node).unwrap(), |config| {
        config.rules = rules.iter().map(|(rule, verdict)| ((*rule).to_owned(), *verdict)).collect();
    });
    let found = of(&watched.round().await);
    watched.ends().await;
    found
}

/// The verdict, and the rules that hold.
fn of(round: &BTreeMap<String, Number>) -> (i64, Vec<String>) {
    let holds = round.iter().filter(|(name, value)| name.contains("gpu.health.rule") && value.as_f64() > 0.0);
    let rules =
        holds.filter_map(|(name, _)| Some(name.split_once("rule=")?.1.trim_end_matches('}').to_owned()));
    (int(round, "0 gpu.health{}"), rules.collect())
}

fn gpu(card: Card, change: impl FnOnce(&mut Gpu)) -> Gpu {
    let mut gpu = card.gpu(0);
    change(&mut gpu);
    gpu
}

#[tokio::test]
async fn each_rule_has_its_verdict() {
    let watch = |rule: &str| (1, vec![rule.to_owned()]);
    let reset = |rule: &str| (2, vec![rule.to_owned()]);
    let replace = |rule: &str| (3, vec![rule.to_owned()]);
    let found = |gpu| verdict(gpu, &[]);
    assert_eq!(found(Card::H100.gpu(0)).await, (0, vec![]));
    let field = |id, value| gpu(Card::H100, |gpu| _ = gpu.fields.insert(id, value));
    assert_eq!(found(field(145, 1)).await, replace("row_remap_failure"));
    assert_eq!(found(field(144, 1)).await, reset("row_remap_pending"));
    assert_eq!(found(field(230, 2)).await, reset("recovery_action"));
    let set = |card, quantity: &str, value| {
        gpu(card, |gpu| {
            gpu.set(quantity, value);
        })
    };
    assert_eq!(found(set(Card::H100, "sram.threshold", 1)).await, replace("sram_threshold"));
    assert_eq!(found(set(Card::T4, "retired.double", 63)).await, replace("retired_pages"));
    assert_eq!(found(set(Card::T4, "retired.double", 62)).await, (0, vec![]));
    let both = gpu(Card::T4, |gpu| _ = gpu.set("retired.double", 32).set("retired.single", 31));
    assert_eq!(found(both).await, replace("retired_pages"));
    assert_eq!(found(set(Card::T4, "retired.pending", 1)).await, reset("retired_pages_pending"));
    assert_eq!(found(set(Card::H100, "ecc.volatile.uncorrected.dram", 1)).await, watch("uncorrected_errors"));
    assert_eq!(found(set(Card::H100, "repair.channel", 1)).await, reset("repair_pending"));
    assert_eq!(found(set(Card::L40S, "repair.tpc", 1)).await, reset("repair_pending"));
}

#[tokio::test]
async fn a_gpu_that_is_not_well_in_its_fabric_is_watched() {
    let in_fabric = |change: &[(&str, u64)]| {
        gpu(Card::B200, |gpu| change.iter().for_each(|(quantity, value)| _ = gpu.set(quantity, *value)))
    };
    let watch = (1, vec!["fabric".to_owned()]);
    // nvml.h: 1 not started, 2 in progress, 3 completed; a return code once it is completed.
    for (ill, what) in [
        (in_fabric(&[("fabric.state", 1)]), "not started"),
        (in_fabric(&[("fabric.state", 2)]), "in progress"),
        (in_fabric(&[("fabric.status", 999)]), "completed with an error"),
        // Two bits each, 1 is yes and 2 is no; then four, 1 for what is right.
        (in_fabric(&[("fabric.health", 0b1_1010_1001)]), "less bandwidth"),
        (in_fabric(&[("fabric.health", 0b1_1010_0110)]), "a route in recovery"),
        (in_fabric(&[("fabric.health", 0b1_1001_1010)]), "a route that is unhealthy"),
        (in_fabric(&[("fabric.health", 0b1_0110_1010)]), "a timeout in recovery"),
        (in_fabric(&[("fabric.health", 0b10_1010_1010)]), "a wrong configuration"),
    ] {
        assert_eq!(verdict(ill, &[]).await, watch, "{what}");
    }
    for well in [in_fabric(&[]), in_fabric(&[("fabric.health", 0)]), in_fabric(&[("fabric.state", 0)])] {
        assert_eq!(verdict(well, &[]).await, (0, vec![]));
    }
}

/// The rules that hold in the round after `change`, and the verdict.
async fn after(
    card: Card,
    configure: impl FnOnce(&mut NvmlConfig),
    change: impl FnOnce(&mut Gpu),
) -> (i64, Vec<String>) {
    let mut watched = Watched::over(Stub::new(card.node(1)).unwrap(), configure);
    assert_eq!(int(&watched.round().await, "0 gpu.health{}"), 0, "well at first");
    watched.stub.change(|node| change(&mut node.gpus[0])).unwrap();
    let found = of(&watched.minute_later().await);
    watched.ends().await;
    found
}

#[tokio::test]
async fn a_link_that_loses_lanes_is_watched_and_one_that_never_had_more_is_not() {
    let narrower = |gpu: &mut Gpu| _ = gpu.set("link.width", 4);
    let watch = (1, vec!["link_width".to_owned()]);
    assert_eq!(after(Card::H100, |_| {}, narrower).await, watch);
    // 8 lanes of 16 all its life, as in g4dn.
    assert_eq!(verdict(Card::T4.gpu(0), &[]).await, (0, vec![]));
    let mut watched =
        Watched::over(Stub::new(Card::T4.node(1)).unwrap(), |config| config.expected_link_width = Some(16));
    assert_eq!(of(&watched.round().await), watch);
    watched.ends().await;
}

#[tokio::test]
async fn an_nvlink_that_goes_down_asks_for_a_reset_and_one_that_sleeps_or_never_was_up_does_not() {
    let set =
        |gpu: &mut Gpu, link: u32, state: u64| _ = gpu.scoped.get_mut(&link).unwrap().insert(165, state);
    let reset = (2, vec!["nvlink_down".to_owned()]);
    assert_eq!(after(Card::H100, |_| {}, |gpu| set(gpu, 17, 0)).await, reset);
    assert_eq!(after(Card::B200, |_| {}, |gpu| set(gpu, 3, 2)).await, (0, vec![]), "asleep");
    let unconnected = gpu(Card::A100, |gpu| (0..12).for_each(|link| set(gpu, link, 0)));
    assert_eq!(verdict(unconnected, &[]).await, (0, vec![]));
    let silent = |gpu: &mut Gpu| _ = gpu.scoped.get_mut(&17).unwrap().remove(&165);
    assert_eq!(after(Card::H100, |_| {}, silent).await, (0, vec![]), "a link that says nothing is not down");
    // After a change of the driver it is not known which should be up; nor where the GPU is divided otherwise.
    let another_driver = |node: &mut Node| {
        node.driver = "580.95.05".to_owned();
        node.gpus[0].fails(18);
    };
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    watched.stub.change(another_driver).unwrap();
    watched.minute_later().await;
    watched
        .stub
        .change(|node| {
            node.gpus[0].faults.clear();
            set(&mut node.gpus[0], 5, 0);
        })
        .unwrap();
    assert_eq!(of(&watched.minute_later().await), (0, vec![]));
    watched.ends().await;
    let divided = |node: &mut Node| {
        (0..18).for_each(|link| set(&mut node.gpus[0], link, 0));
        node.gpus[0].events.push(MIG_CHANGE);
    };
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    watched.stub.change(divided).unwrap();
    while watched.stub.calls("nvmlInit_v2") == 1 {
        watched.minute_later().await;
    }
    assert_eq!(of(&watched.minute_later().await), (0, vec![]));
    watched.ends().await;
    // It is up again.
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    for (state, expected) in [(0, reset), (1, (0, vec![]))] {
        watched.stub.change(|node| set(&mut node.gpus[0], 5, state)).unwrap();
        assert_eq!(of(&watched.minute_later().await), expected, "{state}");
    }
    watched.ends().await;
}

#[tokio::test]
async fn an_uncorrected_error_that_comes_asks_for_a_reset_for_an_hour_and_one_of_long_ago_does_not() {
    let long_ago = gpu(Card::H100, |gpu| _ = gpu.set("ecc.aggregate.uncorrected.dram", 5));
    assert_eq!(verdict(long_ago, &[]).await, (0, vec![]));
    for place in ["dram", "sram"] {
        let mut watched = Watched::of(Card::H100.node(1));
        watched.batch().await;
        let quantity = format!("ecc.aggregate.uncorrected.{place}");
        watched.stub.change(|node| _ = node.gpus[0].set(&quantity, 1)).unwrap();
        for minute in 0..60 {
            let reset = (2, vec!["new_uncorrected_errors".to_owned()]);
            assert_eq!(of(&watched.minute_later().await), reset, "{place}, minute {minute}");
        }
        assert_eq!(of(&watched.minute_later().await), (0, vec![]), "{place}, an hour later");
        watched.ends().await;
    }
}

#[tokio::test]
async fn the_gravest_of_several_counts_and_a_rule_can_be_made_another_or_none() {
    let ill = gpu(Card::H100, |gpu| gpu.fields.extend([(144, 1), (145, 1)]));
    let both = vec!["row_remap_failure".to_owned(), "row_remap_pending".to_owned()];
    assert_eq!(verdict(ill.clone(), &[]).await, (3, both));
    let off = [("row_remap_failure", HealthVerdict::Ok), ("row_remap_pending", HealthVerdict::Watch)];
    assert_eq!(verdict(ill, &off).await, (1, vec!["row_remap_pending".to_owned()]));
}

/// The verdict and the rules once an XID has arrived.
async fn of_xid(code: u64, configured: &[(&str, HealthVerdict)]) -> (i64, Vec<String>) {
    let mut watched = Watched::over(Stub::new(Card::H100.node(1)).unwrap(), |config| {
        config.xids = configured.iter().map(|(code, verdict)| ((*code).to_owned(), *verdict)).collect();
    });
    watched.batch().await;
    watched.stub.change(|node| node.gpus[0].xids.push(Xid { code, instance: None })).unwrap();
    let arrived = format!("gpu.xid.code={code},");
    let round = loop {
        let round = watched.minute_later().await;
        if round.iter().any(|(name, value)| name.contains(&arrived) && value.as_f64() > 0.0) {
            break round;
        }
    };
    watched.ends().await;
    of(&round)
}

#[tokio::test]
async fn an_xid_counts_by_the_action_that_nvidia_names_and_one_of_an_application_does_not() {
    // Immediate actions of NVIDIA's catalogue: docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
    for (code, action, verdict, rule) in [
        (95, "RESET_GPU", 2, Some("xid_reset")),
        (79, "RESTART_BM", 2, Some("xid_reset")),
        (151, "RESTART_VM", 2, Some("xid_reset")),
        (48, "WORKFLOW_XID_48", 2, Some("xid_reset")),
        (74, "WORKFLOW_NVLINK_ERR", 2, Some("xid_reset")),
        (142, "CONTACT_SUPPORT", 3, Some("xid_replace")),
        (54, "CHECK_MECHANICALS", 3, Some("xid_replace")),
        (63, "IGNORE, of memory", 1, Some("xid_watch")),
        (94, "RESTART_APP, of memory", 1, Some("xid_watch")),
        (144, "WORKFLOW_NVLINK5_ERR", 1, Some("xid_watch")),
        (31, "RESTART_APP", 0, None),
        (45, "WORKFLOW_XID_45", 0, None),
        (109, "RESET_GPU, of an application", 0, None),
        (66, "IGNORE, of the driver", 0, None),
        (4_000_000, "not in the catalogue", 0, None),
    ] {
        let rules: Vec<String> = rule.into_iter().map(str::to_owned).collect();
        assert_eq!(of_xid(code, &[]).await, (verdict, rules), "{code}: {action}");
    }
}

#[tokio::test]
async fn what_an_xid_means_can_be_said() {
    let said = [("109", HealthVerdict::ResetRequired), ("95", HealthVerdict::Ok)];
    assert_eq!(of_xid(109, &said).await, (2, vec!["xid_reset".to_owned()]));
    assert_eq!(of_xid(95, &said).await, (0, vec![]));
}

#[test]
fn every_xid_that_is_there_from_the_start_is_one_of_the_catalogue() {
    let of_an_application = [109];
    for code in xid::ALARMABLE {
        assert_ne!(xid::meaning(code).resolution, xid::Resolution::Unknown, "{code}");
        let is_an_applications = xid::meaning(code).class == xid::XidClass::Application;
        assert_eq!(is_an_applications, of_an_application.contains(&code), "{code}");
    }
}

#[tokio::test]
async fn a_gpu_that_is_lost_asks_for_a_reset() {
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    watched.stub.change(|node| _ = node.gpus[0].fails(15)).unwrap();
    assert_eq!(int(&watched.minute_later().await, "0 gpu.health{}"), 2);
    watched.ends().await;
}

#[tokio::test]
async fn a_gpu_of_which_only_the_driver_says_nothing_is_not_lost() {
    // Every call fails so, and NVML cannot be opened anew either.
    for code in [18, 999] {
        let mut watched = Watched::of(Card::H100.node(1));
        watched.batch().await;
        let break_it = |node: &mut Node| {
            node.faults.insert("nvmlInit_v2".to_owned(), code);
            node.gpus[0].fails(code);
        };
        watched.stub.change(break_it).unwrap();
        for _ in 0..3 {
            let round = watched.minute_later().await;
            assert_eq!((int(&round, "0 gpu.up{}"), int(&round, "0 gpu.health{}")), (0, 0), "{code}");
        }
        watched.ends().await;
    }
    // One that was lost stays so when the driver goes too.
    let mut watched = Watched::of(Card::H100.node(1));
    watched.batch().await;
    let break_it = |node: &mut Node| {
        node.faults.insert("nvmlInit_v2".to_owned(), 18);
        node.gpus[0].fails(15);
    };
    watched.stub.change(break_it).unwrap();
    for _ in 0..3 {
        assert_eq!(of(&watched.minute_later().await), (2, vec!["lost".to_owned()]));
    }
    watched.ends().await;
}

#[tokio::test]
async fn an_error_count_that_was_not_there_at_first_is_no_new_error() {
    let mut node = Card::H100.node(1);
    node.gpus[0].set("ecc.aggregate.uncorrected.dram", 5).not_supported("ecc.aggregate.uncorrected.sram");
    let mut watched = Watched::of(node);
    watched.batch().await;
    // Opened anew, the driver has the other count too, and then no longer the first.
    let reopened = |node: &mut Node| _ = node.gpus[0].set("ecc.aggregate.uncorrected.sram", 9);
    for change in
        [reopened, |node: &mut Node| _ = node.gpus[0].not_supported("ecc.aggregate.uncorrected.dram")]
    {
        watched.stub.change(|node| _ = node.gpus[0].fails(18)).unwrap();
        watched.minute_later().await;
        watched
            .stub
            .change(|node| {
                node.gpus[0].faults.clear();
                change(node);
            })
            .unwrap();
        assert_eq!(of(&watched.minute_later().await), (0, vec![]));
    }
    // The other one is compared with its own last value.
    watched.stub.change(|node| _ = node.gpus[0].set("ecc.aggregate.uncorrected.sram", 10)).unwrap();
    assert_eq!(of(&watched.minute_later().await), (2, vec!["new_uncorrected_errors".to_owned()]));
    watched.ends().await;
}

#[tokio::test]
async fn what_a_gpu_no_longer_tells_when_nvml_is_opened_anew_counts_no_more() {
    let mut node = Card::H100.node(1);
    node.gpus[0].fields.insert(144, 1);
    let mut watched = all(node);
    let pending = "0 gpu.metric.supported{metric=gpu.memory.row_remap.pending}";
    let round = watched.round().await;
    assert_eq!((of(&round), int(&round, pending)), ((2, vec!["row_remap_pending".to_owned()]), 1));
    watched.stub.change(|node| _ = node.gpus[0].fails(18)).unwrap();
    watched.minute_later().await;
    watched
        .stub
        .change(|node| {
            node.gpus[0].faults.clear();
            node.gpus[0].fields.remove(&144);
        })
        .unwrap();
    let round = watched.minute_later().await;
    assert_eq!((of(&round), int(&round, pending)), ((0, vec![]), 0));
    watched.ends().await;
}
