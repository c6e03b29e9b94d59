//! The real binary under load, bounded in count and time: at full speed against a far end that stalls, before a fleet of targets of
//! which a third is dead, and for hours of its
//! clock while series come and go.
//!
//! In the test command this is short. `WEIR_LOAD=long cargo test --release --test load` sends 6 to 20 million points a case at
//! full speed, and soaks with 100,000 series at a time.
#![allow(clippy::panic, clippy::unwrap_used, clippy::print_stdout, reason = "a test")]

mod fleet;
mod full_speed;
mod soak;
mod vanishing;

use std::{path::Path, time::Duration};

use weir_bench::process::Weir;

/// What takes longer than this has failed. Nothing here waits for time to pass.
const LIMIT: Duration = Duration::from_secs(120);

/// Whether the long form was asked for.
fn is_long() -> bool {
    std::env::var("WEIR_LOAD").is_ok_and(|form| form == "long")
}

/// Starts the binary under test.
async fn weir(yaml: &str, arguments: &[&str]) -> Weir {
    let (binary, folder) = (Path::new(env!("CARGO_BIN_EXE_weir")), Path::new(env!("CARGO_TARGET_TMPDIR")));
    Weir::start(binary, folder, yaml, arguments).await.unwrap()
}

/// Waits for what must come.
async fn within<T>(what: &str, event: impl Future<Output = T>) -> T {
    let in_time = tokio::time::timeout(LIMIT, event).await;
    in_time.unwrap_or_else(|_| panic!("{what}: not within {LIMIT:?}"))
}

/// Asks again and again, until it is so.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let mut often = tokio::time::interval(Duration::from_millis(20));
    within(what, async {
        while !is_so() {
            often.tick().await;
        }
    })
    .await;
}

/// Points that a row of the final ledger has under a head, such as `refused`.
fn ledger(log: &str, node: &str, head: &str) -> u64 {
    let mut lines = log.lines().skip_while(|line| !line.starts_with("node "));
    let heads: Vec<&str> = lines.next().unwrap().split_whitespace().collect();
    let row: Vec<&str> = lines.find_map(|line| line.strip_prefix(node)).unwrap().split_whitespace().collect();
    row[heads.iter().position(|found| *found == head).unwrap() - 1].parse().unwrap()
}
