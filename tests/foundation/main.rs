//! The foundation test: several doors at once, under a compressed clock. Every point reaches the far end under the right name,
//! delta totals equal the senders' totals, no id is unresolvable, none wrong, and memory stays flat.
//!
//! # Layout
//! - `truth`: the series that there are. A series' number says what it is called, what kind it is, who sends it and which
//!   values it has, so that a value under a wrong name shows;
//! - `senders`: what is sent, by OTLP over gRPC, and the count of it;
//! - `hold`: a processor that holds batches back for longer than aliases live;
//! - `far_end`: what arrived in the CloudWatch in memory: names, values, totals, counted independently of Weir;
//! - `host`: the machine in a folder that `procfs` reads;
//! - `engine`: a graph in this process, started, stopped, and its books checked;
//! - `river`: the scenario of all that. It answers with what it found wrong, so that a build without leases can be shown to fail;
//! - `cap`: the scenario at the cap on series.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, reason = "a test")]
#![allow(clippy::float_cmp, reason = "values must arrive exactly as they were sent")]

mod cap;
mod engine;
mod far_end;
mod hold;
mod host;
mod river;
mod senders;
mod truth;

use tokio::sync::Mutex;
use weir_core::Interner;

/// One scenario at a time: they measure the memory of the process, and want both CPUs.
static TURN: Mutex<()> = Mutex::const_new(());

/// Far more series than the river has at a time.
const AMPLE: usize = 1_000_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_point_arrives_under_its_name_and_memory_is_flat() {
    let _turn = TURN.lock().await;
    let outcome = river::run(Interner::new(AMPLE), river::LONG).await;
    println!("{outcome:#?}");
    assert!(outcome.findings.is_empty(), "{:#?}", outcome.findings);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_leases_the_same_river_loses_points() {
    let _turn = TURN.lock().await;
    let outcome = river::run(Interner::new(AMPLE).ignoring_leases(), river::SHORT).await;
    println!("{outcome:#?}");
    let lost = |finding: &String| finding.contains("unresolved");
    assert!(outcome.findings.iter().any(lost), "nothing went wrong without leases: {outcome:#?}");
    let short = |finding: &String| finding.contains("was sent");
    assert!(outcome.findings.iter().any(short), "the far end missed nothing: {outcome:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn at_the_cap_deltas_overflow_the_rest_is_refused_and_idle_series_make_room() {
    let _turn = TURN.lock().await;
    cap::run().await;
}
