//! The keys of `keepalive`, which gRPC has.

use std::time::Duration as StdDuration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use weir_config::{Check, Duration};
use weir_net::{Http2, Limits};

/// Signs of life of connections, and how long these may last.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct Keepalive {
    /// What the server does.
    pub server_parameters: ServerParameters,
}

/// What the server does about connections; 0 is without a limit.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(default)]
pub struct ServerParameters {
    /// How long a connection may be without a request.
    pub max_connection_idle: Duration,
    /// How old a connection may become: with a limit, senders behind a load balancer spread anew.
    pub max_connection_age: Duration,
    /// How long the requests of a connection that is too old may take.
    pub max_connection_age_grace: Duration,
    /// How long a connection may be silent before it is asked whether it is still there.
    pub time: Duration,
    /// How long it has to say so.
    pub timeout: Duration,
}

impl Default for ServerParameters {
    fn default() -> Self {
        let (limits, http2) = (Limits::default(), Http2::default());
        Self {
            max_connection_idle: Duration::default(),
            max_connection_age: Duration::default(),
            max_connection_age_grace: Duration(limits.age_grace),
            time: Duration(http2.keepalive),
            timeout: Duration(http2.keepalive_answer),
        }
    }
}

impl Keepalive {
    pub(super) fn limits(&self) -> Limits {
        let it = &self.server_parameters;
        let limit = |duration: Duration| Some(duration.0).filter(|duration| !duration.is_zero());
        Limits {
            idle_timeout: limit(it.max_connection_idle),
            max_age: limit(it.max_connection_age),
            age_grace: limit(it.max_connection_age_grace).unwrap_or(StdDuration::MAX),
            ..Limits::default()
        }
    }

    pub(super) fn http2(&self, max_concurrent_streams: u32) -> Http2 {
        let it = &self.server_parameters;
        Http2 { max_concurrent_streams, keepalive: it.time.0, keepalive_answer: it.timeout.0 }
    }

    /// `check` is of the section `keepalive`.
    pub(super) fn check(&self, check: &mut Check<'_>) {
        let it = &self.server_parameters;
        for (key, duration) in [("time", it.time), ("timeout", it.timeout)] {
            if duration.is_zero() {
                check.error_with(
                    &["server_parameters", key],
                    "0 would keep the connections of senders that are gone",
                    "write a long duration, such as 2h",
                );
            }
        }
        check.not_taken(
            &["enforcement_policy"],
            "Weir answers every sign of life, however often it is asked for one",
            "take it out",
        );
    }
}
