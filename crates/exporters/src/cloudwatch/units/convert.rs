//! What a rule says about units: what values are measured in, and what they are sent in.

use aws_sdk_cloudwatch::types::StandardUnit;

use super::{Unit, unit};

/// The unit that a rule sends values in; nothing where `text` names none of CloudWatch's. UCUM will do where it means one of
/// them unscaled.
pub fn target(text: &str) -> Option<StandardUnit> {
    if text == StandardUnit::None.as_str() {
        return Some(StandardUnit::None);
    }
    unit(text).filter(|unit| (unit.multiply, unit.divide) == (1, 1)).map(|unit| unit.standard)
}

/// CloudWatch's units, for messages.
pub fn names() -> String {
    StandardUnit::values().join(", ")
}

/// What a rule says about the units of its metrics.
#[derive(Clone, Debug, Default)]
pub struct UnitRule {
    /// As it is written, and what it means.
    measured_in: Option<(String, Unit)>,
    send_in: Option<StandardUnit>,
}

/// A unit and what was noticed on the way to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// What to send values in, and how they get there.
    pub unit: Unit,
    /// CloudWatch has nothing for the sender's unit.
    pub is_unknown: bool,
    /// The rule wants a unit that the sender's cannot be converted to: values are sent in the sender's.
    pub is_kept: bool,
}

impl UnitRule {
    /// The rule of these words, which were checked.
    pub fn new(measured_in: Option<&str>, send_in: Option<&str>) -> Self {
        let measured_in = measured_in.and_then(|text| Some((text.to_owned(), unit(text)?)));
        Self { measured_in, send_in: send_in.and_then(target) }
    }

    /// What values of the unit `ucum` are sent in.
    pub fn of(&self, ucum: &str) -> Found {
        let (text, said) = match &self.measured_in {
            Some((text, unit)) => (text.as_str(), Some(unit.clone())),
            None => (ucum, unit(ucum)),
        };
        let is_unknown = said.is_none() && self.send_in.is_none();
        let plain = |unit| Found { unit, is_unknown, is_kept: false };
        match (&self.send_in, said) {
            (None, said) => plain(said.unwrap_or_else(Unit::none)),
            // The sender's numbers, without a unit.
            (Some(StandardUnit::None), _) => plain(Unit::none()),
            // Nothing is known of them: they are taken to be in it.
            (Some(target), None) => plain(Unit::new(target.clone(), 1, 1)),
            (Some(target), Some(said)) => match said.converted(target, text) {
                Some(unit) => plain(unit),
                None => Found { unit: said, is_unknown, is_kept: true },
            },
        }
    }
}

/// What units measure, and how large each is in the smallest of its kind.
fn measure(unit: &StandardUnit) -> Option<(&'static str, u64)> {
    use StandardUnit as U;
    const KILO: u64 = 1000;
    const MEGA: u64 = 1000 * KILO;
    const GIGA: u64 = 1000 * MEGA;
    const TERA: u64 = 1000 * GIGA;
    Some(match unit {
        U::Microseconds => ("time", 1),
        U::Milliseconds => ("time", KILO),
        U::Seconds => ("time", MEGA),
        U::Bits => ("data", 1),
        U::Kilobits => ("data", KILO),
        U::Megabits => ("data", MEGA),
        U::Gigabits => ("data", GIGA),
        U::Terabits => ("data", TERA),
        U::Bytes => ("data", 8),
        U::Kilobytes => ("data", 8 * KILO),
        U::Megabytes => ("data", 8 * MEGA),
        U::Gigabytes => ("data", 8 * GIGA),
        U::Terabytes => ("data", 8 * TERA),
        U::BitsSecond => ("data rate", 1),
        U::KilobitsSecond => ("data rate", KILO),
        U::MegabitsSecond => ("data rate", MEGA),
        U::GigabitsSecond => ("data rate", GIGA),
        U::TerabitsSecond => ("data rate", TERA),
        U::BytesSecond => ("data rate", 8),
        U::KilobytesSecond => ("data rate", 8 * KILO),
        U::MegabytesSecond => ("data rate", 8 * MEGA),
        U::GigabytesSecond => ("data rate", 8 * GIGA),
        U::TerabytesSecond => ("data rate", 8 * TERA),
        _ => return None,
    })
}

impl Unit {
    /// The same values in `target`, exactly; nothing where they measure something else. `ucum` is how this unit was written.
    fn converted(&self, target: &StandardUnit, ucum: &str) -> Option<Self> {
        if self.standard == *target {
            return Some(self.clone());
        }
        match (&self.standard, target) {
            // A ratio: UCUM's 1 is 100 %. What only annotates, or is empty, says nothing.
            (StandardUnit::None, StandardUnit::Percent) if ucum == "1" => {
                return Some(Self::new(StandardUnit::Percent, 100, 1));
            }
            (StandardUnit::None, _) => return Some(Self::new(target.clone(), 1, 1)),
            _ => {}
        }
        let ((kind, size), (other, other_size)) = (measure(&self.standard)?, measure(target)?);
        if kind != other {
            return None;
        }
        let (multiply, divide) =
            (u128::from(self.multiply) * u128::from(size), u128::from(self.divide) * u128::from(other_size));
        let common = greatest_common_divisor(multiply, divide);
        let (multiply, divide) = (multiply / common, divide / common);
        Some(Self::new(target.clone(), u64::try_from(multiply).ok()?, u64::try_from(divide).ok()?))
    }
}

fn greatest_common_divisor(one: u128, other: u128) -> u128 {
    if other == 0 { one } else { greatest_common_divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(measured_in: Option<&str>, send_in: Option<&str>, ucum: &str, value: f64) -> (String, f64) {
        let found = UnitRule::new(measured_in, send_in).of(ucum);
        assert!(!found.is_kept && !found.is_unknown, "{ucum}");
        (found.unit.standard.as_str().to_owned(), found.unit.scale(value))
    }

    #[test]
    fn values_are_converted_exactly_within_what_they_measure() {
        let cases = [
            ("Milliseconds", "s", 1.5, 1500.0),
            ("Seconds", "ms", 7.0, 0.007),
            ("Microseconds", "ns", 1234.0, 1.234),
            ("Milliseconds", "min", 2.0, 120_000.0),
            ("Seconds", "d", 2.0, 172_800.0),
            ("Bytes", "MiBy", 3.0, 3_145_728.0),
            ("Bytes", "TiBy", 1.0, 1_099_511_627_776.0),
            ("Bits", "TiBy", 1.0, 8_796_093_022_208.0),
            ("Bytes", "PiBy", 1.0, 1_125_899_906_842_624.0),
            ("Gigabytes", "By", 1.0, 1e-9),
            ("Megabits/Second", "MiBy/s", 1.0, 8.388_608),
            ("Bytes/Second", "By/min", 120.0, 2.0),
            ("Percent", "1", 0.25, 25.0),
            ("Percent", "%", 25.0, 25.0),
        ];
        for (to, ucum, value, expected) in cases {
            assert_eq!(sent(None, Some(to), ucum, value), (to.to_owned(), expected), "{ucum} to {to}");
        }
    }

    #[test]
    fn what_has_no_unit_is_taken_to_be_in_the_one_that_is_asked_for() {
        for ucum in ["", "{job}", "Cel", "furlong"] {
            assert_eq!(sent(None, Some("Count"), ucum, 7.0), ("Count".to_owned(), 7.0), "{ucum}");
        }
        assert_eq!(sent(None, Some("Percent"), "", 7.0), ("Percent".to_owned(), 7.0));
        assert_eq!(sent(None, Some("ms"), "", 7.0), ("Milliseconds".to_owned(), 7.0));
    }

    #[test]
    fn what_values_are_measured_in_is_believed_over_the_sender() {
        assert_eq!(sent(Some("MiBy"), Some("Bytes"), "", 1.0), ("Bytes".to_owned(), 1_048_576.0));
        assert_eq!(sent(Some("ms"), None, "s", 5.0), ("Milliseconds".to_owned(), 5.0));
        // A ratio by the rule's word, and none by it.
        assert_eq!(sent(Some("1"), Some("Percent"), "", 0.25), ("Percent".to_owned(), 25.0));
        assert_eq!(sent(Some("{cpu}"), Some("Percent"), "1", 25.0), ("Percent".to_owned(), 25.0));
        // Without a unit values stay as the sender has them.
        assert_eq!(sent(None, Some("None"), "MiBy", 5.0), ("None".to_owned(), 5.0));
    }

    #[test]
    fn what_measures_something_else_keeps_its_unit() {
        let found = UnitRule::new(None, Some("Bytes")).of("s");
        assert_eq!((found.is_kept, found.unit), (true, unit("s").unwrap()));
        let found = UnitRule::new(None, Some("Count/Second")).of("%");
        assert!(found.is_kept);
        assert!(UnitRule::default().of("furlong").is_unknown);
    }

    #[test]
    fn every_unit_of_cloudwatch_is_a_target_and_a_scaled_one_is_none() {
        for name in StandardUnit::values() {
            assert_eq!(target(name).map(|unit| unit.as_str().to_owned()), Some((*name).to_owned()));
        }
        assert_eq!(StandardUnit::values().len(), 27);
        assert_eq!((target("MiBy"), target("ns"), target("smoots")), (None, None, None));
        assert_eq!(target("By"), Some(StandardUnit::Bytes));
    }
}
