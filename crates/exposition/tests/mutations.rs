//! A million seeded mutations of good bodies for each parser: none panics, what the parts of a parser say of a line agrees, and
//! what is held stays bounded.
#![allow(clippy::unwrap_used, reason = "a test")]

use fastrand::Rng;
use prost::Message as _;
use weir_exposition::{
    Fault, Format,
    lines::Lines,
    protobuf::{
        Messages,
        messages::{
            Bucket, BucketSpan, Counter, Histogram, LabelPair, Metric, MetricFamily, Quantile, Summary,
        },
    },
    strict::Checker,
    text::{Line, Syntax, exemplar, key_len, line, reading},
};

const MUTATIONS: usize = 1_000_000;
const SEED: u64 = 20_261_124;

const TEXT: &str = "# HELP a_total The \\\\ a.\n# TYPE a_total counter\na_total{b=\"c\\\"d\",e=\"\"} 1027 1395066363000\nh_bucket{le=\"+Inf\"} 1e+06\n{\"u.v\",\"w x\"=\"☃\"} -Inf\n\nx NaN\n";
const OPENMETRICS: &str = "# TYPE c_seconds counter\n# UNIT c_seconds seconds\nc_seconds_total{a=\"b\"} 17 1520879607.789 # {t=\"x\"} 0.67 1.5\nc_seconds_created 1.5\n# TYPE h histogram\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\n# EOF\n";

/// The same in each run, unless `cargo xtask fuzz` says otherwise.
fn rng() -> Rng {
    Rng::with_seed(std::env::var("WEIR_SEED").map_or(SEED, |other| other.parse().unwrap()))
}

/// Changes a few bytes: others, fewer, more, or a piece of another place.
fn mutate(rng: &mut Rng, original: &[u8], mutated: &mut Vec<u8>) {
    const LIKELY: &[u8] = b" \t\n\r{}=\",#\\_:01.eE+-NIa\xff\x00\x80\xe2";
    mutated.clear();
    mutated.extend_from_slice(original);
    for _ in 0..rng.usize(1..4) {
        let at = rng.usize(..mutated.len());
        let byte = if rng.bool() { LIKELY[rng.usize(..LIKELY.len())] } else { rng.u8(..) };
        match rng.u8(..5) {
            0 => mutated[at] = byte,
            1 => _ = mutated.remove(at),
            2 => mutated.insert(at, byte),
            3 => mutated[at] ^= 1 << rng.u8(..8),
            _ => {
                let from = rng.usize(..original.len());
                let to = (from + rng.usize(..8)).min(original.len());
                mutated.splice(at..at, original[from..to].iter().copied());
            }
        }
        if mutated.is_empty() {
            mutated.push(byte);
        }
    }
}

/// Reads one line in each way that it may be read; answers whether it is good.
fn read_line(text: &[u8], syntax: Syntax) -> bool {
    let read = line(text, syntax);
    let key = key_len(text);
    if let Ok(Line::Sample(sample)) = &read {
        assert_eq!(key, Some(sample.key_len), "{:?}", String::from_utf8_lossy(text));
        let again = reading(&text[sample.key_len..], syntax).unwrap();
        assert!(
            again.value.to_bits() == sample.reading.value.to_bits()
                && again.timestamp == sample.reading.timestamp
        );
        if let Some(found) = sample.reading.exemplar {
            _ = exemplar(found);
        }
    }
    read.is_ok()
}

fn mutations_of(original: &str, syntax: Syntax) {
    let mut rng = rng();
    let (mut mutated, mut good, mut bad) = (Vec::new(), 0_u64, 0_u64);
    // A mutation is of one line: bodies are lines, and `Lines` has its own test.
    let lines: Vec<&[u8]> = original.split_inclusive('\n').map(str::as_bytes).collect();
    for _ in 0..MUTATIONS {
        let line = lines[rng.usize(..lines.len())];
        mutate(&mut rng, line, &mut mutated);
        for text in mutated.split(|byte| *byte == b'\n') {
            match read_line(text, syntax) {
                true => good += 1,
                false => bad += 1,
            }
        }
    }
    // Neither side of the parser goes untried.
    assert!(good > MUTATIONS as u64 / 100 && bad > MUTATIONS as u64 / 100, "{good} good, {bad} bad");
}

#[test]
fn a_million_mutations_of_the_text_format() {
    let syntax = Syntax::of(Format::Text004, false);
    assert_eq!(syntax, Syntax::of(Format::Text100, false), "one parser for both versions");
    mutations_of(TEXT, syntax);
}

#[test]
fn a_million_mutations_of_openmetrics() {
    let syntax = Syntax::of(Format::OpenMetrics001, false);
    assert_eq!(syntax, Syntax::of(Format::OpenMetrics100, false), "one parser for both versions");
    mutations_of(OPENMETRICS, syntax);
}

#[test]
fn a_million_mutations_of_openmetrics_read_strictly() {
    let mut rng = rng();
    let (mut mutated, mut good) = (Vec::new(), 0);
    for _ in 0..MUTATIONS {
        mutate(&mut rng, OPENMETRICS.as_bytes(), &mut mutated);
        let mut checker = Checker::default();
        let mut lines = mutated.strip_suffix(b"\n").unwrap_or(&mutated).split(|byte| *byte == b'\n');
        let all = lines.try_for_each(|text| checker.take(text).map(drop)).and_then(|()| checker.finish());
        good += u64::from(all.is_ok());
    }
    assert!(good > MUTATIONS as u64 / 100 && good < MUTATIONS as u64, "{good} good");
}

#[test]
fn lines_are_the_same_however_mutated_bodies_are_cut() {
    let mut rng = rng();
    let mut mutated = Vec::new();
    for _ in 0..MUTATIONS / 20 {
        mutate(&mut rng, TEXT.as_bytes(), &mut mutated);
        let (mut lines, mut found) = (Lines::default(), Vec::new());
        let mut rest = &mutated[..];
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(rng.usize(1..=rest.len()));
            let taken: Result<(), ()> = lines.feed(piece, |line| {
                found.push(line.unwrap().to_vec());
                Ok(())
            });
            taken.unwrap();
            rest = after;
        }
        found.extend(lines.rest());
        let expected: Vec<&[u8]> =
            mutated.strip_suffix(b"\n").unwrap_or(&mutated).split(|byte| *byte == b'\n').collect();
        if mutated != b"\n" {
            assert_eq!(found, expected);
        }
    }
}

fn families() -> Vec<u8> {
    let label = vec![LabelPair { name: "a".to_owned(), value: "b".to_owned() }];
    let counter = Metric {
        label: label.clone(),
        counter: Some(Counter { value: 7.0, ..Counter::default() }),
        timestamp_ms: Some(1),
        ..Metric::default()
    };
    let quantile = vec![Quantile { quantile: 0.5, value: 1.0 }];
    let summary = Metric {
        summary: Some(Summary { sample_count: 3, sample_sum: 4.0, quantile, created_timestamp: None }),
        ..Metric::default()
    };
    let histogram = Histogram {
        sample_count: 5,
        sample_sum: 9.0,
        bucket: vec![Bucket { cumulative_count: 5, upper_bound: 1.0, ..Bucket::default() }],
        schema: Some(3),
        positive_span: vec![BucketSpan { offset: 1, length: 2 }],
        positive_delta: vec![3, -1],
        ..Histogram::default()
    };
    let histogram = Metric { label, histogram: Some(histogram), ..Metric::default() };
    let family = |name: &str, r#type, metric| MetricFamily {
        name: name.to_owned(),
        r#type,
        metric,
        ..MetricFamily::default()
    };
    [family("c_total", 0, vec![counter]), family("s", 2, vec![summary]), family("h", 4, vec![histogram])]
        .iter()
        .flat_map(MetricFamily::encode_length_delimited_to_vec)
        .collect()
}

#[test]
fn a_million_mutations_of_protobuf() {
    let (mut rng, original) = (rng(), families());
    let (mut mutated, mut metrics, mut faults, mut failed) = (Vec::new(), 0_u64, 0_u64, 0_u64);
    for _ in 0..MUTATIONS {
        mutate(&mut rng, &original, &mut mutated);
        let mut messages = Messages::default();
        let (one, other) = mutated.split_at(rng.usize(..=mutated.len()));
        let mut read = |piece| -> Result<(), Fault> {
            messages.feed(piece);
            while let Some((_, metric)) = messages.next_metric()? {
                *(if metric.is_ok() { &mut metrics } else { &mut faults }) += 1;
            }
            Ok(())
        };
        failed += u64::from(read(one).and_then(|()| read(other)).is_err());
        _ = messages.finish();
    }
    let few = MUTATIONS as u64 / 100;
    assert!(
        metrics > few && faults > few && failed > few,
        "{metrics} metrics, {faults} faults, {failed} failed"
    );
}
