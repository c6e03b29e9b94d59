//! The one HTTP stack of Weir.
//!
//! # Layout
//!
//! * [`listener`]: a server of HTTP/1.1 and HTTP/2 over a bound socket, with limits and a graceful end; `connection` serves one
//!   connection, `stall` ends those whose peers take nothing;
//! * [`endpoint`]: where to listen, TCP or Unix;
//! * [`tls`]: certificates; [`auth`]: tokens and passwords; [`reload`]: files of either that change; [`cors`]: pages that may ask;
//! * [`client`]: a client, with TLS and proxies; [`get()`]: one request of a probe;
//! * [`body`]: reading a body under a cap; [`compression`]: undoing its encoding under a cap.
//!
//! # Invariants
//!
//! * Every buffer that a peer can fill has a cap: headers and connections in the listener, bodies in [`body`], and what they
//!   inflate to in [`compression`].
//! * Every wait for a peer has an end: for its first byte, the rest of a head, a sign of life, and for it to take an answer. Only
//!   the handler knows how long a body may take.
//! * The time here is the machine's: peers do not live by a compressed clock.

pub mod auth;
pub mod body;
pub mod client;
pub mod compression;
pub mod cors;
pub mod endpoint;
pub mod get;
pub mod listener;
pub mod reload;
pub mod tls;

mod connection;
mod stall;

pub use auth::{Authenticator, Denied};
pub use body::{BodyError, read_body};
pub use client::{ClientError, ClientSettings, ClientTls, HttpClient, Proxies, SystemRoots};
pub use compression::Encoding;
pub use connection::{PeerAddress, hang_up};
pub use cors::Cors;
pub use endpoint::{BindError, Endpoint};
pub use get::{GetError, get};
pub use listener::{Http2, Limits, Listener, Versions};
pub use reload::{LoadError, Reloaded};
pub use tls::{ServerTls, TlsServer, TlsVersion};
