//! From a request to batches: every point is resolved to its series here, once (R1, R5).
//!
//! [`resolve_bytes`] is all that the transports know. It walks the bytes ([`walk`]). What the walk cannot tell is left to prost: it
//! knows what is malformed, and what is only written in a rare way it writes anew, so that it can be walked.

use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::{DecodeError, Message as _};
use weir_core::{Batch, Door};

use super::{peer::Peer, refusals::Refusals, tree::tree_size, walk::walk};

/// How much larger than a request its tree may be. The usual ones are six times as large, those of tiny points fifteen times.
const TREE_PER_BYTE: usize = 24;
/// However small the request, its tree may take as many bytes.
const SMALL_TREE: usize = 64 * 1024;

/// What a request has become.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The points that were taken, in batches of at most [`MAX_POINTS`](weir_core::MAX_POINTS), without acks yet.
    pub batches: Vec<Batch>,
    /// How many points the request brought, refused ones included.
    pub points: u64,
    /// How many points went to the overflow series, as the door has counted them.
    pub overflowed: u64,
    /// How many exemplars were left behind.
    pub exemplars: u64,
    /// The points that were not taken.
    pub refused: Refusals,
}

/// The bytes are not an `ExportMetricsServiceRequest`.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Malformed {
    /// They are not protobuf, or not of this message.
    #[error(transparent)]
    Protobuf(#[from] DecodeError),
    /// They are, but written so that far more memory is needed than such a request has any use for.
    #[error("{size} bytes of rarely used encodings, which would take {tree} bytes of memory")]
    Bomb {
        /// The size of the request in bytes.
        size: usize,
        /// The size of its tree in bytes.
        tree: usize,
    },
    /// They are, and it is a defect of Weir that it cannot read them.
    #[error("an encoding that is legal and not understood")]
    NotUnderstood,
}

/// Decodes an `ExportMetricsServiceRequest` and resolves its points at `door`. `peer` is who sent it, where that is part of
/// the sender.
///
/// # Errors
/// The bytes are not such a message.
pub fn resolve_bytes(body: &[u8], door: &Door, peer: Option<&Peer>) -> Result<Decoded, Malformed> {
    walk(body, door, peer, false).or_else(|_| {
        let written_anew = written_anew(body)?;
        walk(&written_anew, door, peer, true).map_err(|_| Malformed::NotUnderstood)
    })
}

/// The same request in its usual encoding.
fn written_anew(body: &[u8]) -> Result<Vec<u8>, Malformed> {
    let tree = tree_size(body);
    if tree > SMALL_TREE.max(body.len().saturating_mul(TREE_PER_BYTE)) {
        return Err(Malformed::Bomb { size: body.len(), tree });
    }
    Ok(ExportMetricsServiceRequest::decode(body)?.encode_to_vec())
}
