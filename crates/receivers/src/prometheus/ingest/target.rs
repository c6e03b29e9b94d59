//! A target between its scrapes: what its lines stand for, and which series it had.

use std::{sync::Arc, time::Duration};

use weir_core::{Door, UnixNanos};
use weir_exposition::Format;

use super::{
    Body, Labels, Scraped, Settings,
    assembly::Assembly,
    families::Families,
    forgotten::Forgotten,
    known::{Lines, Role},
    presence::Presence,
    reports::Report,
    table::Table,
};

/// At the cap on series, what was idle for longer than this is let go.
const RELIEF_IDLE: Duration = Duration::from_secs(5 * 60);

/// Who a target is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Its labels after relabelling, `job` and `instance` among them and none that begins with `__`: they are on each series.
    pub labels: Labels,
    /// `server.address`, `server.port` and `url.scheme` of its resource, each where it is not empty.
    pub address: String,
    /// The port that is scraped.
    pub port: String,
    /// `http` or `https`.
    pub scheme: String,
}

/// A target: it lives as long as the target is discovered.
#[derive(Debug)]
pub struct Target {
    pub(super) door: Arc<Door>,
    pub(super) identity: Identity,
    pub(super) settings: Arc<Settings>,
    pub(super) families: Families,
    pub(super) lines: Lines,
    pub(super) table: Table,
    pub(super) presence: Presence,
    pub(super) assemblies: Vec<Option<Assembly>>,
    pub(super) free_assemblies: Vec<u32>,
    /// Assemblies that the scrape at hand has put something into, in order.
    pub(super) touched: Vec<u32>,
    /// What the last `target_info` said.
    pub(super) info: Labels,
    /// The time of the scrape at hand.
    pub(super) now: UnixNanos,
    /// The number of the scrape at hand; the first is 1.
    pub(super) scrape: u32,
    /// The number of the last scrape that succeeded; zero where none has.
    pub(super) succeeded: u32,
    /// When that was.
    pub(super) succeeded_at: UnixNanos,
    /// How many numbers it brought.
    pub(super) numbers: usize,
    /// Series of the receiver's own about the target.
    pub(super) reported: Vec<Report>,
    /// Places of all series that are called like those, whoever says so.
    pub(super) namesakes: Vec<u32>,
    /// The cap on series was met.
    pub(super) met_cap: bool,
    /// Counters that are in `table` no more, or never were for want of room.
    pub(super) forgotten: Forgotten,
    /// A scrape, and when it began: what was not seen since then is let go, when that is long enough ago.
    mark: (u32, UnixNanos),
}

impl Target {
    /// A target whose points come in by `door`.
    pub fn new(door: Arc<Door>, identity: Identity, settings: Arc<Settings>) -> Self {
        Self {
            presence: Presence::new(!settings.track_timestamps_staleness),
            door,
            identity,
            settings,
            families: Families::default(),
            lines: Lines::default(),
            table: Table::default(),
            assemblies: Vec::new(),
            free_assemblies: Vec::new(),
            touched: Vec::new(),
            info: Labels::new(),
            now: UnixNanos(0),
            scrape: 0,
            succeeded: 0,
            succeeded_at: UnixNanos(0),
            numbers: 0,
            reported: Vec::new(),
            namesakes: Vec::new(),
            met_cap: false,
            forgotten: Forgotten::default(),
            mark: (0, UnixNanos(0)),
        }
    }

    /// Begins a scrape: `time` is that of samples without a timestamp.
    pub fn begin(&mut self, time: UnixNanos, format: Format) -> Body<'_> {
        self.expire(time);
        if self.families.are_full() {
            // Lines are learned anew; series stay.
            (self.families, self.lines) = (Families::default(), Lines::default());
        }
        self.now = time;
        self.scrape += 1;
        self.families.begin();
        self.lines.rewind();
        self.touched.clear();
        self.presence.begin();
        Body::new(self, time, format)
    }

    /// The scrape at `time` failed: every series of the target is stale.
    ///
    /// The series of [`report`](Self::report) go on: call it after this one with `up` 0.
    pub fn fail(&mut self, time: UnixNanos) -> Scraped {
        self.expire(time);
        self.all_stale(time, false)
    }

    /// Gauges that the receiver makes about the target, such as `up`: name, unit, value.
    pub fn report(&mut self, time: UnixNanos, gauges: &[(&str, &str, f64)]) -> Scraped {
        self.make_reports(time, gauges)
    }

    /// The target is no longer discovered: everything about it is stale, the series of [`report`](Self::report) too.
    pub fn end(mut self, time: UnixNanos) -> Scraped {
        self.all_stale(time, true)
    }

    /// For how long what is not seen is kept. Longer than that after the last success nobody knows what was there before.
    pub(super) fn retention(&self) -> Duration {
        if self.met_cap { RELIEF_IDLE } else { self.door.retention() }
    }

    /// Lets go of lines and series that were idle for longer than the retention; it may take twice as long.
    fn expire(&mut self, now: UnixNanos) {
        let (oldest, since) = self.mark;
        if now.0.saturating_sub(since.0) < u64::try_from(self.retention().as_nanos()).unwrap_or(u64::MAX) {
            return;
        }
        self.mark = (self.scrape, now);
        self.met_cap = false;
        let reported: Vec<u32> = self.reported.iter().map(|report| report.place).collect();
        let is_used = |seen: u32| seen > oldest;
        if self.assemblies.iter().flatten().any(Assembly::is_full) {
            // Of its buckets some may be out of use: all lines are learned anew; series stay.
            self.lines = Lines::default();
            self.assemblies.iter_mut().flatten().for_each(Assembly::empty);
        } else if self.lines.entries().iter().any(|line| !is_used(line.value.seen)) {
            self.lines.keep(|_, line, _| is_used(line.value.seen).then_some(line.parent()));
        }
        let roles: Vec<Role> = self.lines.entries().iter().map(|line| line.value.role).collect();
        let mut assemblies: Vec<bool> =
            self.assemblies.iter().map(|kept| kept.as_ref().is_some_and(|kept| is_used(kept.seen))).collect();
        roles.iter().filter_map(|role| role.assembly()).for_each(|at| assemblies[at as usize] = true);
        let mut places: Vec<u32> = roles.iter().filter_map(|role| role.place()).chain(reported).collect();
        // Not every line is remembered: one that stands apart from its metadata is read anew each time, and its series goes on.
        places.extend(
            self.table
                .iter_mut()
                .filter(|(_, held)| is_used(held.seen) || self.presence.is_live(held))
                .map(|(place, _)| place),
        );
        for (at, assembly) in self.assemblies.iter_mut().enumerate() {
            match assembly {
                Some(kept) if assemblies[at] => places.push(kept.place),
                Some(_) => {
                    *assembly = None;
                    self.free_assemblies.push(at as u32);
                }
                None => {}
            }
        }
        places.sort_unstable();
        let forgotten = &mut self.forgotten;
        let let_go = |series: &weir_core::Series| forgotten.insert(series.identity());
        self.table.retain(|place| places.binary_search(&place).is_ok(), let_go);
        self.namesakes.retain(|place| places.binary_search(place).is_ok());
    }
}
