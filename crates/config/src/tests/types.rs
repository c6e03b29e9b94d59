//! Durations, sizes, secrets.

use std::time::Duration as StdDuration;

use proptest::prelude::*;

use crate::{ByteSize, Duration, Secret};

#[test]
fn durations_are_read_as_go_reads_them() {
    for (text, nanos) in [
        ("0", 0),
        ("+0", 0),
        ("0s", 0),
        ("300ms", 300_000_000),
        ("1.5h", 5_400_000_000_000),
        ("1m30s", 90_000_000_000),
        ("1h15m30.918273645s", 4_530_918_273_645),
        (".5s", 500_000_000),
        ("1.s", 1_000_000_000),
        ("+5s", 5_000_000_000),
        ("10us", 10_000),
        ("10µs", 10_000),
        ("10μs", 10_000),
        ("7ns", 7),
        ("0.000000001s", 1),
        ("0.9999999999s", 999_999_999),
        ("2562047h47m16.854775807s", i64::MAX as u64),
    ] {
        assert_eq!(text.parse(), Ok(Duration::from(StdDuration::from_nanos(nanos))), "{text}");
    }
}

#[test]
fn a_wrong_duration_says_what_is_right() {
    for (text, message) in [
        ("", "a duration is missing; write for example `30s`"),
        ("30", "duration `30` has no unit; write `30s` for seconds or `30ms` for milliseconds"),
        ("1m30", "duration `1m30` has no unit; write `1m30s` for seconds or `1m30ms` for milliseconds"),
        ("1.2.3s", "`1.2.3s` is no duration; write for example `300ms`, `1.5h` or `1m30s`"),
        ("abc", "`abc` is no duration; write for example `300ms`, `1.5h` or `1m30s`"),
        ("1 s", "`1 s` is no duration; write for example `300ms`, `1.5h` or `1m30s`"),
        (".s", "`.s` is no duration; write for example `300ms`, `1.5h` or `1m30s`"),
        ("-5s", "duration `-5s` is negative"),
        (
            "2d",
            "unknown unit `d` in duration `2d`; the units are ns, us, µs, ms, s, m and h, and a day is `24h`",
        ),
        ("5parsec", "unknown unit `parsec` in duration `5parsec`; the units are ns, us, µs, ms, s, m and h"),
        ("2562047h47m16.854775808s", "duration `2562047h47m16.854775808s` is longer than 292 years"),
        ("99999999999999999999h", "duration `99999999999999999999h` is longer than 292 years"),
    ] {
        assert_eq!(text.parse::<Duration>().map_err(|error| error.to_string()), Err(message.to_owned()));
    }
}

#[test]
fn durations_are_written_short() {
    for (nanos, text) in [
        (0, "0s"),
        (7, "7ns"),
        (1_500, "1.5us"),
        (300_000_000, "300ms"),
        (1_500_000_000, "1.5s"),
        (90_000_000_000, "1m30s"),
        (3_600_000_000_000, "1h"),
        (3_601_000_000_000, "1h1s"),
    ] {
        assert_eq!(Duration::from(StdDuration::from_nanos(nanos)).to_string(), text);
    }
}

#[test]
fn sizes_are_read() {
    for (text, bytes) in [
        ("0", 0),
        ("1048576", 1 << 20),
        ("64MiB", 64 << 20),
        ("64 MiB", 64 << 20),
        ("64Mi", 64 << 20),
        ("10 MB", 10_000_000),
        ("10mb", 10_000_000),
        ("1.5GiB", 3 << 29),
        ("1.5kB", 1500),
        ("2KiB", 2048),
        ("3 B", 3),
        ("1TiB", 1 << 40),
        ("0.1B", 0),
        ("18446744073709551615", u64::MAX),
    ] {
        assert_eq!(text.parse(), Ok(ByteSize::new(bytes)), "{text}");
    }
}

#[test]
fn a_wrong_size_says_what_is_right() {
    for (text, message) in [
        (" ", "a size is missing; write for example `64MiB`"),
        ("-1", "`-1` is no size; write for example `64MiB`, `10MB` or a number of bytes"),
        ("1.2.3", "`1.2.3` is no size; write for example `64MiB`, `10MB` or a number of bytes"),
        ("many", "`many` is no size; write for example `64MiB`, `10MB` or a number of bytes"),
        (
            "5 apples",
            "unknown unit `apples` in size `5 apples`; the units are B, KiB, MiB, GiB, TiB, kB, MB, GB and TB",
        ),
        ("18446744073709551616", "size `18446744073709551616` is larger than 16 EiB"),
        ("99999999TiB", "size `99999999TiB` is larger than 16 EiB"),
    ] {
        assert_eq!(text.parse::<ByteSize>().map_err(|error| error.to_string()), Err(message.to_owned()));
    }
}

#[test]
fn a_secret_is_never_shown() {
    let secret = Secret::new("hunter2");
    assert_eq!(format!("{secret:?} {:?}", Some(&secret)), "[redacted] Some([redacted])");
    assert_eq!(serde_yaml::to_string(&secret).unwrap(), "'[redacted]'\n");
    assert_eq!(secret.expose(), "hunter2");
}

#[test]
fn schemas_tell_the_form() {
    for (schema, expected) in [
        (schemars::schema_for!(Duration), "a duration such as"),
        (schemars::schema_for!(ByteSize), "a size such as"),
        (schemars::schema_for!(Secret), "never printed"),
    ] {
        let description = schema.get("description").and_then(|text| text.as_str()).unwrap();
        assert!(description.contains(expected), "{description}");
    }
}

proptest! {
    #[test]
    fn a_duration_reads_back_as_written(nanos in 0..=i64::MAX as u64, shift in 0..60_u32) {
        let duration = Duration::from(StdDuration::from_nanos(nanos >> shift));
        prop_assert_eq!(duration.to_string().parse(), Ok(duration));
    }

    #[test]
    fn a_size_reads_back_as_written(bytes: u64, shift in 0..64_u32) {
        let size = ByteSize::new(bytes >> shift << (shift / 2));
        prop_assert_eq!(size.to_string().parse(), Ok(size));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,20}") {
        let _ = text.parse::<Duration>();
        let _ = text.parse::<ByteSize>();
    }
}
