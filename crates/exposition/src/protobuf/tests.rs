use prost::Message as _;

use super::{messages::*, *};

/// Metrics, each with its family.
type Found = Vec<(Family, Result<Metric, Fault>)>;

fn read(pieces: &[&[u8]]) -> Result<Found, Fault> {
    let (mut messages, mut all) = (Messages::default(), Vec::new());
    for piece in pieces {
        messages.feed(piece);
        assert!(messages.held.len() <= MAX_HELD + piece.len());
        while let Some((family, metric)) = messages.next_metric()? {
            all.push((family.clone(), metric));
        }
    }
    messages.finish()?;
    Ok(all)
}

fn of(name: &str, family_type: FamilyType, unit: &str) -> Family {
    Family { name: name.to_owned(), family_type, unit: unit.to_owned() }
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
        (of("a", FamilyType::Gauge, "seconds"), Ok(gauge(1.0))),
        (of("a", FamilyType::Gauge, "seconds"), Ok(gauge(2.0))),
        (of("b_total", FamilyType::Counter, "seconds"), Ok(counter)),
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
    let metrics: Vec<_> = found.into_iter().map(|(_, metric)| metric).collect();
    assert!(matches!(metrics[0], Err(Fault::BadMessage(_))), "{:?}", metrics[0]);
    assert_eq!(metrics[1..], [Err(Fault::MessageTooLong(MAX_METRIC)), Ok(gauge(5.0))]);
}

#[test]
fn a_name_beyond_the_bound_is_told_and_not_taken_and_of_two_names_the_last_counts() {
    let written = |name: &str, metric: Vec<Metric>| {
        MetricFamily { name: name.to_owned(), metric, ..MetricFamily::default() }.encode_to_vec()
    };
    let of_one_family = |parts: &[Vec<u8>]| {
        let inner = parts.concat();
        let mut body = Vec::new();
        prost::encoding::encode_varint(inner.len() as u64, &mut body);
        [body, inner].concat()
    };
    let long = "n".repeat(MAX_METRIC + 1);
    let body = of_one_family(&[written("a", Vec::new()), written(&long, vec![gauge(1.0)])]);
    let of_a = || of("a", FamilyType::Counter, "");
    assert_eq!(
        read(&[&body]),
        Ok(vec![(of_a(), Err(Fault::MessageTooLong(MAX_METRIC))), (of_a(), Ok(gauge(1.0)))])
    );
    let body = of_one_family(&[written("b", vec![gauge(1.0)]), written("a", vec![gauge(2.0)])]);
    assert_eq!(read(&[&body]), Ok(vec![(of_a(), Ok(gauge(1.0))), (of_a(), Ok(gauge(2.0)))]));
}

#[test]
fn what_is_no_message_is_a_fault() {
    // A length without an end, a field beyond its message, a group.
    for body in [&[0xff; 11][..], &[3, 0x0a, 9, b'a'], &[2, 0x0b, 0x0c]] {
        assert!(matches!(read(&[body]), Err(Fault::BadMessage(_))), "{body:?}");
    }
    assert_eq!(read(&[&[3, 0x0a, 1, 0xff]]), Err(Fault::NotUtf8));
}

#[test]
fn a_family_that_is_too_large_to_be_held_has_its_name_and_type_and_no_unit() {
    let label = vec![LabelPair { name: "x".to_owned(), value: "y".repeat(1000) }];
    let metric = Metric { label, gauge: Some(Gauge { value: 1.0 }), ..Metric::default() };
    let count = MAX_HELD / 1000;
    let family = |count: usize| MetricFamily {
        name: "a".to_owned(),
        r#type: 1,
        metric: vec![metric.clone(); count],
        unit: "seconds".to_owned(),
        ..MetricFamily::default()
    };
    for (count, unit) in [(count, ""), (count - count / 20, "seconds")] {
        let body = family(count).encode_length_delimited_to_vec();
        let found = read(&body.chunks(100_000).collect::<Vec<_>>()).unwrap();
        assert_eq!(found.len(), count);
        assert!(found.iter().all(|(family, _)| *family == of("a", FamilyType::Gauge, unit)), "{unit}");
    }
}

#[test]
fn where_it_is_no_message_any_more_is_told_in_bytes() {
    let (good, _) = families();
    // A family of one byte, which begins a group.
    let broken = [&good[..], &[1, 0x0b]].concat();
    for size in [1, 10, broken.len()] {
        let mut messages = Messages::default();
        let fault = broken.chunks(size).find_map(|piece| {
            messages.feed(piece);
            loop {
                match messages.next_metric() {
                    Ok(Some(_)) => {}
                    Ok(None) => return None,
                    Err(fault) => return Some(fault),
                }
            }
        });
        assert_eq!(fault, Some(Fault::BadMessage("wire type 3".to_owned())));
        assert_eq!(messages.position(), good.len() as u64 + 1, "in pieces of {size}");
    }
}
