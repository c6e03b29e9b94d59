//! How the bytes of a request arrive: piece by piece, each within the receiver's [`Room`](super::room::Room).

use http_body_util::BodyExt as _;
use hyper::body::{Body as _, Incoming};
use prost::bytes::{BufMut as _, Bytes, BytesMut};

use super::{answer::NotTakenIn, room::Held};

/// What is made room for before anything has come, in bytes: a length that is announced and never sent takes no more.
const READY: usize = 1 << 20;

/// The next bytes of a body that are not none.
pub(super) async fn piece(body: &mut Incoming, held: &mut Held<'_>) -> Result<Option<Bytes>, NotTakenIn> {
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|error| NotTakenIn::Malformed(error.to_string()))?;
        match frame.into_data() {
            Ok(data) if data.is_empty() => {}
            Ok(data) => {
                held.grow(data.len())?;
                return Ok(Some(data));
            }
            Err(_trailers) => {}
        }
    }
    Ok(None)
}

/// Goes on from `first` until there are `length` bytes or the body ends; `announced` of them are expected. The last piece may bring
/// more.
pub(super) async fn up_to(
    length: usize,
    announced: usize,
    first: Bytes,
    body: &mut Incoming,
    held: &mut Held<'_>,
) -> Result<Bytes, NotTakenIn> {
    if first.len() >= length {
        return Ok(first);
    }
    let Some(second) = piece(body, held).await? else { return Ok(first) };
    let mut all = BytesMut::with_capacity(announced.min(READY).max(first.len() + second.len()));
    all.put(first);
    all.put(second);
    while all.len() < length
        && let Some(more) = piece(body, held).await?
    {
        all.put(more);
    }
    Ok(all.freeze())
}

/// The whole body, of at most `max` bytes, which `key` sets. One that announces more is refused before any of it is read.
pub(super) async fn whole(
    body: &mut Incoming,
    max: usize,
    key: &'static str,
    held: &mut Held<'_>,
) -> Result<Bytes, NotTakenIn> {
    let too_large = || NotTakenIn::TooLarge { limit: max, key };
    let announced = body.size_hint();
    if announced.lower() > max as u64 {
        return Err(too_large());
    }
    let first = piece(body, held).await?.unwrap_or_default();
    let all = up_to(max.saturating_add(1), announced.lower() as usize, first, body, held).await?;
    if all.len() > max { Err(too_large()) } else { Ok(all) }
}
