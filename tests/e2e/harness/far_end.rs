//! The far end: a CloudWatch in memory, in the test's process, that shares nothing with Weir.

use std::{collections::BTreeMap, sync::Arc};

use weir_cloudwatch_local::{CloudWatchLocal, Options, SeriesSummary};

use super::{now, within};

/// What the far end has stored of one metric.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Stored {
    pub(crate) samples: f64,
    pub(crate) sum: f64,
}

/// A CloudWatch on a free port.
pub(crate) struct FarEnd(pub(crate) CloudWatchLocal);

impl FarEnd {
    pub(crate) async fn start() -> Self {
        let server = CloudWatchLocal::bind(([127, 0, 0, 1], 0).into(), Options::new(Arc::new(now))).await;
        Self(server.unwrap())
    }

    /// The keys of an exporter that sends here: a short period, quick retries, and `keys`.
    pub(crate) fn exporter(&self, keys: &[&str]) -> String {
        let mut all = vec![format!("endpoint: {}", self.0.endpoint()), "namespace: E2E".to_owned()];
        for (key, default) in
            [("period", "1s"), ("retry_on_failure", "{ initial_interval: 50ms, max_interval: 200ms }")]
        {
            if !keys.iter().any(|given| given.starts_with(key)) {
                all.push(format!("{key}: {default}"));
            }
        }
        all.extend(keys.iter().map(|key| (*key).to_owned()));
        format!("{{ {} }}", all.join(", "))
    }

    /// Waits until so many samples are stored.
    pub(crate) async fn wait_for_samples(&self, samples: u64) {
        let what = format!("{samples} samples at the far end");
        within(&what, self.0.wait_until(|server| server.counters().samples >= samples as f64)).await;
    }

    pub(crate) fn samples(&self) -> u64 {
        self.0.counters().samples as u64
    }

    /// What is stored of `name`, by the value of the dimension `series`.
    pub(crate) fn by_series(&self, name: &str) -> BTreeMap<u32, Stored> {
        let mut stored = BTreeMap::<u32, Stored>::new();
        for one in self.0.store().series().iter().filter(|one| one.metric.name == name) {
            let all = stored.entry(series_of(one)).or_default();
            all.samples += one.total_count;
            all.sum += one.total_sum;
        }
        stored
    }
}

fn series_of(one: &SeriesSummary) -> u32 {
    match one.metric.dimensions.as_slice() {
        [only] if only.name == "series" => only.value.parse().unwrap(),
        other => panic!("expected the dimension `series` alone, found {other:?}"),
    }
}
