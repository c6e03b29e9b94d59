//! `procfs` against other programs that read the same machine: what they say, and what Weir says, must be one.
//!
//! # Layout
//! - `weir`: one round of the real binary, as values by series. `bracket`: a round of Weir between two of a peer.
//! - `psutil`, `df`, `node_exporter`: the peers, on the machine that runs the tests.
//! - `namespaces`: in a container's namespaces, a `root_path` shows the machine and not the container.
//!
//! Values move while they are read, and so a peer is asked before and after: a counter lies between its two readings always, any other
//! value lies between them once in a few rounds. What a machine lacks is printed as `skipped`.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a test")]

mod bracket;
mod df;
mod namespaces;
mod node_exporter;
mod psutil;
mod weir;
