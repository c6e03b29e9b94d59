//! `weir targets`: whom the running Weir scrapes, and why a scrape failed.

use std::{process::ExitCode, time::Duration};

use serde_json::Value;

use super::{admin, print, say};
use crate::{cli::TargetsArgs, exit};

/// How long the answer may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The largest answer that is read, in bytes: a hundred thousand targets with their labels.
const MAX_ANSWER: usize = 256 << 20;

const HEAD: [&str; 6] = ["STATE", "JOB", "URL", "SECONDS", "SAMPLES", "WHY"];

/// Shows the table of targets: 1 where a scrape of one of those shown has failed.
pub(crate) fn run(args: &TargetsArgs) -> ExitCode {
    let asked = admin::ask(&args.config, args.endpoint.as_deref(), "/targets", MAX_ANSWER, PATIENCE);
    let (status, body) = match asked {
        Ok(answer) => answer,
        Err(code) => return code,
    };
    let Ok(Value::Array(components)) = serde_json::from_slice(&body) else {
        say(&format!("the answer ({status}) is no table of targets: is it the admin listener?\n"));
        return exit::unreachable();
    };
    let all = components.iter().filter_map(|component| component["targets"].as_array()).flatten();
    let shown = |target: &&Value| {
        let is_of_job = args.job.as_deref().is_none_or(|job| target["job"] == job);
        is_of_job && (!args.down || target["state"] == "down")
    };
    let shown: Vec<&Value> = all.filter(shown).collect();
    if args.json {
        print(&(serde_json::to_string_pretty(&shown).unwrap_or_default() + "\n"));
    } else {
        print(&table(&shown));
    }
    if shown.iter().any(|target| target["state"] == "down") { exit::failure() } else { exit::SUCCESS }
}

fn table(targets: &[&Value]) -> String {
    let mut rows = vec![HEAD.map(str::to_owned)];
    rows.extend(targets.iter().map(|target| {
        let text = |key: &str| target[key].as_str().unwrap_or_default().to_owned();
        let seconds = target["duration"].as_f64().map_or_else(String::new, |seconds| format!("{seconds:.3}"));
        let samples = target["samples"].as_u64().map_or_else(String::new, |samples| samples.to_string());
        let why = match target["reason"].as_str() {
            Some(reason) => format!("{reason}: {}", text("error")),
            None => String::new(),
        };
        [text("state"), text("job"), text("url"), seconds, samples, why]
    }));
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..HEAD.len()).map(width).collect();
    let line = |row: &[String; 6]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_target_has_a_line_that_says_why() {
        let up = json!({"job": "apps", "url": "http://a:80/metrics", "state": "up", "duration": 0.0123, "samples": 7});
        let down = json!({"job": "apps", "url": "http://b/metrics", "state": "down", "duration": 10.0, "samples": 0,
            "reason": "timeout", "error": "no whole answer within 10s (scrape_timeout)"});
        let expected = "\
STATE  JOB   URL                  SECONDS  SAMPLES  WHY
up     apps  http://a:80/metrics  0.012    7
down   apps  http://b/metrics     10.000   0        timeout: no whole answer within 10s (scrape_timeout)
";
        assert_eq!(table(&[&up, &down]), expected);
    }
}
