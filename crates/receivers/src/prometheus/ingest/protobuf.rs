//! Metrics of the protobuf format. All but native histograms are taken as the samples that the text format would have for them, so
//! that relabelling, limits and counts are the same.

use std::borrow::Cow;

use weir_exposition::{
    FamilyType, Fault, number,
    protobuf::{
        Family,
        messages::{Histogram, LabelPair, Metric, Summary, Timestamp},
    },
    text::{LabelList, MAX_LABELS, Reading},
};

use super::{Failure, body::Work, reasons::TOO_MANY_FAMILIES};

const NANOS_PER_MILLI: i64 = 1_000_000;

/// What is the same for all samples of a metric.
#[derive(Clone, Copy, Debug)]
pub(super) struct Of<'m> {
    pub(super) name: &'m str,
    pub(super) labels: &'m [LabelPair],
    pub(super) timestamp: Option<i64>,
}

/// A sample of a metric: what its name has after the family's, a label of its own, its value.
#[derive(Clone, Copy, Debug)]
struct Piece {
    suffix: &'static str,
    own: Option<(&'static str, f64)>,
    value: f64,
    has_exemplar: bool,
}

impl Piece {
    fn of(suffix: &'static str, value: f64) -> Self {
        Self { suffix, own: None, value, has_exemplar: false }
    }
}

impl Work<'_> {
    /// Takes the next metric.
    pub(super) fn take_metric(
        &mut self,
        family: &Family,
        metric: Result<Metric, Fault>,
    ) -> Result<(), Failure> {
        self.line += 1;
        let metric = match metric {
            Ok(metric) => metric,
            Err(fault) => return self.refuse_line(family.name.as_bytes(), fault),
        };
        if metric.label.len() > MAX_LABELS {
            return self.refuse_line(family.name.as_bytes(), Fault::TooManyLabels(MAX_LABELS));
        }
        let twice = metric.label.iter().enumerate().find(|(at, label)| {
            label.name.is_empty() || metric.label[..*at].iter().any(|before| before.name == label.name)
        });
        if family.name.is_empty() {
            return self.refuse_line(b"", Fault::NoName(0));
        }
        if let Some((_, label)) = twice {
            return self.refuse_line(family.name.as_bytes(), Fault::LabelTwice(label.name.clone()));
        }
        let in_force = self.target.families.enter_whole(&family.name, family.family_type, &family.unit);
        let Some(in_force) = in_force else {
            return self.refuse(TOO_MANY_FAMILIES, |_| family.name.clone());
        };
        self.family = in_force;
        let timestamp = metric.timestamp_ms.map(|millis| millis.saturating_mul(NANOS_PER_MILLI));
        let of = Of { name: &family.name, labels: &metric.label, timestamp };
        match family.family_type {
            FamilyType::Histogram | FamilyType::GaugeHistogram => match metric.histogram {
                Some(histogram) => self.histogram(of, histogram),
                None => self.without_value(of),
            },
            FamilyType::Summary => match &metric.summary {
                Some(summary) => self.summary(of, summary),
                None => self.without_value(of),
            },
            FamilyType::Counter => match &metric.counter {
                Some(counter) => {
                    let has_exemplar = counter.exemplar.is_some();
                    self.piece_of(of, Piece { has_exemplar, ..Piece::of("", counter.value) })?;
                    self.created_of(of, "", counter.created_timestamp);
                    Ok(())
                }
                None => self.without_value(of),
            },
            _ => {
                let gauge = metric.gauge.map(|gauge| gauge.value);
                match gauge.or(metric.untyped.map(|untyped| untyped.value)) {
                    Some(value) => self.piece_of(of, Piece::of("", value)),
                    None => self.without_value(of),
                }
            }
        }
    }

    fn without_value(&mut self, of: Of<'_>) -> Result<(), Failure> {
        self.refuse_line(of.name.as_bytes(), Fault::BadMessage("no value of the family's type".to_owned()))
    }

    fn summary(&mut self, of: Of<'_>, summary: &Summary) -> Result<(), Failure> {
        self.piece_of(of, Piece::of("_count", summary.sample_count as f64))?;
        self.piece_of(of, Piece::of("_sum", summary.sample_sum))?;
        for quantile in &summary.quantile {
            let own = Some(("quantile", quantile.quantile));
            self.piece_of(of, Piece { own, ..Piece::of("", quantile.value) })?;
        }
        self.created_of(of, "_count", summary.created_timestamp);
        Ok(())
    }

    fn histogram(&mut self, of: Of<'_>, histogram: Histogram) -> Result<(), Failure> {
        let settings = &self.target.settings;
        let is_native = histogram.schema.is_some() && settings.native_histograms;
        if !is_native || (settings.always_classic_histograms && !histogram.bucket.is_empty()) {
            self.classic(of, &histogram)?;
        }
        if is_native { self.native(of, histogram) } else { Ok(()) }
    }

    fn classic(&mut self, of: Of<'_>, histogram: &Histogram) -> Result<(), Failure> {
        let either = |whole: u64, float: f64| if float > 0.0 { float } else { whole as f64 };
        let count = either(histogram.sample_count, histogram.sample_count_float);
        self.piece_of(of, Piece::of("_count", count))?;
        self.piece_of(of, Piece::of("_sum", histogram.sample_sum))?;
        let mut last = 0.0;
        for bucket in &histogram.bucket {
            last = bucket.upper_bound;
            let value = either(bucket.cumulative_count, bucket.cumulative_count_float);
            let (own, has_exemplar) = (Some(("le", bucket.upper_bound)), bucket.exemplar.is_some());
            self.piece_of(of, Piece { own, has_exemplar, ..Piece::of("_bucket", value) })?;
        }
        if last < f64::INFINITY {
            // Go's writers leave the last one out: it is the count.
            self.piece_of(of, Piece { own: Some(("le", f64::INFINITY)), ..Piece::of("_bucket", count) })?;
        }
        self.created_of(of, "_count", histogram.created_timestamp);
        Ok(())
    }

    /// When the metric began to count; `suffix` is that of a sample that it has. It is no sample of its own, unlike `_created` in text.
    fn created_of(&mut self, of: Of<'_>, suffix: &str, created: Option<Timestamp>) {
        if created.is_none() {
            return;
        }
        self.key_of(of.labels, suffix, None);
        let known = self.target.lines.find(self.family, &self.key);
        let role = known.map(|at| self.target.lines.entries()[at as usize].value.role);
        if let Some(place) = role.and_then(|role| self.target.place_behind(role)) {
            self.created_at(place, created);
        }
    }

    /// Says when a series began to count.
    pub(super) fn created_at(&mut self, place: u32, created: Option<Timestamp>) {
        if let Some(created) = created {
            self.created(place, created.seconds as f64 + f64::from(created.nanos) / 1e9);
        }
    }

    fn piece_of(&mut self, of: Of<'_>, piece: Piece) -> Result<(), Failure> {
        let exemplar = piece.has_exemplar.then_some(&b"#"[..]);
        let reading = Reading { value: piece.value, timestamp: of.timestamp, exemplar };
        self.key_of(of.labels, piece.suffix, piece.own.map(|(_, value)| value));
        if let Some(at) = self.target.lines.find(self.family, &self.key) {
            return self.known(at, &reading);
        }
        let mut labels: LabelList<'_> = labels_of(of.labels);
        if let Some((label, value)) = piece.own {
            labels.push((Cow::Borrowed(label), Cow::Owned(number::in_label(value))));
        }
        let mut name = String::from(of.name);
        name.push_str(piece.suffix);
        let key = std::mem::take(&mut self.key);
        let learned = self.learn_sample(&key, &name, &labels, &reading);
        self.key = key;
        learned
    }

    /// The bytes by which a sample is known: no line of text begins like them.
    pub(super) fn key_of(&mut self, labels: &[LabelPair], suffix: &str, own: Option<f64>) {
        let key = &mut self.key;
        key.clear();
        key.push(0);
        let mut part = |bytes: &[u8]| {
            key.extend_from_slice(&(bytes.len() as u32).to_le_bytes());
            key.extend_from_slice(bytes);
        };
        part(suffix.as_bytes());
        part(own.map(|own| own.to_bits().to_le_bytes()).as_ref().map_or(&[][..], |bits| bits));
        for label in labels {
            part(label.name.as_bytes());
            part(label.value.as_bytes());
        }
    }
}

/// The labels of a metric, as those of a line of text.
pub(super) fn labels_of(labels: &[LabelPair]) -> LabelList<'_> {
    labels.iter().map(|label| (Cow::Borrowed(&*label.name), Cow::Borrowed(&*label.value))).collect()
}
