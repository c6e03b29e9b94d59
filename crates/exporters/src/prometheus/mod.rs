//! Exporter `prometheus`: shows the newest value of every series to whoever scrapes it, as the Collector's exporter of this name does.
//!
//! A scrape gets OpenMetrics or Prometheus's text, whichever its `Accept` prefers. What came as deltas is added up, so that a counter is
//! a counter. A series that has not come for `metric_expiration`, or that says it has no value any more, is no longer shown.
//!
//! # Layout
//! - [`config`]: the keys; `names`, `labels`: what metrics are called and what tells series apart; [`store`]: the newest values, each a
//!   `value`; `page`: how they are written;
//! - `serve`: HTTP.

pub mod config;
mod labels;
mod names;
mod page;
mod serve;
pub mod store;
mod value;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use weir_core::{ComponentError, Context, Delivery, Exporter, ExporterFactory, Inbox, Reason, Verdict};
use weir_net::{Listener, ServerTls, Versions};

pub use config::Config;

use store::Store;

/// An exponential histogram, which the text formats cannot write.
pub const EXPONENTIAL_HISTOGRAM: Reason = Reason("exponential_histogram");
/// A point of a metric whose name is that of another metric of another type.
pub const TYPE_CONFLICT: Reason = Reason("type_conflict");

/// A point of a series that has the name and labels of another one, which is shown: merging is the business of `aggregate`.
pub const SERIES_CONFLICT: Reason = Reason("series_conflict");

/// How often series are looked at that may have expired: a scrape never sees one that is older.
const EXPIRE_EVERY: Duration = Duration::from_secs(30);

/// Makes `prometheus` exporters.
#[derive(Debug)]
pub struct Factory;

impl weir_core::Factory for Factory {
    type Config = Config;
    const TYPE: &'static str = "prometheus";
    const SUMMARY: &'static str = "shows the newest value of every series to Prometheus's scrapes";
}

impl ExporterFactory for Factory {
    fn build(config: Config, context: Context) -> Box<dyn Exporter> {
        Box::new(Prometheus {
            store: Arc::new(Mutex::new(Store::new(&config))),
            config,
            context,
            listener: None,
        })
    }
}

struct Prometheus {
    config: Config,
    context: Context,
    store: Arc<Mutex<Store>>,
    listener: Option<Listener>,
}

impl Prometheus {
    async fn bind(&self) -> Result<Listener, ComponentError> {
        let Config { endpoint, tls, .. } = &self.config;
        let unavailable = |error: &dyn std::fmt::Display| ComponentError::Unavailable(error.to_string());
        let address =
            self.config.address().ok_or_else(|| unavailable(&format_args!("`{endpoint}` is no address")))?;
        let tls = tls.as_ref().map(|tls| ServerTls::load(tls, Versions::default())).transpose();
        let tls = tls.map_err(|error| unavailable(&error))?;
        let listener = Listener::bind(address).await.map_err(|error| unavailable(&error))?.with_tls(tls);
        let address = listener.local_addr();
        tracing::info!(component = %self.context.id, tls = self.config.tls.is_some(), "prometheus listening on {address}");
        self.context.status.listening(address);
        Ok(listener)
    }

    fn take(&self, mut delivery: Delivery) {
        let Context { ledger, interner, clock, status, .. } = &self.context;
        delivery.ack.take_custody();
        let points = delivery.batch.points();
        let dropped = self.store.lock().take(&delivery.batch, interner, clock.now());
        let mut left = points;
        for (reason, dropped) in dropped {
            ledger.drop_points(reason, dropped);
            left -= dropped;
        }
        ledger.pass(left);
        status.succeeded();
        delivery.ack.settle(Verdict::Delivered);
    }
}

#[async_trait]
impl Exporter for Prometheus {
    async fn start(&mut self) -> Result<(), ComponentError> {
        self.listener = Some(self.bind().await?);
        Ok(())
    }

    async fn run(mut self: Box<Self>, mut inbox: Inbox) -> Result<(), ComponentError> {
        let listener = match self.listener.take() {
            Some(listener) => listener,
            None => self.bind().await?,
        };
        let stop = CancellationToken::new();
        let pages = serve::Pages { store: Arc::clone(&self.store), clock: self.context.clock.clone() };
        let serving = tokio::spawn(serve::serve(listener, pages, stop.clone()));
        loop {
            tokio::select! {
                delivery = inbox.recv() => match delivery {
                    Some(delivery) => self.take(delivery),
                    None => break,
                },
                () = self.context.clock.sleep(EXPIRE_EVERY) => {
                    self.store.lock().expire(self.context.clock.now());
                }
            }
        }
        stop.cancel();
        serving.await.map_err(|error| ComponentError::Failed(error.to_string()))
    }

    fn retention(&self) -> Duration {
        self.config.metric_expiration.0
    }
}

#[cfg(test)]
mod tests;
