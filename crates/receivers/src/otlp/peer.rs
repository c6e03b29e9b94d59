//! Who sent a request, beyond what the request says: for receivers that include metadata.

use weir_core::KeyValue;

/// The sender of a request, as the transport knows it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// What tells two peers with equal resources apart. It is part of the sender (R5) and of the identity of its streams.
    pub key: String,
    /// What is known of the peer, such as `client.address`. Its series have these among the attributes of their resource, and
    /// where the sender claims one of them too, these win. Peers of one key have the same attributes.
    pub attributes: Vec<KeyValue>,
}
