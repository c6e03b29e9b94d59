//! A datum in RPC v2 CBOR: written once when its period closes, and read back when somebody must look into it.
//!
//! The shape is the SDK's own: maps of indefinite length, members in the order of the service model, doubles of nine bytes.
//! A test compares the bytes with those that the SDK sends.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit, StatisticSet},
};
use aws_smithy_cbor::{Decoder, Encoder, data::Type, decode::DeserializeError};
use weir_window::Statistics;

use super::dimensions::Dimension as DimensionOf;

const BYTES_OF_A_DOUBLE: usize = 9;

/// Appends the beginning of a datum: what CloudWatch tells metrics of a namespace apart by, but for the unit.
pub(super) fn begin_datum(into: &mut Vec<u8>, name: &str, dimensions: &[DimensionOf<'_>]) {
    let mut encoder = Encoder::new(std::mem::take(into));
    encoder.begin_map();
    encoder.str("MetricName").str(name);
    if !dimensions.is_empty() {
        encoder.str("Dimensions").array(dimensions.len());
        for (name, value) in dimensions {
            encoder.begin_map();
            encoder.str("Name").str(name);
            encoder.str("Value").str(value);
            encoder.end();
        }
    }
    *into = encoder.into_writer();
}

/// What a datum says of its metric. Lists that are empty are left out.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Told<'a> {
    /// In seconds since the epoch.
    pub(super) time: i64,
    pub(super) value: Option<f64>,
    pub(super) statistics: Option<Statistics>,
    pub(super) values: &'a [f64],
    pub(super) counts: &'a [f64],
    pub(super) unit: Option<&'a str>,
    pub(super) resolution: Option<i32>,
}

/// Appends the rest of a datum that [`begin_datum`] began.
pub(super) fn end_datum(into: &mut Vec<u8>, told: &Told<'_>) {
    let mut encoder = Encoder::new(std::mem::take(into));
    encoder.str("Timestamp").timestamp(&DateTime::from_secs(told.time));
    if let Some(value) = told.value {
        encoder.str("Value").double(value);
    }
    if let Some(Statistics { count, sum, min, max }) = told.statistics {
        encoder.str("StatisticValues").begin_map();
        encoder.str("SampleCount").double(count as f64);
        encoder.str("Sum").double(sum);
        encoder.str("Minimum").double(min);
        encoder.str("Maximum").double(max);
        encoder.end();
    }
    for (name, numbers) in [("Values", told.values), ("Counts", told.counts)] {
        if !numbers.is_empty() {
            encoder.str(name).array(numbers.len());
            let mut bytes = encoder.into_writer();
            write_doubles(&mut bytes, numbers);
            encoder = Encoder::new(bytes);
        }
    }
    if let Some(unit) = told.unit {
        encoder.str("Unit").str(unit);
    }
    if let Some(seconds) = told.resolution {
        encoder.str("StorageResolution").integer(seconds);
    }
    encoder.end();
    *into = encoder.into_writer();
}

/// Doubles are most of a datum: each is written at once, where the encoder writes its type first.
fn write_doubles(into: &mut Vec<u8>, numbers: &[f64]) {
    /// CBOR's major type 7 with eight bytes (RFC 8949, section 3.3).
    const DOUBLE: u8 = 0xfb;
    into.reserve(numbers.len() * BYTES_OF_A_DOUBLE);
    for number in numbers {
        let mut bytes = [DOUBLE; BYTES_OF_A_DOUBLE];
        bytes[1..].copy_from_slice(&number.to_be_bytes());
        into.extend_from_slice(&bytes);
    }
}

/// The name of the metric of a datum that was begun.
pub(super) fn name_of(bytes: &[u8]) -> String {
    let mut decoder = Decoder::new(bytes);
    let mut name = || {
        decoder.map()?;
        decoder.skip()?;
        decoder.string()
    };
    name().unwrap_or_default()
}

/// Appends the head of a request, up to its first datum.
pub(super) fn write_head(into: &mut Vec<u8>, namespace: &str, datums: usize) {
    let mut encoder = Encoder::new(std::mem::take(into));
    encoder.begin_map();
    encoder.str("Namespace").str(namespace);
    encoder.str("MetricData").array(datums);
    *into = encoder.into_writer();
}

/// Appends the end of a request.
pub(super) fn write_end(into: &mut Vec<u8>) {
    let mut encoder = Encoder::new(std::mem::take(into));
    encoder.end();
    *into = encoder.into_writer();
}

/// Reads what [`begin_datum`] and [`end_datum`] wrote.
pub(super) fn read_datum(bytes: &[u8]) -> Result<MetricDatum, DeserializeError> {
    let mut decoder = Decoder::new(bytes);
    let mut datum = MetricDatum::builder();
    decoder.map()?;
    while !at_end(&mut decoder)? {
        let member = decoder.str()?;
        datum = match &*member {
            "MetricName" => datum.metric_name(decoder.string()?),
            "Dimensions" => {
                for _ in 0..decoder.list()?.unwrap_or(0) {
                    datum = datum.dimensions(read_dimension(&mut decoder)?);
                }
                datum
            }
            "Timestamp" => datum.timestamp(decoder.timestamp()?),
            "Value" => datum.value(decoder.double()?),
            "StatisticValues" => datum.statistic_values(read_statistics(&mut decoder)?),
            "Values" => datum.set_values(Some(read_doubles(&mut decoder)?)),
            "Counts" => datum.set_counts(Some(read_doubles(&mut decoder)?)),
            "Unit" => datum.unit(StandardUnit::from(&*decoder.str()?)),
            "StorageResolution" => datum.storage_resolution(decoder.integer()?),
            _ => return Err(unknown(&member, &decoder)),
        };
    }
    Ok(datum.build())
}

fn read_dimension(decoder: &mut Decoder<'_>) -> Result<Dimension, DeserializeError> {
    let mut dimension = Dimension::builder();
    decoder.map()?;
    while !at_end(decoder)? {
        let member = decoder.str()?;
        dimension = match &*member {
            "Name" => dimension.name(decoder.string()?),
            "Value" => dimension.value(decoder.string()?),
            _ => return Err(unknown(&member, decoder)),
        };
    }
    Ok(dimension.build())
}

fn read_statistics(decoder: &mut Decoder<'_>) -> Result<StatisticSet, DeserializeError> {
    let mut set = StatisticSet::builder();
    decoder.map()?;
    while !at_end(decoder)? {
        let member = decoder.str()?;
        set = match &*member {
            "SampleCount" => set.sample_count(decoder.double()?),
            "Sum" => set.sum(decoder.double()?),
            "Minimum" => set.minimum(decoder.double()?),
            "Maximum" => set.maximum(decoder.double()?),
            _ => return Err(unknown(&member, decoder)),
        };
    }
    Ok(set.build())
}

fn read_doubles(decoder: &mut Decoder<'_>) -> Result<Vec<f64>, DeserializeError> {
    let length = decoder.list()?.unwrap_or(0);
    (0..length).map(|_| decoder.double()).collect()
}

/// Whether a map of indefinite length ends here; the end is read over.
fn at_end(decoder: &mut Decoder<'_>) -> Result<bool, DeserializeError> {
    let is_end = decoder.datatype()? == Type::Break;
    if is_end {
        decoder.skip()?;
    }
    Ok(is_end)
}

fn unknown(member: &str, decoder: &Decoder<'_>) -> DeserializeError {
    DeserializeError::custom(format!("unknown member {member}"), decoder.position())
}

#[cfg(test)]
pub(super) mod tests;
