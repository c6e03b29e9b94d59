//! The server as its clients see it.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests, and what only tests use")]

mod client;
mod faults;
mod interop;
mod wire;
