//! From datums to requests: as few as carry them, each within CloudWatch's limits.

use super::wire;

/// Datums in one request (API reference, PutMetricData).
pub const MAX_DATUMS: usize = 1000;
/// Bytes of one request before compression. The service says 1 MB, and not whether before or after gzip: the strictest
/// reading is taken.
pub const MAX_BYTES: usize = 1_000_000;

/// A datum, written, and what it stands for.
#[derive(Clone, Debug)]
pub struct Datum {
    /// What is sent, before compression.
    pub bytes: Box<[u8]>,
    /// How many points it was made of.
    pub points: u64,
    /// Its time, in seconds since the epoch.
    pub time: i64,
}

/// The size of a request's body beside its datums.
pub fn overhead_bytes(namespace: &str, datums: usize) -> usize {
    let mut body = Vec::new();
    wire::write_head(&mut body, namespace, datums);
    wire::write_end(&mut body);
    body.len()
}

/// Deals the datums into as few requests as hold them.
///
/// In turn, where the least number of requests that could do holds them so: neighbours compress better. Otherwise large and
/// small datums are mixed, so that neither the thousand nor the megabyte is full while the other is half empty: they are dealt
/// by size, back and forth over that number of requests; should one of these overflow, over one more. Within a request datums
/// keep their order.
pub fn pack(datums: Vec<Datum>, namespace: &str) -> Vec<Vec<Datum>> {
    let room = MAX_BYTES.saturating_sub(overhead_bytes(namespace, MAX_DATUMS)).max(1);
    let total: usize = datums.iter().map(|datum| datum.bytes.len()).sum();
    let least = datums.len().div_ceil(MAX_DATUMS).max(total.div_ceil(room));
    let place = in_turn(&datums, least, room).or_else(|| {
        let mut by_size: Vec<usize> = (0..datums.len()).collect();
        by_size.sort_by_key(|at| std::cmp::Reverse(datums[*at].bytes.len()));
        (least..=datums.len()).find_map(|requests| deal(&datums, &by_size, requests, room))
    });
    // One datum alone is at most 42 kB, so that as many requests as datums always do.
    let place = place.unwrap_or_else(|| (0..datums.len()).collect());
    let requests = place.iter().max().map_or(0, |last| last + 1);
    let mut packed: Vec<Vec<Datum>> = Vec::new();
    packed.resize_with(requests, || Vec::with_capacity(MAX_DATUMS.min(datums.len())));
    for (datum, request) in datums.into_iter().zip(place) {
        packed[request].push(datum);
    }
    packed
}

/// Which of `requests` of the same number of datums each goes to in turn; nothing when one of them overflows.
fn in_turn(datums: &[Datum], requests: usize, room: usize) -> Option<Vec<usize>> {
    let each = datums.len().div_ceil(requests.max(1)).max(1);
    let fits = |request: &[Datum]| request.iter().map(|datum| datum.bytes.len()).sum::<usize>() <= room;
    (each <= MAX_DATUMS && datums.chunks(each).all(fits))
        .then(|| (0..datums.len()).map(|at| at / each).collect())
}

/// Which of `requests` each datum goes to; nothing when one of them overflows.
fn deal(datums: &[Datum], by_size: &[usize], requests: usize, room: usize) -> Option<Vec<usize>> {
    let mut bytes = vec![0; requests];
    let mut count = vec![0; requests];
    let mut place = vec![0; datums.len()];
    for (turn, at) in by_size.iter().enumerate() {
        let (round, seat) = (turn / requests, turn % requests);
        let request = if round % 2 == 0 { seat } else { requests - 1 - seat };
        bytes[request] += datums[*at].bytes.len();
        count[request] += 1;
        if bytes[request] > room || count[request] > MAX_DATUMS {
            return None;
        }
        place[*at] = request;
    }
    Some(place)
}

#[cfg(test)]
pub(super) mod tests;
