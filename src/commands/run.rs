//! `weir run`.

use std::{process::ExitCode, sync::Arc};

use rustix::process::{Resource, getrlimit, setrlimit};
use tokio::{
    runtime,
    signal::unix::{SignalKind, signal},
};
use tokio_util::sync::CancellationToken;
use weir_core::{
    Clock, ComponentError, ComponentKind, Ending, Graph, Interner, NodeEntry, Plan, Planned, Process, Reason,
    Service,
};
use weir_extensions::admin;
use weir_net::Listener;

use super::say;
use crate::{cli::RunArgs, configuration, exit, local::Local, logging, report, telemetry};

/// Runs until SIGINT or SIGTERM, drains, and prints the ledger.
pub(crate) fn run(args: RunArgs) -> ExitCode {
    let runtime = match runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return fail(&format!("cannot start the runtime: {error}")),
    };
    let ended = runtime.block_on(serve(args));
    // Dropping the runtime would wait for threads that wait for a dead mount, or for a closed pipe.
    runtime.shutdown_background();
    ended
}

/// Lets the process open as many files as the system allows it: the usual 1024 are there for programs that use select(2), and a
/// scrape of some hundred targets needs more. Go's runtime does the same.
fn allow_open_files() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::debug!(%error, "the limit on open files stays as it was");
    }
}

async fn serve(args: RunArgs) -> ExitCode {
    let clock = args.clock_rate.map_or_else(Clock::system, Clock::compressed);
    let sources = configuration::sources(&args.config, args.local);
    let mut sets = args.config.set.clone();
    let local = match args.local {
        false => None,
        true => match Local::bind(clock.clone()).await {
            Ok(local) => Some(local),
            Err(error) => return fail(&format!("cannot start the CloudWatch in memory: {error}")),
        },
    };
    if let Some(local) = &local {
        sets.extend(configuration::redirect(&sources, &sets, &local.endpoint()));
    }
    let plan = match configuration::checked(&sources, &sets) {
        Ok((_, plan)) => plan,
        Err(code) => return code,
    };
    if args.once
        && let Err(code) = all_collect(&plan)
    {
        return code;
    }
    let screen = local.as_ref().map(|local| local.screen.clone()).unwrap_or_default();
    logging::start(args.log_format, plan.service.telemetry.logs.level.name(), screen);
    allow_open_files();
    let mut process = Process::new(clock, Interner::new(plan.service.limits.series.get() as usize));
    process.drain.once = args.once;
    let stop_admin = CancellationToken::new();
    if let Err(error) = start_admin(&plan.service, &process, stop_admin.clone()).await {
        return fail(&format!("{error:#}"));
    }
    let ended = run_graph(plan, &process, local.as_ref()).await;
    if let Some(local) = &local {
        local.show_last();
    }
    say(&report::table(&process.ledger));
    stop_admin.cancel();
    match lost(&process) {
        0 => ended,
        points if args.once => fail(&format!("{points} points did not reach their destination")),
        _ => ended,
    }
}

/// Whether every receiver that runs collects by itself: `--once` would wait for ever for one that is sent to.
fn all_collect(plan: &Plan) -> Result<(), ExitCode> {
    let used = plan.pipelines.iter().flat_map(|pipeline| &pipeline.receivers);
    let runs = |component: &&Planned| component.kind == ComponentKind::Receiver && component.enabled;
    let receivers: Vec<&Planned> = used.map(|stage| &plan.components[stage.component]).filter(runs).collect();
    if receivers.is_empty() {
        say("--once is for receivers that collect, and every receiver is switched off\n");
        return Err(exit::usage());
    }
    let waits = |receiver: &&&Planned| !receiver.parsed.facts.collects;
    let mut waiting: Vec<&str> =
        receivers.iter().filter(waits).map(|receiver| receiver.id.as_str()).collect();
    waiting.dedup();
    if waiting.is_empty() {
        return Ok(());
    }
    say(&format!(
        "--once is for receivers that collect, and `{}` waits to be sent to: leave it out with `--set receivers.{}.enabled=false`\n",
        waiting.join("`, `"),
        waiting[0],
    ));
    Err(exit::usage())
}

/// Why points end at an exporter because the configuration says so.
const MEANT: [Reason; 2] = [Reason("dropped_by_rule"), Reason("dry_run")];

/// Points that exporters gave up.
fn lost(process: &Process) -> u64 {
    let exporters =
        process.ledger.nodes().into_iter().filter(|node| node.kind == ComponentKind::Exporter.name());
    let given_up = |node: NodeEntry| {
        let dropped = node.ledger.read().dropped;
        dropped
            .into_iter()
            .filter(|(reason, _)| !MEANT.contains(reason))
            .map(|(_, points)| points)
            .sum::<u64>()
    };
    exporters.map(given_up).sum()
}

async fn run_graph(plan: Plan, process: &Process, local: Option<&Arc<Local>>) -> ExitCode {
    let graph = Graph::build(plan, process);
    let stop = match stop_signal() {
        Ok(stop) => stop,
        Err(error) => return fail(&format!("cannot wait for signals: {error}")),
    };
    let drawing = local.map(|local| tokio::spawn(Arc::clone(local).show()));
    let ended =
        graph.run(stop, || tracing::info!("everything is ready, running; Ctrl-C drains and stops")).await;
    if let Some(drawing) = drawing {
        drawing.abort();
    }
    match ended {
        Ok(Ending::Stopped) => exit::SUCCESS,
        Ok(Ending::TimedOut) => {
            fail("the time to drain ran out; what was left is counted as dropped: shutdown")
        }
        Ok(Ending::Failed(failure)) => fail(&failure),
        Err(error) => {
            fail(&error.to_string());
            match error.source {
                ComponentError::NotAllowed(_) => exit::unreachable(),
                ComponentError::Unavailable(_) | ComponentError::Failed(_) => exit::failure(),
            }
        }
    }
}

/// The admin listener: not there at level `none`.
async fn start_admin(service: &Service, process: &Process, stop: CancellationToken) -> anyhow::Result<()> {
    let metrics = &service.telemetry.metrics;
    if metrics.level == weir_core::MetricsLevel::None {
        return Ok(());
    }
    let telemetry = telemetry::start(process)?;
    let listener = Listener::bind(metrics.address).await.map_err(|error| {
        anyhow::anyhow!("{error}; the admin listener is set by service.telemetry.metrics.address")
    })?;
    tracing::info!("admin listener on http://{} (/metrics /live /ready /status)", listener.local_addr());
    let health = process.health.clone();
    tokio::spawn(async move {
        let text = Arc::clone(&telemetry.text);
        admin::serve(listener, health, Some(text), stop).await;
        drop(telemetry);
    });
    Ok(())
}

/// Resolves at the first SIGINT or SIGTERM.
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => tracing::info!("interrupted; draining, Ctrl-C again stops at once"),
            _ = terminate.recv() => tracing::info!("told to end; draining, Ctrl-C stops at once"),
        }
        tokio::spawn(async move {
            interrupt.recv().await;
            say("interrupted while draining: stopping at once\n");
            std::process::exit(1);
        });
    })
}

fn fail(text: &str) -> ExitCode {
    say(&format!("error: {text}\n"));
    exit::failure()
}
