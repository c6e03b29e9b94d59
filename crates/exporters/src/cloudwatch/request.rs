//! A request in the queue: self-contained (R6), and how it is divided when CloudWatch does not take it whole.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
};

use aws_sdk_cloudwatch::types::MetricDatum;
use weir_core::{Ack, UnixNanos};

use super::{
    body::{Body, Opened},
    pack::Datum,
    wire,
};
use crate::sending::Item;

/// Datums that travel together.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) body: Body,
    /// How many points each datum was made of.
    points: Box<[u64]>,
    all_points: u64,
    /// The time of its oldest datum, in seconds.
    oldest: i64,
    pub(super) ack: Ack,
    pub(super) flush: Arc<Flush>,
    pub(super) tried: Tried,
}

/// What became of earlier attempts.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Tried {
    /// When the first one failed.
    pub(super) first_failure: Option<UnixNanos>,
    /// One had no answer that says whether it was stored.
    pub(super) fate_unknown: bool,
    /// The points were counted as possible duplicates.
    pub(super) counted: bool,
    /// Its credentials were not taken, and it is tried with fresh ones.
    pub(super) credentials_refused: bool,
    /// How often it was divided by the numbers that a message named.
    pub(super) divided_by_number: u8,
}

impl Item for Request {
    fn bytes(&self) -> u64 {
        (size_of::<Self>() + self.body.memory() + size_of_val(&*self.points) + self.ack.memory()) as u64
    }

    fn points(&self) -> u64 {
        self.all_points
    }
}

impl Request {
    /// A request of a flush; `ack` tells the fate of its points.
    pub(super) fn new(datums: &[Datum], ack: Ack, flush: Arc<Flush>) -> Self {
        let written: Vec<&[u8]> = datums.iter().map(|datum| &*datum.bytes).collect();
        let oldest = datums.iter().map(|datum| datum.time).min();
        Self {
            body: Body::of(&flush.namespace, &written),
            points: datums.iter().map(|datum| datum.points).collect(),
            all_points: datums.iter().map(|datum| datum.points).sum(),
            oldest: oldest.unwrap_or(i64::MAX),
            ack,
            flush,
            tried: Tried::default(),
        }
    }

    /// How many datums it carries.
    pub(super) fn datums(&self) -> usize {
        self.body.datums()
    }

    /// Whether a datum of it is older than `limit`, in seconds since the epoch.
    pub(super) fn has_older_than(&self, limit: i64) -> bool {
        self.oldest < limit
    }

    /// Divides it in two: the datums that `is_first` picks, by index and as they were written, and the others; either may
    /// be missing. The ack is split: the parts speak for it, and the caller settles the whole.
    ///
    /// # Errors
    /// Its own bytes cannot be read, which would be a defect.
    pub(super) fn divide(
        &self,
        mut is_first: impl FnMut(usize, &[u8]) -> bool,
    ) -> io::Result<[Option<Self>; 2]> {
        let opened = self.body.open()?;
        let picked: Vec<bool> = opened.datums().enumerate().map(|(at, bytes)| is_first(at, bytes)).collect();
        let (first, second): (Vec<usize>, Vec<usize>) = (0..self.datums()).partition(|at| picked[*at]);
        Ok([self.part(&opened, &first), self.part(&opened, &second)])
    }

    fn part(&self, opened: &Opened<'_>, places: &[usize]) -> Option<Self> {
        if places.is_empty() {
            return None;
        }
        let all: Vec<&[u8]> = opened.datums().collect();
        let datums: Vec<&[u8]> = places.iter().map(|at| all[*at]).collect();
        let oldest = datums.iter().filter_map(|bytes| time_of(&wire::read_datum(bytes).ok()?)).min();
        Some(Self {
            body: Body::of(&self.flush.namespace, &datums),
            points: places.iter().map(|at| self.points[*at]).collect(),
            all_points: places.iter().map(|at| self.points[*at]).sum(),
            oldest: oldest.unwrap_or(i64::MAX),
            ack: self.ack.clone(),
            flush: Arc::clone(&self.flush),
            tried: self.tried,
        })
    }

    /// Its datums, for who looks into them.
    pub(super) fn read(&self) -> Vec<MetricDatum> {
        let read =
            |opened: Opened<'_>| opened.datums().filter_map(|bytes| wire::read_datum(bytes).ok()).collect();
        self.body.open().map(read).unwrap_or_default()
    }
}

/// The time of a datum, in seconds.
pub(super) fn time_of(datum: &MetricDatum) -> Option<i64> {
    datum.timestamp.map(|time| time.secs())
}

/// One closing of periods into one namespace: when its last request has met its fate, it says so in one line.
#[derive(Debug)]
pub(super) struct Flush {
    pub(super) component: Arc<str>,
    pub(super) namespace: Arc<str>,
    pub(super) region: Arc<str>,
    /// The end of the newest period in it.
    pub(super) end: UnixNanos,
    datums: usize,
    points: u64,
    requests: AtomicU64,
    failed: AtomicU64,
    /// In points, as is the other.
    delivered: AtomicU64,
    shown: AtomicU64,
}

impl Flush {
    pub(super) fn new(
        component: &Arc<str>,
        namespace: &Arc<str>,
        region: &Arc<str>,
        end: UnixNanos,
        datums: &[Datum],
    ) -> Self {
        Self {
            component: Arc::clone(component),
            namespace: Arc::clone(namespace),
            region: Arc::clone(region),
            end,
            datums: datums.len(),
            points: datums.iter().map(|datum| datum.points).sum(),
            requests: AtomicU64::default(),
            failed: AtomicU64::default(),
            delivered: AtomicU64::default(),
            shown: AtomicU64::default(),
        }
    }

    /// An attempt for one of its requests ended.
    pub(super) fn attempted(&self, succeeded: bool) {
        self.requests.fetch_add(1, Relaxed);
        self.failed.fetch_add(u64::from(!succeeded), Relaxed);
    }

    /// Points of it were delivered.
    pub(super) fn delivered(&self, points: u64) {
        self.delivered.fetch_add(points, Relaxed);
    }

    /// Points of it were shown, in a dry run.
    pub(super) fn shown(&self, points: u64) {
        self.shown.fetch_add(points, Relaxed);
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let (requests, failed) = (self.requests.load(Relaxed), self.failed.load(Relaxed));
        let (delivered, shown) = (self.delivered.load(Relaxed), self.shown.load(Relaxed));
        // Whatever became of the others, and be it that a drain gave them up.
        let lost = self.points.saturating_sub(delivered + shown);
        let result = match (delivered, lost) {
            (0, 0) if shown > 0 => "nothing, in a dry run",
            (0, _) => "lost",
            (_, 0) => "delivered",
            _ => "partly delivered",
        };
        tracing::info!(
            component = %self.component,
            namespace = %self.namespace,
            region = %self.region,
            period_end = self.end.seconds(),
            datums = self.datums,
            requests,
            failed_requests = failed,
            points = delivered,
            points_lost = lost,
            "sent to CloudWatch: {result}",
        );
    }
}
