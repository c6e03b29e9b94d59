//! `--local`: a CloudWatch in memory, and a table of what has arrived in it.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    io::{IsTerminal, Write as _, stdout},
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use weir_cloudwatch_local::{BindError, CloudWatchLocal, Options, SeriesSummary};
use weir_core::Clock;

/// How often the table is drawn anew.
const REFRESH: Duration = Duration::from_secs(1);
/// Lines kept free of the table on a terminal, for the log.
const MARGIN: usize = 6;

/// The CloudWatch in memory and what was shown of it.
pub(crate) struct Local {
    server: CloudWatchLocal,
    clock: Clock,
    terminal: bool,
    /// On a terminal the number of lines drawn; otherwise the last datapoint shown of each metric.
    shown: Mutex<Shown>,
}

#[derive(Default)]
struct Shown {
    lines: usize,
    datapoints: BTreeMap<String, (i64, u64)>,
}

impl Local {
    /// Starts it on a free port of the loopback.
    pub(crate) async fn bind(clock: Clock) -> Result<Arc<Self>, BindError> {
        let now = {
            let clock = clock.clone();
            Arc::new(move || clock.now().0)
        };
        let server = CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), Options::new(now)).await?;
        let terminal = stdout().is_terminal();
        Ok(Arc::new(Self { server, clock, terminal, shown: Mutex::default() }))
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Shows what arrives, until it is aborted.
    pub(crate) async fn show(self: Arc<Self>) {
        print(&format!(
            "A CloudWatch in memory listens on {}: try\n  aws cloudwatch list-metrics --endpoint-url {} --region us-east-1\n\n",
            self.endpoint(),
            self.endpoint()
        ));
        loop {
            self.clock.sleep(REFRESH).await;
            self.draw();
        }
    }

    /// Shows what arrived while draining.
    pub(crate) fn show_last(&self) {
        self.draw();
    }

    fn draw(&self) {
        let series = self.server.store().series();
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        if self.terminal {
            let text = table(&series, rows_of_terminal().saturating_sub(MARGIN));
            // Up over the former table, and clear to the end of the screen.
            let up = if shown.lines > 0 { format!("\x1b[{}A\x1b[J", shown.lines) } else { String::new() };
            shown.lines = text.lines().count();
            print(&(up + &text));
        } else {
            print(&news(&series, &mut shown.datapoints));
        }
    }
}

/// A row a metric, with the statistics of its last period.
fn table(series: &[SeriesSummary], rows: usize) -> String {
    if series.is_empty() {
        return "nothing has arrived yet: the first period is still open\n".to_owned();
    }
    let mut text = format!(
        "{:<9} {:<12} {:<36} {:>6} {:>14} {:>14} {:>14}  {}\n",
        "TIME", "NAMESPACE", "METRIC", "COUNT", "AVERAGE", "MINIMUM", "MAXIMUM", "DIMENSIONS"
    );
    for one in series.iter().take(rows.max(8)) {
        text += &row(one);
    }
    if series.len() > rows.max(8) {
        let _ = writeln!(text, "… and {} more metrics", series.len() - rows.max(8));
    }
    text
}

/// A line for each datapoint that was not shown before.
fn news(series: &[SeriesSummary], shown: &mut BTreeMap<String, (i64, u64)>) -> String {
    let mut text = String::new();
    for one in series {
        let state = (one.last.start_s, one.last.count.to_bits());
        if shown.insert(key(one), state) != Some(state) {
            text += &row(one);
        }
    }
    text
}

fn key(one: &SeriesSummary) -> String {
    format!("{} {} {} {:?}", one.metric.namespace, one.metric.name, dimensions(one), one.unit)
}

fn row(one: &SeriesSummary) -> String {
    let last = &one.last;
    let average = if last.count > 0.0 { last.sum / last.count } else { 0.0 };
    format!(
        "{:<9} {:<12} {:<36} {:>6} {:>14} {:>14} {:>14}  {}\n",
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
    if value == value.trunc() && value.abs() < 1e13 { format!("{value}") } else { format!("{value:.4}") }
}

fn time_of_day(seconds: i64) -> String {
    let of_day = seconds.rem_euclid(86_400);
    format!("{:02}:{:02}:{:02}", of_day / 3600, of_day / 60 % 60, of_day % 60)
}

fn rows_of_terminal() -> usize {
    rustix::termios::tcgetwinsize(stdout()).map_or(24, |size| usize::from(size.ws_row))
}

fn print(text: &str) {
    let mut out = stdout().lock();
    // Who pipes the table into something that ends keeps Weir running.
    let _ = out.write_all(text.as_bytes()).and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_of_the_day_in_utc() {
        assert_eq!(time_of_day(1_800_000_061), "08:01:01");
        assert_eq!(time_of_day(0), "00:00:00");
    }

    #[test]
    fn numbers_stay_short() {
        assert_eq!(short(16_000_000_000.0), "16000000000");
        assert_eq!(short(0.123_456), "0.1235");
    }
}
