//! The keys of `admission`, which the Collector's `otelarrow` receiver has.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::Check;

use super::grpc::MIB;

/// What requests may take on their way in.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Admission {
    /// What all requests on their way in may take together, in MiB: as they come, inflated (counted when that is done), and as points that wait to be sent on. One alone may always come.
    pub request_limit_mib: u64,
}

impl Default for Admission {
    fn default() -> Self {
        Self { request_limit_mib: 128 } // two of the largest; what `otelarrow` takes too
    }
}

impl Admission {
    /// The limit in bytes.
    pub(in crate::otlp) fn limit(&self) -> usize {
        usize::try_from(self.request_limit_mib.saturating_mul(MIB)).unwrap_or(usize::MAX)
    }

    pub(super) fn check(&self, check: &mut Check<'_>) {
        if self.request_limit_mib == 0 {
            check.error(&["request_limit_mib"], "0 would leave no room for two requests at a time");
        }
        check.not_taken(&["waiter_limit_mib"], "who finds no room is asked to come again", "take it out");
    }
}
