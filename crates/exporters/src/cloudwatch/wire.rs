//! A datum in RPC v2 CBOR: written once when its request is made, and read back when somebody must look into it.
//!
//! The shape is the SDK's own: maps of indefinite length, members in the order of the service model, doubles of nine bytes.
//! A test compares the bytes with those that the SDK sends.

use aws_sdk_cloudwatch::types::{Dimension, MetricDatum, StandardUnit, StatisticSet};
use aws_smithy_cbor::{Decoder, Encoder, data::Type, decode::DeserializeError};

/// Appends a datum.
pub(super) fn write_datum(into: &mut Vec<u8>, datum: &MetricDatum) {
    let mut encoder = Encoder::new(std::mem::take(into));
    encoder.begin_map();
    if let Some(name) = &datum.metric_name {
        encoder.str("MetricName").str(name);
    }
    if let Some(dimensions) = &datum.dimensions {
        encoder.str("Dimensions").array(dimensions.len());
        for dimension in dimensions {
            encoder.begin_map();
            encoder.str("Name").str(dimension.name().unwrap_or_default());
            encoder.str("Value").str(dimension.value().unwrap_or_default());
            encoder.end();
        }
    }
    if let Some(time) = &datum.timestamp {
        encoder.str("Timestamp").timestamp(time);
    }
    if let Some(value) = datum.value {
        encoder.str("Value").double(value);
    }
    if let Some(statistics) = &datum.statistic_values {
        encoder.str("StatisticValues").begin_map();
        for (name, value) in statistic_members(statistics) {
            if let Some(value) = value {
                encoder.str(name).double(value);
            }
        }
        encoder.end();
    }
    for (name, numbers) in [("Values", &datum.values), ("Counts", &datum.counts)] {
        if let Some(numbers) = numbers {
            encoder.str(name).array(numbers.len());
            for number in numbers {
                encoder.double(*number);
            }
        }
    }
    if let Some(unit) = &datum.unit {
        encoder.str("Unit").str(unit.as_str());
    }
    if let Some(seconds) = datum.storage_resolution {
        encoder.str("StorageResolution").integer(seconds);
    }
    encoder.end();
    *into = encoder.into_writer();
}

fn statistic_members(set: &StatisticSet) -> [(&'static str, Option<f64>); 4] {
    [("SampleCount", set.sample_count), ("Sum", set.sum), ("Minimum", set.minimum), ("Maximum", set.maximum)]
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

/// Reads what [`write_datum`] wrote.
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
