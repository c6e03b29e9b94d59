//! What has arrived, as text.

use std::collections::BTreeMap;

use weir_cloudwatch_local::SeriesSummary;

use super::screen::Size;

/// Rows kept free for the log above the table and its own heads.
const MARGIN: usize = 5;
/// The fewest rows that are worth a table.
const FEWEST: usize = 8;

/// A datapoint that was shown: its period and how much was in it.
pub(super) type Seen = (i64, u64);

/// A table that fits the terminal: every metric has a row, and as many of its dimension sets as there is room for.
pub(super) fn whole(series: &[SeriesSummary], size: Size) -> String {
    if series.is_empty() {
        return "nothing has arrived yet: the first period is still open\n".to_owned();
    }
    let mut by_metric: BTreeMap<(&str, &str), Vec<&SeriesSummary>> = BTreeMap::new();
    for one in series {
        by_metric.entry((&one.metric.namespace, &one.metric.name)).or_default().push(one);
    }
    let rows = size.rows.saturating_sub(MARGIN).max(FEWEST);
    let each = (rows / by_metric.len()).max(1);
    let hidden_metrics = by_metric.len().saturating_sub(rows);
    let mut lines = vec![heads()];
    for mut sets in by_metric.into_values().take(rows) {
        // Those that moved come first: a disk that nobody uses tells little.
        sets.sort_by_key(|one| one.last.maximum == 0.0);
        let more = sets.len().saturating_sub(each);
        let last = sets.len().min(each) - 1;
        for (at, one) in sets.into_iter().take(each).enumerate() {
            let more = if at == last && more > 0 { format!("  (+{more} more)") } else { String::new() };
            lines.push(row(one) + &more);
        }
    }
    if hidden_metrics > 0 {
        lines.push(format!("… and {hidden_metrics} more metrics"));
    }
    let cut = |line: String| line.chars().take(size.columns).collect::<String>() + "\n";
    lines.into_iter().map(cut).collect()
}

/// A line for each datapoint that was not shown before.
pub(super) fn news(series: &[SeriesSummary], shown: &mut BTreeMap<String, Seen>) -> String {
    let mut text = String::new();
    for one in series {
        let seen = (one.last.start_s, one.last.count.to_bits());
        if shown.insert(key(one), seen) != Some(seen) {
            text += &(row(one) + "\n");
        }
    }
    text
}

fn key(one: &SeriesSummary) -> String {
    format!("{} {} {} {:?}", one.metric.namespace, one.metric.name, dimensions(one), one.unit)
}

fn heads() -> String {
    format!(
        "{:<8} {:<10} {:<32} {:>5} {:>14} {:>14} {:>14}  DIMENSIONS",
        "TIME", "NAMESPACE", "METRIC", "COUNT", "AVERAGE", "MINIMUM", "MAXIMUM"
    )
}

fn row(one: &SeriesSummary) -> String {
    let last = &one.last;
    let average = if last.count > 0.0 { last.sum / last.count } else { 0.0 };
    format!(
        "{:<8} {:<10} {:<32} {:>5} {:>14} {:>14} {:>14}  {}",
        time_of_day(last.start_s),
        one.metric.namespace,
        one.metric.name,
        last.count,
        short(average),
        short(last.minimum),
        short(last.maximum),
        dimensions(one)
    )
}

fn dimensions(one: &SeriesSummary) -> String {
    one.metric.dimensions.iter().map(|d| format!("{}={}", d.name, d.value)).collect::<Vec<_>>().join(" ")
}

/// A number in at most 14 characters.
fn short(value: f64) -> String {
    if value.abs() >= 1e13 {
        format!("{value:.6e}")
    } else if value.fract() == 0.0 {
        format!("{value}")
    } else if value.abs() >= 0.001 {
        let digits = if value.abs() >= 1e8 { 0 } else { 4 };
        format!("{value:.digits$}")
    } else {
        format!("{value:.3e}")
    }
}

fn time_of_day(seconds: i64) -> String {
    let of_day = seconds.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

#[cfg(test)]
mod tests {
    use weir_cloudwatch_local::{Datapoint, Dimension, MetricId, Resolution, Unit};

    use super::*;

    fn series(name: &str, set: &str, maximum: f64) -> SeriesSummary {
        let last = Datapoint {
            start_s: 1_800_000_061,
            resolution: Resolution::Minute,
            unit: Unit::NONE,
            count: 2.0,
            sum: 2.0 * maximum,
            minimum: maximum,
            maximum,
            values: None,
        };
        let dimensions = vec![Dimension { name: "cpu".to_owned(), value: set.to_owned() }];
        let metric = MetricId { namespace: "Weir".to_owned(), name: name.to_owned(), dimensions };
        SeriesSummary { metric, unit: Unit::NONE, last, total_count: 2.0, total_sum: 2.0 * maximum }
    }

    #[test]
    fn every_metric_has_a_row_and_what_moved_comes_first() {
        let mut all: Vec<_> = (0..40).map(|i| series("a", &format!("c{i}"), f64::from(i % 2))).collect();
        all.push(series("b", "c0", 3.0));
        let text = whole(&all, Size { rows: 11, columns: 200 });
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 1 + 4 + 1, "{text}");
        assert!(lines[1].ends_with("cpu=c1") && lines[4].ends_with("cpu=c7  (+36 more)"), "{text}");
        assert!(lines[5].contains(" b ") && lines[5].starts_with("08:01:01"), "{text}");
    }

    #[test]
    fn lines_fit_the_terminal() {
        let text = whole(&[series("a", &"x".repeat(300), 1.0)], Size { rows: 24, columns: 60 });
        assert!(text.lines().all(|line| line.chars().count() <= 60), "{text}");
    }

    #[test]
    fn a_datapoint_is_news_once() {
        let mut shown = BTreeMap::new();
        let mut all = vec![series("a", "c", 1.0)];
        assert_eq!(news(&all, &mut shown).lines().count(), 1);
        assert_eq!(news(&all, &mut shown), "");
        all[0].last.count += 1.0;
        assert_eq!(news(&all, &mut shown).lines().count(), 1);
    }

    #[test]
    fn numbers_stay_short() {
        for (value, text) in [
            (16_000_000_000.0, "16000000000"),
            (0.123_456, "0.1235"),
            (0.000_012_34, "1.234e-5"),
            (1.5e15, "1.500000e15"),
            (0.0, "0"),
            (123_456_789.123, "123456789"),
        ] {
            assert_eq!(short(value), text);
            assert!(short(-value).len() <= 14);
        }
    }
}
