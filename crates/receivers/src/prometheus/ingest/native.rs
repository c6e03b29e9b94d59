//! Native histograms: exponential histograms of OpenTelemetry.

use weir_core::{Batch, ExponentialHistogramPoint, Flags, Reason, SeriesId, UnixNanos};
use weir_exposition::{
    family::Part,
    protobuf::messages::{BucketSpan, Histogram},
    text::Reading,
};

use super::{
    Failure,
    body::Work,
    protobuf::{Of, labels_of},
    reasons::{BAD_HISTOGRAM, DUPLICATE_SAMPLE, FLOAT_HISTOGRAM, REPEATED_SAMPLE},
};

/// The resolutions of native histograms (Prometheus, "Native histograms": schema).
const SCHEMAS: std::ops::RangeInclusive<i32> = -4..=8;
/// OpenTelemetry's lowest scale in use: every double is in one of two buckets then.
const LOWEST_SCALE: i32 = -10;
/// How far apart the first and last bucket of a side may be before it is made coarser: what lies between is written out.
const MOST_BUCKETS: i64 = 4096;

impl Work<'_> {
    /// Takes a native histogram: one sample, and one point.
    pub(super) fn native(&mut self, of: Of<'_>, histogram: Histogram) -> Result<(), Failure> {
        const SUFFIX: &str = "(native)";
        self.exemplars += histogram.exemplars.len() as u64;
        self.native = Some(histogram);
        let reading = Reading { value: 0.0, timestamp: of.timestamp, exemplar: None };
        self.key_of(of.labels, SUFFIX, None);
        let taken = match self.target.lines.find(self.family, &self.key) {
            Some(at) => self.known(at, &reading),
            None => {
                let (key, family) = (std::mem::take(&mut self.key), Some((self.family, Part::Native)));
                let learned = self.learn_part(&key, of.name, &labels_of(of.labels), &reading, family);
                self.key = key;
                learned
            }
        };
        self.native = None;
        taken
    }

    /// Makes a point of the native histogram at hand.
    pub(super) fn native_point(
        &mut self,
        place: u32,
        time: UnixNanos,
        is_timed: bool,
    ) -> Result<(), Failure> {
        let Some(histogram) = self.native.take() else { return Ok(()) };
        self.created_at(place, histogram.created_timestamp);
        let read = match histogram.is_of_floats() {
            true => Err(FLOAT_HISTOGRAM),
            false => Buckets::read(&histogram, self.target.settings.limits.native_buckets),
        };
        let target = &mut *self.target;
        let Some(held) = target.table.get_mut(place) else { return Ok(()) };
        if is_timed && time <= target.presence.sent(held) && held.seen != target.scrape {
            target.presence.enter(held, target.scrape, true);
            self.left(REPEATED_SAMPLE);
            return Ok(());
        }
        let read = if held.seen == target.scrape { Err(DUPLICATE_SAMPLE) } else { read };
        match read {
            Ok(buckets) => {
                target.presence.enter(held, target.scrape, is_timed);
                held.time = time;
                let start = held.start_before(time);
                buckets.push(self.points.open(target.door.interner()), held.id, start, time, &histogram);
                self.check_room()
            }
            Err(reason) => self.refuse_point(reason, place),
        }
    }
}

/// The buckets of a native histogram at a scale at which they can be written out.
struct Buckets {
    scale: i32,
    positive: Side,
    negative: Side,
}

/// Buckets of one side: index and count, ascending. The index is OpenTelemetry's, whose buckets begin where Prometheus's of the same
/// number end.
#[derive(Default)]
struct Side(Vec<(i64, u64)>);

impl Buckets {
    fn read(histogram: &Histogram, limit: usize) -> Result<Self, Reason> {
        let scale = histogram.schema.filter(|schema| SCHEMAS.contains(schema)).ok_or(BAD_HISTOGRAM)?;
        let positive = Side::read(&histogram.positive_span, &histogram.positive_delta)?;
        let negative = Side::read(&histogram.negative_span, &histogram.negative_delta)?;
        let mut buckets = Self { scale, positive, negative };
        let counted = [&buckets.positive, &buckets.negative].into_iter().flat_map(|side| &side.0);
        let total = counted.map(|(_, count)| *count).try_fold(histogram.zero_count, u64::checked_add);
        // Values that are not numbers are counted, and in no bucket.
        if total.is_none_or(|total| total > histogram.sample_count) || histogram.zero_threshold.is_nan() {
            return Err(BAD_HISTOGRAM);
        }
        while !buckets.fit(limit) {
            if buckets.scale <= LOWEST_SCALE {
                return Err(BAD_HISTOGRAM);
            }
            buckets.scale -= 1;
            buckets.positive.halve();
            buckets.negative.halve();
        }
        Ok(buckets)
    }

    fn fit(&self, limit: usize) -> bool {
        let sides = [&self.positive, &self.negative];
        let filled: usize = sides.iter().map(|side| side.0.len()).sum();
        sides.iter().all(|side| side.width() <= MOST_BUCKETS) && (limit == 0 || filled <= limit)
    }

    fn push(
        &self,
        batch: &mut Batch,
        series: SeriesId,
        start: UnixNanos,
        time: UnixNanos,
        histogram: &Histogram,
    ) {
        let positive = batch.push_counts(self.positive.written_out());
        let negative = batch.push_counts(self.negative.written_out());
        batch.exponential_histograms.push(ExponentialHistogramPoint {
            series,
            flags: Flags::SUM,
            start,
            time,
            count: histogram.sample_count,
            sum: histogram.sample_sum,
            min: 0.0,
            max: 0.0,
            scale: self.scale,
            zero_count: histogram.zero_count,
            zero_threshold: histogram.zero_threshold,
            positive_offset: self.positive.first(),
            positive,
            negative_offset: self.negative.first(),
            negative,
        });
    }
}

impl Side {
    fn read(spans: &[BucketSpan], deltas: &[i64]) -> Result<Self, Reason> {
        let (mut buckets, mut index, mut count, mut deltas) = (Vec::new(), 0_i64, 0_i64, deltas.iter());
        for span in spans {
            index += i64::from(span.offset);
            for _ in 0..span.length {
                let delta = deltas.next().ok_or(BAD_HISTOGRAM)?;
                count = count.checked_add(*delta).ok_or(BAD_HISTOGRAM)?;
                let filled = u64::try_from(count).map_err(|_| BAD_HISTOGRAM)?;
                if buckets.last().is_some_and(|(last, _)| *last >= index - 1) {
                    return Err(BAD_HISTOGRAM);
                }
                // OpenTelemetry's index is of 32 bits.
                i32::try_from(index - 1).map_err(|_| BAD_HISTOGRAM)?;
                buckets.push((index - 1, filled));
                index += 1;
            }
        }
        if deltas.next().is_some() {
            return Err(BAD_HISTOGRAM);
        }
        buckets.retain(|(_, filled)| *filled > 0);
        Ok(Self(buckets))
    }

    /// From the first bucket to the last.
    fn width(&self) -> i64 {
        match (self.0.first(), self.0.last()) {
            (Some((first, _)), Some((last, _))) => last - first + 1,
            _ => 0,
        }
    }

    fn first(&self) -> i32 {
        self.0.first().and_then(|(first, _)| i32::try_from(*first).ok()).unwrap_or_default()
    }

    /// Two buckets become one.
    fn halve(&mut self) {
        self.0.iter_mut().for_each(|(index, _)| *index >>= 1);
        self.0.dedup_by(|later, earlier| {
            let same = later.0 == earlier.0;
            if same {
                earlier.1 += later.1;
            }
            same
        });
    }

    /// Every count from the first bucket to the last.
    fn written_out(&self) -> impl Iterator<Item = u64> {
        let mut next = self.0.first().map_or(0, |(first, _)| *first);
        self.0.iter().flat_map(move |(index, count)| {
            let empty = usize::try_from(index - next).unwrap_or_default();
            next = index + 1;
            std::iter::repeat_n(0, empty).chain([*count])
        })
    }
}
