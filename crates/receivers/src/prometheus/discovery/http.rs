//! `http_sd_configs`: a server that tells all its groups as JSON each time it is asked. While it does not answer, what it said
//! before stays.

use std::time::Duration;

use hyper::{
    HeaderMap, Uri,
    header::{ACCEPT, CONTENT_TYPE, HeaderValue, USER_AGENT},
};
use weir_core::Context;
use weir_net::{LoadError, SystemRoots, read_body};

use super::{Group, Teller, groups};
use crate::prometheus::{AGENT, client::Asker, config::HttpSd, within};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);
/// The largest answer that is read, in bytes.
const MAX_ANSWER: usize = 64 << 20;

#[derive(Debug)]
pub(in crate::prometheus) struct HttpSource {
    url: String,
    every: Duration,
    asker: Asker,
}

impl HttpSource {
    pub(super) fn new(config: &HttpSd, roots: &SystemRoots) -> Result<Self, LoadError> {
        let every = config.refresh_interval.0;
        let asker = Asker::new(&config.http(), every * 2, roots)?;
        Ok(Self { url: config.url.clone(), every, asker })
    }

    pub(super) async fn run(self, teller: Teller) {
        let clock = &teller.context.clock;
        let asking = async {
            let mut known = None;
            let mut is_first = true;
            while !teller.is_over() {
                match self.ask(&teller.context).await {
                    Ok(groups) if known.as_ref() == Some(&groups) => {}
                    Ok(groups) => {
                        known = Some(groups.clone());
                        teller.tell(groups).await;
                    }
                    Err(error) => {
                        teller.complain(&format_args!("`{}`: {error}", self.url));
                        if is_first {
                            teller.tell(Vec::new()).await;
                        }
                    }
                }
                is_first = false;
                clock.sleep(self.every).await;
            }
        };
        tokio::select! {
            () = asking => {}
            never = self.asker.watch() => match never {},
        }
    }

    async fn ask(&self, context: &Context) -> Result<Vec<Group>, String> {
        let clock = &context.clock;
        let uri: Uri = self.url.parse().map_err(|_| "no URL".to_owned())?;
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT, HeaderValue::from_static("application/json"));
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        // Servers may cut what they know by how soon they are asked again (Prometheus's header).
        headers.insert("x-prometheus-refresh-interval-seconds", HeaderValue::from(self.every.as_secs()));
        let asked = async {
            let answer = self.asker.get(&uri, &headers, clock).await.map_err(|error| error.to_string())?;
            let status = answer.status();
            if !status.is_success() {
                return Err(format!("it answered {status}"));
            }
            let kind =
                answer.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
            if !kind
                .split(';')
                .next()
                .is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"))
            {
                return Err(format!("it answered with `{kind}`, not with application/json"));
            }
            let body = read_body(answer.into_body(), MAX_ANSWER).await.map_err(|error| error.to_string())?;
            groups::of_json(&body).map_err(|error| error.to_string())
        };
        let answer = within(clock, PATIENCE, asked).await;
        let mut groups = answer.unwrap_or_else(|| Err(format!("no answer within {PATIENCE:?}")))?;
        groups.iter_mut().for_each(|group| group.labels.set("__meta_url", &self.url));
        Ok(groups)
    }
}
