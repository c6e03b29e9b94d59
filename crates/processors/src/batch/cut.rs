use weir_core::{Ack, Batch, ExponentialHistogramPoint, HistogramPoint, Lease, NumberPoint, SummaryPoint};

/// How large a batch may be.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) points: u64,
    pub(super) bytes: u64,
}

/// Gives `batch` to `push`, in pieces within `limits`; a single point is a piece whatever its size.
pub(super) fn cut(mut batch: Batch, limits: Limits, mut push: impl FnMut(Batch)) {
    if batch.points() <= limits.points && batch.bytes() <= limits.bytes {
        push(batch);
        return;
    }
    // The acks of all whose points were gathered, in one part: each piece would carry all of them otherwise.
    let ack = std::mem::take(&mut batch.ack).shared();
    let mut cutter = Cutter { limits, lease: batch.lease.clone(), ack, push };
    let mut piece = cutter.piece();
    for point in &batch.numbers {
        cutter.make_room(&mut piece, size_of::<NumberPoint>());
        piece.numbers.push(*point);
    }
    for point in &batch.histograms {
        let (counts, bounds) = (batch.counts(point.counts), batch.bounds(point.bounds));
        cutter.make_room(&mut piece, size_of::<HistogramPoint>() + size_of_val(counts) + size_of_val(bounds));
        let counts = piece.push_counts(counts.iter().copied());
        let bounds = piece.push_bounds(bounds.iter().copied());
        piece.histograms.push(HistogramPoint { counts, bounds, ..*point });
    }
    for point in &batch.exponential_histograms {
        let (positive, negative) = (batch.counts(point.positive), batch.counts(point.negative));
        let size = size_of::<ExponentialHistogramPoint>() + size_of_val(positive) + size_of_val(negative);
        cutter.make_room(&mut piece, size);
        let positive = piece.push_counts(positive.iter().copied());
        let negative = piece.push_counts(negative.iter().copied());
        piece.exponential_histograms.push(ExponentialHistogramPoint { positive, negative, ..*point });
    }
    for point in &batch.summaries {
        let quantiles = batch.bounds(point.quantiles);
        cutter.make_room(&mut piece, size_of::<SummaryPoint>() + size_of_val(quantiles));
        let quantiles = piece.push_bounds(quantiles.iter().copied());
        piece.summaries.push(SummaryPoint { quantiles, ..*point });
    }
    cutter.finish(piece);
}

struct Cutter<P> {
    limits: Limits,
    lease: Lease,
    ack: Ack,
    push: P,
}

impl<P: FnMut(Batch)> Cutter<P> {
    fn piece(&self) -> Batch {
        Batch::under(self.lease.clone())
    }

    /// Sends `piece` on and begins the next one, if a point of `size` bytes would take it over a limit.
    fn make_room(&mut self, piece: &mut Batch, size: usize) {
        let full = piece.points() >= self.limits.points || piece.bytes() + size as u64 > self.limits.bytes;
        if full && !piece.is_empty() {
            let mut full = std::mem::replace(piece, self.piece());
            full.ack = self.ack.clone();
            (self.push)(full);
        }
    }

    fn finish(mut self, mut last: Batch) {
        last.ack = self.ack;
        (self.push)(last);
    }
}
