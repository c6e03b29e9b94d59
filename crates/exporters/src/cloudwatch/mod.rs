//! Exporter `cloudwatch`: sends metrics to Amazon CloudWatch by `PutMetricData`.
//!
//! # A point's way
//! - [`rules`]: what the first rule that is for a series says, decided once a series.
//! - [`window`]: all points of a series within a period, aligned to the wall clock, are gathered. The period closes a
//!   moment after its end ([`windows::grace`]), plus a wait that differs from process to process, so that a fleet does not
//!   arrive in one second. Late points go to their own period, and leave with the next one that closes.
//! - [`encode`]: each metric, as CloudWatch tells them apart, becomes one datum of the period: `Value` for one sample,
//!   `Values` and `Counts` otherwise, which keeps percentiles. Names, dimensions ([`dimensions`]) and units ([`units`])
//!   are made what the service takes.
//! - [`pack`]: datums become as few requests as hold them.
//! - `send`: requests wait in a queue bounded in bytes, and are sent again until their fate is known (`classify`).
//!
//! # What is sent
//! Gauges, and sums that are not monotonic: each point is a sample. Delta sums: each increment is a sample, so that `Sum`
//! is the total of the period. Cumulative sums are sent as they are; `delta` before this exporter makes them increments.
//! Delta histograms of both kinds become values with counts, of which each stands for samples of a bucket ([`weir_window`]).
//! Cumulative ones are dropped and said once ([`cumulative`]). Summaries become sums and gauges ([`summary`]).
//!
//! # Nothing is lost without a reason
//! At most: `dropped_by_rule`, `too_old`, `too_new`, `not_finite`, `no_recorded_value`, `out_of_range`, `unnamed`, `empty`,
//! `bad_histogram`, `cumulative_histogram`, `out_of_order`, `rejected`, `queue_full`, `retry_exhausted`, `shutdown`. A request whose answer was lost is sent again, which may
//! count its samples twice: `PutMetricData` knows no idempotency.

pub mod body;
mod classify;
mod client;
pub mod config;
pub mod connection;
pub mod cumulative;
mod denied;
mod describe;
pub mod dimensions;
mod dry_run;
pub mod encode;
mod held;
pub mod pack;
mod request;
pub mod rules;
mod say;
mod send;
pub mod summary;
pub mod units;
pub mod window;
pub mod windows;
mod wire;

use std::{collections::BTreeSet, sync::Arc};

use async_trait::async_trait;
use tokio::task::JoinSet;
use weir_core::{
    Ack, Batch, ComponentError, Context, Delivery, Exporter, ExporterFactory, Inbox, Reason, UnixNanos,
    Verdict,
};

use crate::sending::{Item as _, random_unit};
use client::Client;
use config::Config;
use cumulative::{CUMULATIVE_HISTOGRAM, CumulativeHistograms};
use dry_run::DryRun;
use encode::{Encoded, Encoder};
use held::Held;
use request::{Flush, Request};
use rules::{DROPPED_BY_RULE, Rules};
use send::{Destination, Sender};
use summary::{OUT_OF_ORDER, Summaries};
use window::Closed;
use windows::Windows;

/// Makes `cloudwatch` exporters.
#[derive(Debug)]
pub struct Factory;

impl weir_core::Factory for Factory {
    type Config = Config;
    const TYPE: &'static str = "cloudwatch";
    const ALIASES: &'static [&'static str] = &["awscloudwatch", "aws_cloudwatch"];
    const SUMMARY: &'static str = "sends metrics to Amazon CloudWatch, one datum a series and period";
}

impl ExporterFactory for Factory {
    fn build(config: Config, context: Context) -> Box<dyn Exporter> {
        Box::new(CloudWatch { config, context, destination: None })
    }
}

/// The exporter.
struct CloudWatch {
    config: Config,
    context: Context,
    destination: Option<Destination>,
}

#[async_trait]
impl Exporter for CloudWatch {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.destination = Some(self.destination().await?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut inbox: Inbox) -> Result<(), ComponentError> {
        let destination = match self.destination.take() {
            Some(destination) => destination,
            None => self.destination().await?,
        };
        let mut intake = Intake::new(&self.config, self.context, destination);
        let _counting = intake.held.until_dropped();
        let mut consumers = JoinSet::new();
        for _ in 0..self.config.sending_queue.num_consumers.max(1) {
            consumers.spawn(Arc::clone(&intake.sender).run());
        }
        let hurry = tokio::spawn(Arc::clone(&intake.sender).watch_hurry());
        let taking_in = async {
            while let Some(delivery) = intake.next(&mut inbox).await {
                intake.take(delivery);
            }
            let closed = intake.windows.close_all(&intake.context.interner);
            intake.flush(closed).await;
            intake.sender.queue.close();
        };
        tokio::select! {
            // In this order: a consumer that ends before the queue is closed has panicked.
            biased;
            () = taking_in => {}
            _ = consumers.join_next() => {
                // Gone for good before what they held is counted as lost.
                consumers.shutdown().await;
                hurry.abort();
                return Err(ComponentError::Failed("a consumer of the queue ended".to_owned()));
            }
        }
        let mut outcome = Ok(());
        while let Some(ended) = consumers.join_next().await {
            if let Err(error) = ended {
                outcome = Err(ComponentError::Failed(format!("a consumer of the queue failed: {error}")));
            }
        }
        hurry.abort();
        outcome
    }
}

impl CloudWatch {
    async fn destination(&self) -> Result<Destination, ComponentError> {
        if self.config.dry_run {
            return Ok(Destination::Output(DryRun::new()));
        }
        Client::new(&self.config, &self.context.clock).await.map(Destination::CloudWatch)
    }
}

/// The near side of the queue: windows, and what becomes of them.
struct Intake {
    context: Context,
    rules: Rules,
    windows: Windows,
    encoder: Encoder,
    held: Arc<Held>,
    sender: Arc<Sender>,
    region: Arc<str>,
    summaries: Summaries,
    cumulative: CumulativeHistograms,
    /// The kinds of repairs that were said: the metrics do not change their names, so once is enough.
    said: BTreeSet<Reason>,
}

impl Intake {
    fn new(config: &Config, context: Context, destination: Destination) -> Self {
        let rules = Rules::new(config);
        let jitter = if config.is_local() { 0.0 } else { random_unit() };
        let held = Arc::new(Held::new(Arc::clone(&context.ledger)));
        let region: Arc<str> = match &destination {
            Destination::CloudWatch(client) => client.region.as_str().into(),
            Destination::Output(_) => config.region.as_deref().unwrap_or("-").into(),
        };
        let began = context.clock.now();
        let sender = Sender::new(config, &context, destination, Arc::clone(&held));
        Self {
            context,
            windows: Windows::new(rules.periods(), jitter),
            rules,
            encoder: Encoder::default(),
            held,
            sender: Arc::new(sender),
            region,
            summaries: Summaries::new(began, config.summary_quantiles),
            cumulative: CumulativeHistograms::default(),
            said: BTreeSet::new(),
        }
    }

    /// The next batch; meanwhile periods are closed and sent when they are due.
    async fn next(&mut self, inbox: &mut Inbox) -> Option<Delivery> {
        loop {
            let now = self.context.clock.now();
            let due = self.windows.due();
            if due.is_some_and(|due| due <= now) {
                // Asked before the inbox, so that a full one cannot hold it off.
                let closed = self.windows.close_due(now, &self.context.interner);
                self.flush(closed).await;
                continue;
            }
            tokio::select! {
                delivery = inbox.recv() => return delivery,
                () = sleep_until(&self.context, due) => {}
            }
        }
    }

    fn take(&mut self, delivery: Delivery) {
        let (ledger, interner) = (&self.context.ledger, &self.context.interner);
        let Delivery { mut batch, ack } = delivery;
        if let Some(taken_out) = self.cumulative.take_out(&mut batch, interner) {
            ledger.drop_points(CUMULATIVE_HISTOGRAM, taken_out.points);
            if self.said.insert(CUMULATIVE_HISTOGRAM) {
                let metric = &*taken_out.metric;
                tracing::warn!(component = %self.context.id, metric, "cumulative histograms are dropped: put `delta` before this exporter");
            }
        }
        if let Some(numbers) = self.summaries.numbers(&batch, interner) {
            ledger.merge(numbers.merged);
            ledger.drop_points(Reason::NO_RECORDED_VALUE, numbers.no_value);
            ledger.drop_points(OUT_OF_ORDER, numbers.out_of_order);
            ledger.make(numbers.batch.points());
            self.record(&numbers.batch, ack.clone());
        }
        self.record(&batch, ack);
        self.held.set_windows(self.windows.points(), &self.sender.queue);
    }

    /// Takes the points that are not summaries into the windows.
    fn record(&mut self, batch: &Batch, ack: Ack) {
        let ledger = &self.context.ledger;
        let now = self.context.clock.now();
        if !self.rules.is_plain() {
            ledger.drop_points(DROPPED_BY_RULE, self.rules.decide_all(batch, &self.context.interner));
        }
        self.windows.record(batch, ack, now, &self.rules, |left| {
            for (reason, points) in left.by_reason() {
                ledger.drop_points(reason, points);
            }
        });
    }

    /// Makes requests of closed periods and queues them.
    async fn flush(&mut self, closed: Vec<Closed>) {
        let Some(end) = closed.iter().map(|period| period.end).max() else { return };
        let mut encoded = Encoded::default();
        let mut ack = Ack::none();
        for mut period in closed {
            ack.join(std::mem::replace(&mut period.ack, Ack::none()));
            self.encoder.encode(period, &mut self.rules, &mut encoded);
        }
        // Of every client of the periods: each request carries it.
        let ack = ack.shared();
        encoded.repairs.join(self.summaries.take_repairs());
        self.summaries.forget_gone(&self.context.interner);
        self.cumulative.forget_gone(&self.context.interner);
        self.rules.forget_gone(&self.context.interner);
        self.context.ledger.make(encoded.made);
        for (reason, points) in &encoded.dropped {
            self.context.ledger.drop_points(*reason, *points);
        }
        self.say_repairs(&encoded);
        // Held in every moment, in the windows' share until they are in the queue: a flush may be given up while it waits.
        let mut waiting: u64 = encoded.datums.values().flatten().map(|datum| datum.points).sum();
        self.held.set_windows(self.windows.points() + waiting, &self.sender.queue);
        for (namespace, datums) in encoded.datums {
            let (context, region) = (&self.context, &self.region);
            let flush = Arc::new(Flush::new(&context.id, &namespace, region, end, &datums));
            for datums in pack::pack(datums, &namespace) {
                let request = Request::new(&datums, ack.clone(), Arc::clone(&flush));
                let points = request.points();
                self.sender.queue(request).await;
                waiting -= points;
                self.held.set_windows(self.windows.points() + waiting, &self.sender.queue);
            }
        }
        // Each request has a part of its own now.
        ack.settle(Verdict::Delivered);
    }

    fn say_repairs(&mut self, encoded: &Encoded) {
        let component = &self.context.id;
        for unit in &encoded.new_unknown_units {
            tracing::warn!(%component, %unit, "CloudWatch has no such unit: its metrics are sent without one");
        }
        for (repair, times, metric) in encoded.repairs.iter() {
            self.context.ledger.repair(repair, times);
            if self.said.insert(repair) {
                let what = match repair {
                    encode::NEGATIVE => "CloudWatch gives no percentiles of a period with negative values",
                    encode::ABOVE_BOUNDS => {
                        "values above a histogram's last bound: high percentiles follow from its sum"
                    }
                    encode::ROLLUP_INCOMPLETE => "left out of a roll-up, of which it lacks a dimension",
                    encode::MIXED_UNITS => "sent in two units, whose statistics CloudWatch keeps apart",
                    encode::UNIT_KEPT => "sent in its own unit, which is none of what the rule's measures",
                    _ => "changed to what CloudWatch takes",
                };
                tracing::warn!(
                    %component, %repair, metric, times,
                    "{what}; this is said once, and counted in weir_repairs",
                );
            }
        }
    }
}

async fn sleep_until(context: &Context, due: Option<UnixNanos>) {
    match due {
        Some(due) => context.clock.sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
