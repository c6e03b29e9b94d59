//! What an application is told to record, and what must therefore arrive.
//!
//! A plan is made here, from a seed, and given to the application as JSON; what is expected comes from the plan and from
//! what the OpenTelemetry specification says of each instrument. All numbers are multiples of a quarter and small, so
//! that sums are exact in any order.

use std::path::PathBuf;

use serde_json::{Value, json};

use crate::interop::{Known, numbers};

/// Collections, each an export.
pub(crate) const CYCLES: usize = 4;

/// How sums and histograms are reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Temporality {
    Cumulative,
    /// The specification's "delta preference": what goes up and down stays cumulative.
    Delta,
}

/// The specification's instruments; a histogram with exponential buckets is one of its own here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
    ExponentialHistogram,
    ObservableCounter,
    ObservableUpDownCounter,
    ObservableGauge,
}

/// Where the buckets of an explicit histogram end, if nothing else is said (metrics SDK specification, "Explicit Bucket Histogram
/// Aggregation").
const BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1e3, 2.5e3, 5e3, 7.5e3, 1e4];
/// How far apart the ends of an exponential bucket are, at most: 2^(1/8), scale 3. At that scale the 160 buckets of the specification
/// span 20 octaves, more than the plan's numbers.
const WIDEST: f64 = 1.090_507_732_665_257_7;

impl Kind {
    fn is_histogram(self) -> bool {
        matches!(self, Self::Histogram | Self::ExponentialHistogram)
    }

    /// How much is known of a sample: where its bucket begins and ends.
    fn bucket(self, sample: f64) -> (f64, f64) {
        match self {
            Self::Histogram => {
                let end = BOUNDS.partition_point(|bound| *bound < sample);
                (BOUNDS[end - 1], BOUNDS[end])
            }
            Self::ExponentialHistogram => (sample / WIDEST, sample * WIDEST),
            _ => (sample, sample),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::UpDownCounter => "up_down_counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
            Self::ExponentialHistogram => "exponential_histogram",
            Self::ObservableCounter => "observable_counter",
            Self::ObservableUpDownCounter => "observable_up_down_counter",
            Self::ObservableGauge => "observable_gauge",
        }
    }
}

/// An attribute of a series.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Attribute {
    Text(&'static str, &'static str),
    Integer(&'static str, i64),
    Double(&'static str, f64),
    Boolean(&'static str, bool),
}

/// One series of an instrument.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) attributes: &'static [Attribute],
    /// What is recorded in each cycle; what is observed has one number a cycle.
    pub(crate) cycles: Vec<Vec<f64>>,
}

/// One instrument.
#[derive(Clone, Debug)]
pub(crate) struct Instrument {
    pub(crate) name: &'static str,
    /// As UCUM, and as CloudWatch calls it.
    pub(crate) unit: (&'static str, &'static str),
    pub(crate) kind: Kind,
    pub(crate) is_integer: bool,
    pub(crate) series: Vec<Series>,
}

/// Files in PEM.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    /// The CA of the endpoint's certificate.
    pub(crate) ca: PathBuf,
    /// The application's own certificate, and its key.
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What an application is told.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) endpoint: String,
    /// Without it, plain text.
    pub(crate) tls: Option<Tls>,
    pub(crate) protocol: &'static str,
    pub(crate) temporality: Temporality,
    /// Whether the SDK says when what is observed began. Where it does not, the first total is what the next increment
    /// counts from.
    pub(crate) states_start: bool,
    pub(crate) instruments: Vec<Instrument>,
}

impl Plan {
    pub(crate) fn new(
        endpoint: String,
        protocol: &'static str,
        temporality: Temporality,
        states_start: bool,
    ) -> Self {
        let instruments = instruments(&mut numbers(11));
        Self { endpoint, tls: None, protocol, temporality, states_start, instruments }
    }

    pub(crate) fn json(&self) -> Value {
        let instrument = |instrument: &Instrument| {
            let number = |n: &f64| if instrument.is_integer { json!(*n as i64) } else { json!(n) };
            let series = |series: &Series| {
                let cycles: Vec<Vec<Value>> =
                    series.cycles.iter().map(|cycle| cycle.iter().map(number).collect()).collect();
                json!({ "attributes": series.attributes_json(), "cycles": cycles })
            };
            json!({
                "name": instrument.name, "unit": instrument.unit.0, "kind": instrument.kind.name(),
                "number": if instrument.is_integer { "int" } else { "double" },
                "series": instrument.series.iter().map(series).collect::<Vec<_>>(),
            })
        };
        let tls =
            |Tls { ca, certificate, key }: &Tls| json!({ "ca": ca, "certificate": certificate, "key": key });
        json!({
            "endpoint": self.endpoint, "tls": self.tls.as_ref().map(tls), "protocol": self.protocol, "cycles": CYCLES,
            "temporality": if self.temporality == Temporality::Delta { "delta" } else { "cumulative" },
            "instruments": self.instruments.iter().map(instrument).collect::<Vec<_>>(),
        })
    }

    /// Points that the SDK sends for the whole plan.
    pub(crate) fn points(&self) -> u64 {
        let points = |instrument: &Instrument, series: &Series| match instrument.kind.is_histogram() {
            true if self.temporality == Temporality::Delta => {
                series.cycles.iter().filter(|cycle| !cycle.is_empty()).count()
            }
            true => CYCLES,
            false => self.samples(instrument, series).len() + self.first_totals(instrument),
        };
        self.instruments
            .iter()
            .flat_map(|instrument| {
                instrument.series.iter().map(move |series| points(instrument, series) as u64)
            })
            .sum()
    }

    /// Points of each series of an instrument that are no increment, because nothing is known before them.
    fn first_totals(&self, instrument: &Instrument) -> usize {
        let is_total =
            instrument.kind == Kind::ObservableCounter && self.temporality == Temporality::Cumulative;
        usize::from(is_total && !self.states_start)
    }

    /// The same, of all series.
    pub(crate) fn all_first_totals(&self) -> u64 {
        self.instruments.iter().map(|one| (self.first_totals(one) * one.series.len()) as u64).sum()
    }

    /// How much of an instrument's samples can be known at CloudWatch.
    pub(crate) fn known(&self, instrument: &Instrument) -> Known {
        let kind = instrument.kind;
        match kind.is_histogram() {
            false => Known::Exactly,
            // What is cumulative has the extremes of its whole life, and no increment any.
            true => Known::InBuckets {
                of: Box::new(move |sample| kind.bucket(sample)),
                extremes: self.temporality == Temporality::Delta,
            },
        }
    }

    /// The samples that a series must become at CloudWatch.
    pub(crate) fn samples(&self, instrument: &Instrument, series: &Series) -> Vec<f64> {
        let cycles = series.cycles.iter();
        let sums = cycles.clone().map(|cycle| cycle.iter().sum::<f64>());
        match instrument.kind {
            // A cumulative counter sends its total in each cycle, an increment of nothing included.
            Kind::Counter if self.temporality == Temporality::Cumulative => sums.collect(),
            Kind::Counter => {
                cycles.filter(|cycle| !cycle.is_empty()).map(|cycle| cycle.iter().sum()).collect()
            }
            // What goes up and down is sent as it stands after each cycle.
            Kind::UpDownCounter => sums
                .scan(0.0, |level, change| {
                    *level += change;
                    Some(*level)
                })
                .collect(),
            // What is observed of a counter is its total.
            Kind::ObservableCounter => sums
                .scan(0.0, |before, total| Some(total - std::mem::replace(before, total)))
                .skip(self.first_totals(instrument))
                .collect(),
            Kind::Gauge | Kind::ObservableUpDownCounter | Kind::ObservableGauge => {
                cycles.filter_map(|cycle| cycle.last().copied()).collect()
            }
            Kind::Histogram | Kind::ExponentialHistogram => cycles.flatten().copied().collect(),
        }
    }
}

impl Series {
    fn attributes_json(&self) -> Value {
        self.attributes.iter().map(|attribute| attribute.json()).collect::<serde_json::Map<_, _>>().into()
    }

    /// The dimensions that CloudWatch must have of it.
    pub(crate) fn dimensions(&self) -> std::collections::BTreeMap<String, String> {
        self.attributes.iter().map(|attribute| attribute.dimension()).collect()
    }
}

impl Attribute {
    fn json(self) -> (String, Value) {
        match self {
            Self::Text(key, value) => (key.to_owned(), value.into()),
            Self::Integer(key, value) => (key.to_owned(), value.into()),
            Self::Double(key, value) => (key.to_owned(), value.into()),
            Self::Boolean(key, value) => (key.to_owned(), value.into()),
        }
    }

    fn dimension(self) -> (String, String) {
        match self {
            Self::Text(key, value) => (key.to_owned(), value.to_owned()),
            Self::Integer(key, value) => (key.to_owned(), value.to_string()),
            Self::Double(key, value) => (key.to_owned(), value.to_string()),
            Self::Boolean(key, value) => (key.to_owned(), value.to_string()),
        }
    }
}

use Attribute::{Boolean, Double, Integer, Text};

/// Every instrument, with integers and floating point, and every kind of attribute.
fn instruments(dice: &mut impl Iterator<Item = u64>) -> Vec<Instrument> {
    const GET: &[Attribute] = &[Text("method", "GET"), Integer("status", 200)];
    const PUT: &[Attribute] = &[Text("method", "PUT"), Integer("status", 503)];
    const MAIN: &[Attribute] = &[Text("pool", "main")];
    const SDA: &[Attribute] = &[Text("device", "sda"), Boolean("write", true)];
    const ZONE: &[Attribute] = &[Text("zone", "a"), Double("ratio", 0.5)];
    let counts = (0, 1000);
    let mut make = |name, unit, kind, is_integer, range, all: &[&'static [Attribute]]| Instrument {
        name,
        unit,
        kind,
        is_integer,
        series: all.iter().map(|attributes| series(attributes, kind, is_integer, range, dice)).collect(),
    };
    vec![
        make("sdk.requests", ("{request}", "None"), Kind::Counter, true, counts, &[GET, PUT]),
        make("sdk.sent", ("By", "Bytes"), Kind::Counter, false, counts, &[GET]),
        make("sdk.unlabelled", ("1", "None"), Kind::Counter, true, counts, &[&[]]),
        make("sdk.in_flight", ("{request}", "None"), Kind::UpDownCounter, true, (-20, 20), &[MAIN]),
        make("sdk.balance", ("1", "None"), Kind::UpDownCounter, false, (-50, 50), &[MAIN]),
        make("sdk.temperature", ("Cel", "None"), Kind::Gauge, false, (-40, 90), &[ZONE]),
        make("sdk.level", ("%", "Percent"), Kind::Gauge, true, (0, 100), &[ZONE]),
        make("sdk.duration", ("ms", "Milliseconds"), Kind::Histogram, false, (1, 3000), &[GET, PUT]),
        make("sdk.size", ("By", "Bytes"), Kind::ExponentialHistogram, false, (1, 9000), &[GET]),
        make("sdk.cpu.time", ("s", "Seconds"), Kind::ObservableCounter, false, (0, 30), &[SDA]),
        make("sdk.switches", ("1", "None"), Kind::ObservableCounter, true, counts, &[SDA]),
        make("sdk.threads", ("{thread}", "None"), Kind::ObservableUpDownCounter, true, (-9, 9), &[MAIN]),
        make("sdk.load", ("1", "None"), Kind::ObservableGauge, false, (0, 8), &[ZONE]),
    ]
}

/// A series whose numbers lie in a range.
fn series(
    attributes: &'static [Attribute],
    kind: Kind,
    is_integer: bool,
    (low, high): (i64, i64),
    dice: &mut impl Iterator<Item = u64>,
) -> Series {
    let mut roll = |below: u64| dice.next().unwrap() % below;
    let scale = if is_integer { 1 } else { 4 };
    let mut total = 0.0;
    let mut cycle = |cycle: usize| -> Vec<f64> {
        let numbers = match kind {
            // A counter may be silent in a cycle, but for the first: only then is it known from there on.
            Kind::Counter if cycle > 0 => roll(3),
            Kind::Counter | Kind::UpDownCounter => 1 + roll(2),
            Kind::Histogram | Kind::ExponentialHistogram if cycle == 2 => 0,
            Kind::Histogram | Kind::ExponentialHistogram => 5 + roll(20),
            // What is sent as it stands has one number a cycle.
            _ => 1,
        };
        let drawn = (0..numbers).map(|_| {
            let span = ((high - low) * scale + 1).unsigned_abs();
            (low * scale + roll(span).cast_signed()) as f64 / scale as f64
        });
        let drawn: Vec<f64> = drawn.collect();
        if kind == Kind::ObservableCounter {
            total += drawn[0];
            return vec![total];
        }
        drawn
    };
    Series { attributes, cycles: (0..CYCLES).map(&mut cycle).collect() }
}
