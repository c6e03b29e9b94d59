//! The tasks of nodes.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures::FutureExt;

use super::build::Node;
use crate::{
    ack::Verdict,
    component::{ComponentError, Out, Processor},
    edge::{Inbox, Output},
    health::Pulse,
    ledger::{InHand, Reason},
};

/// How a node ended, other than by its last input closing.
#[derive(Debug)]
pub(super) enum NodeEnd {
    /// It panicked; the words of the panic.
    Panicked(String),
    /// It gave up.
    Failed(ComponentError),
}

/// Runs a processor or a connector until its last input closes (R14), then flushes it.
pub(super) async fn run_processor(
    node: Node,
    mut processor: Box<dyn Processor>,
    mut inbox: Inbox,
    output: Output,
    pulse: Pulse,
) -> Result<(), NodeEnd> {
    let clock = node.context.clock.clone();
    let every = processor.tick_every();
    let mut next_tick = every.map(|every| clock.now().plus(every));
    loop {
        let tick = async {
            match next_tick {
                Some(at) => clock.sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        let mut out = Out::default();
        tokio::select! {
            biased;
            () = tick => {
                let now = clock.now();
                next_tick = every.map(|every| now.plus(every));
                step(&node, &pulse, &mut processor, 0, &mut out, |p, out| p.tick(now, out))?;
            }
            delivery = inbox.recv() => {
                let Some(delivery) = delivery else { break };
                let points = delivery.batch.points();
                step(&node, &pulse, &mut processor, points, &mut out, |p, out| {
                    p.process(delivery.into_batch(), out);
                })?;
            }
        }
        send(&node, &output, out).await;
    }
    let mut out = Out::default();
    step(&node, &pulse, &mut processor, 0, &mut out, |p, out| p.flush(out))?;
    send(&node, &output, out).await;
    Ok(())
}

/// One call of a processor. If it panics, what it was given and what it held is lost, and counted.
fn step(
    node: &Node,
    pulse: &Pulse,
    processor: &mut Box<dyn Processor>,
    points: u64,
    out: &mut Out,
    call: impl FnOnce(&mut dyn Processor, &mut Out),
) -> Result<(), NodeEnd> {
    let ledger = &node.context.ledger;
    pulse.busy(node.context.clock.now().seconds());
    let done = catch_unwind(AssertUnwindSafe(|| call(processor.as_mut(), out)));
    pulse.idle();
    match done {
        Ok(()) => {
            ledger.hold(processor.held());
            Ok(())
        }
        Err(panic) => {
            let held = ledger.read().held;
            ledger.hold(0);
            ledger.drop_points(Reason::PANICKED, points + held);
            Err(NodeEnd::Panicked(words(&*panic)))
        }
    }
}

async fn send(node: &Node, output: &Output, mut out: Out) {
    let mut left = InHand::new(&node.context.ledger, out.points());
    for batch in out.take() {
        let points = batch.points();
        if let Err(refused) = output.pass_on(batch).await {
            node.context.ledger.drop_points(refused.reason, refused.points);
        }
        left.less(points);
    }
}

/// Takes what is sent to a component that is switched off, and counts it.
pub(super) async fn run_sink(node: Node, mut inbox: Inbox) -> Result<(), NodeEnd> {
    while let Some(delivery) = inbox.recv().await {
        node.context.ledger.drop_points(Reason::DISABLED, delivery.batch.points());
        delivery.ack.settle(Verdict::Delivered);
    }
    Ok(())
}

/// Runs a component's own task, and makes an end of a panic.
pub(super) async fn guarded(
    task: impl Future<Output = Result<(), ComponentError>> + Send,
) -> Result<(), NodeEnd> {
    match AssertUnwindSafe(task).catch_unwind().await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => Err(NodeEnd::Failed(error)),
        Err(panic) => Err(NodeEnd::Panicked(words(&*panic))),
    }
}

fn words(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "without words".to_owned())
}
