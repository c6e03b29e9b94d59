//! Periods and distributions: what one series did between two ticks of the wall clock.
//!
//! CloudWatch is paid for by the metric and limited by the request, so everything that a series says within one
//! period travels as one datum. This crate holds the arithmetic of that and nothing else: no clock, no I/O, no series.
//!
//! # Layout
//! - [`Period`]: the length of a period, aligned to the wall clock, and which period an instant belongs to.
//! - [`Distribution`]: the samples of one stream in one period; [`Refused`] says what cannot be a sample.
//! - [`exponential`], [`explicit`]: arithmetic on histograms as senders count them: merging, differences, bounds.
//! - [`Values`]: a closed distribution, as `Values` and `Counts` of a datum, with the error that merging cost.
//!
//! # What is a sample
//! - Each point of a **gauge**, and of a cumulative sum that is not monotonic: its value.
//! - Each point of a **delta sum**: its increment. The `Sum` of the period is then the total of the counter and
//!   `SampleCount` the number of points, so `Sum` is right however the sender cut its increments.
//!
//! - Each value of a **delta histogram**, as far as its buckets and totals tell: buckets stay buckets until the distribution is
//!   closed, or joined with anything else.
//!
//! All kinds are therefore the same [`Distribution`], and merge with each other; there is no accumulator per kind.
//!
//! # How exact
//! Count, minimum and maximum are exact; the sum is compensated, so exact but for one or two last bits. All distinct
//! values are kept as long as they fit the datum (150). Beyond that values are merged as described at
//! [`Distribution::into_values`]: the whole percentiles and the usual tails stay within 1 %, every other rank within
//! [`Values::worst_relative_error`]. Of histograms the totals are as exact as the sender told them, and each value is in the
//! bucket of its samples.

mod cells;
mod distribution;
pub mod explicit;
pub mod exponential;
mod histogram;
mod period;
mod recent;
mod sum;
mod values;

pub use distribution::{Distribution, MAX_COUNT, MAX_MAGNITUDE, Refused};
pub use exponential::{Buckets, Exponential};
pub use histogram::Totals;
pub use period::{Period, PeriodError};
pub use values::{Statistics, Values};
