//! Types of metric families, and the samples of each.

/// The type of a metric family.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum FamilyType {
    /// Not stated; `untyped` in Prometheus's text format, `unknown` in OpenMetrics.
    #[default]
    Unknown,
    /// A counter.
    Counter,
    /// A gauge.
    Gauge,
    /// A histogram.
    Histogram,
    /// A histogram of what is now, whose buckets may fall.
    GaugeHistogram,
    /// Quantiles, a sum and a count.
    Summary,
    /// Facts in labels, with the value 1.
    Info,
    /// States in a label, with the value 0 or 1 each.
    StateSet,
}

/// What a sample is within its family.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Part {
    /// The value itself: of a gauge, a state, a counter in Prometheus's text format, and of whatever is unknown.
    Value,
    /// A counter's `_total`.
    Total,
    /// An info's `_info`.
    Info,
    /// A histogram's `_bucket`.
    Bucket,
    /// A `_sum`.
    Sum,
    /// A `_count`.
    Count,
    /// A gauge histogram's `_gsum`.
    GaugeSum,
    /// A gauge histogram's `_gcount`.
    GaugeCount,
    /// A summary's quantile.
    Quantile,
    /// A `_created`: when it began to count.
    Created,
    /// A native histogram, whole: in protobuf only.
    Native,
}

impl FamilyType {
    /// The type of this name, in either format.
    pub fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "counter" => Self::Counter,
            "gauge" => Self::Gauge,
            "histogram" => Self::Histogram,
            "gaugehistogram" => Self::GaugeHistogram,
            "summary" => Self::Summary,
            "info" => Self::Info,
            "stateset" => Self::StateSet,
            "unknown" | "untyped" => Self::Unknown,
            _ => return None,
        })
    }

    /// The suffixes of its samples' names in OpenMetrics, and what a sample with that suffix is.
    pub const fn parts(self) -> &'static [(&'static str, Part)] {
        match self {
            Self::Unknown | Self::Gauge | Self::StateSet => &[("", Part::Value)],
            Self::Counter => &[("_total", Part::Total), ("_created", Part::Created)],
            Self::Histogram => &[
                ("_bucket", Part::Bucket),
                ("_sum", Part::Sum),
                ("_count", Part::Count),
                ("_created", Part::Created),
            ],
            Self::GaugeHistogram => {
                &[("_bucket", Part::Bucket), ("_gsum", Part::GaugeSum), ("_gcount", Part::GaugeCount)]
            }
            Self::Summary => &[
                ("", Part::Quantile),
                ("_sum", Part::Sum),
                ("_count", Part::Count),
                ("_created", Part::Created),
            ],
            Self::Info => &[("_info", Part::Info)],
        }
    }

    /// What a sample called `sample` is in the family `family` of this type; `None` where it belongs to another.
    pub fn part_of(self, family: &str, sample: &str) -> Option<Part> {
        let suffix = sample.strip_prefix(family)?;
        self.parts().iter().find(|(known, _)| *known == suffix).map(|(_, part)| *part)
    }

    /// The label that tells the samples of one metric apart, beside their names; empty where there is none. A state set's is the
    /// name of its family.
    pub fn own_label(self, family: &str) -> &str {
        match self {
            Self::Histogram | Self::GaugeHistogram => "le",
            Self::Summary => "quantile",
            Self::StateSet => family,
            _ => "",
        }
    }
}
