use proptest::prelude::*;

use super::*;

const PERIODS: [i64; 3] = [0, 60, 120];

/// `m1` has 90, 80 and nothing; `m2` only 20 in the second period; `none` nothing at all.
fn of(id: &str) -> Values {
    let pairs: &[(i64, f64)] = match id {
        "m1" => &[(0, 90.0), (60, 80.0)],
        "m2" => &[(60, 20.0)],
        _ => &[],
    };
    Values::Series(pairs.iter().copied().collect())
}

fn values(text: &str) -> Values {
    Expression::parse(text).unwrap().values(&of, &PERIODS)
}

fn series(pairs: &[(i64, f64)]) -> Values {
    Values::Series(pairs.iter().copied().collect())
}

#[test]
fn the_availability_of_a_service_is_computed_though_there_was_no_error_in_a_minute() {
    assert_eq!(values("m1/(m1+FILL(m2,0))*100"), series(&[(0, 100.0), (60, 80.0)]));
    assert_eq!(values("m1/(m1+m2)*100"), series(&[(60, 80.0)]), "without FILL only where both are");
}

#[test]
fn precedence_signs_and_missing_values_are_as_in_school() {
    assert_eq!(values("2 + 3 * 4 - -1"), Values::Scalar(15.0));
    assert_eq!(values("(2 + 3) * 4 / 8"), Values::Scalar(2.5));
    assert_eq!(values("8 - 4 - 2"), Values::Scalar(2.0));
    assert_eq!(values("-m2 * 2"), series(&[(60, -40.0)]));
    assert_eq!(values("100 - m1"), series(&[(0, 10.0), (60, 20.0)]));
    assert_eq!(values("m1 / (m2 - m2)"), series(&[]), "nothing by zero");
    assert_eq!(values("FILL(none, -1.5)"), series(&[(0, -1.5), (60, -1.5), (120, -1.5)]));
    assert_eq!(Expression::parse("m1/(m1+FILL(m2,0))*100").unwrap().ids(), ["m1", "m1", "m2"]);
}

#[test]
fn what_is_not_understood_is_named() {
    for (text, word) in [
        ("", "ends"),
        ("m1 +", "ends"),
        ("(m1", "`)`"),
        ("m1 m2", "`m2`"),
        ("SUM(m1)", "`SUM`"),
        ("FILL(m1, REPEAT)", "`REPEAT`"),
        ("1.2.3", "`1.2.3`"),
        ("m1 ? 2", "`? 2`"),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert!(error.contains(word), "{text}: {error}");
    }
    assert!(Expression::parse(&"(".repeat(100_000)).unwrap_err().contains("deeper"));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "[-m12FIL(),.+*/ ]{0,60}") {
        if let Ok(expression) = Expression::parse(&text) {
            expression.values(&of, &PERIODS);
        }
    }
}
