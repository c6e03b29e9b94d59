//! The server as its clients see it.

mod client;
mod faults;
mod interop;
mod wire;
