use proptest::prelude::*;

use super::*;
use crate::cloudwatch::pack::tests::{at, every_shape};

/// A datum of the SDK's type as it is written here.
pub(in crate::cloudwatch) fn written(datum: &MetricDatum) -> Vec<u8> {
    let dimensions = datum.dimensions().iter();
    let pair = |one: &Dimension| {
        (one.name().unwrap_or_default().to_owned().into(), one.value().unwrap_or_default().to_owned().into())
    };
    let dimensions: Vec<DimensionOf<'static>> = dimensions.map(pair).collect();
    let mut bytes = Vec::new();
    begin_datum(&mut bytes, datum.metric_name().unwrap_or_default(), &dimensions);
    let statistics = datum.statistic_values.as_ref().map(|set| Statistics {
        count: set.sample_count.unwrap() as u64,
        sum: set.sum.unwrap(),
        min: set.minimum.unwrap(),
        max: set.maximum.unwrap(),
    });
    end_datum(
        &mut bytes,
        &Told {
            time: datum.timestamp.map_or(0, |time| time.secs()),
            value: datum.value,
            statistics,
            values: datum.values(),
            counts: datum.counts(),
            unit: datum.unit.as_ref().map(StandardUnit::as_str),
            resolution: datum.storage_resolution,
        },
    );
    bytes
}

#[test]
fn what_was_written_is_read() {
    for shape in every_shape() {
        let datum = at(shape, 1_795_500_000);
        let bytes = written(&datum);
        assert_eq!(read_datum(&bytes).unwrap(), datum);
        assert_eq!(name_of(&bytes), datum.metric_name().unwrap());
    }
}

/// What a number is written as.
fn number(number: f64) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new());
    write_number(&mut encoder, number);
    encoder.into_writer()
}

/// Nothing but the payload of what is no number may change.
fn is_same(one: f64, other: f64) -> bool {
    one.to_bits() == other.to_bits() || one.is_nan() && other.is_nan()
}

#[test]
fn a_number_takes_the_fewest_bytes_that_hold_it() {
    // By RFC 8949, appendix A, and beyond its examples by section 3.
    let rows: &[(f64, &[u8])] = &[
        (0.0, &[0x00]),
        (23.0, &[0x17]),
        (24.0, &[0x18, 0x18]),
        (-1.0, &[0x20]),
        (-100.0, &[0x38, 0x63]),
        (1000.0, &[0x19, 0x03, 0xe8]),
        (1_000_000.0, &[0x1a, 0x00, 0x0f, 0x42, 0x40]),
        (4_294_967_295.0, &[0x1a, 0xff, 0xff, 0xff, 0xff]),
        (4_294_967_296.0, &[0xfa, 0x4f, 0x80, 0x00, 0x00]),
        (9_007_199_254_740_993.0, &[0xfa, 0x5a, 0x00, 0x00, 0x00]),
        (1.5, &[0xfa, 0x3f, 0xc0, 0x00, 0x00]),
        (1.1, &[0xfb, 0x3f, 0xf1, 0x99, 0x99, 0x99, 0x99, 0x99, 0x9a]),
        (-4.1, &[0xfb, 0xc0, 0x10, 0x66, 0x66, 0x66, 0x66, 0x66, 0x66]),
    ];
    for (value, bytes) in rows {
        assert_eq!(number(*value), *bytes, "{value}");
    }
}

proptest! {
    #[test]
    fn every_number_is_read_as_it_was(value in any::<f64>(), whole in any::<i64>(), single in any::<f32>()) {
        for value in [value, whole as f64, (whole % 100_000) as f64, f64::from(single)] {
            let bytes = number(value);
            let found = read_number(&mut Decoder::new(&bytes)).unwrap();
            prop_assert!(is_same(found, value), "{value} became {found}");
            // By a library that is not ours.
            let foreign = match ciborium::from_reader(&*bytes).unwrap() {
                ciborium::Value::Integer(whole) => i128::from(whole) as f64,
                other => other.as_float().unwrap(),
            };
            prop_assert!(is_same(foreign, value), "{value} became {foreign}");
        }
    }

    #[test]
    fn foreign_bytes_are_an_error_or_a_datum_and_no_panic(
        at_byte in any::<prop::sample::Index>(), with in any::<u8>(), shape in any::<prop::sample::Index>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let shapes = every_shape();
        let mut bytes = written(&at(shapes[shape.index(shapes.len())].clone(), 1_795_500_000));
        let place = at_byte.index(bytes.len());
        bytes[place] = with;
        bytes.truncate(cut.index(bytes.len() + 1).max(1));
        // Whatever it says, it says it.
        let _ = read_datum(&bytes);
    }
}
