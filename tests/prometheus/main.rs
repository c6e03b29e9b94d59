//! `prometheus` against Prometheus: both scrape the same pages by the same `scrape_configs`, and what they took must be one, sample by
//! sample: series, values, types, times, `up`, and what is stale since when.
//!
//! # Layout
//! - `server`: serves pages, one after the other to each who asks; `clients`: the official clients, whose pages it passes on;
//! - `weir`, `scraper`, `whole_server`: how each of them is run, and what it says that it took; `scraped`: Weir and a peer side by side;
//! - `told`: both in one form, Prometheus's own, and how two of them differ;
//! - `differential`: the tests, over `pages`, in tables; `relabel`: random relabelling; `differences`: where the two differ on purpose.
//!
//! The peers are version 3's own discovery and scraping, in a program of `tests/interop/go`, and the server that Debian packs. What a
//! machine lacks is printed as `skipped`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod clients;
mod differences;
mod differential;
mod pages;
mod relabel;
mod scraped;
mod scraper;
mod server;
mod told;
mod weir;
mod whole_server;

use std::{
    fs,
    path::PathBuf,
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

/// What takes longer than this has failed. Everything here waits for an event; this is for the event that never comes.
const LIMIT: Duration = Duration::from_secs(120);

/// A folder of one test's own.
fn folder(name: &str) -> PathBuf {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("prometheus-{name}-{number}"));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// The program that a variable names, if there is one; says that `test` is skipped otherwise.
fn peer(variable: &str, test: &str) -> Option<String> {
    let found = std::env::var(variable).ok();
    if found.is_none() {
        println!("skipped: {test} ({variable} is not set: run `cargo xtask test`)");
    }
    found
}
