//! Starting, supervising and draining a graph (R14).

use std::{collections::HashSet, sync::Arc, time::Duration};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{
    build::Graph,
    node::{NodeEnd, guarded, run_processor, run_sink},
};
use crate::{component::ComponentError, ledger::Reason, pressure, process::Process};

/// Exporters stop retrying this long before the deadline of a drain.
const HURRY: Duration = Duration::from_secs(5);
/// How long aborted nodes have to be gone.
const ABORT_WAIT: Duration = Duration::from_secs(5);
/// How often doors give up idle aliases.
const EXPIRE_EVERY: Duration = Duration::from_secs(10);
/// How often series end that nobody holds. That looks at each of them, in use or not, 9 ns of CPU each and three for each stream with two
/// stages that rename: every ten seconds it was a sixth of what counters cost that are scraped every fifteen.
const SWEEP_EVERY: Duration = Duration::from_secs(30);
/// How often memory is measured.
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// A component could not start.
#[derive(Debug, thiserror::Error)]
#[error("{node} cannot start: {source}")]
pub struct StartError {
    /// Which node.
    pub node: String,
    /// Why.
    pub source: ComponentError,
}

/// How a run ended.
#[derive(Debug, PartialEq, Eq)]
pub enum Ending {
    /// Asked to, and drained.
    Stopped,
    /// Asked to, and the time to drain ran out; what was left is counted.
    TimedOut,
    /// A node ended or panicked by itself; the rest was drained.
    Failed(String),
}

/// A node's name and how it ended.
type NodeResult = (String, Result<(), NodeEnd>);

impl Graph {
    /// Starts everything, calls `started`, runs until `stop` or until a node fails, and drains.
    ///
    /// # Errors
    /// A component cannot take hold of what it needs: nothing has run then.
    pub async fn run(
        mut self,
        stop: impl Future<Output = ()>,
        started: impl FnOnce(),
    ) -> Result<Ending, StartError> {
        let process = self.process.clone();
        // Before anything that takes its time to start. Dropped at the end, whatever they wait for.
        let _detectors = detect(&process);
        self.start().await?;
        let (timeout, retention, memory) = (self.shutdown_timeout, self.retention, self.memory_limit);
        let entrances = std::mem::take(&mut self.entrances);
        let after = CancellationToken::new();
        let mut extensions = JoinSet::new();
        for (node, extension) in self.extensions.drain(..) {
            let stop = after.clone();
            extensions.spawn(async move { (node.name.to_string(), guarded(extension.run(stop)).await) });
        }
        let housekeeping = tokio::spawn(keep_house(process.clone(), retention, memory));
        let mut collecting = self.collecting();
        let mut nodes = self.spawn();
        process.health.set_started();
        started();

        tokio::pin!(stop);
        let failure = loop {
            tokio::select! {
                () = &mut stop => break None,
                Some(ended) = nodes.join_next() => match ended {
                    Ok((name, Ok(()))) if collecting.remove(&name) => {
                        if collecting.is_empty() {
                            break None;
                        }
                    }
                    ended => break Some(early_end(ended)),
                },
                Some(ended) = extensions.join_next() => break Some(early_end(ended)),
            }
        };
        if let Some(failure) = &failure {
            tracing::error!("{failure}; draining");
            process.health.set_failed(failure.clone());
        }
        drop(entrances);
        let (in_time, later) = drain(&process, nodes, timeout).await;
        housekeeping.abort();
        after.cancel();
        while extensions.join_next().await.is_some() {}
        Ok(match failure.or(later) {
            Some(failure) => Ending::Failed(failure),
            None if in_time => Ending::Stopped,
            None => Ending::TimedOut,
        })
    }

    /// The receivers that end by themselves: all of them where each collects once, else none.
    fn collecting(&self) -> HashSet<String> {
        let names = self.receivers.iter().map(|(node, ..)| node.name.to_string());
        if self.process.drain.once { names.collect() } else { HashSet::new() }
    }

    /// Everything takes hold of what it needs: destinations first, doors last.
    async fn start(&mut self) -> Result<(), StartError> {
        for (node, extension) in &mut self.extensions {
            extension.start().await.map_err(|source| StartError { node: node.name.to_string(), source })?;
        }
        for (node, exporter, _) in &mut self.exporters {
            exporter.start().await.map_err(|source| StartError { node: node.name.to_string(), source })?;
        }
        for (node, receiver, _) in &mut self.receivers {
            receiver.start().await.map_err(|source| StartError { node: node.name.to_string(), source })?;
        }
        Ok(())
    }

    fn spawn(self) -> JoinSet<NodeResult> {
        let mut nodes = JoinSet::new();
        for (node, exporter, inbox) in self.exporters {
            nodes.spawn(async move { (node.name.to_string(), guarded(exporter.run(inbox)).await) });
        }
        for (node, inbox) in self.sinks {
            nodes.spawn(async move { (node.name.to_string(), run_sink(node, inbox).await) });
        }
        for (node, processor, inbox, output) in self.processors {
            let pulse = self.process.health.watch(&node.name);
            nodes.spawn(async move {
                let name = node.name.to_string();
                (name, run_processor(node, processor, inbox, output, pulse).await)
            });
        }
        for (node, receiver, output) in self.receivers {
            nodes.spawn(async move { (node.name.to_string(), guarded(receiver.run(output)).await) });
        }
        nodes
    }
}

/// Runs the detectors that were asked for, beside the graph. One that panics costs what it would have found, and nothing else.
fn detect(process: &Process) -> JoinSet<()> {
    let mut detectors = JoinSet::new();
    for (detector, findings) in process.metadata.take_waiting(&process.clock, &process.health) {
        let (name, status) = (Arc::clone(findings.detector()), findings.status().clone());
        detectors.spawn(async move {
            let run = async {
                detector.run(findings).await;
                Ok(())
            };
            if let Some(words) = end_words(&format!("detector {name}"), guarded(run).await) {
                tracing::error!("{words}");
                status.failed(words);
            }
        });
    }
    detectors
}

/// Words for a node that ended while nobody had asked for it.
fn early_end(ended: Result<NodeResult, tokio::task::JoinError>) -> String {
    match ended {
        Ok((name, end)) => end_words(&name, end).unwrap_or_else(|| format!("{name} ended by itself")),
        Err(error) => format!("a node's task was lost: {error}"),
    }
}

fn end_words(name: &str, end: Result<(), NodeEnd>) -> Option<String> {
    match end {
        Ok(()) => None,
        Err(NodeEnd::Panicked(words)) => Some(format!("{name} panicked: {words}")),
        Err(NodeEnd::Failed(error)) => Some(format!("{name} failed: {error}")),
    }
}

/// Lets every node end by its inputs closing; answers whether that was in time, and the first failure on the way.
async fn drain(
    process: &Process,
    mut nodes: JoinSet<NodeResult>,
    timeout: Duration,
) -> (bool, Option<String>) {
    process.health.set_draining();
    process.drain.begun.cancel();
    let clock = &process.clock;
    let begun = clock.now();
    let hurry = begun.plus(timeout.saturating_sub(HURRY.min(timeout / 2)));
    let mut failure = None;
    let in_time = loop {
        tokio::select! {
            ended = nodes.join_next() => match ended {
                None => break true,
                Some(Ok((name, end))) => {
                    if let Some(words) = end_words(&name, end) {
                        tracing::error!("{words}");
                        process.health.set_failed(words.clone());
                        failure.get_or_insert(words);
                    }
                }
                Some(Err(error)) => tracing::error!("a node's task was lost: {error}"),
            },
            () = clock.sleep_until(hurry), if !process.drain.hurry.is_cancelled() => process.drain.hurry.cancel(),
            () = clock.sleep_until(begun.plus(timeout)) => break false,
        }
    };
    if !in_time {
        // Aborted nodes drop their inboxes, which count what waits there. One that blocks its thread cannot be aborted.
        nodes.abort_all();
        tokio::select! {
            () = async { while nodes.join_next().await.is_some() {} } => {}
            () = clock.sleep(ABORT_WAIT) => tracing::error!("a node blocks its thread and is left behind"),
        }
    }
    let reason = if in_time { Reason::NODE_ENDED } else { Reason::SHUTDOWN };
    for node in process.ledger.nodes() {
        // Nobody holds anything any more: a node that failed or was aborted has lost what it held.
        let held = node.ledger.read().held;
        node.ledger.hold(0);
        node.ledger.drop_points(reason, held);
    }
    (in_time, failure)
}

async fn keep_house(process: Process, retention: Duration, memory_limit: Option<u64>) {
    let expire = async {
        loop {
            process.clock.sleep(EXPIRE_EVERY).await;
            process.doors.expire(retention);
        }
    };
    let sweep = async {
        loop {
            process.clock.sleep(SWEEP_EVERY).await;
            process.interner.sweep();
        }
    };
    let measure = async {
        loop {
            let (used, limit) = pressure::measure(memory_limit);
            process.pressure.set(used, limit);
            process.clock.sleep(MEASURE_EVERY).await;
        }
    };
    tokio::join!(expire, sweep, measure);
}

#[cfg(test)]
mod tests;
