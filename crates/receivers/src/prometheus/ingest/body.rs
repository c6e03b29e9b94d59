//! A scrape under way.

use std::collections::BTreeMap;

use weir_core::{Reason, UnixNanos};
use weir_exposition::{
    Fault, Format,
    lines::Lines,
    protobuf::{Messages, messages::Histogram},
    strict::Checker,
    text::Syntax,
};

use super::{
    Failure, Scraped, Target, families::NO_FAMILY, labels::Labels, points::Points, reasons::BAD_LINE,
};

/// How much of a line a log repeats, in bytes.
const EXAMPLE_BYTES: usize = 128;

/// A body that is being read. Dropped before its end, nothing of it counts.
#[derive(Debug)]
pub struct Body<'t> {
    source: Source,
    work: Work<'t>,
}

/// What cuts the body into what is read at a time.
#[derive(Debug)]
enum Source {
    Text(Lines),
    Protobuf(Messages),
}

/// What is done with the lines of a body.
#[derive(Debug)]
pub(super) struct Work<'t> {
    pub(super) target: &'t mut Target,
    pub(super) time: UnixNanos,
    pub(super) syntax: Syntax,
    pub(super) checker: Option<Checker>,
    /// The family in force.
    pub(super) family: u32,
    pub(super) points: Points,
    /// What `target_info` says in this scrape.
    pub(super) info: Option<Labels>,
    /// The number of the line or metric at hand, from 1.
    pub(super) line: u64,
    /// Which of the two it is.
    unit: &'static str,
    /// The bytes by which a sample of protobuf is known: a buffer.
    pub(super) key: Vec<u8>,
    /// The native histogram at hand.
    pub(super) native: Option<Histogram>,
    pub(super) has_ended: bool,
    pub(super) samples: u64,
    pub(super) left_out: u64,
    pub(super) series_added: u64,
    pub(super) exemplars: u64,
    pub(super) refused: BTreeMap<Reason, u64>,
    pub(super) example: Option<String>,
    first_fault: Option<(u64, Fault)>,
}

impl<'t> Body<'t> {
    pub(super) fn new(target: &'t mut Target, time: UnixNanos, format: Format) -> Self {
        let strict = target.settings.strict;
        let is_protobuf = format == Format::Protobuf;
        let source =
            if is_protobuf { Source::Protobuf(Messages::default()) } else { Source::Text(Lines::default()) };
        let points = Points::new(target.door.interner(), target.numbers);
        let work = Work {
            target,
            time,
            syntax: Syntax::of(format, strict),
            checker: (strict && format.is_openmetrics()).then(Checker::default),
            family: NO_FAMILY,
            points,
            info: None,
            line: 0,
            unit: if is_protobuf { "metric" } else { "line" },
            key: Vec::new(),
            native: None,
            has_ended: false,
            samples: 0,
            left_out: 0,
            series_added: 0,
            exemplars: 0,
            refused: BTreeMap::new(),
            example: None,
            first_fault: None,
        };
        Self { source, work }
    }

    /// Takes the next bytes, cut wherever they were.
    ///
    /// # Errors
    /// A limit is breached, or in strict mode something is not as the format says: the scrape has failed. Drop the body, and say
    /// so by [`Target::fail`].
    pub fn feed(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let Self { source, work } = self;
        match source {
            Source::Text(lines) => lines.feed(bytes, |line| work.take(line)),
            Source::Protobuf(messages) => {
                messages.feed(bytes);
                take_metrics(messages, work)
            }
        }?;
        work.check_room()
    }

    /// The body is complete.
    ///
    /// # Errors
    /// As [`feed`](Self::feed), and where the end is missing (`# EOF`, or the rest of a message), and where there is nothing in it but
    /// what is not of the format.
    pub fn finish(mut self) -> Result<Scraped, Failure> {
        match self.source {
            Source::Text(mut lines) => {
                if let Some(rest) = lines.rest() {
                    self.work.take(Ok(&rest))?;
                }
            }
            Source::Protobuf(messages) => messages.finish().map_err(|fault| self.work.malformed(fault))?,
        }
        self.work.check_end()?;
        self.work.end()
    }
}

/// Takes the metrics that have come.
fn take_metrics(messages: &mut Messages, work: &mut Work<'_>) -> Result<(), Failure> {
    loop {
        match messages.next_metric() {
            Ok(Some((family, metric))) => work.take_metric(family, metric)?,
            Ok(None) => return Ok(()),
            // No metric is at hand: what is wrong lies between them.
            Err(fault) => {
                return Err(Failure::Malformed { unit: "byte", number: messages.position() + 1, fault });
            }
        }
    }
}

impl Work<'_> {
    /// The body has ended: is it whole?
    fn check_end(&mut self) -> Result<(), Failure> {
        if let Some(checker) = &self.checker {
            checker.finish().map_err(|fault| self.malformed(fault))?;
        }
        // Nothing at all is an empty scrape, as in Prometheus; not by the specification.
        let is_empty = self.line == 0 && !self.target.settings.strict;
        if self.syntax.openmetrics && !self.has_ended && !is_empty {
            return Err(self.malformed(Fault::NoEnd));
        }
        match self.first_fault.take() {
            // A page that is no exposition, whatever it says it is.
            Some((line, fault)) if self.samples == 0 => {
                Err(Failure::Malformed { unit: self.unit, number: line, fault })
            }
            _ => Ok(()),
        }
    }

    /// All points are held until the end, and a series may have any number of them, at times that rise. Checked where one line may be
    /// a large point, and otherwise once for each piece of the body, which has some kilobytes.
    pub(super) fn check_room(&self) -> Result<(), Failure> {
        let limit = self.target.settings.max_in_hand;
        if self.points.bytes() > limit { Err(Failure::InHand(limit)) } else { Ok(()) }
    }

    fn malformed(&self, fault: Fault) -> Failure {
        Failure::Malformed { unit: self.unit, number: self.line, fault }
    }

    /// Refuses a line that is not of the format.
    #[cold]
    pub(super) fn refuse_line(&mut self, text: &[u8], fault: Fault) -> Result<(), Failure> {
        if self.target.settings.strict {
            return Err(self.malformed(fault));
        }
        if self.example.is_none() {
            self.example = Some(format!("{} {}: {fault}: {}", self.unit, self.line, shortened(text)));
        }
        if self.first_fault.is_none() {
            self.first_fault = Some((self.line, fault));
        }
        *self.refused.entry(BAD_LINE).or_default() += 1;
        Ok(())
    }

    /// Refuses a sample, or a point that was put together from some.
    #[cold]
    pub(super) fn refuse(
        &mut self,
        reason: Reason,
        what: impl FnOnce(&Self) -> String,
    ) -> Result<(), Failure> {
        if self.target.settings.strict {
            return Err(Failure::Refused { unit: self.unit, number: self.line, reason, what: what(self) });
        }
        if self.example.is_none() {
            self.example = Some(format!("{} {}: {reason}: {}", self.unit, self.line, what(self)));
        }
        *self.refused.entry(reason).or_default() += 1;
        Ok(())
    }

    /// Refuses what would be a point of the series at `place`, by the series' name.
    #[cold]
    pub(super) fn refuse_point(&mut self, reason: Reason, place: u32) -> Result<(), Failure> {
        self.refuse(reason, |work| {
            let held = work.target.table.get(place);
            held.map(|held| held.named.descriptor().name.to_string()).unwrap_or_default()
        })
    }
}

/// The start of a line, for a log.
pub(super) fn shortened(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(&text[..text.len().min(EXAMPLE_BYTES)]);
    text.chars().map(|char| if char.is_control() { ' ' } else { char }).collect()
}
