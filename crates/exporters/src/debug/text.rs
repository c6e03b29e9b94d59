//! Points in words.

use std::fmt::{self, Write};

use weir_core::{
    Attributes, Batch, Context, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint, Kind, Number,
    Series, SeriesId, SummaryPoint, Temporality, UnixNanos,
};

use super::Verbosity;

/// One point of any kind, as it is written.
struct Point {
    series: SeriesId,
    start: UnixNanos,
    time: UnixNanos,
    value: String,
}

/// A batch in words.
pub(super) fn batch(batch: &Batch, context: &Context, verbosity: Verbosity) -> String {
    let mut text = format!(
        "{}: {} points ({} numbers, {} histograms, {} exponential histograms, {} summaries)\n",
        context.id,
        batch.points(),
        batch.numbers.len(),
        batch.histograms.len(),
        batch.exponential_histograms.len(),
        batch.summaries.len(),
    );
    if verbosity == Verbosity::Basic {
        return text;
    }
    for point in &points(batch) {
        // A batch's lease keeps its series nameable (R1): there is always one.
        let Some(series) = context.interner.resolve(point.series) else { continue };
        // Writing to a string does not fail.
        let _ = match verbosity {
            Verbosity::Detailed => detailed(&mut text, point, &series),
            Verbosity::Basic | Verbosity::Normal => normal(&mut text, point, &series),
        };
    }
    text
}

fn normal(text: &mut String, point: &Point, series: &Series) -> fmt::Result {
    writeln!(text, "  {}{} = {}", series.descriptor().name, Set(series.attributes()), point.value)
}

fn detailed(text: &mut String, point: &Point, series: &Series) -> fmt::Result {
    let (descriptor, scope) = (series.descriptor(), series.scope());
    writeln!(text, "  {} ({}, unit `{}`)", descriptor.name, kind(descriptor), descriptor.unit)?;
    writeln!(text, "    resource: {}", Set(&series.resource().attributes))?;
    writeln!(text, "    scope: {} {} {}", scope.name, scope.version, Set(&scope.attributes))?;
    writeln!(text, "    attributes: {}", Set(series.attributes()))?;
    if point.start != UnixNanos(0) {
        writeln!(text, "    start: {}", Time(point.start))?;
    }
    writeln!(text, "    time: {}", Time(point.time))?;
    writeln!(text, "    value: {}", point.value)
}

fn points(batch: &Batch) -> Vec<Point> {
    let numbers = batch.numbers.iter().map(|p| {
        let value = match p.value() {
            _ if p.flags.has(Flags::NO_RECORDED_VALUE) => "none recorded".to_owned(),
            Number::Int(value) => value.to_string(),
            Number::Double(value) => value.to_string(),
        };
        Point { series: p.series, start: p.start, time: p.time, value }
    });
    let histograms = batch.histograms.iter().map(|p| Point {
        series: p.series,
        start: p.start,
        time: p.time,
        value: histogram(batch, p),
    });
    let exponential = batch.exponential_histograms.iter().map(|p| Point {
        series: p.series,
        start: p.start,
        time: p.time,
        value: exponential_histogram(batch, p),
    });
    let summaries = batch.summaries.iter().map(|p| Point {
        series: p.series,
        start: p.start,
        time: p.time,
        value: summary(batch, p),
    });
    numbers.chain(histograms).chain(exponential).chain(summaries).collect()
}

fn histogram(batch: &Batch, p: &HistogramPoint) -> String {
    let (counts, bounds) = (batch.counts(p.counts), batch.bounds(p.bounds));
    let statistics = statistics(p.count, p.flags, [p.sum, p.min, p.max]);
    format!("{statistics}, bounds {bounds:?}, counts {counts:?}")
}

fn exponential_histogram(batch: &Batch, p: &ExponentialHistogramPoint) -> String {
    let (positive, negative) = (batch.counts(p.positive), batch.counts(p.negative));
    format!(
        "{}, scale {}, zero {} (within {}), positive from {}: {positive:?}, negative from {}: {negative:?}",
        statistics(p.count, p.flags, [p.sum, p.min, p.max]),
        p.scale,
        p.zero_count,
        p.zero_threshold,
        p.positive_offset,
        p.negative_offset,
    )
}

fn summary(batch: &Batch, p: &SummaryPoint) -> String {
    let pairs = batch.bounds(p.quantiles).chunks_exact(2);
    let quantiles: Vec<String> = pairs.map(|pair| format!("{}: {}", pair[0], pair[1])).collect();
    format!("count {}, sum {}, quantiles {{{}}}", p.count, p.sum, quantiles.join(", "))
}

fn statistics(count: u64, flags: Flags, [sum, min, max]: [f64; 3]) -> String {
    let mut text = format!("count {count}");
    for (flag, name, value) in [(Flags::SUM, "sum", sum), (Flags::MIN, "min", min), (Flags::MAX, "max", max)]
    {
        if flags.has(flag) {
            // Writing to a string does not fail.
            let _ = write!(text, ", {name} {value}");
        }
    }
    text
}

fn kind(descriptor: &Descriptor) -> String {
    let temporality = match descriptor.temporality {
        Temporality::Unspecified => "",
        Temporality::Delta => "delta ",
        Temporality::Cumulative => "cumulative ",
    };
    let monotonic = if descriptor.monotonic { "monotonic " } else { "" };
    let kind = match descriptor.kind {
        Kind::Gauge => "gauge",
        Kind::Sum => "sum",
        Kind::Histogram => "histogram",
        Kind::ExponentialHistogram => "exponential histogram",
        Kind::Summary => "summary",
    };
    format!("{temporality}{monotonic}{kind}")
}

/// Attributes as `{a=1, b=x}`.
struct Set<'a>(&'a Attributes);

impl fmt::Display for Set<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, attribute) in self.0.iter().enumerate() {
            let separator = if i == 0 { "" } else { ", " };
            write!(f, "{separator}{}={}", attribute.key, attribute.value)?;
        }
        f.write_str("}")
    }
}

/// A time as RFC 3339 writes it, in UTC, to the nanosecond.
struct Time(UnixNanos);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, nanos) = (self.0.0 / 1_000_000_000, self.0.0 % 1_000_000_000);
        let (days, second) = (seconds / 86_400, seconds % 86_400);
        let (year, month, day) = civil(days);
        let (hour, minute) = (second / 3600, second / 60 % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{:02}.{nanos:09}Z", second % 60)
    }
}

/// `time` as [`Time`] writes it.
#[cfg(test)]
pub(super) fn rfc3339(time: UnixNanos) -> String {
    Time(time).to_string()
}

/// The date of a day since 1970-01-01, in the proleptic Gregorian calendar: counted in years that begin in March, so
/// that a leap day is the last of its year.
fn civil(days: u64) -> (u64, u64, u64) {
    const DAYS_TO_1970: u64 = 719_468; // from 0000-03-01
    const DAYS_IN_ERA: u64 = 146_097; // 400 years
    let days = days + DAYS_TO_1970;
    let (era, day_of_era) = (days / DAYS_IN_ERA, days % DAYS_IN_ERA);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / (DAYS_IN_ERA - 1)) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    (year, month, day)
}
