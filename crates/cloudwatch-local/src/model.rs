//! What CloudWatch knows: metrics, dimensions, units, and the readings published for them.

use std::fmt;

/// One name and value of a metric's identity.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Dimension {
    /// The name, 1 to 255 ASCII characters.
    pub name: String,
    /// The value, 1 to 1024 ASCII characters.
    pub value: String,
}

impl Dimension {
    /// A dimension of this name and value.
    pub fn new(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self { name: name.into(), value: value.into() }
    }
}

/// What CloudWatch bills as one metric: a namespace, a name, and a set of dimensions.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct MetricId {
    /// The namespace.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// The dimensions, sorted: their order in a request is no part of the identity.
    pub dimensions: Vec<Dimension>,
}

impl MetricId {
    /// Builds an identity from dimensions in any order.
    pub fn new(
        namespace: impl Into<String>,
        name: impl Into<String>,
        dimensions: impl Into<Vec<Dimension>>,
    ) -> Self {
        let mut dimensions = dimensions.into();
        dimensions.sort();
        Self { namespace: namespace.into(), name: name.into(), dimensions }
    }
}

/// One of CloudWatch's 27 units (`StandardUnit` of the service model).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Unit(&'static str);

impl Unit {
    /// What a datum without a unit gets.
    pub const NONE: Self = Self("None");

    /// Every unit, in the order in which CloudWatch's error message lists them.
    pub const ALL: [&'static str; 27] = [
        "Seconds",
        "Microseconds",
        "Milliseconds",
        "Bytes",
        "Kilobytes",
        "Megabytes",
        "Gigabytes",
        "Terabytes",
        "Bits",
        "Kilobits",
        "Megabits",
        "Gigabits",
        "Terabits",
        "Percent",
        "Count",
        "Bytes/Second",
        "Kilobytes/Second",
        "Megabytes/Second",
        "Gigabytes/Second",
        "Terabytes/Second",
        "Bits/Second",
        "Kilobits/Second",
        "Megabits/Second",
        "Gigabits/Second",
        "Terabits/Second",
        "Count/Second",
        "None",
    ];

    /// The unit of exactly this spelling.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().find(|unit| **unit == text).map(|unit| Self(unit))
    }

    /// The spelling on the wire.
    pub const fn as_str(self) -> &'static str {
        self.0
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// The granularity at which a datum is kept (`StorageResolution`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Resolution {
    /// High resolution: a datapoint a second.
    Second,
    /// Standard resolution: a datapoint a minute.
    Minute,
}

impl Resolution {
    /// The length of a datapoint in seconds, which is also the wire's value.
    pub const fn seconds(self) -> i64 {
        match self {
            Self::Second => 1,
            Self::Minute => 60,
        }
    }
}

/// An aggregate that was made by the client (`StatisticValues`).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct StatisticSet {
    /// How many samples it stands for; above 0.
    pub sample_count: f64,
    /// Their sum.
    pub sum: f64,
    /// The least of them.
    pub minimum: f64,
    /// The greatest of them.
    pub maximum: f64,
}

/// A value and how often it occurred.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Occurrence {
    /// The value.
    pub value: f64,
    /// How often; 0 or more, and not always whole: the wire's type is a double.
    pub count: f64,
}

/// The measured part of a datum.
#[derive(Clone, Debug, PartialEq)]
pub enum Reading {
    /// A single sample (`Value`).
    Value(f64),
    /// `Values` with their `Counts` (1 each where the request had none), and the exact statistics if they came too.
    Distribution {
        /// At most 150 pairs, in the order of the request.
        values: Vec<Occurrence>,
        /// `StatisticValues` beside `Values`: the truth about count, sum, minimum and maximum.
        statistics: Option<StatisticSet>,
    },
    /// `StatisticValues` alone.
    Statistics(StatisticSet),
}

impl Reading {
    /// How many samples the reading stands for.
    pub fn sample_count(&self) -> f64 {
        match self {
            Self::Value(_) => 1.0,
            Self::Statistics(set) | Self::Distribution { statistics: Some(set), .. } => set.sample_count,
            Self::Distribution { values, statistics: None } => values.iter().map(|v| v.count).sum(),
        }
    }
}

/// A datum as it was accepted.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    /// What was measured.
    pub metric: MetricId,
    /// When, in milliseconds since the Unix epoch; the time of arrival where the request said nothing.
    pub time_ms: i64,
    /// In which unit.
    pub unit: Unit,
    /// How finely it is kept.
    pub resolution: Resolution,
    /// The measurement.
    pub reading: Reading,
}
