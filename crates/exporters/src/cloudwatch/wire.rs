//! A datum in RPC v2 CBOR: written once when its period closes, and read back when somebody must look into it.
//!
//! The shape is the SDK's own: maps of indefinite length, members in the order of the service model. Numbers alone are shorter:
//! [`write_number`]. A test compares what is said with what the SDK says.

use aws_sdk_cloudwatch::{
    primitives::DateTime,
    types::{Dimension, MetricDatum, StandardUnit, StatisticSet},
};
use aws_smithy_cbor::{Decoder, Encoder, data::Type, decode::DeserializeError};
use weir_window::Statistics;

use super::dimensions::Dimension as DimensionOf;

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
        write_number(encoder.str("Value"), value);
    }
    if let Some(Statistics { count, sum, min, max }) = told.statistics {
        encoder.str("StatisticValues").begin_map();
        write_number(encoder.str("SampleCount"), count as f64);
        write_number(encoder.str("Sum"), sum);
        write_number(encoder.str("Minimum"), min);
        write_number(encoder.str("Maximum"), max);
        encoder.end();
    }
    for (name, numbers) in [("Values", told.values), ("Counts", told.counts)] {
        if !numbers.is_empty() {
            encoder.str(name).array(numbers.len());
            numbers.iter().for_each(|number| write_number(&mut encoder, *number));
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

/// Writes a double as the smallest type that holds it: a whole number as an integer, another as a float of four bytes where that is
/// exact. The protocol asks for it (Smithy RPC v2 CBOR, "Numeric type serialization"), a service must read it, and the SDK for Java
/// sends it to CloudWatch. Of a counter's fifty samples, written as doubles, it leaves two fifths.
fn write_number(encoder: &mut Encoder, number: f64) {
    /// Beyond it an integer takes as many bytes as a double.
    const MAX_WHOLE: f64 = u32::MAX as f64;
    let (whole, single) = (number as i64, number as f32);
    let is_number = |held: f64| held.to_bits() == number.to_bits();
    if is_number(whole as f64) && number.abs() <= MAX_WHOLE {
        encoder.long(whole);
    } else if is_number(f64::from(single)) {
        encoder.float(single);
    } else {
        encoder.double(number);
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
            "Value" => datum.value(read_number(&mut decoder)?),
            "StatisticValues" => datum.statistic_values(read_statistics(&mut decoder)?),
            "Values" => datum.set_values(Some(read_numbers(&mut decoder)?)),
            "Counts" => datum.set_counts(Some(read_numbers(&mut decoder)?)),
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
            "SampleCount" => set.sample_count(read_number(decoder)?),
            "Sum" => set.sum(read_number(decoder)?),
            "Minimum" => set.minimum(read_number(decoder)?),
            "Maximum" => set.maximum(read_number(decoder)?),
            _ => return Err(unknown(&member, decoder)),
        };
    }
    Ok(set.build())
}

fn read_numbers(decoder: &mut Decoder<'_>) -> Result<Vec<f64>, DeserializeError> {
    let length = decoder.list()?.unwrap_or(0);
    (0..length).map(|_| read_number(decoder)).collect()
}

/// Any of CBOR's numbers.
fn read_number(decoder: &mut Decoder<'_>) -> Result<f64, DeserializeError> {
    match decoder.datatype()? {
        Type::F16 | Type::F32 | Type::F64 => decoder.double(),
        _ => decoder.long().map(|whole| whole as f64),
    }
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
