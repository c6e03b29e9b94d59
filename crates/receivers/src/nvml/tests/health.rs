//! The verdict: each rule by itself, the gravest of several, and rules that are overridden.

use weir_nvml_stub::{Card, Gpu, Node, Stub};

use super::{super::HealthVerdict, Watched, int};

async fn verdict(gpu: Gpu, rules: &[(&str, HealthVerdict)]) -> (i64, Vec<String>) {
    let node = Node { gpus: vec![gpu], ..Card::H100.node(0) };
    let mut watched = Watched::over(Stub::new(node).unwrap(), |config| {
        config.rules = rules.iter().map(|(rule, verdict)| ((*rule).to_owned(), *verdict)).collect();
    });
    let round = watched.round().await;
    let holds = round.iter().filter(|(name, value)| name.contains("gpu.health.rule") && value.as_f64() > 0.0);
    let rules =
        holds.filter_map(|(name, _)| Some(name.split_once("rule=")?.1.trim_end_matches('}').to_owned()));
    let found = (int(&round, "0 gpu.health{}"), rules.collect());
    watched.ends().await;
    found
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
    assert_eq!(found(set(Card::T4, "retired.double", 60)).await, replace("retired_pages"));
    assert_eq!(found(set(Card::T4, "retired.double", 59)).await, (0, vec![]));
    assert_eq!(found(set(Card::T4, "retired.pending", 1)).await, reset("retired_pages_pending"));
    assert_eq!(found(set(Card::H100, "ecc.volatile.uncorrected.dram", 1)).await, watch("uncorrected_errors"));
    assert_eq!(found(set(Card::H100, "link.width", 8)).await, watch("link_width"));
}

#[tokio::test]
async fn the_gravest_of_several_counts_and_a_rule_can_be_made_another_or_none() {
    let ill = gpu(Card::H100, |gpu| gpu.fields.extend([(144, 1), (145, 1)]));
    let both = vec!["row_remap_failure".to_owned(), "row_remap_pending".to_owned()];
    assert_eq!(verdict(ill.clone(), &[]).await, (3, both));
    let off = [("row_remap_failure", HealthVerdict::Ok), ("row_remap_pending", HealthVerdict::Watch)];
    assert_eq!(verdict(ill, &off).await, (1, vec!["row_remap_pending".to_owned()]));
}

#[tokio::test]
async fn an_xid_that_asks_for_a_reset_counts_and_one_of_an_application_does_not() {
    for (code, expected) in [(95, 2), (54, 3), (31, 0), (109, 0)] {
        let mut watched = Watched::of(Card::H100.node(1));
        watched.batch().await;
        watched
            .stub
            .change(|node| node.gpus[0].xids.push(weir_nvml_stub::Xid { code, instance: None }))
            .unwrap();
        let arrived = format!("gpu.xid.code={code},");
        loop {
            let round = watched.minute_later().await;
            if round.iter().any(|(name, value)| name.contains(&arrived) && value.as_f64() > 0.0) {
                assert_eq!(int(&round, "0 gpu.health{}"), expected, "{code}");
                break;
            }
        }
        watched.ends().await;
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
