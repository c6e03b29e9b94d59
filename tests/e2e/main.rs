//! End to end: the real binary, real clients, and an independent far end that counts for itself.
//!
//! # Layout
//! - `harness`: starts the binary, reads its log, ledger and admin listener; sends OTLP; the far end.
//! - `sdks`: the official OpenTelemetry SDKs and a Collector in; `interop`: boto3 and the AWS CLI out.
//! - `truth`: known samples in, by every kind of metric and several senders; count, sum, extremes and percentiles out.
//! - `credentials`: where they come from, against fakes of what AWS has on every host; when they expire; authorities, proxy, dry run.
//! - `faults`: each fault of the far end, with and without a SIGTERM in the middle of it; every datum is accounted for.
//! - `outages`: CloudWatch away, failing, slow, answering and not being heard.
//! - `pressure`: a fast sender before a slow endpoint: what waits is bounded, and nothing is lost.
//! - `prometheus`: scrapes, and why a target is down.
//! - `scraped`: the exporter `prometheus`, read by the official Python client and by another Weir.
//! - `branches`: pipelines that share a receiver; exporters that are dead or switched off.
//! - `enrichment`: where Weir runs, told by stand-ins of the services that know.
//! - `cwagent`: the configuration that takes the CloudWatch Agent's place.
//! - `gpus`: the configurations for machines with GPUs.
//! - `commands`: `run --once` and `health`.
//! - `pods`: the sidecar's and the gateway's configurations as they stand.
//! - `two_weirs`: an agent and a gateway in a row.
//! - `restarts`: a process goes on from what the one before saved, after an orderly end and after a crash.
//! - `otlp_http`: `curl` with JSON, TLS and tokens that change.
//! - `stopping`: signals, drains, exit codes. `local`: `weir run --local` on this machine.
//!
//! Each test compares what its own sender sent with what the far end stored, and only then reads Weir's ledger.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]
#![allow(clippy::float_cmp, reason = "values must arrive exactly as they were sent")]

mod branches;
mod commands;
mod credentials;
mod cwagent;
mod enrichment;
mod faults;
mod gpus;
mod harness;
mod interop;
mod local;
mod otlp_http;
mod outages;
mod pods;
mod pressure;
mod prometheus;
mod restarts;
mod scraped;
mod sdks;
mod stopping;
mod truth;
mod two_weirs;
