use std::borrow::Cow;

use super::*;
use crate::FamilyType;

const TEXT: Syntax = Syntax { openmetrics: false, strict: false };
const OPENMETRICS: Syntax = Syntax { openmetrics: true, strict: false };
const STRICT: Syntax = Syntax { openmetrics: true, strict: true };

fn sample(text: &str, syntax: Syntax) -> Sample<'_> {
    match line(text.as_bytes(), syntax) {
        Ok(Line::Sample(sample)) => {
            assert_eq!(key_len(text.as_bytes()), Some(sample.key_len), "{text}");
            sample
        }
        other => panic!("{text}: {other:?}"),
    }
}

fn labels<'a>(sample: &'a Sample<'_>) -> Vec<(&'a str, &'a str)> {
    sample.labels.iter().map(|(name, value)| (&**name, &**value)).collect()
}

#[test]
fn a_sample_has_a_name_labels_a_value_and_a_time() {
    let found = sample(r#"http_requests_total{method="post",code="400"}  3 1395066363000"#, TEXT);
    assert_eq!(found.name, "http_requests_total");
    assert_eq!(labels(&found), [("method", "post"), ("code", "400")]);
    assert_eq!(
        found.reading,
        Reading { value: 3.0, timestamp: Some(1_395_066_363_000_000_000), exemplar: None }
    );
}

#[test]
fn escapes_stand_for_what_they_say_and_other_backslashes_for_themselves() {
    let found = sample(r#"a{p="C:\\DIR\\F.TXT",e="say \"hi\"\nthere",z="\z",u="☃",n=""} 1"#, TEXT);
    let expected = [("p", r"C:\DIR\F.TXT"), ("e", "say \"hi\"\nthere"), ("z", r"\z"), ("u", "☃"), ("n", "")];
    assert_eq!(labels(&found), expected);
    assert!(matches!(found.labels[3].1, Cow::Borrowed(_)));
}

#[test]
fn blanks_and_a_comma_at_the_end_are_as_prometheus_takes_them() {
    for text in
        ["\ta\t{ b = \"c\" , }\t1", "a{b=\"c\",}1", "a {b=\"c\"} 1   ", "a{b=\"c\"} 1\r", "a{b=\"c\"} 1 \t"]
    {
        let found = sample(text, TEXT);
        assert_eq!(
            (&*found.name, labels(&found), found.reading.value),
            ("a", vec![("b", "c")], 1.0),
            "{text}"
        );
        assert!(line(text.as_bytes(), STRICT).is_err(), "{text}");
    }
    assert_eq!(sample("a{} 1", STRICT).labels, []);
}

#[test]
fn names_of_utf8_stand_in_quotes() {
    let found = sample(
        r#"{"my.dötted.metric",error.class="x"} 1"#.replace("error.class", "\"error.class\"").as_str(),
        TEXT,
    )
    .name
    .into_owned();
    assert_eq!(found, "my.dötted.metric");
    let found = sample(r#"{"a\"b}",x="y"} 1"#, OPENMETRICS);
    assert_eq!((&*found.name, labels(&found)), ("a\"b}", vec![("x", "y")]));
    let found = sample(r#"plain{"a b"="c"} 1"#, TEXT);
    assert_eq!((&*found.name, labels(&found)), ("plain", vec![("a b", "c")]));
    for bad in [r#"{"a","b"} 1"#, r#"a{"b"} 1"#, r#"{""} 1"#, r#"{x="y"} 1"#, "{} 1", r#"a{""="b"} 1"#] {
        assert!(line(bad.as_bytes(), TEXT).is_err(), "{bad}");
    }
    assert_eq!(
        line(br#"# TYPE "my.metric" counter"#, TEXT),
        Ok(Line::Metadata(Metadata::Type { family: "my.metric".into(), family_type: FamilyType::Counter }))
    );
}

#[test]
fn what_is_no_sample_is_a_fault() {
    for bad in [
        "a",
        "a ",
        "1 1",
        "a-b 1",
        "a.b 1",
        "a-1",
        "a{b} 1",
        "a{b=c} 1",
        "a{b=\"c} 1",
        "a{b=\"c\" 1",
        "a{b=\"c\"d=\"e\"} 1",
        "a{,} 1",
        "a{b=\"1\",b=\"2\"} 1",
        "a{1=\"b\"} 1",
        "a{b:c=\"d\"} 1",
        "a x",
        "a 1 2 3",
        "a 1 1.5",
        "a 1_0",
        "a 0x1p1",
        "a{b=\"c\\\"} 1",
        "a 1 # {} 1",
    ] {
        assert!(line(bad.as_bytes(), TEXT).is_err(), "{bad}");
    }
    assert_eq!(line(b"a{b=\"\xff\"} 1", TEXT), Err(Fault::NotUtf8));
}

#[test]
fn metadata_is_read_and_other_comments_are_none() {
    let help = |family: &'static str, text: &'static [u8]| {
        Ok(Line::Metadata(Metadata::Help { family: family.into(), text }))
    };
    assert_eq!(line(b"# HELP a The  a.", TEXT), help("a", b"The  a."));
    assert_eq!(line(b"#\tHELP   a\tx ", TEXT), help("a", b"x"));
    assert_eq!(line(b"# HELP a", TEXT), help("a", b""));
    let typed = |family_type| Ok(Line::Metadata(Metadata::Type { family: "a".into(), family_type }));
    assert_eq!(line(b"# TYPE a untyped", TEXT), typed(FamilyType::Unknown));
    assert_eq!(line(b"# TYPE a stateset", OPENMETRICS), typed(FamilyType::StateSet));
    let unit = Ok(Line::Metadata(Metadata::Unit { family: "a_seconds".into(), unit: "seconds" }));
    assert_eq!(line(b"# UNIT a_seconds seconds", OPENMETRICS), unit);
    assert_eq!(line(b"# TYPE a meh", TEXT), Err(Fault::BadType("meh".to_owned())));
    for comment in ["#", "# ", "#a", "# FOO a x", "# Help a x", "   # a comment"] {
        assert_eq!(line(comment.as_bytes(), TEXT), Ok(Line::Comment), "{comment}");
    }
    assert_eq!(line(b"  ", TEXT), Ok(Line::Blank));
    assert_eq!((line(b"# EOF", OPENMETRICS), line(b"# EOF", TEXT)), (Ok(Line::End), Ok(Line::Comment)));
}

#[test]
fn openmetrics_has_seconds_and_exemplars() {
    let found = sample("a_total 17 1520879607.789 # {trace_id=\"KOO5S4vxi0o\"} 0.67 1.5", OPENMETRICS);
    assert_eq!(found.reading.timestamp, Some(1_520_879_607_789_000_000));
    let read = exemplar(found.reading.exemplar.unwrap()).unwrap();
    assert_eq!((read.value, read.timestamp), (0.67, Some(1_500_000_000)));
    assert_eq!(read.labels, [("trace_id".into(), "KOO5S4vxi0o".into())]);
    let without_time = sample("a_bucket{le=\"1\"} 17 # {} 0.5", STRICT);
    assert_eq!((without_time.reading.timestamp, without_time.reading.value), (None, 17.0));
}
