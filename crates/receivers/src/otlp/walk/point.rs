//! What the kinds of points have in common.

use weir_core::{Batch, Flags, Reason, SeriesId};

use super::{
    aside::Aside,
    wire::{Fields, Odd},
};

/// A point of one of OTLP's kinds, as its fields say.
pub(super) trait Point<'b>: Sized {
    /// Reads the fields of a point.
    fn read(fields: Fields<'b>, aside: &mut Aside<'_, 'b>) -> Result<Self, Odd>;
    /// Nanoseconds since the epoch; zero where it is not known.
    fn time(&self) -> u64;
    /// Why the point cannot be used, if so.
    fn check(&self) -> Result<(), Reason>;
    /// Puts a point that passed the check into `batch`.
    fn push(self, batch: &mut Batch, series: SeriesId);
}

/// OTLP's flags; the bits that it reserves mean nothing.
#[inline]
pub(super) fn flags(sent: u64) -> Flags {
    const NO_RECORDED_VALUE: u64 = 1;
    if sent & NO_RECORDED_VALUE == 0 { Flags::default() } else { Flags::NO_RECORDED_VALUE }
}

/// Numbers that may be set or not: which are.
pub(super) fn present(sum: Option<f64>, min: Option<f64>, max: Option<f64>) -> Flags {
    [(sum, Flags::SUM), (min, Flags::MIN), (max, Flags::MAX)]
        .into_iter()
        .filter(|(value, _)| value.is_some())
        .fold(Flags::default(), |flags, (_, flag)| flags.with(flag))
}
