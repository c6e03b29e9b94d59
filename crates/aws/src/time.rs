//! The context's clock, as the SDK wants it (R9): signatures, and when credentials expire.

use std::time::{Duration, SystemTime};

use aws_smithy_async::time::TimeSource;
use weir_core::{Clock, UnixNanos};

/// A clock for the SDK.
#[derive(Clone, Debug)]
pub(crate) struct ClockTime(pub(crate) Clock);

impl TimeSource for ClockTime {
    fn now(&self) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_nanos(self.0.now().0)
    }
}

/// What the SDK calls a time, as ours; zero for what lies before 1970.
pub(crate) fn unix_nanos(time: SystemTime) -> UnixNanos {
    UnixNanos(0).plus(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default())
}
