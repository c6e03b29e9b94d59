//! Many connections that send until everything is taken.

use std::{
    collections::VecDeque,
    net::SocketAddr,
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::{Duration, Instant},
};

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::{
    Error,
    client::{Answer, Connection, Packing, Protocol, body},
    instant, nanos,
    payload::{Amount, Sender, Shape},
    process,
};

/// How long a sender that was told to come again waits: less than it is told, so that a test is short and a receiver has
/// it hard.
const PAUSE: Duration = Duration::from_millis(20);
/// The length of a period.
pub(crate) const PERIOD: Duration = Duration::from_mins(1);

/// A load, bounded: so many senders, so many rounds.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// What the requests look like.
    pub shape: Shape,
    /// Senders, each with [`Shape::points`] series.
    pub senders: usize,
    /// How often each sends.
    pub rounds: usize,
    /// How it speaks.
    pub protocol: Protocol,
    /// What it packs with.
    pub packing: Packing,
    /// Connections that the senders share; a sender keeps to its own, and waits for each answer.
    pub connections: usize,
    /// The time of the first round, in nanoseconds since the epoch.
    pub first: u64,
    /// The time between two rounds, as the points have it. They are sent as fast as they are taken.
    pub step: Duration,
    /// Rounds of a minute: the next one is of the minute that follows.
    pub rounds_a_minute: usize,
}

/// Bodies, ready to go.
#[derive(Debug)]
enum Source {
    /// Written in place, round by round.
    Live(Sender),
    /// Packed beforehand.
    Packed(VecDeque<(Bytes, Amount)>),
}

/// A load whose bytes are made.
#[derive(Debug)]
pub struct Prepared {
    load: Load,
    progress: Arc<Progress>,
    sources: Vec<Source>,
}

/// A load whose connections are open.
#[derive(Debug)]
pub struct Running {
    load: Load,
    progress: Arc<Progress>,
    lanes: Vec<Lane>,
    report: Report,
    began: Instant,
    cpu: Duration,
}

/// A connection, and the senders that share it.
#[derive(Debug)]
struct Lane {
    connection: Connection,
    sources: Vec<Source>,
}

/// How far a running load is.
#[derive(Debug, Default)]
pub struct Progress {
    /// Points that were taken.
    pub taken: AtomicU64,
    /// How often it was said to come again.
    pub turned_away: AtomicU64,
}

/// What the connections saw.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Requests that were taken.
    pub requests: u64,
    /// What was taken.
    pub taken: Amount,
    /// Points refused for good.
    pub rejected: u64,
    /// How often it was said to come again.
    pub turned_away: u64,
    /// How often that was said without saying when.
    pub unadvised: u64,
    /// Bytes of bodies that were taken.
    pub bytes: u64,
    /// Time from the first byte of a request to the last of the answer that took it, sorted.
    pub latencies: Vec<Duration>,
    /// From the first request to the last answer.
    pub wall: Duration,
    /// The generator's own CPU time.
    pub cpu: Duration,
}

impl Report {
    /// Adds what other connections saw; their latencies go behind these.
    pub fn add(&mut self, other: Self) {
        self.requests += other.requests;
        self.taken += other.taken;
        self.rejected += other.rejected;
        self.turned_away += other.turned_away;
        self.unadvised += other.unadvised;
        self.bytes += other.bytes;
        self.latencies.extend(other.latencies);
    }
}

impl Load {
    /// Points in all.
    pub fn points(&self) -> u64 {
        (self.senders * self.rounds * self.shape.points) as u64
    }

    /// Makes the bytes, which takes as long as it takes.
    pub fn prepare(self) -> Prepared {
        let start = self.first - nanos(self.step);
        let source = |number| {
            let mut sender = Sender::new(self.shape, number, start);
            match self.packing {
                Packing::Plain => Source::Live(sender),
                Packing::Gzip(_) => {
                    let packed = |round| {
                        let (message, amount) = sender.next(self.time(round));
                        (body(self.protocol, self.packing, message), amount)
                    };
                    Source::Packed((0..self.rounds).map(packed).collect())
                }
            }
        };
        Prepared { sources: (0..self.senders).map(source).collect(), progress: Arc::default(), load: self }
    }

    fn time(&self, round: usize) -> u64 {
        let (minute, nth) = (round / self.rounds_a_minute, round % self.rounds_a_minute);
        self.first + nanos(PERIOD) * minute as u64 + nanos(self.step) * nth as u64
    }
}

impl Prepared {
    /// Is kept up to date while the load runs.
    pub fn progress(&self) -> Arc<Progress> {
        Arc::clone(&self.progress)
    }

    /// Sends everything, and again what is turned away.
    ///
    /// # Errors
    /// A connection broke, or a request was refused for good.
    pub async fn run(self, to: SocketAddr) -> Result<Report, Error> {
        let rounds = self.load.rounds;
        let mut running = self.connect(to).await?;
        running.send(0..rounds).await?;
        running.end()
    }

    /// Opens the connections; from here on time counts.
    pub async fn connect(self, to: SocketAddr) -> Result<Running, Error> {
        let Self { load, progress, sources } = self;
        let mut lanes = Vec::new();
        for _ in 0..load.connections {
            let connection = Connection::open(load.protocol, load.packing, to).await?;
            lanes.push(Lane { connection, sources: Vec::new() });
        }
        for (at, source) in sources.into_iter().enumerate() {
            lanes[at % load.connections].sources.push(source);
        }
        let (report, began, cpu) = (Report::default(), instant(), process::own_cpu()?);
        Ok(Running { load, progress, lanes, report, began, cpu })
    }
}

impl Running {
    /// Sends these rounds, each connection at its own pace, until all of it is taken.
    ///
    /// # Errors
    /// A connection broke, or a request was refused for good.
    pub async fn send(&mut self, rounds: Range<usize>) -> Result<(), Error> {
        let mut sending = JoinSet::new();
        for lane in self.lanes.drain(..) {
            sending.spawn(lane.send(self.load, rounds.clone(), Arc::clone(&self.progress)));
        }
        while let Some(ended) = sending.join_next().await {
            let (lane, report) = ended.map_err(|error| Error::Process(error.to_string()))??;
            self.lanes.push(lane);
            self.report.add(report);
        }
        Ok(())
    }

    /// What the connections saw.
    pub fn end(mut self) -> Result<Report, Error> {
        self.report.wall = self.began.elapsed();
        self.report.cpu = process::own_cpu()?.saturating_sub(self.cpu);
        self.report.latencies.sort_unstable();
        Ok(self.report)
    }
}

impl Lane {
    async fn send(
        mut self,
        load: Load,
        rounds: Range<usize>,
        progress: Arc<Progress>,
    ) -> Result<(Self, Report), Error> {
        let mut report = Report::default();
        for round in rounds {
            for source in &mut self.sources {
                let (body, amount) = match source {
                    Source::Live(sender) => {
                        let (message, amount) = sender.next(load.time(round));
                        (body(load.protocol, load.packing, message), amount)
                    }
                    Source::Packed(packed) => packed.pop_front().unwrap_or_default(),
                };
                insist(&mut self.connection, body, amount, &mut report, &progress).await?;
            }
        }
        Ok((self, report))
    }
}

/// Sends one request until it is taken.
///
/// # Errors
/// The connection broke, or the request was refused for good.
pub async fn insist(
    connection: &mut Connection,
    body: Bytes,
    amount: Amount,
    report: &mut Report,
    progress: &Progress,
) -> Result<(), Error> {
    loop {
        let began: Instant = instant();
        match connection.send(body.clone()).await? {
            Answer::Taken { rejected } => {
                report.latencies.push(began.elapsed());
                report.requests += 1;
                report.rejected += rejected;
                report.taken += amount;
                progress.taken.fetch_add(amount.points, Relaxed);
                report.bytes += body.len() as u64;
                return Ok(());
            }
            Answer::ComeAgain { advised } => {
                report.turned_away += 1;
                progress.turned_away.fetch_add(1, Relaxed);
                report.unadvised += u64::from(!advised);
                pause().await;
            }
            Answer::Refused(why) => return Err(Error::Process(format!("a request was refused: {why}"))),
        }
    }
}

#[allow(clippy::disallowed_methods, reason = "a client waits by the wall's clock")]
async fn pause() {
    tokio::time::sleep(PAUSE).await;
}
