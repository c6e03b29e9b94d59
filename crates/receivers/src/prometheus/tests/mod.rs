//! The receiver: its keys, and against peers on the loopback.
//!
//! - `config`: the keys; `harness`: a receiver and its peers;
//! - `faults`, `secured`: one scrape, and how it can fail; `fleet`: many targets.

#![allow(clippy::float_cmp, reason = "what a peer says is exact")]

pub(super) mod config;
mod faults;
mod fleet;
pub(super) mod harness;
mod secured;
