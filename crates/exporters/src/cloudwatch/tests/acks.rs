//! What the acks of a period's clients cost in the queue.

use super::*;

const CLIENTS: usize = 1000;
/// More than a request holds.
const SERIES: usize = 2500;

/// The bytes in the queue after a flush of what this many clients sent.
async fn flush(ack: impl Fn() -> Ack) -> u64 {
    let f = Fixture::new();
    let context = f.context("cloudwatch/test");
    let mut intake = Intake::new(&Config::default(), context, Destination::Output(DryRun::new()));
    let name = |i| f.stream(Descriptor::gauge("g", "1"), &[("i", &format!("{i:05}"))]);
    let series: Vec<_> = (0..SERIES).map(name).collect();
    let time = f.clock.now().seconds();
    for client in 0..CLIENTS {
        // All series from the first, one from each of the others.
        let some = if client == 0 { &series[..] } else { &series[..1] };
        let batch = f.batch(some.iter().map(|series| point(series, 0, time, Number::Int(1))));
        intake.record(&batch, ack());
    }
    let closed = intake.windows.close_all(&f.interner);
    intake.flush(closed).await;
    assert_eq!(intake.sender.queue.points(), (SERIES + CLIENTS - 1) as u64);
    intake.sender.queue.bytes()
}

#[tokio::test]
async fn a_request_carries_one_part_for_all_clients_of_its_period() {
    let fates = parking_lot::Mutex::new(Vec::new());
    let awaited = flush(|| {
        let (ack, fate) = Ack::new();
        fates.lock().push(fate);
        ack
    });
    assert_eq!(awaited.await, flush(Ack::none).await);
    let fates = fates.into_inner();
    assert_eq!(fates.len(), CLIENTS);
    for mut fate in fates {
        assert_eq!(fate.accepted().await, Verdict::Delivered);
        assert_eq!(fate.exported().await, Verdict::Lost(Reason::ABANDONED), "dropped with the queue");
    }
}
