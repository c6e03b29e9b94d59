//! From UCUM, which OpenTelemetry's units are written in, to CloudWatch's 27 units, scaled exactly.

mod convert;

pub use convert::{UnitRule, names, target};

use aws_sdk_cloudwatch::types::StandardUnit;

/// A CloudWatch unit, and how a value gets there: `value × multiply ÷ divide`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unit {
    /// The unit on the wire.
    pub standard: StandardUnit,
    /// Whole numbers, and few: a product with a power of two is exact, and a quotient is rounded once.
    multiply: u64,
    divide: u64,
}

impl Unit {
    fn new(standard: StandardUnit, multiply: u64, divide: u64) -> Self {
        Self { standard, multiply, divide }
    }

    /// No unit, no scale.
    pub fn none() -> Self {
        Self::new(StandardUnit::None, 1, 1)
    }

    /// The same unit, for values that are scaled already.
    pub fn unscaled(&self) -> Self {
        Self::new(self.standard.clone(), 1, 1)
    }

    /// `value` in this unit.
    pub fn scale(&self, value: f64) -> f64 {
        value * self.multiply as f64 / self.divide as f64
    }
}

/// The unit that `ucum` means; nothing where CloudWatch has no such unit.
///
/// UCUM's case counts (`By` is a byte, `Mbit` no `mbit`); CloudWatch's own spellings pass as they are. Dimensionless
/// units (`1`, empty, `{request}`) become `None`, as the CloudWatch Agent has them, and their rates `Count/Second`.
pub fn unit(ucum: &str) -> Option<Unit> {
    use StandardUnit as U;
    let text = without_annotations(ucum);
    let text = text.as_str();
    let plain = |standard| Some(Unit::new(standard, 1, 1));
    match text {
        "" | "1" => return plain(U::None),
        "%" => return plain(U::Percent),
        "s" => return plain(U::Seconds),
        "ms" => return plain(U::Milliseconds),
        "us" | "µs" | "μs" => return plain(U::Microseconds),
        "ns" => return Some(Unit::new(U::Microseconds, 1, 1000)),
        "min" => return Some(Unit::new(U::Seconds, 60, 1)),
        "h" => return Some(Unit::new(U::Seconds, 3600, 1)),
        "d" => return Some(Unit::new(U::Seconds, 86_400, 1)),
        "Hz" => return plain(U::CountSecond),
        _ => {}
    }
    // CloudWatch's own, in any case: Micrometer says `seconds`, others `Bytes`.
    if let Some(known) = U::values().iter().find(|known| known.eq_ignore_ascii_case(text)) {
        return plain(U::from(*known));
    }
    let (amount, seconds) = match text.split_once('/') {
        Some((amount, "s")) => (amount, Some(1)),
        Some((amount, "min")) => (amount, Some(60)),
        Some((amount, "h")) => (amount, Some(3600)),
        Some(_) => return None,
        None => (text, None),
    };
    let slower = seconds.unwrap_or(1);
    if matches!(amount, "" | "1") && seconds.is_some() {
        return Some(Unit::new(U::CountSecond, 1, slower));
    }
    let (prefix, is_bytes) = match amount.strip_suffix("By") {
        Some(prefix) => (prefix, true),
        None => (amount.strip_suffix("bit")?, false),
    };
    let (step, multiply, divide) = prefixed(prefix)?;
    Some(Unit::new(data_unit(step, is_bytes, seconds.is_some()), multiply, divide * slower))
}

/// UCUM's units of quantities that CloudWatch has no unit for: temperature, power, energy, voltage, current, frequency above hertz, turns.
/// Their values are sent as they are, without a unit, and nothing is said of it: there is nothing to mend.
const WITHOUT: [&str; 23] = [
    "Cel", "K", "[degF]", // temperature
    "W", "mW", "kW", // power
    "J", "mJ", "kJ", "W.h", "kW.h", // energy
    "V", "mV", "A", "mA", // voltage, current
    "kHz", "MHz", "GHz", // `Hz` is `Count/Second`
    "rpm", "m/s", "Pa", "dB", "By.s", // memory that was held, by time
];

/// Whether `ucum` is a unit that is meant as it is written, and CloudWatch has none for.
pub fn is_without_counterpart(ucum: &str) -> bool {
    WITHOUT.contains(&without_annotations(ucum).as_str())
}

/// Which power of 1000 a prefix is, and what scales it exactly: a kibibyte is 1024/1000 kilobytes. What is beyond a tera-
/// has no unit of its own.
fn prefixed(prefix: &str) -> Option<(usize, u64, u64)> {
    const DECIMAL: [&str; 5] = ["", "k", "M", "G", "T"];
    const BINARY: [&str; 5] = ["", "Ki", "Mi", "Gi", "Ti"];
    match prefix {
        "P" => return Some((4, 1000, 1)),
        "Pi" => return Some((4, 1 << 50, 1_000_000_000_000)),
        _ => {}
    }
    if let Some(step) = DECIMAL.iter().position(|known| *known == prefix) {
        return Some((step, 1, 1));
    }
    let step = BINARY.iter().position(|known| *known == prefix)?;
    Some((step, 1 << (10 * step), 10_u64.pow(3 * step as u32)))
}

fn data_unit(step: usize, is_bytes: bool, per_second: bool) -> StandardUnit {
    use StandardUnit as U;
    let [amounts, rates] = if is_bytes {
        [
            [U::Bytes, U::Kilobytes, U::Megabytes, U::Gigabytes, U::Terabytes],
            [U::BytesSecond, U::KilobytesSecond, U::MegabytesSecond, U::GigabytesSecond, U::TerabytesSecond],
        ]
    } else {
        [
            [U::Bits, U::Kilobits, U::Megabits, U::Gigabits, U::Terabits],
            [U::BitsSecond, U::KilobitsSecond, U::MegabitsSecond, U::GigabitsSecond, U::TerabitsSecond],
        ]
    };
    let [bare, kilo, mega, giga, tera] = if per_second { rates } else { amounts };
    match step {
        0 => bare,
        1 => kilo,
        2 => mega,
        3 => giga,
        _ => tera,
    }
}

/// UCUM's `{…}` only annotates.
fn without_annotations(ucum: &str) -> String {
    let mut depth = 0_u32;
    let mut kept = String::with_capacity(ucum.len());
    for character in ucum.chars() {
        match character {
            '{' => depth += 1,
            '}' => depth = depth.saturating_sub(1),
            _ if depth == 0 => kept.push(character),
            _ => {}
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled(ucum: &str, value: f64) -> (String, f64) {
        let unit = unit(ucum).unwrap_or_else(|| panic!("{ucum} is known"));
        (unit.standard.as_str().to_owned(), unit.scale(value))
    }

    #[test]
    fn units_are_named_and_scaled_exactly() {
        let cases = [
            ("", 7.0, "None", 7.0),
            ("1", 7.0, "None", 7.0),
            ("{request}", 7.0, "None", 7.0),
            ("{request}/s", 7.0, "Count/Second", 7.0),
            ("Hz", 7.0, "Count/Second", 7.0),
            ("%", 7.0, "Percent", 7.0),
            ("s", 7.0, "Seconds", 7.0),
            ("ms", 7.0, "Milliseconds", 7.0),
            ("us", 7.0, "Microseconds", 7.0),
            ("ns", 1234.0, "Microseconds", 1.234),
            ("min", 1.5, "Seconds", 90.0),
            ("h", 1.5, "Seconds", 5400.0),
            ("d", 2.0, "Seconds", 172_800.0),
            ("By", 7.0, "Bytes", 7.0),
            ("By{transmitted}", 7.0, "Bytes", 7.0),
            ("kBy", 7.0, "Kilobytes", 7.0),
            ("KiBy", 1.0, "Kilobytes", 1.024),
            ("MiBy", 1.0, "Megabytes", 1.048_576),
            ("GiBy", 1.0, "Gigabytes", 1.073_741_824),
            ("TiBy/s", 1.0, "Terabytes/Second", 1.099_511_627_776),
            ("MBy/s", 7.0, "Megabytes/Second", 7.0),
            ("bit", 7.0, "Bits", 7.0),
            ("Gibit/s", 2.0, "Gigabits/Second", 2.147_483_648),
            ("Milliseconds", 7.0, "Milliseconds", 7.0),
            ("Count", 7.0, "Count", 7.0),
            ("Bytes/Second", 7.0, "Bytes/Second", 7.0),
            ("seconds", 7.0, "Seconds", 7.0),
            ("bytes", 7.0, "Bytes", 7.0),
            ("PBy", 2.0, "Terabytes", 2000.0),
            ("PiBy", 1.0, "Terabytes", 1_125.899_906_842_624),
            ("{request}/min", 90.0, "Count/Second", 1.5),
            ("1/h", 7200.0, "Count/Second", 2.0),
            ("By/min", 120.0, "Bytes/Second", 2.0),
        ];
        for (ucum, value, name, expected) in cases {
            assert_eq!(scaled(ucum, value), (name.to_owned(), expected), "{ucum}");
        }
    }

    #[test]
    fn units_without_a_counterpart_are_told_from_mistakes() {
        for ucum in ["Cel", "W", "J", "MHz", "rpm", "V{rms}"] {
            assert!(is_without_counterpart(ucum) && unit(ucum).is_none(), "{ucum}");
        }
        for ucum in ["celsius", "w", "Hz", "furlong", "", "By"] {
            assert!(!is_without_counterpart(ucum), "{ucum}");
        }
        assert!(
            WITHOUT.iter().all(|ucum| unit(ucum).is_none()),
            "CloudWatch has a unit for one of the table"
        );
    }

    #[test]
    fn what_cloudwatch_has_no_unit_for_is_unknown() {
        for ucum in ["Cel", "W", "by", "BY", "m", "mBy", "EBy", "By/d", "bit/By", "ks", "s/s", "\u{0}"] {
            assert_eq!(unit(ucum), None, "{ucum}");
        }
    }
}
