//! Who sent a request, where that shall be known: `include_metadata` and `metadata_keys`.

use std::net::IpAddr;

use hyper::{HeaderMap, Request, header::HeaderName};
use weir_core::{KeyValue, Value};
use weir_net::PeerAddress;

use super::peer::Peer;

/// The attribute of the peer's address, as the semantic conventions call it.
const ADDRESS: &str = "client.address";
/// What the attributes of headers begin with.
const HEADER: &str = "metadata.";

/// What is asked of every request.
#[derive(Clone, Debug)]
pub(super) enum Metadata {
    /// Nothing: senders of equal resources are one sender.
    Left,
    /// The peer's address, and these headers.
    Included(Vec<HeaderName>),
}

impl Metadata {
    /// The sender of `request`; none where that does not matter.
    pub(super) fn peer<B>(&self, request: &Request<B>) -> Option<Peer> {
        let Self::Included(names) = self else { return None };
        let address = request.extensions().get::<PeerAddress>().and_then(|peer| peer.0);
        Some(peer(address, request.headers(), names))
    }
}

fn peer(address: Option<IpAddr>, headers: &HeaderMap, names: &[HeaderName]) -> Peer {
    let mut peer = Peer::default();
    let mut add = |key: String, value: String| {
        // A line feed is in no header's name or value, so different peers have different keys.
        peer.key.push_str(&format!("{key}:{value}\n"));
        peer.attributes.push(KeyValue::new(key, Value::Str(value.into())));
    };
    if let Some(address) = address {
        add(ADDRESS.to_owned(), address.to_string());
    }
    for name in names {
        let values: Vec<_> =
            headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes())).collect();
        if !values.is_empty() {
            // As HTTP joins the values of a header that stands several times (RFC 9110, 5.3).
            add(format!("{HEADER}{name}"), values.join(", "));
        }
    }
    peer
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn of(headers: &[(&'static str, &'static str)], address: Option<&str>) -> Peer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(*name, HeaderValue::from_static(value));
        }
        let names = ["x-tenant", "x-zone"].map(HeaderName::from_static);
        peer(address.map(|address| address.parse().unwrap()), &map, &names)
    }

    #[test]
    fn the_address_and_the_headers_that_are_there_become_attributes() {
        let peer = of(&[("x-zone", "a"), ("x-other", "b")], Some("10.1.2.3"));
        let text = |value: &str| Value::Str(value.into());
        let expected =
            [KeyValue::new("client.address", text("10.1.2.3")), KeyValue::new("metadata.x-zone", text("a"))];
        assert_eq!(peer.attributes, expected);
        assert_eq!(of(&[], None), Peer::default(), "by a Unix socket and without headers nothing is known");
        let twice = of(&[("x-zone", "a"), ("x-zone", "b")], None);
        assert_eq!(twice.attributes, [KeyValue::new("metadata.x-zone", text("a, b"))]);
    }

    #[test]
    fn peers_that_differ_in_anything_have_different_keys() {
        let peers = [
            of(&[], Some("10.1.2.3")),
            of(&[], Some("10.1.2.4")),
            of(&[("x-zone", "a")], Some("10.1.2.3")),
            of(&[("x-tenant", "a")], Some("10.1.2.3")),
            of(&[("x-tenant", "a"), ("x-zone", "a")], Some("10.1.2.3")),
            of(&[("x-tenant", "a")], None),
        ];
        for (at, one) in peers.iter().enumerate() {
            assert!(peers[at + 1..].iter().all(|other| other.key != one.key), "{one:?}");
        }
    }
}
