use super::*;
use proptest::prelude::*;

fn secs(secs: u64) -> Result<Period, PeriodError> {
    Period::new(Duration::from_secs(secs))
}

#[test]
fn lengths_that_cloudwatch_reads_are_taken() {
    for length in [1, 5, 10, 30, 60, 120, 300, 3_600, 86_400] {
        assert_eq!(secs(length).unwrap().length(), Duration::from_secs(length));
    }
}

#[test]
fn other_lengths_are_refused_with_the_length_found() {
    for length in [0, 2, 15, 20, 59, 61, 90, u64::from(u32::MAX), u64::MAX] {
        assert_eq!(secs(length), Err(PeriodError { found: Duration::from_secs(length) }), "{length}");
    }
    let half = Period::new(Duration::from_millis(1_500)).unwrap_err();
    assert_eq!(half.to_string(), "period 1.5s is not 1s, 5s, 10s, 30s or a multiple of 60s");
}

#[test]
fn a_minute_is_cut_at_the_wall_clock() {
    // 2023-11-14 22:13:20 UTC is 1,700,000,000; its minute starts 20 s earlier.
    let start = 1_699_999_980 * NANOS_PER_SEC;
    for inside in [start, start + 1, start + 20 * NANOS_PER_SEC, start + 60 * NANOS_PER_SEC - 1] {
        assert_eq!(Period::MINUTE.start_of(inside), start);
        assert_eq!(Period::MINUTE.end_of(inside), start + 60 * NANOS_PER_SEC);
    }
    assert_eq!(Period::MINUTE.start_of(start + 60 * NANOS_PER_SEC), start + 60 * NANOS_PER_SEC);
    assert_eq!(Period::MINUTE.start_of(start - 1), start - 60 * NANOS_PER_SEC);
}

#[test]
fn both_ends_of_time_have_a_period() {
    assert_eq!((Period::MINUTE.start_of(0), Period::MINUTE.end_of(0)), (0, 60 * NANOS_PER_SEC));
    assert_eq!(Period::MINUTE.end_of(u64::MAX), u64::MAX);
    let longest = secs(u64::from(u32::MAX / 60 * 60)).unwrap();
    assert_eq!(longest.start_of(1), 0);
}

fn any_period() -> impl Strategy<Value = Period> {
    prop_oneof![prop::sample::select(vec![1, 5, 10, 30]), (1..=u64::from(u32::MAX / 60)).prop_map(|m| m * 60)]
        .prop_map(|length| secs(length).unwrap())
}

proptest! {
    #[test]
    fn every_instant_is_in_exactly_one_period(period in any_period(), at: u64) {
        let (start, end) = (period.start_of(at), period.end_of(at));
        prop_assert!(start <= at && (at < end || end == u64::MAX));
        prop_assert_eq!(start % period.nanos(), 0);
        prop_assert!(end - start <= period.nanos());
        prop_assert!(end == u64::MAX || end - start == period.nanos());
    }

    #[test]
    fn edges_belong_to_the_period_that_they_open(period in any_period(), number in 1_u64..4) {
        let edge = number * period.nanos();
        prop_assert_eq!(period.start_of(edge), edge);
        prop_assert_eq!(period.start_of(edge - 1), edge - period.nanos());
        prop_assert_eq!(period.end_of(edge - 1), edge);
    }
}
