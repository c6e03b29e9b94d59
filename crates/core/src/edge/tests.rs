use super::*;
use crate::{
    ack::Fate,
    batch::{Number, NumberPoint},
    clock::UnixNanos,
    interner::Interner,
    series::SeriesId,
};

const SERIES: SeriesId = SeriesId { slot: 0, generation: 0 };

fn batch(points: usize) -> (Batch, Fate) {
    let interner = Interner::new(1);
    let mut batch = Batch::new(&interner);
    let point = NumberPoint::new(SERIES, UnixNanos(0), UnixNanos(1), Number::Int(1));
    batch.numbers = vec![point; points];
    let (ack, fate) = Ack::new();
    batch.ack = ack;
    (batch, fate)
}

struct Branch {
    inbox: Inbox,
    node: Arc<NodeLedger>,
    edge: Arc<EdgeLedger>,
}

fn fan_out(branches: usize, capacity: u64) -> (Output, Arc<NodeLedger>, Vec<Branch>) {
    let source = Arc::new(NodeLedger::default());
    let (edges, ends) = (0..branches)
        .map(|_| {
            let (node, edge) = (Arc::new(NodeLedger::default()), Arc::new(EdgeLedger::default()));
            let (sender, inbox) = inbox(Arc::clone(&node));
            (Edge::new(sender, capacity, Arc::clone(&edge)), Branch { inbox, node, edge })
        })
        .unzip();
    let output = Output::new(edges, Arc::clone(&source), Clock::compressed(1000.0), Duration::from_secs(5));
    (output, source, ends)
}

#[tokio::test]
async fn every_branch_gets_the_same_points_and_their_fate_is_the_worst() {
    let (output, source, mut ends) = fan_out(2, 1 << 20);
    let (sent, mut fate) = batch(3);
    output.send(sent).await.unwrap();
    let one = ends[0].inbox.recv().await.unwrap();
    let two = ends[1].inbox.recv().await.unwrap();
    assert!(Arc::ptr_eq(&one.batch, &two.batch), "a reference count, not a copy");
    one.ack.settle(Verdict::Delivered);
    let copy = two.into_batch();
    assert_eq!(copy.points(), 3);
    copy.ack.settle(Verdict::Lost(Reason::SHUTDOWN));
    assert_eq!(fate.exported().await, Verdict::Lost(Reason::SHUTDOWN));
    assert_eq!(source.read().passed, 3);
    assert_eq!((ends[0].node.read().taken, ends[1].edge.received()), (3, 3));
}

#[tokio::test]
async fn a_sole_full_branch_is_waited_for() {
    let (output, _, mut ends) = fan_out(1, 100);
    output.send(batch(10).0).await.unwrap();
    let second = output.clone();
    let waiting = tokio::spawn(async move { second.send(batch(10).0).await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    assert!(ends[0].inbox.recv().await.is_some());
    waiting.await.unwrap().unwrap();
    assert_eq!(ends[0].edge.passed(), 20);
}

#[tokio::test]
async fn a_batch_larger_than_the_bound_passes_an_empty_edge() {
    let (output, _, mut ends) = fan_out(1, 1);
    output.send(batch(8192).0).await.unwrap();
    assert_eq!(ends[0].inbox.recv().await.unwrap().batch.points(), 8192);
    assert_eq!(ends[0].edge.queued_bytes(), 0);
}

#[tokio::test]
async fn one_full_branch_of_two_is_skipped_and_counted() {
    let (output, source, mut ends) = fan_out(2, 1000);
    output.send(batch(20).0).await.unwrap();
    ends[0].inbox.recv().await.unwrap().ack.settle(Verdict::Delivered);
    let (second, mut fate) = batch(20);
    output.send(second).await.unwrap();
    ends[0].inbox.recv().await.unwrap().ack.settle(Verdict::Delivered);
    assert_eq!(
        fate.exported().await,
        Verdict::Delivered,
        "one branch took it: the client need not repeat it"
    );
    assert_eq!(ends[1].edge.dropped().get(&Reason::QUEUE_FULL), Some(&20));
    assert_eq!((ends[0].edge.passed(), ends[1].edge.passed()), (40, 20));
    assert_eq!(source.read().passed, 40);
}

#[tokio::test]
async fn a_branch_that_was_waited_for_in_vain_costs_no_further_wait_until_it_has_room() {
    let (output, _, mut ends) = fan_out(2, 1000);
    output.send(batch(20).0).await.unwrap();
    ends[0].inbox.recv().await.unwrap();
    output.send(batch(20).0).await.unwrap();
    ends[0].inbox.recv().await.unwrap();
    // On a clock that stands still any wait would be for ever.
    let output = Output { clock: Clock::manual(UnixNanos(0)), ..output };
    output.send(batch(20).0).await.unwrap();
    ends[0].inbox.recv().await.unwrap();
    assert_eq!(ends[1].edge.dropped().get(&Reason::QUEUE_FULL), Some(&40));
    ends[1].inbox.recv().await.unwrap();
    output.send(batch(20).0).await.unwrap();
    assert_eq!((ends[0].edge.passed(), ends[1].edge.passed()), (80, 40));
    // It is waited for again: it had room.
    ends[0].inbox.recv().await.unwrap();
    let waiting = tokio::spawn(async move { output.send(batch(20).0).await });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    ends[1].inbox.recv().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!((ends[0].edge.passed(), ends[1].edge.passed()), (100, 60));
}

#[tokio::test]
async fn when_no_branch_takes_it_the_sender_is_told() {
    let (output, source, ends) = fan_out(2, 1000);
    output.send(batch(20).0).await.unwrap();
    let (second, mut fate) = batch(20);
    let refused = output.send(second).await.unwrap_err();
    assert_eq!(refused, NotTaken { reason: Reason::QUEUE_FULL, points: 20 });
    assert_eq!(fate.accepted().await, Verdict::Refused(Reason::QUEUE_FULL));
    assert_eq!(source.read().passed, 20);
    assert!(ends.iter().all(|end| end.edge.dropped().is_empty()), "refused is not dropped");
}

#[tokio::test]
async fn what_cannot_be_asked_for_again_waits_for_the_first_branch_with_room() {
    let (output, source, mut ends) = fan_out(2, 1000);
    let output = Output { clock: Clock::manual(UnixNanos(0)), ..output };
    output.pass_on(batch(20).0).await.unwrap();
    let (second, mut fate) = batch(20);
    let waiting = tokio::spawn({
        let output = output.clone();
        async move { output.pass_on(second).await }
    });
    for _ in 0..3 {
        // Longer than the branches are waited for; `send` would give the batch up.
        tokio::task::yield_now().await;
        output.clock.advance(Duration::from_secs(6));
    }
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    ends[1].inbox.recv().await.unwrap();
    waiting.await.unwrap().unwrap();
    assert_eq!(ends[0].edge.dropped().get(&Reason::QUEUE_FULL), Some(&20), "it is skipped");
    assert_eq!((ends[0].edge.passed(), ends[1].edge.passed()), (20, 40));
    assert_eq!(source.read().passed, 40);
    ends[1].inbox.recv().await.unwrap().ack.settle(Verdict::Delivered);
    assert_eq!(fate.exported().await, Verdict::Delivered);
}

#[tokio::test]
async fn what_cannot_be_asked_for_again_is_given_up_when_every_branch_has_ended() {
    let (output, source, mut ends) = fan_out(2, 1000);
    output.pass_on(batch(20).0).await.unwrap();
    let (second, mut fate) = batch(20);
    let waiting = tokio::spawn(async move { output.pass_on(second).await });
    tokio::task::yield_now().await;
    ends.pop();
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished(), "one of them may have room yet");
    ends.pop();
    let refused = waiting.await.unwrap().unwrap_err();
    assert_eq!(refused, NotTaken { reason: Reason::NODE_ENDED, points: 20 });
    assert_eq!(fate.exported().await, Verdict::Refused(Reason::NODE_ENDED));
    assert_eq!(source.read().passed, 20);
}

#[tokio::test]
async fn a_node_that_ends_loses_its_queue_counted_and_frees_its_sender() {
    let (output, _, mut ends) = fan_out(1, 1000);
    let (first, mut fate) = batch(20);
    output.send(first).await.unwrap();
    let blocked = output.clone();
    let waiting = tokio::spawn(async move { blocked.send(batch(20).0).await });
    tokio::task::yield_now().await;
    let end = ends.remove(0);
    drop(end.inbox);
    assert_eq!(waiting.await.unwrap().unwrap_err().reason, Reason::NODE_ENDED);
    assert_eq!(fate.exported().await, Verdict::Lost(Reason::NODE_ENDED));
    let account = end.node.read();
    assert!(account.balances());
    assert_eq!(account.dropped.get(&Reason::NODE_ENDED), Some(&20));
}

#[tokio::test]
async fn an_inbox_closes_when_its_last_sender_is_gone() {
    let (output, _, mut ends) = fan_out(1, 1000);
    output.send(batch(1).0).await.unwrap();
    drop(output);
    assert!(ends[0].inbox.recv().await.is_some());
    assert!(ends[0].inbox.recv().await.is_none());
}

#[tokio::test]
async fn batches_that_belong_together_are_taken_all_or_none() {
    let (output, source, mut ends) = fan_out(2, 1000);
    output.send(batch(10).0).await.unwrap();
    for end in &mut ends {
        end.inbox.recv().await.unwrap().ack.settle(Verdict::Delivered);
    }
    // Larger than the bound together: they pass an empty edge, and hold all of its room until the last has arrived.
    output.send_together((0..3).map(|_| batch(20).0).collect()).await.unwrap();
    let refused = output.send_together(vec![batch(1).0, batch(1).0]).await.unwrap_err();
    assert_eq!(refused, NotTaken { reason: Reason::QUEUE_FULL, points: 2 });
    for end in &mut ends {
        for _ in 0..3 {
            assert_eq!(end.inbox.recv().await.unwrap().batch.points(), 20);
        }
    }
    output.send_together(vec![batch(1).0, batch(1).0]).await.unwrap();
    assert_eq!(source.read().passed, 10 + 60 + 2);
    assert_eq!(ends[0].edge.passed(), 72);
}
