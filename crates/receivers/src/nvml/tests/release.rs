//! NVML is closed on request, so that a GPU can be reset.

use std::time::Duration;

use weir_nvml_stub::{Card, Node, Stub};

use super::{Watched, int, late};

const CLOSED: &str = "NVML is closed as long as the release file is there";

#[tokio::test]
async fn nvml_is_closed_as_long_as_the_release_file_is_there() {
    let mut node = Card::H100.node(2);
    node.gpus[0].fields.insert(83, 5_000);
    let stub = Stub::new(node).unwrap();
    let file = stub.folder().join("release");
    let mut watched = Watched::over(stub, |config| config.release_file = Some(file.clone()));
    // The second round has compared samples of GPM.
    watched.batch().await;
    watched.minute_later().await;
    std::fs::write(&file, "").unwrap();
    let round = watched.minute_later().await;
    assert_eq!((int(&round, "0 gpu.up{}"), int(&round, "0 gpu.health{}")), (0, 0), "nobody is lost");
    // The thread of events ends its wait of a second, and with it the last hold on NVML is gone.
    while watched.context.status.read().pending.as_deref() != Some(CLOSED) {
        watched.minute_later().await;
    }
    let calls = |functions: [&str; 3]| functions.map(|function| watched.stub.calls(function));
    let opened = calls(["nvmlInit_v2", "nvmlEventSetCreate", "nvmlGpmSampleAlloc"]);
    assert_eq!(opened, [1, 1, 4], "once, one set for all, two samples a GPU");
    assert_eq!(calls(["nvmlShutdown", "nvmlEventSetFree", "nvmlGpmSampleFree"]), opened, "nothing is held");
    watched.minute_later().await;
    assert_eq!(watched.stub.calls("nvmlInit_v2"), 1, "nor opened, as long as the file is there");
    // Meanwhile the GPU was reset.
    watched.stub.change(|node| _ = node.gpus[0].fields.insert(83, 1_000)).unwrap();
    std::fs::remove_file(&file).unwrap();
    let round = watched.minute_later().await;
    assert_eq!((int(&round, "0 gpu.up{}"), int(&round, "- gpu.missing{}")), (1, 0), "with the first round");
    assert_eq!(watched.context.status.read().pending, None);
    assert_eq!(format!("{:.3}", round["0 hw.energy{hw.type=gpu}"].as_f64()), "1.000");
    watched.ends().await;
}

#[tokio::test]
async fn a_gpu_that_hangs_keeps_nvml_open_and_that_is_said() {
    let stub = Stub::new(Card::H100.node(1)).unwrap();
    let file = stub.folder().join("release");
    let mut watched = Watched::over(stub, |config| config.release_file = Some(file.clone()));
    watched.batch().await;
    watched.stub.change(|node| _ = node.gpus[0].hangs.insert("*".to_owned())).unwrap();
    watched.fixture.clock.advance(Duration::from_secs(60));
    assert_eq!(int(&late(&mut watched).await, "- gpu.stuck{}"), 1);
    std::fs::write(&file, "").unwrap();
    watched.minute_later().await;
    let said = watched.context.status.read().pending.unwrap();
    assert_eq!(said, "NVML is to be closed for the release file, and a call to it has not returned yet");
    assert_eq!(watched.stub.calls("nvmlShutdown"), 0);
    // Nor is it opened anew behind the call that hangs.
    std::fs::remove_file(&file).unwrap();
    watched.minute_later().await;
    assert_eq!(int(&watched.minute_later().await, "0 gpu.up{}"), 0);
    assert_eq!(watched.stub.calls("nvmlInit_v2"), 1);
    watched.stub.change(|node| node.gpus[0].hangs.clear()).unwrap();
    while int(&watched.minute_later().await, "0 gpu.up{}") == 0 {}
    assert_eq!(["nvmlShutdown", "nvmlInit_v2"].map(|function| watched.stub.calls(function)), [1, 2]);
    watched.ends().await;
}

/// An opening hangs, and the release file has come.
async fn asked_for_while_it_opens(mut node: Node) -> Watched {
    node.hangs = true;
    let stub = Stub::new(node).unwrap();
    let file = stub.folder().join("release");
    let mut watched = Watched::over(stub, |config| {
        config.release_file = Some(file.clone());
        config.expected_gpus = 1;
    });
    assert_eq!(int(&late(&mut watched).await, "- gpu.missing{}"), 1);
    std::fs::write(&file, "").unwrap();
    watched
}

#[tokio::test]
async fn an_opening_that_ends_while_gpus_are_to_be_released_is_closed_again() {
    let mut watched = asked_for_while_it_opens(Card::H100.node(1)).await;
    watched.stub.change(|node| node.hangs = false).unwrap();
    while watched.stub.calls("nvmlShutdown") == 0 {
        watched.minute_later().await;
    }
    assert_eq!(watched.stub.calls("nvmlDeviceGetPowerUsage"), 0, "no GPU was asked");
    watched.ends().await;
}

#[tokio::test]
async fn an_opening_that_fails_while_gpus_are_to_be_released_is_no_failure() {
    let mut node = Card::H100.node(1);
    node.faults.insert("nvmlInit_v2".to_owned(), 999);
    let mut watched = asked_for_while_it_opens(node).await;
    watched.minute_later().await;
    watched.stub.change(|node| node.hangs = false).unwrap();
    while watched.context.status.read().pending.as_deref() != Some(CLOSED) {
        watched.minute_later().await;
    }
    assert_eq!(watched.context.status.read().last_error, None);
    watched.ends().await;
}
