//! What is done with a sample.

use std::borrow::Cow;

use weir_core::{Number, NumberPoint, Reason, UnixNanos};
use weir_exposition::{
    FamilyType,
    family::Part,
    number,
    text::{LabelList, Reading},
};

use super::{
    Failure, NAME,
    assembly::{Assembly, Piece, Times},
    body::{Work, shortened},
    families::NO_FAMILY,
    forgotten::counts,
    known::{Known, MAX_LINES, Role},
    naming::{self, Unnamed, Within},
    reasons::{
        BAD_TIMESTAMP, DUPLICATE_SAMPLE, FUTURE_SAMPLE, GAUGE_HISTOGRAM, REPEATED_SAMPLE, TOO_MANY_BUCKETS,
    },
    table::{Held, NONE},
};

/// The metric whose labels describe the target.
const TARGET_INFO: &str = "target_info";

/// How far ahead of a scrape the timestamp of a sample may be, in nanoseconds: ten minutes (Prometheus, scrape/target.go: maxAheadTime).
const MAX_AHEAD: u64 = 10 * 60 * 1_000_000_000;

/// The time of a sample, and whether it is stated.
#[derive(Clone, Copy, Debug)]
struct When {
    time: UnixNanos,
    stated: bool,
}

/// The labels with the bound of a bucket, or the quantile, written in the one way that relabelling sees.
fn with_number<'l, 'a>(labels: &'l LabelList<'a>, own_label: &str) -> Cow<'l, LabelList<'a>> {
    let found = labels.iter().position(|(name, _)| *name == own_label);
    let read = found.and_then(|at| Some((at, number::value(labels[at].1.as_bytes())?)));
    let Some((at, number)) = read else { return Cow::Borrowed(labels) };
    let mut labels = labels.clone();
    labels[at].1 = Cow::Owned(number::in_label(number));
    Cow::Owned(labels)
}

impl Work<'_> {
    /// A sample whose line is known.
    #[inline]
    pub(super) fn known(&mut self, at: u32, reading: &Reading<'_>) -> Result<(), Failure> {
        let Some(line) = self.target.lines.value_mut(at) else { return Ok(()) };
        let (role, last) = (line.role, std::mem::replace(&mut line.seen, self.target.scrape));
        if last < self.target.succeeded && role != Role::LeftOut {
            self.series_added += u64::from(!self.target.was_there(role));
        }
        self.sample(role, reading)
    }

    /// A sample whose line is new.
    pub(super) fn learn_sample(
        &mut self,
        text: &[u8],
        name: &str,
        labels: &LabelList<'_>,
        reading: &Reading<'_>,
    ) -> Result<(), Failure> {
        let in_force = self.target.families.get(self.family).and_then(|family| family.part_of(name));
        let in_force = in_force.map(|part| (self.family, part));
        self.learn_part(text, name, labels, reading, in_force)
    }

    /// The same, where the family in force says what it is, if it does.
    pub(super) fn learn_part(
        &mut self,
        text: &[u8],
        name: &str,
        labels: &LabelList<'_>,
        reading: &Reading<'_>,
        in_force: Option<(u32, Part)>,
    ) -> Result<(), Failure> {
        let elsewhere = match in_force {
            None => self.target.families.elsewhere(name, self.target.scrape),
            Some(_) => None,
        };
        let (family, part) = in_force.or(elsewhere).unwrap_or((NO_FAMILY, Part::Value));
        let role = match self.role(name, labels, family, part) {
            Ok(role) => role,
            Err(Unnamed::LeftOut) => Role::LeftOut,
            Err(Unnamed::Failed(failure)) => return Err(failure),
            Err(Unnamed::Refused(reason)) => {
                self.samples += 1;
                return self.refuse(reason, |_| shortened(text));
            }
        };
        let is_series = !matches!(role, Role::LeftOut | Role::Done);
        self.series_added += u64::from(is_series && !self.target.was_there(role));
        // What another family in the body decides may be otherwise next time.
        if elsewhere.is_none() && role != Role::Done {
            self.target.remember(self.family, text, role);
        }
        self.sample(role, reading)
    }

    fn role(&mut self, name: &str, labels: &LabelList<'_>, family: u32, part: Part) -> Result<Role, Unnamed> {
        let target = &mut *self.target;
        let (family_type, unit, family_len) =
            target.families.get(family).map_or((FamilyType::Unknown, String::new(), name.len()), |family| {
                (family.kind, String::from(&*family.unit), family.name.len())
            });
        let labels = with_number(labels, naming::own_label(part));
        let mut labels = naming::labels_of(name, &labels, &target.identity, &target.settings)?;
        if family_type == FamilyType::GaugeHistogram {
            return Ok(Role::GaugeHistogram);
        }
        if labels.get(NAME) == TARGET_INFO {
            let mut info = labels;
            let theirs = &target.identity.labels;
            // With labels that are honoured, one may be about somebody else than the target.
            let is_others = |label| !matches!(info.get(label), "") && info.get(label) != theirs.get(label);
            if is_others("job") || is_others("instance") {
                return Ok(Role::Done);
            }
            info.retain(|label, value| {
                !matches!(label, NAME | "job" | "instance") && theirs.get(label) != value
            });
            self.info = Some(info);
            return Ok(Role::Done);
        }
        naming::add_external(&mut labels, &target.settings);
        let suffix = name.get(family_len..).unwrap_or_default();
        let within = Within { family_type, unit: &unit, part, suffix };
        let interner = target.door.interner();
        let named = naming::name(&labels, within, &target.identity, interner).map_err(Unnamed::Refused)?;
        let place = target.place(named.identity).map_err(|_| Unnamed::Refused(Reason::SERIES_CAP))?;
        let is_assembled = matches!(family_type, FamilyType::Histogram | FamilyType::Summary);
        match part {
            Part::Native => return Ok(Role::Native(place)),
            Part::Created if !is_assembled => return Ok(Role::Created(place)),
            _ if !is_assembled => return Ok(Role::Number(place)),
            _ => {}
        }
        let assembly = target.assembly(place, family_type == FamilyType::Summary);
        Ok(match part {
            Part::Sum => Role::Sum(assembly),
            Part::Count => Role::Count(assembly),
            Part::Created => Role::AssemblyCreated(assembly),
            _ => {
                let cell = target.cell(assembly, named.key.unwrap_or_default());
                Role::Cell { assembly, cell: cell.ok_or(Unnamed::Refused(TOO_MANY_BUCKETS))? }
            }
        })
    }

    /// Takes a sample in.
    #[inline]
    fn sample(&mut self, role: Role, reading: &Reading<'_>) -> Result<(), Failure> {
        self.samples += 1;
        self.exemplars += u64::from(reading.exemplar.is_some());
        if role == Role::LeftOut {
            self.left_out += 1;
            return Ok(());
        }
        let limit = self.target.settings.limits.samples;
        if limit > 0 && self.samples - self.left_out > limit {
            return Err(Failure::Samples(limit));
        }
        let when = match reading.timestamp {
            Some(nanos) if self.target.settings.honor_timestamps => match u64::try_from(nanos) {
                Ok(nanos) if nanos > 0 => When { time: UnixNanos(nanos), stated: true },
                _ => return self.refuse(BAD_TIMESTAMP, |_| format!("timestamp of {nanos} ns")),
            },
            _ => When { time: self.time, stated: false },
        };
        if when.stated && when.time.0.saturating_sub(self.time.0) > MAX_AHEAD {
            self.left(FUTURE_SAMPLE);
            return Ok(());
        }
        match role {
            Role::Number(place) => self.number(place, reading.value, when),
            Role::Cell { assembly, cell } => self.piece(assembly, Piece::Cell(cell), reading.value, when),
            Role::Sum(assembly) => self.piece(assembly, Piece::Sum, reading.value, when),
            Role::Count(assembly) => self.piece(assembly, Piece::Count, reading.value, when),
            Role::Created(place) => {
                self.created(place, reading.value);
                Ok(())
            }
            Role::AssemblyCreated(_) => {
                if let Some(place) = self.target.place_behind(role) {
                    self.created(place, reading.value);
                }
                Ok(())
            }
            Role::Native(place) => self.native_point(place, when.time, when.stated),
            Role::GaugeHistogram => self.refuse(GAUGE_HISTOGRAM, |_| "a gauge histogram".to_owned()),
            Role::Family(_) | Role::LeftOut | Role::Done => Ok(()),
        }
    }

    #[inline]
    fn number(&mut self, place: u32, value: f64, when: When) -> Result<(), Failure> {
        let target = &mut *self.target;
        let Some(held) = target.table.get_mut(place) else { return Ok(()) };
        if held.seen == target.scrape {
            let last = self.points.number(held.at).map(|point| point.time);
            if last.is_some_and(|last| when.time <= last) {
                return self.refuse_point(DUPLICATE_SAMPLE, place);
            }
        }
        target.presence.enter(held, target.scrape, when.stated);
        if when.stated && when.time <= held.sent {
            held.at = NONE;
            self.left(REPEATED_SAMPLE);
            return Ok(());
        }
        held.time = when.time;
        let start = held.start_before(when.time);
        let point = NumberPoint::new(held.id, start, when.time, Number::Double(value));
        held.at = self.points.push(point, target.door.interner());
        Ok(())
    }

    #[inline]
    fn piece(&mut self, assembly: u32, piece: Piece, value: f64, when: When) -> Result<(), Failure> {
        let scrape = self.target.scrape;
        let stated = when.stated.then_some(when.time);
        let Some(whole) = self.assembly(assembly) else { return Ok(()) };
        if whole.seen != scrape {
            whole.begin(scrape, stated);
            self.target.touched.push(assembly);
        } else if whole.stated != stated {
            // The next point of the same histogram.
            if stated < whole.stated {
                return self.refuse(DUPLICATE_SAMPLE, |_| "a histogram or summary".to_owned());
            }
            self.put_together(assembly)?;
            if let Some(whole) = self.assembly(assembly) {
                whole.begin(scrape, stated);
            }
        }
        if self.assembly(assembly).is_none_or(|whole| whole.put(piece, value)) {
            return Ok(());
        }
        self.refuse(DUPLICATE_SAMPLE, |_| "a histogram or summary".to_owned())
    }

    #[inline]
    fn assembly(&mut self, at: u32) -> Option<&mut Assembly> {
        self.target.assemblies.get_mut(at as usize)?.as_mut()
    }

    /// Makes a point of what has come of a histogram or summary.
    pub(super) fn put_together(&mut self, at: u32) -> Result<(), Failure> {
        let target = &mut *self.target;
        let Some(assembly) = target.assemblies.get_mut(at as usize).and_then(Option::as_mut) else {
            return Ok(());
        };
        let Some(held) = target.table.get_mut(assembly.place) else { return Ok(()) };
        let time = assembly.stated.unwrap_or(self.time);
        if assembly.stated.is_some() && time <= target.presence.sent(held) {
            target.presence.enter(held, target.scrape, true);
            self.left(REPEATED_SAMPLE);
            return Ok(());
        }
        let start = held.start_before(time);
        let batch = self.points.open(target.door.interner());
        match assembly.push(batch, held.id, Times { start, time }) {
            Ok(()) => {
                target.presence.enter(held, target.scrape, assembly.stated.is_some());
                held.time = time;
                self.check_room()
            }
            Err(reason) => {
                let place = assembly.place;
                self.refuse_point(reason, place)
            }
        }
    }

    /// A sample is left for what it is. That is no fault of the page, in strict mode neither.
    #[cold]
    pub(super) fn left(&mut self, reason: Reason) {
        *self.refused.entry(reason).or_default() += 1;
    }

    /// `seconds` since the epoch is when the series began to count. What is no such time is not heeded.
    pub(super) fn created(&mut self, place: u32, seconds: f64) {
        let created = UnixNanos((seconds * 1e9) as u64); // casts saturate, and NaN is 0
        if created.0 == 0 || created >= self.time {
            return;
        }
        let Some(held) = self.target.table.get_mut(place) else { return };
        if held.start == created {
            return;
        }
        held.start = created;
        // Its value may have come before: `_created` follows it.
        if held.seen == self.target.scrape
            && let Some(point) = self.points.number(held.at).filter(|point| point.series == held.id)
        {
            point.start = created;
        }
    }
}

impl super::Target {
    /// Remembers what a line of the scrape at hand stands for.
    pub(super) fn remember(&mut self, family: u32, text: &[u8], role: Role) {
        let bytes = self.lines.bytes() + text.len() as u64;
        if self.lines.entries().len() < MAX_LINES && bytes <= self.settings.max_line_bytes {
            self.lines.insert(family, text, Known { role, seen: self.scrape });
        }
    }

    /// The place of a series in the table: made where it is new.
    pub(super) fn place(&mut self, identity: weir_core::Identity) -> Result<u32, weir_core::SeriesCap> {
        let at_door = match self.door.stream(identity.clone()) {
            Ok(at_door) => at_door,
            Err(cap) => {
                self.met_cap = true;
                self.forgotten.insert(&identity);
                return Err(cap);
            }
        };
        if let Some(place) = self.table.place_of(at_door.id()) {
            return Ok(place);
        }
        let named = self.with_info(&at_door);
        let start = self.first_seen(&identity);
        let place = self.table.insert(Held {
            id: named.id(),
            start,
            seen: 0,
            time: UnixNanos(0),
            sent: UnixNanos(0),
            at: NONE,
            assembly: NONE,
            was_live: false,
            is_timed: false,
            at_door,
            named,
        });
        self.note_namesake(&identity, place);
        Ok(place)
    }

    /// Since when a new series counts: since the last scrape, which did not have it. The first scrape of a target says nothing, nor
    /// one after which the target was away for so long that its series were forgotten; and of one that was let go, or kept out by the
    /// cap, nobody knows how much of its value is old.
    fn first_seen(&mut self, identity: &weir_core::Identity) -> UnixNanos {
        if !counts(identity) || self.forgotten.had(identity) {
            return UnixNanos(0);
        }
        let age = self.now.0.saturating_sub(self.succeeded_at.0);
        let is_remembered = self.succeeded > 0 && u128::from(age) < self.retention().as_nanos();
        if is_remembered { self.succeeded_at } else { UnixNanos(0) }
    }

    /// Whether the last scrape had this too, by a line that was written otherwise.
    fn was_there(&self, role: Role) -> bool {
        let held = self.place_behind(role).and_then(|place| self.table.get(place));
        self.succeeded > 0 && held.is_some_and(|held| held.seen >= self.succeeded)
    }

    /// The place of the series that a line is of.
    pub(super) fn place_behind(&self, role: Role) -> Option<u32> {
        let assembly = role.assembly().and_then(|at| self.assemblies.get(at as usize)?.as_ref());
        role.place().or(assembly.map(|assembly| assembly.place))
    }

    fn assembly(&mut self, place: u32, is_summary: bool) -> u32 {
        let Some(held) = self.table.get_mut(place) else { return NONE };
        if held.assembly == NONE {
            held.assembly = self.free_assemblies.pop().unwrap_or_else(|| {
                self.assemblies.push(None);
                (self.assemblies.len() - 1) as u32
            });
            self.assemblies[held.assembly as usize] = Some(Assembly::new(place, is_summary));
        }
        held.assembly
    }

    fn cell(&mut self, assembly: u32, key: f64) -> Option<u32> {
        self.assemblies.get_mut(assembly as usize)?.as_mut()?.cell(key)
    }
}
