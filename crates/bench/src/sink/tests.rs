use super::*;

/// A document as an encoder writes it.
fn document(write: impl FnOnce(&mut minicbor::Encoder<Vec<u8>>)) -> Vec<u8> {
    let mut encoder = minicbor::Encoder::new(Vec::new());
    write(&mut encoder);
    encoder.into_writer()
}

fn read(bytes: &[u8]) -> Vec<(String, f64, f64)> {
    let mut datums = Vec::new();
    request_of(&mut Decoder::new(bytes), &mut datums).unwrap();
    datums.into_iter().map(|datum| (datum.series, datum.counted.samples, datum.counted.sum)).collect()
}

#[test]
fn values_and_counts_are_added_up_by_series_and_statistics_win() {
    let bytes = document(|to| {
        to.begin_map().unwrap().str("Namespace").unwrap().str("Shop").unwrap();
        to.str("MetricData").unwrap().begin_array().unwrap();
        to.map(2).unwrap().str("MetricName").unwrap().str("one").unwrap();
        to.str("Value").unwrap().f64(2.5).unwrap();
        to.map(4).unwrap().str("MetricName").unwrap().str("many").unwrap();
        to.str("Dimensions").unwrap().array(1).unwrap().map(2).unwrap();
        to.str("Name").unwrap().str("method").unwrap().str("Value").unwrap().str("GET").unwrap();
        to.str("Values").unwrap().array(2).unwrap().f64(1.0).unwrap().i32(10).unwrap();
        to.str("Counts").unwrap().array(2).unwrap().f32(3.0).unwrap().f64(2.0).unwrap();
        to.map(3).unwrap().str("MetricName").unwrap().str("merged").unwrap();
        to.str("Values").unwrap().array(1).unwrap().f64(7.0).unwrap();
        to.str("StatisticValues").unwrap().map(4).unwrap().str("SampleCount").unwrap().f64(9.0).unwrap();
        to.str("Sum").unwrap().f64(63.5).unwrap().str("Minimum").unwrap().f64(1.0).unwrap();
        to.str("Maximum").unwrap().f64(8.0).unwrap();
        to.end().unwrap().end().unwrap();
    });
    let expected = [("one", 1.0, 2.5), ("many method=GET", 5.0, 23.0), ("merged", 9.0, 63.5)];
    assert_eq!(read(&bytes), expected.map(|(name, samples, sum)| (name.to_owned(), samples, sum)));
}

#[test]
fn what_is_cut_short_is_broken() {
    let bytes = document(|to| {
        to.map(1).unwrap().str("MetricData").unwrap().array(1).unwrap();
        to.map(1).unwrap().str("Value").unwrap().f64(1.0).unwrap();
    });
    assert_eq!(read(&bytes).len(), 1);
    for end in 0..bytes.len() {
        let read = request_of(&mut Decoder::new(&bytes[..end]), &mut Vec::new());
        assert!(read.is_err(), "{end} bytes of {}", bytes.len());
    }
}
