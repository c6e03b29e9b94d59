//! The consumers of the queue: each sends one request at a time until its fate is known.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering::Relaxed},
    },
    time::Duration,
};

use aws_sdk_cloudwatch::{primitives::DateTime, types::MetricDatum};
use tokio_util::sync::CancellationToken;
use weir_core::{Ack, Context, Quiet, Reason, UnixNanos, Verdict};

use super::{
    classify::{Class, Failure, classify},
    client::Client,
    config::RetryConfig,
    held::Held,
    pack::Datum,
    window::{MAX_AGE, TOO_OLD},
};
use crate::sending::{Backoff, Item, Queue, random_unit};

/// CloudWatch refused the datum.
pub(super) const REJECTED: Reason = Reason("rejected");
/// `max_elapsed_time` passed, or `retry_on_failure` is off.
pub(super) const RETRY_EXHAUSTED: Reason = Reason("retry_exhausted");

/// The shortest wait when a person must act first.
const DENIED_WAIT: Duration = Duration::from_mins(1);
/// How long after the hurry attempts under way may still end well: two seconds are left for the rest.
const LAST_ATTEMPTS: Duration = Duration::from_secs(3);

/// Datums that travel together.
#[derive(Debug)]
pub(super) struct Request {
    datums: Vec<Datum>,
    points: u64,
    bytes: u64,
    ack: Ack,
    flush: Arc<Flush>,
}

impl Item for Request {
    fn bytes(&self) -> u64 {
        self.bytes
    }

    fn points(&self) -> u64 {
        self.points
    }
}

impl Request {
    /// A request of a flush; `ack` tells the fate of its points.
    pub(super) fn new(datums: Vec<Datum>, ack: Ack, flush: Arc<Flush>) -> Self {
        let points = datums.iter().map(|datum| datum.points).sum();
        let bytes = datums.iter().map(Datum::memory).sum();
        Self { datums, points, bytes, ack, flush }
    }

    /// A request of some of its datums: the ack is split.
    fn part(&self, datums: Vec<Datum>) -> Self {
        Self::new(datums, self.ack.clone(), Arc::clone(&self.flush))
    }
}

/// One closing of periods: when its last request has met its fate, it says so in one line.
#[derive(Debug)]
pub(super) struct Flush {
    component: Arc<str>,
    namespace: Arc<str>,
    region: Arc<str>,
    /// The end of the newest period in it.
    end: UnixNanos,
    datums: usize,
    requests: AtomicU64,
    failed: AtomicU64,
    /// In points, as is `lost`.
    delivered: AtomicU64,
    lost: AtomicU64,
}

impl Flush {
    pub(super) fn new(
        component: &Arc<str>,
        namespace: &Arc<str>,
        region: &Arc<str>,
        end: UnixNanos,
        datums: usize,
    ) -> Self {
        Self {
            component: Arc::clone(component),
            namespace: Arc::clone(namespace),
            region: Arc::clone(region),
            end,
            datums,
            requests: AtomicU64::default(),
            failed: AtomicU64::default(),
            delivered: AtomicU64::default(),
            lost: AtomicU64::default(),
        }
    }
}

impl Drop for Flush {
    fn drop(&mut self) {
        let (requests, failed) = (self.requests.load(Relaxed), self.failed.load(Relaxed));
        let (delivered, lost) = (self.delivered.load(Relaxed), self.lost.load(Relaxed));
        let result = match (delivered, lost) {
            (_, 0) => "delivered",
            (0, _) => "lost",
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

/// What consumers share.
#[derive(Debug)]
pub(super) struct Sender {
    pub(super) context: Context,
    pub(super) client: Client,
    pub(super) retry: RetryConfig,
    pub(super) queue: Arc<Queue<Request>>,
    pub(super) held: Arc<Held>,
    /// Cancelled when no attempt may go on any more.
    pub(super) stop: CancellationToken,
    pub(super) quiet: Quiets,
}

/// One quiet for each cause.
#[derive(Debug, Default)]
pub(super) struct Quiets {
    retrying: Quiet,
    denied: Quiet,
    rejected: Quiet,
    lost: Quiet,
}

/// How the attempts for one request ended.
enum End {
    Delivered,
    TooLarge,
    Datums(Vec<usize>, String),
    /// While it waited, some of it became too old.
    Aged,
    Lost(Reason, String),
}

impl Sender {
    /// Sends until the queue is closed and empty.
    pub(super) async fn run(self: Arc<Self>) {
        while let Some(request) = self.queue.pop().await {
            let mut parts = vec![request];
            while let Some(part) = parts.pop() {
                self.deliver(part, &mut parts).await;
            }
        }
    }

    /// Sends one request; what is to be sent again in parts goes to `parts`.
    async fn deliver(&self, request: Request, parts: &mut Vec<Request>) {
        let request = self.without_aged(request);
        if request.datums.is_empty() {
            request.ack.settle(Verdict::Delivered);
            return;
        }
        match self.attempts(&request).await {
            End::Delivered => self.delivered(request),
            End::Lost(reason, words) => self.lose(request, reason, &words),
            End::TooLarge | End::Datums(..) if request.datums.len() == 1 => {
                self.reject(request);
            }
            End::Aged => parts.push(request),
            End::TooLarge => split(request, &[], parts),
            End::Datums(named, words) => {
                self.say_rejected(&words);
                split(request, &named, parts);
            }
        }
    }

    /// Tries until there is an end.
    async fn attempts(&self, request: &Request) -> End {
        let mut backoff = Backoff::new(&self.retry);
        let mut stuck = Stuck { queue: &self.queue, is_stuck: false };
        let mut first_failure = None;
        loop {
            if self.stop.is_cancelled() {
                return End::Lost(Reason::SHUTDOWN, "the time to drain ran out".to_owned());
            }
            request.flush.requests.fetch_add(1, Relaxed);
            let sent = self.context.clock.now();
            let failure = tokio::select! {
                answer = self.put(request) => match answer {
                    Ok(()) => return End::Delivered,
                    Err(failure) => failure,
                },
                () = self.stop.cancelled() => continue,
            };
            request.flush.failed.fetch_add(1, Relaxed);
            self.context.status.failed(&failure.words);
            let wait = match failure.class {
                Class::TooLarge => return End::TooLarge,
                Class::Datums(named) => return End::Datums(named, failure.words),
                Class::Request => return End::Lost(REJECTED, failure.words),
                Class::Retry { after } => {
                    let wait = backoff.next(random_unit()).max(after.unwrap_or_default());
                    self.say_retrying(&failure.words, wait);
                    wait
                }
                Class::Expired => {
                    self.client.credentials.refused(sent);
                    let wait = backoff.next(random_unit());
                    self.say_retrying(&failure.words, wait);
                    wait
                }
                Class::Denied => {
                    let wait = backoff.next(random_unit()).max(DENIED_WAIT);
                    self.say_denied(&failure.words, request, wait);
                    wait
                }
            };
            stuck.set();
            let now = self.context.clock.now();
            let limit = self.retry.max_elapsed_time.0;
            let elapsed = now.since(*first_failure.get_or_insert(now));
            if !self.retry.enabled || (!limit.is_zero() && elapsed + wait > limit) {
                return End::Lost(RETRY_EXHAUSTED, failure.words);
            }
            tokio::select! {
                () = self.context.clock.sleep(wait) => {}
                () = self.context.drain.hurry.cancelled() => {
                    return End::Lost(Reason::SHUTDOWN, failure.words);
                }
            }
            if request.datums.iter().any(self.aged()) {
                return End::Aged;
            }
        }
    }

    async fn put(&self, request: &Request) -> Result<(), Failure> {
        let datums: Vec<MetricDatum> = request.datums.iter().map(|datum| datum.metric.clone()).collect();
        let call = self.client.sdk.put_metric_data().namespace(&*request.flush.namespace);
        call.set_metric_data(Some(datums)).send().await.map(drop).map_err(|error| classify(&error))
    }

    /// Tells datums that CloudWatch would not take any more, for their age.
    fn aged(&self) -> impl Fn(&Datum) -> bool + use<> {
        let oldest = self.context.clock.now().since(UnixNanos(0)).saturating_sub(MAX_AGE).as_secs();
        let oldest = DateTime::from_secs(oldest as i64);
        move |datum| datum.metric.timestamp.is_some_and(|time| time < oldest)
    }

    /// What waited for two weeks would only be refused.
    fn without_aged(&self, mut request: Request) -> Request {
        let is_aged = self.aged();
        if !request.datums.iter().any(&is_aged) {
            return request;
        }
        let (aged, fresh) = std::mem::take(&mut request.datums).into_iter().partition(is_aged);
        self.lose(request.part(aged), TOO_OLD, "CloudWatch takes nothing older than two weeks");
        let fresh = request.part(fresh);
        request.ack.settle(Verdict::Delivered);
        fresh
    }

    fn delivered(&self, request: Request) {
        let points = request.points();
        request.flush.delivered.fetch_add(points, Relaxed);
        self.context.ledger.pass(points);
        self.settled(points);
        self.context.status.succeeded();
        self.context.status.exported_up_to(request.flush.end.min(self.context.clock.now()));
        request.ack.settle(Verdict::Delivered);
    }

    /// Counts a request that is given up.
    fn lose(&self, request: Request, reason: Reason, words: &str) {
        let points = request.points();
        self.count_lost(request, reason);
        self.settled(points);
        self.say_lost(points, reason, words);
    }

    /// Counts a request that had to make room in the queue.
    pub(super) fn evict(&self, request: Request) {
        let points = request.points();
        self.count_lost(request, Reason::QUEUE_FULL);
        self.held.update(&self.queue);
        self.say_lost(
            points,
            Reason::QUEUE_FULL,
            "CloudWatch is away, and sending_queue.queue_size is used up",
        );
    }

    fn say_lost(&self, points: u64, reason: Reason, words: &str) {
        if let Some(suppressed) = self.quiet.lost.speak(self.context.clock.now()) {
            tracing::error!(component = %self.context.id, points, %reason, suppressed, "lost: {words}");
        }
    }

    /// A datum that was refused alone: it is at fault whatever the message named.
    fn reject(&self, request: Request) {
        if let (Some(datum), Some(suppressed)) =
            (request.datums.first(), self.quiet.lost.speak(self.context.clock.now()))
        {
            let metric = datum.metric.metric_name().unwrap_or_default();
            let dimensions = datum.metric.dimensions();
            tracing::error!(component = %self.context.id, metric, ?dimensions, suppressed, "CloudWatch refuses this datum");
        }
        let points = request.points();
        self.count_lost(request, REJECTED);
        self.settled(points);
    }

    fn count_lost(&self, request: Request, reason: Reason) {
        let points = request.points();
        request.flush.lost.fetch_add(points, Relaxed);
        self.context.ledger.drop_points(reason, points);
        request.ack.settle(Verdict::Lost(reason));
    }

    fn settled(&self, points: u64) {
        self.queue.settled(points);
        self.held.update(&self.queue);
    }

    fn say_retrying(&self, words: &str, wait: Duration) {
        if let Some(suppressed) = self.quiet.retrying.speak(self.context.clock.now()) {
            tracing::warn!(component = %self.context.id, ?wait, suppressed, "CloudWatch did not take a request, trying again: {words}");
        }
    }

    fn say_denied(&self, words: &str, request: &Request, wait: Duration) {
        if let Some(suppressed) = self.quiet.denied.speak(self.context.clock.now()) {
            let flush = &request.flush;
            tracing::error!(
                component = %self.context.id, action = "cloudwatch:PutMetricData", namespace = %flush.namespace,
                region = %flush.region, ?wait, suppressed, "not allowed, data is held: {words}",
            );
        }
    }

    fn say_rejected(&self, words: &str) {
        if let Some(suppressed) = self.quiet.rejected.speak(self.context.clock.now()) {
            tracing::warn!(component = %self.context.id, suppressed, "CloudWatch refuses datums, sending the others again: {words}");
        }
    }

    /// After the hurry attempts may go on for a moment, and then no more.
    pub(super) async fn watch_hurry(context: Context, stop: CancellationToken) {
        context.drain.hurry.cancelled().await;
        context.clock.sleep(LAST_ATTEMPTS).await;
        stop.cancel();
    }
}

/// Splits a refused request: what was named from the rest, or where that says nothing, one half from the other.
///
/// A datum is given up only when it is refused alone, so that a message that counts otherwise than we do costs a request,
/// and never a good datum.
fn split(mut request: Request, named: &[usize], parts: &mut Vec<Request>) {
    let is_named = |at: usize| named.binary_search(&(at + 1)).is_ok();
    let hits = (0..request.datums.len()).filter(|at| is_named(*at)).count();
    let says_something = hits > 0 && hits < request.datums.len();
    let half = request.datums.len() / 2;
    let all = std::mem::take(&mut request.datums);
    let (one, other): (Vec<_>, Vec<_>) = all
        .into_iter()
        .enumerate()
        .partition(|(at, _)| if says_something { is_named(*at) } else { *at >= half });
    for part in [one, other] {
        parts.push(request.part(part.into_iter().map(|(_, datum)| datum).collect()));
    }
    // The parts speak for it now.
    request.ack.settle(Verdict::Delivered);
}

/// Tells the queue while a consumer's attempts fail, and when that is over, however it ends.
struct Stuck<'a> {
    queue: &'a Queue<Request>,
    is_stuck: bool,
}

impl Stuck<'_> {
    fn set(&mut self) {
        if !self.is_stuck {
            self.is_stuck = true;
            self.queue.set_stuck(true);
        }
    }
}

impl Drop for Stuck<'_> {
    fn drop(&mut self) {
        if self.is_stuck {
            self.queue.set_stuck(false);
        }
    }
}
