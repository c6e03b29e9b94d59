//! The consumers of the queue: each takes a request, tries it once, and gives it back if it is to be tried again.

use std::{io, sync::Arc, time::Duration};

use tokio_util::sync::CancellationToken;
use weir_core::{Context, Reason, UnixNanos, Verdict};

use super::{
    classify::{Class, Failure},
    client::Client,
    config::{Config, RetryConfig},
    denied::{DENIED_WAIT, Denied},
    describe::Line,
    dry_run::DryRun,
    held::Held,
    request::{Request, time_of},
    say::Say,
    window::{MAX_AGE, TOO_OLD},
    wire,
};
use crate::sending::{Age, Backoff, Item as _, Queue, Rate, random_unit};

/// CloudWatch refused the datum.
pub(super) const REJECTED: Reason = Reason("rejected");
/// `max_elapsed_time` passed, or `retry_on_failure` is off.
pub(super) const RETRY_EXHAUSTED: Reason = Reason("retry_exhausted");
/// Shown by `dry_run`, and not sent.
pub(super) const DRY_RUN: Reason = Reason("dry_run");

/// How long after the hurry attempts under way may still end well: two seconds are left for the rest.
const LAST_ATTEMPTS: Duration = Duration::from_secs(3);
/// How often a request is divided by the numbers of a message. A message that counts otherwise than we do would have it
/// give up one good datum after the other: then halves find the bad one sooner.
const MAX_BY_NUMBER: u8 = 3;

/// Where requests go.
#[derive(Debug)]
pub(super) enum Destination {
    CloudWatch(Client),
    Output(DryRun),
}

/// What consumers share.
#[derive(Debug)]
pub(super) struct Sender {
    context: Context,
    destination: Destination,
    retry: RetryConfig,
    pub(super) queue: Arc<Queue<Request>>,
    rate: Rate,
    held: Arc<Held>,
    denied: Denied,
    say: Say,
    /// Cancelled when no attempt may go on any more.
    pub(super) stop: CancellationToken,
}

/// How an attempt ended.
enum End {
    Delivered,
    Shown,
    TooLarge(String),
    Datums(Vec<usize>, String),
    Lost(Reason, String),
    /// To be tried again in `wait`; where `rest`, the consumer tries nothing else meanwhile.
    Again {
        wait: Duration,
        rest: bool,
    },
}

impl Sender {
    pub(super) fn new(config: &Config, context: &Context, destination: Destination, held: Arc<Held>) -> Self {
        let queue = &config.sending_queue;
        let consumers = queue.num_consumers.max(1) as usize;
        let rate = Rate::new(context.clock.now());
        context.ledger.sending().set_rate_limit(rate.limit());
        Self {
            context: context.clone(),
            destination,
            retry: config.retry_on_failure.clone(),
            queue: Arc::new(Queue::new(queue.queue_size.0, consumers, context.clock.clone())),
            rate,
            held,
            denied: Denied::default(),
            say: Say::new(context),
            stop: CancellationToken::new(),
        }
    }

    /// Sends until the queue is closed and empty.
    pub(super) async fn run(self: Arc<Self>) {
        let backoff = Backoff::new(&self.retry);
        let mut trouble = Trouble { queue: &self.queue, backoff, is_stuck: false };
        while let Some((age, request)) = self.queue.pop().await {
            let mut parts = vec![request];
            while let Some(part) = parts.pop() {
                self.deliver(age, part, &mut parts, &mut trouble).await;
            }
        }
    }

    /// Tries one request; what is to be sent in parts goes to `parts`, what is to be tried later back to the queue.
    async fn deliver(&self, age: Age, request: Request, parts: &mut Vec<Request>, trouble: &mut Trouble<'_>) {
        let Some(mut request) = self.without_aged(request) else { return };
        let is_last = self.context.drain.hurry.is_cancelled();
        if !is_last && let Some(wait) = self.denied.claim(&request.flush.namespace, self.context.clock.now())
        {
            self.give_back(age, request, wait);
            return;
        }
        match self.attempt(&mut request, trouble).await {
            End::Delivered => {
                trouble.over();
                self.delivered(request);
            }
            End::Shown => self.shown(request),
            End::Lost(reason, words) => self.lose(request, reason, &words),
            End::TooLarge(words) | End::Datums(_, words) if request.datums() == 1 => {
                self.quarantine(request, &words);
            }
            End::TooLarge(_) => self.halve(request, parts),
            End::Datums(named, _) => self.divide(request, &named, parts),
            End::Again { wait, rest } => {
                self.give_back(age, request, wait);
                // They would meet the same trouble.
                for part in parts.drain(..) {
                    self.give_back(age, part, Duration::ZERO);
                }
                if rest {
                    tokio::select! {
                        () = self.context.clock.sleep(wait) => {}
                        () = self.context.drain.hurry.cancelled() => {}
                    }
                }
            }
        }
    }

    async fn attempt(&self, request: &mut Request, trouble: &mut Trouble<'_>) -> End {
        let clock = &self.context.clock;
        let out_of_time = || End::Lost(Reason::SHUTDOWN, "the time to drain ran out".to_owned());
        let client = match &self.destination {
            Destination::CloudWatch(client) => client,
            Destination::Output(output) => {
                return match output.show(request) {
                    Ok(()) => End::Shown,
                    Err(error) => End::Lost(DRY_RUN, error.to_string()),
                };
            }
        };
        tokio::select! {
            biased;
            () = self.stop.cancelled() => return out_of_time(),
            () = self.rate.admitted(clock, &self.context.drain.hurry) => {}
        }
        let sending = self.context.ledger.sending();
        if request.tried.fate_unknown && !request.tried.counted {
            request.tried.counted = true;
            sending.may_duplicate(request.points());
        }
        let (sent, under_way) = (clock.now(), sending.begin());
        let answer = tokio::select! {
            answer = client.put(&request.flush.namespace, &request.body) => answer,
            () = self.stop.cancelled() => return out_of_time(),
        };
        request.flush.attempted(answer.is_ok());
        match answer {
            Ok(()) => {
                under_way.end("delivered");
                self.rate.passed();
                sending.set_rate_limit(self.rate.limit());
                self.let_in(request);
                End::Delivered
            }
            Err(failure) => {
                under_way.end(failure.class.outcome());
                self.failed(request, client, failure, sent, trouble)
            }
        }
    }

    /// What to do after an attempt that failed.
    fn failed(
        &self,
        request: &mut Request,
        client: &Client,
        failure: Failure,
        sent: UnixNanos,
        trouble: &mut Trouble<'_>,
    ) -> End {
        let Failure { class, words, fate_unknown } = failure;
        let now = self.context.clock.now();
        self.context.status.failed(&words);
        request.tried.fate_unknown |= fate_unknown;
        match &class {
            // Who is told what is wrong with a request is let in.
            Class::TooLarge | Class::Datums(_) | Class::Request => self.let_in(request),
            Class::Denied { .. } => {}
            Class::Credentials if request.tried.credentials_refused => {}
            Class::Retry { .. } | Class::Throttled { .. } | Class::Credentials => {
                self.denied.release(&request.flush.namespace, now);
            }
        }
        let (wait, rest) = match class {
            Class::TooLarge => return End::TooLarge(words),
            Class::Datums(named) => return End::Datums(named, words),
            Class::Request => return End::Lost(REJECTED, words),
            Class::Retry { after } => {
                let after = after.unwrap_or_default();
                self.rate.pause(now, after);
                let wait = trouble.wait().max(after);
                self.say.retrying(&words, wait);
                (wait, true)
            }
            Class::Throttled { after } => {
                let after = after.unwrap_or_default();
                self.rate.pause(now, after);
                let wait = self.rate.throttled(sent, now).max(after);
                self.context.ledger.sending().set_rate_limit(self.rate.limit());
                self.say.throttled(&words, self.rate.limit());
                trouble.set_stuck();
                (wait, false)
            }
            Class::Credentials if !request.tried.credentials_refused => {
                client.credentials.refused(sent);
                request.tried.credentials_refused = true;
                self.say.retrying(&words, Duration::ZERO);
                (Duration::ZERO, false)
            }
            Class::Credentials => {
                // Fresh ones are no better: until somebody changes that.
                client.credentials.refused(sent);
                self.hold(request, client, &words, false);
                trouble.set_stuck();
                (DENIED_WAIT, false)
            }
            Class::Denied { by_policy } => {
                self.hold(request, client, &words, by_policy);
                trouble.set_stuck();
                (DENIED_WAIT, false)
            }
        };
        let limit = self.retry.max_elapsed_time.0;
        let elapsed = now.since(*request.tried.first_failure.get_or_insert(now));
        if !self.retry.enabled || (!limit.is_zero() && elapsed + wait > limit) {
            return End::Lost(RETRY_EXHAUSTED, words);
        }
        if self.context.drain.hurry.is_cancelled() {
            return End::Lost(Reason::SHUTDOWN, words);
        }
        End::Again { wait, rest }
    }

    /// Nothing goes to this namespace for a while.
    fn hold(&self, request: &Request, client: &Client, words: &str, by_policy: bool) {
        if self.denied.begin(&request.flush.namespace, self.context.clock.now()) {
            self.say.denied(&request.flush, words, client.credentials.access_key_id(), by_policy);
        }
    }

    /// The service takes requests for this namespace.
    fn let_in(&self, request: &Request) {
        if self.denied.end(&request.flush.namespace) {
            self.say.allowed(&request.flush);
        }
    }

    fn give_back(&self, age: Age, request: Request, wait: Duration) {
        self.queue.give_back(age, request, wait);
        self.held.update(&self.queue);
    }

    /// The named datums apart from the others. A datum is given up only when it is refused alone, so that a message that
    /// counts otherwise than we do costs requests, and never a good datum.
    fn divide(&self, mut request: Request, named: &[usize], parts: &mut Vec<Request>) {
        let is_named = |at: usize| named.binary_search(&(at + 1)).is_ok();
        let hits = (0..request.datums()).filter(|at| is_named(*at)).count();
        let says_something = hits > 0 && hits < request.datums();
        if !says_something || request.tried.divided_by_number == MAX_BY_NUMBER {
            return self.halve(request, parts);
        }
        request.tried.divided_by_number += 1;
        let parted = request.divide(|at, _| is_named(at));
        self.parted(request, parted, parts);
    }

    fn halve(&self, request: Request, parts: &mut Vec<Request>) {
        let half = request.datums() / 2;
        let parted = request.divide(|at, _| at < half);
        self.parted(request, parted, parts);
    }

    fn parted(&self, whole: Request, parted: io::Result<[Option<Request>; 2]>, parts: &mut Vec<Request>) {
        match parted {
            Ok(two) => {
                parts.extend(two.into_iter().flatten());
                // The parts speak for it now.
                whole.ack.settle(Verdict::Delivered);
            }
            Err(error) => self.lose(whole, REJECTED, &format!("its body cannot be read: {error}")),
        }
    }

    /// What waited for two weeks would only be refused.
    fn without_aged(&self, request: Request) -> Option<Request> {
        let oldest = self.context.clock.now().since(UnixNanos(0)).saturating_sub(MAX_AGE).as_secs() as i64;
        if !request.has_older_than(oldest) {
            return Some(request);
        }
        let is_aged = |bytes: &[u8]| {
            wire::read_datum(bytes).is_ok_and(|datum| time_of(&datum).is_some_and(|time| time < oldest))
        };
        let Ok([aged, fresh]) = request.divide(|_, bytes| is_aged(bytes)) else { return Some(request) };
        if let Some(aged) = aged {
            self.lose(aged, TOO_OLD, "CloudWatch takes nothing older than two weeks");
        }
        request.ack.settle(Verdict::Delivered);
        fresh
    }

    fn delivered(&self, request: Request) {
        let points = request.points();
        request.flush.delivered(points);
        self.held.settle(points, &self.queue, |ledger| ledger.pass(points));
        self.context.status.succeeded();
        self.context.status.exported_up_to(request.flush.end.min(self.context.clock.now()));
        request.ack.settle(Verdict::Delivered);
    }

    /// Nobody must send it again, and yet it has gone nowhere.
    fn shown(&self, request: Request) {
        let points = request.points();
        request.flush.shown(points);
        self.held.settle(points, &self.queue, |ledger| ledger.drop_points(DRY_RUN, points));
        self.context.status.succeeded();
        request.ack.settle(Verdict::Delivered);
    }

    fn lose(&self, request: Request, reason: Reason, words: &str) {
        let points = request.points();
        self.give_up(request, reason);
        self.say.lost(points, reason, words);
    }

    /// Queues a request, and counts those that had to make room for it.
    pub(super) async fn queue(&self, request: Request) {
        for evicted in self.queue.push(request).await {
            let points = evicted.points();
            self.context.ledger.drop_points(Reason::QUEUE_FULL, points);
            self.held.update(&self.queue);
            evicted.ack.settle(Verdict::Lost(Reason::QUEUE_FULL));
            let words = "CloudWatch is away, and sending_queue.queue_size is used up";
            self.say.lost(points, Reason::QUEUE_FULL, words);
        }
    }

    /// A datum that was refused alone: it is at fault whatever the message named.
    fn quarantine(&self, request: Request, words: &str) {
        for datum in request.read() {
            let line = Line::short(&datum).to_string();
            self.say.refused(words, &line);
            self.context.status.quarantine(words, line);
        }
        self.context.ledger.sending().quarantine(1);
        self.give_up(request, REJECTED);
    }

    /// Counts a request in a consumer's hands as lost.
    fn give_up(&self, request: Request, reason: Reason) {
        let points = request.points();
        self.held.settle(points, &self.queue, |ledger| ledger.drop_points(reason, points));
        request.ack.settle(Verdict::Lost(reason));
    }

    /// After the hurry attempts may go on for a moment, and then no more.
    pub(super) async fn watch_hurry(self: Arc<Self>) {
        self.context.drain.hurry.cancelled().await;
        self.queue.hurry();
        self.context.clock.sleep(LAST_ATTEMPTS).await;
        self.stop.cancel();
    }
}

/// What a consumer remembers while its attempts fail; the queue is told, and that it is over, however that comes.
struct Trouble<'a> {
    queue: &'a Queue<Request>,
    backoff: Backoff<'a>,
    is_stuck: bool,
}

impl Trouble<'_> {
    /// An attempt failed: how long to wait.
    fn wait(&mut self) -> Duration {
        self.set_stuck();
        self.backoff.next(random_unit())
    }

    fn set_stuck(&mut self) {
        if !self.is_stuck {
            self.is_stuck = true;
            self.queue.set_stuck(true);
        }
    }

    fn over(&mut self) {
        self.backoff.reset();
        if self.is_stuck {
            self.is_stuck = false;
            self.queue.set_stuck(false);
        }
    }
}

impl Drop for Trouble<'_> {
    fn drop(&mut self) {
        self.over();
    }
}
