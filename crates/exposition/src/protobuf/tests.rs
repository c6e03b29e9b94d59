use prost::Message as _;

use super::{messages::*, *};

/// Metrics, each with its family's name and type.
type Found = Vec<(String, FamilyType, Result<Metric, Fault>)>;

fn read(pieces: &[&[u8]]) -> Result<Found, Fault> {
    let (mut messages, mut all) = (Messages::default(), Vec::new());
    for piece in pieces {
        let take = |family: &Family, metric: Result<Metric, Fault>| {
            all.push((family.name.clone(), family.family_type, metric));
            Ok(())
        };
        messages.feed(piece, take, |fault| fault)?;
        assert!(messages.held.len() <= MAX_METRIC + piece.len());
    }
    messages.finish()?;
    Ok(all)
}

fn gauge(value: f64) -> Metric {
    let label = vec![LabelPair { name: "x".to_owned(), value: "y".to_owned() }];
    Metric { label, gauge: Some(Gauge { value }), ..Metric::default() }
}

fn families() -> (Vec<u8>, Found) {
    let family = |name: &str, r#type, metric: Vec<Metric>| MetricFamily {
        name: name.to_owned(),
        help: "what it is".to_owned(),
        r#type,
        metric,
        unit: "seconds".to_owned(),
    };
    let counter = Metric { counter: Some(Counter { value: 3.0, ..Counter::default() }), ..Metric::default() };
    let all = [
        family("a", 1, vec![gauge(1.0), gauge(2.0)]),
        family("empty", 2, Vec::new()),
        family("b_total", 0, vec![counter.clone()]),
    ];
    let body = all.iter().flat_map(MetricFamily::encode_length_delimited_to_vec).collect();
    let expected = vec![
        ("a".to_owned(), FamilyType::Gauge, Ok(gauge(1.0))),
        ("a".to_owned(), FamilyType::Gauge, Ok(gauge(2.0))),
        ("b_total".to_owned(), FamilyType::Counter, Ok(counter)),
    ];
    (body, expected)
}

#[test]
fn metrics_are_the_same_wherever_a_body_is_cut() {
    let (body, expected) = families();
    assert_eq!(read(&[&body]), Ok(expected.clone()));
    for at in 0..body.len() {
        assert_eq!(read(&[&body[..at], &body[at..]]), Ok(expected.clone()), "cut at {at}");
    }
    let bytes: Vec<&[u8]> = body.chunks(1).collect();
    assert_eq!(read(&bytes), Ok(expected));
}

#[test]
fn a_body_that_ends_early_is_a_fault() {
    let (body, _) = families();
    let whole: Vec<usize> = (0..=body.len()).filter(|end| read(&[&body[..*end]]).is_ok()).collect();
    assert_eq!((whole.len(), whole[0], whole[3]), (4, 0, body.len()), "between families only: {whole:?}");
}

#[test]
fn a_metric_that_is_none_or_too_long_costs_itself_only() {
    let mut inner = vec![0x0a, 1, b'a', 0x18, 1];
    let mut field = |bytes: &[u8]| {
        inner.push(0x22);
        prost::encoding::encode_varint(bytes.len() as u64, &mut inner);
        inner.extend_from_slice(bytes);
    };
    field(&[0xff, 0xff]);
    field(&vec![0; MAX_METRIC + 1]);
    field(&gauge(5.0).encode_to_vec());
    let mut body = Vec::new();
    prost::encoding::encode_varint(inner.len() as u64, &mut body);
    body.extend(inner);
    let pieces: Vec<&[u8]> = body.chunks(1000).collect();
    let found = read(&pieces).unwrap();
    let metrics: Vec<_> = found.into_iter().map(|(_, _, metric)| metric).collect();
    assert!(matches!(metrics[0], Err(Fault::BadMessage(_))), "{:?}", metrics[0]);
    assert_eq!(metrics[1..], [Err(Fault::MessageTooLong(MAX_METRIC)), Ok(gauge(5.0))]);
}

#[test]
fn what_is_no_message_is_a_fault() {
    // A length without an end, a field beyond its message, a group.
    for body in [&[0xff; 11][..], &[3, 0x0a, 9, b'a'], &[2, 0x0b, 0x0c]] {
        assert!(matches!(read(&[body]), Err(Fault::BadMessage(_))), "{body:?}");
    }
    assert_eq!(read(&[&[3, 0x0a, 1, 0xff]]), Err(Fault::NotUtf8));
}
