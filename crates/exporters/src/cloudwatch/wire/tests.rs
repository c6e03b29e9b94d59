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

proptest! {
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
