//! The samples of one histogram.

use crate::{FamilyType, Fault, family::Part, number};

/// What has come of a histogram.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    /// The time that its samples are of: a later one begins anew.
    time: Option<i64>,
    /// The last bucket: its bound and its count.
    last: Option<(f64, f64)>,
    count: Option<f64>,
    sum: Option<f64>,
    has_negative_buckets: bool,
}

impl Histogram {
    pub(super) fn take(
        &mut self,
        part: Part,
        bound: Option<&str>,
        value: f64,
        time: Option<i64>,
    ) -> Result<(), Fault> {
        if time > self.time {
            *self = Self { time, ..Self::default() };
        }
        match part {
            Part::Bucket => {
                let bound = bound.and_then(|bound| number::value(bound.as_bytes())).unwrap_or(f64::NAN);
                if let Some((last_bound, last_count)) = self.last {
                    if bound <= last_bound {
                        return Err(Fault::rule("buckets of a histogram out of order"));
                    }
                    if value < last_count {
                        return Err(Fault::rule("a bucket of a histogram with less than the one before"));
                    }
                }
                self.has_negative_buckets |= bound < 0.0;
                self.last = Some((bound, value));
            }
            Part::Count | Part::GaugeCount => self.count = Some(value),
            Part::Sum | Part::GaugeSum => self.sum = Some(value),
            _ => {}
        }
        Ok(())
    }

    /// All of it has come.
    pub(super) fn check(&self, family_type: FamilyType) -> Result<(), &'static str> {
        let Some((_, total)) = self.last.filter(|(bound, _)| *bound == f64::INFINITY) else {
            return Err("no bucket of +Inf");
        };
        if self.count.is_some() != self.sum.is_some() {
            return Err("a sum without a count, or a count without a sum,");
        }
        if self.count.is_some_and(|count| !is(count, total)) {
            return Err("a count that is not that of the bucket of +Inf");
        }
        match (family_type, self.sum) {
            (FamilyType::Histogram, Some(_)) if self.has_negative_buckets => {
                Err("a sum beside negative buckets, so that it may fall,")
            }
            (FamilyType::GaugeHistogram, Some(sum)) if sum < 0.0 && !self.has_negative_buckets => {
                Err("a negative sum without negative buckets")
            }
            _ => Ok(()),
        }
    }
}

/// Whether a value is exactly this one.
#[expect(clippy::float_cmp, reason = "the specification names the value")]
pub(super) fn is(value: f64, this: f64) -> bool {
    value == this
}
