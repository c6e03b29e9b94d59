//! The one HTTP stack of Weir.
//!
//! # Layout
//!
//! * [`listener`]: a small HTTP/1.1 server over a bound socket, with limits and a graceful end;
//! * [`body`]: reading a body under a cap, and undoing gzip under a cap.
//!
//! # Invariants
//!
//! * Every buffer that a peer can fill has a cap: headers and connections in the listener, bodies and what they
//!   inflate to in [`body`].
//! * Only HTTP/1.1. A listener for HTTP/2 comes with its first user: the servers here answer probes, scrapes and
//!   SDKs on plain TCP, none of which speaks HTTP/2 without TLS. It also keeps the time limit on headers whole: a
//!   server that must first sniff the version cannot time out a peer that sends nothing.

pub mod body;
pub mod listener;

pub use body::{BodyError, gunzip, read_body};
pub use listener::{BindError, Limits, Listener, hang_up};
