//! Periods aligned to the wall clock.

use std::time::Duration;

const NANOS_PER_SEC: u64 = 1_000_000_000;

/// Lengths below a minute that CloudWatch stores at high resolution, in seconds.
const HIGH_RESOLUTION_SECS: [u32; 4] = [1, 5, 10, 30];

/// The length of a period: 1, 5, 10 or 30 seconds, or a multiple of 60 seconds.
///
/// Periods are half-open, `start ≤ t < end`, and start at multiples of their length since the Unix epoch, so that the
/// periods of every sender coincide, and coincide with the ones that CloudWatch reads by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Period {
    secs: u32,
}

/// A length that cannot be a period.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("period {found:?} is not 1s, 5s, 10s, 30s or a multiple of 60s")]
pub struct PeriodError {
    /// The length that was asked for.
    pub found: Duration,
}

impl Period {
    /// One minute, CloudWatch's standard resolution.
    pub const MINUTE: Self = Self { secs: 60 };

    /// A period of this length. The lengths are those of `GetMetricData`; anything else would be stored, but never
    /// read back in the buckets it was cut in.
    pub fn new(length: Duration) -> Result<Self, PeriodError> {
        let error = PeriodError { found: length };
        let secs = u32::try_from(length.as_secs()).map_err(|_| error)?;
        let high_resolution = HIGH_RESOLUTION_SECS.contains(&secs);
        let whole_minutes = secs != 0 && secs.is_multiple_of(60);
        if length.subsec_nanos() == 0 && (high_resolution || whole_minutes) {
            Ok(Self { secs })
        } else {
            Err(error)
        }
    }

    /// The length of the period.
    pub fn length(self) -> Duration {
        Duration::from_secs(u64::from(self.secs))
    }

    /// The first instant of the period that holds `unix_nanos`, in nanoseconds since the Unix epoch.
    pub fn start_of(self, unix_nanos: u64) -> u64 {
        unix_nanos - unix_nanos % self.nanos()
    }

    /// The first instant after the period that holds `unix_nanos`, in nanoseconds since the Unix epoch. The last
    /// period that 64 bits can name, in the year 2554, ends at [`u64::MAX`].
    pub fn end_of(self, unix_nanos: u64) -> u64 {
        self.start_of(unix_nanos).saturating_add(self.nanos())
    }

    /// The length in nanoseconds: at most 2³² seconds, which 64 bits hold four times over.
    fn nanos(self) -> u64 {
        u64::from(self.secs) * NANOS_PER_SEC
    }
}

impl TryFrom<Duration> for Period {
    type Error = PeriodError;

    fn try_from(length: Duration) -> Result<Self, PeriodError> {
        Self::new(length)
    }
}

#[cfg(test)]
mod tests;
