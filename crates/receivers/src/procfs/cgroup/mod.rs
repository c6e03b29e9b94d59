//! Control groups (version 2): what one cgroup and the processes in it use, and are kept from.
//!
//! # Layout
//! - `own`: the scraper `cgroup`, of the pod that Weir is in, or of any one path.
//! - `pods`: the scraper `pods`, of every pod below a node's tree. Which pod a path is of says `weir-kubelet`.
//! - `group`: what one cgroup reports, and under which names; `parse`: the kernel's files; `files`: reading them.
//!
//! # What is kept
//! No file stays open: a node with 250 containers would hold thousands, and a service has 1024 by default. Of a known cgroup nothing is
//! allocated: paths, names of folders and contents share buffers.
//!
//! # When counters start
//! The kernel does not say when a cgroup was made. One that is new since the last scrape counted from zero after it: that time is its
//! start, so that `delta` loses nothing of it. Of one that was there at the first scrape the start is unknown.

mod files;
mod group;
mod own;
pub(super) mod parse;
mod pods;

pub(super) use own::Own;
#[cfg(test)]
pub(super) use own::folder;
pub(super) use pods::Pods;
