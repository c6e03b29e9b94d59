//! `--local`: a CloudWatch in memory, and a table of what has arrived in it.

mod screen;
mod table;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use parking_lot::Mutex;
use weir_cloudwatch_local::{BindError, CloudWatchLocal, Options};
use weir_core::Clock;

pub(crate) use screen::Screen;

/// How often what has arrived is shown.
const REFRESH: Duration = Duration::from_secs(1);

/// The CloudWatch in memory and what was shown of it.
pub(crate) struct Local {
    server: CloudWatchLocal,
    clock: Clock,
    pub(crate) screen: Screen,
    /// The last datapoint shown of each metric, where lines are written one after the other.
    shown: Mutex<BTreeMap<String, table::Seen>>,
}

impl Local {
    /// Starts it on a free port of the loopback.
    pub(crate) async fn bind(clock: Clock) -> Result<Arc<Self>, BindError> {
        let now = {
            let clock = clock.clone();
            Arc::new(move || clock.now().0)
        };
        let server = CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), Options::new(now)).await?;
        Ok(Arc::new(Self { server, clock, screen: Screen::default(), shown: Mutex::default() }))
    }

    /// Where it is.
    pub(crate) fn endpoint(&self) -> String {
        self.server.endpoint()
    }

    /// Shows what arrives, until it is aborted.
    pub(crate) async fn show(self: Arc<Self>) {
        let endpoint = self.endpoint();
        Screen::print(&format!(
            "A CloudWatch in memory listens on {endpoint}: try\n  \
             aws cloudwatch list-metrics --endpoint-url {endpoint} --region us-east-1\n\n"
        ));
        loop {
            self.clock.sleep(REFRESH).await;
            self.draw();
        }
    }

    /// Shows what arrived while draining.
    pub(crate) fn show_last(&self) {
        self.draw();
    }

    fn draw(&self) {
        let series = self.server.store().series();
        match Screen::size() {
            Some(size) => self.screen.redraw(&table::whole(&series, size)),
            None => Screen::print(&table::news(&series, &mut self.shown.lock())),
        }
    }
}
