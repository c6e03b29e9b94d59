//! From families and samples to text: Prometheus's formats and OpenMetrics.

use std::fmt::Write as _;

use crate::{FamilyType, Format};

const NANOS: i64 = 1_000_000_000;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Writes an exposition.
#[derive(Debug)]
pub struct Writer {
    out: String,
    format: Format,
    /// Names may be any UTF-8, in quotes. Otherwise what is beyond ASCII letters, digits, `_` and `:` becomes `_`.
    utf8_names: bool,
}

impl Writer {
    /// An empty exposition in a text format. With `utf8_names` names may be any UTF-8, as `escaping=allow-utf-8` means it:
    /// only tests pass `true`, so that the parser has something to read.
    pub fn new(format: Format, utf8_names: bool) -> Self {
        Self { out: String::new(), format, utf8_names }
    }

    /// Begins a family. An empty help or unit is left out.
    pub fn family(&mut self, name: &str, family_type: FamilyType, help: &str, unit: &str) {
        if !help.is_empty() {
            self.out.push_str("# HELP ");
            self.name(name, true);
            self.out.push(' ');
            // Quotes are escaped in OpenMetrics' help only.
            self.escaped(help, self.format.is_openmetrics());
            self.out.push('\n');
        }
        self.out.push_str("# TYPE ");
        self.name(name, true);
        self.out.push(' ');
        self.out.push_str(self.type_name(family_type));
        self.out.push('\n');
        if self.format.is_openmetrics() && !unit.is_empty() {
            self.out.push_str("# UNIT ");
            self.name(name, true);
            self.out.push(' ');
            self.out.push_str(unit);
            self.out.push('\n');
        }
    }

    /// Prometheus's own format has fewer types.
    fn type_name(&self, family_type: FamilyType) -> &'static str {
        let is_openmetrics = self.format.is_openmetrics();
        match family_type {
            FamilyType::Counter => "counter",
            FamilyType::Summary => "summary",
            FamilyType::Unknown if is_openmetrics => "unknown",
            FamilyType::Unknown => "untyped",
            FamilyType::GaugeHistogram if is_openmetrics => "gaugehistogram",
            FamilyType::Info if is_openmetrics => "info",
            FamilyType::StateSet if is_openmetrics => "stateset",
            FamilyType::Histogram | FamilyType::GaugeHistogram => "histogram",
            FamilyType::Gauge | FamilyType::Info | FamilyType::StateSet => "gauge",
        }
    }

    /// Writes a sample; `timestamp` is in nanoseconds since the epoch.
    pub fn sample<'a>(
        &mut self,
        name: &str,
        labels: impl IntoIterator<Item = (&'a str, &'a str)>,
        value: f64,
        timestamp: Option<i64>,
    ) {
        let is_quoted = self.utf8_names && !is_legacy(name, true);
        if is_quoted {
            self.out.push_str("{\"");
            self.escaped(name, true);
            self.out.push('"');
        } else {
            self.bare(name, true);
        }
        let mut before = if is_quoted { ',' } else { '{' };
        for (label, value) in labels {
            self.out.push(std::mem::replace(&mut before, ','));
            self.name(label, false);
            self.out.push_str("=\"");
            self.escaped(value, true);
            self.out.push('"');
        }
        if is_quoted || before == ',' {
            self.out.push('}');
        }
        self.out.push(' ');
        push_value(&mut self.out, value);
        if let Some(nanos) = timestamp {
            self.out.push(' ');
            self.timestamp(nanos);
        }
        self.out.push('\n');
    }

    /// How many bytes there are to [`take`](Self::take).
    pub fn written(&self) -> usize {
        self.out.len()
    }

    /// What was written since the last time.
    pub fn take(&mut self) -> String {
        std::mem::take(&mut self.out)
    }

    /// The same, with the exposition's end where the format has one.
    pub fn finish(&mut self) -> String {
        if self.format.is_openmetrics() {
            self.out.push_str("# EOF\n");
        }
        self.take()
    }

    fn timestamp(&mut self, nanos: i64) {
        // Writing to a string cannot fail.
        if self.format.is_openmetrics() {
            let sign = if nanos < 0 { "-" } else { "" };
            let (seconds, rest) = ((nanos / NANOS).unsigned_abs(), (nanos % NANOS).unsigned_abs());
            let _ = write!(self.out, "{sign}{seconds}.{rest:09}");
        } else {
            let _ = write!(self.out, "{}", nanos.div_euclid(NANOS_PER_MILLI));
        }
    }

    /// The name of a family, which may have `colons`, or of a label, which may not.
    fn name(&mut self, name: &str, colons: bool) {
        if self.utf8_names && !is_legacy(name, colons) {
            self.out.push('"');
            self.escaped(name, true);
            self.out.push('"');
        } else {
            self.bare(name, colons);
        }
    }

    fn bare(&mut self, name: &str, colons: bool) {
        if is_legacy(name, colons) {
            self.out.push_str(name);
        } else {
            self.out.push_str(&with_underscores(name, colons));
        }
    }

    fn escaped(&mut self, text: &str, quotes: bool) {
        for char in text.chars() {
            match char {
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '"' if quotes => self.out.push_str("\\\""),
                other => self.out.push(other),
            }
        }
    }
}

/// Whether a name needs no quotes: ASCII letters, digits and `_`, of a metric also `:`; not a digit first.
pub fn is_legacy(name: &str, colons: bool) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || (colons && byte == b':');
    !name.is_empty() && !name.starts_with(|first: char| first.is_ascii_digit()) && name.bytes().all(fits)
}

/// The name with `_` for what a legacy name may not have, and before a digit that is first.
pub fn with_underscores(name: &str, colons: bool) -> String {
    let fits = |char: char| char.is_ascii_alphanumeric() || char == '_' || (colons && char == ':');
    let mut out: String = name.chars().map(|char| if fits(char) { char } else { '_' }).collect();
    if out.is_empty() || out.starts_with(|first: char| first.is_ascii_digit()) {
        out.insert(0, '_');
    }
    out
}

/// Writes a value: the fewest digits that are read as the same double.
pub fn push_value(out: &mut String, value: f64) {
    let size = value.abs();
    // Writing to a string cannot fail.
    let _ = if value.is_nan() {
        write!(out, "NaN")
    } else if value.is_infinite() {
        write!(out, "{}Inf", if value > 0.0 { '+' } else { '-' })
    } else if size == 0.0 || (1e-5..1e16).contains(&size) {
        write!(out, "{value}")
    } else {
        write!(out, "{value:e}")
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_and_samples_are_written_in_each_format() {
        let write = |format, utf8_names| {
            let mut writer = Writer::new(format, utf8_names);
            writer.family("up.time", FamilyType::Unknown, "a \"b\"\n\\", "seconds");
            let labels = [("http.route", "/\"a\"\n"), ("x", "ä")];
            writer.sample("up.time", labels, 1.5, Some(1_500_000_000));
            writer.sample("n", [], f64::NEG_INFINITY, None);
            writer.finish()
        };
        let expected = "# HELP up_time a \"b\"\\n\\\\\n# TYPE up_time untyped\nup_time{http_route=\"/\\\"a\\\"\\n\",x=\"ä\"} 1.5 1500\nn -Inf\n";
        assert_eq!(write(Format::Text004, false), expected);
        let expected = "# HELP \"up.time\" a \\\"b\\\"\\n\\\\\n# TYPE \"up.time\" unknown\n# UNIT \"up.time\" seconds\n{\"up.time\",\"http.route\"=\"/\\\"a\\\"\\n\",x=\"ä\"} 1.5 1.500000000\nn -Inf\n# EOF\n";
        assert_eq!(write(Format::OpenMetrics100, true), expected);
    }

    #[test]
    fn values_are_short() {
        let written = |value| {
            let mut out = String::new();
            push_value(&mut out, value);
            out
        };
        let values = [0.0, 1.0, -2.5, 1e300, 1e-300, 1_234_567.0, 0.1, f64::INFINITY];
        assert_eq!(values.map(written), ["0", "1", "-2.5", "1e300", "1e-300", "1234567", "0.1", "+Inf"]);
        assert_eq!(written(f64::NAN), "NaN");
    }
}
