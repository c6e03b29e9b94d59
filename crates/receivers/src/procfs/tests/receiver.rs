use std::time::Duration;

use weir_config::Duration as ConfigDuration;
use weir_core::{Inbox, Reason, ReceiverFactory, UnixNanos};
use weir_testkit::{Fixture, ROOM, START, seconds, way_out};

use super::{
    super::{CpuConfig, Procfs, Scrapers},
    Machine, fixtures, listed,
};
use crate::rounds::following;

const STEP: Duration = Duration::from_millis(10);

/// Moves the clock on in small steps until a batch arrives; answers the time of its points, and how many they are.
async fn next(fixture: &Fixture, inbox: &mut Inbox) -> (UnixNanos, u64) {
    loop {
        tokio::select! {
            biased;
            delivery = inbox.recv() => {
                let batch = delivery.expect("the receiver runs").into_batch();
                return (batch.numbers[0].time, batch.points());
            }
            () = tokio::task::yield_now() => fixture.clock.advance(STEP),
        }
    }
}

#[test]
fn rounds_are_multiples_of_the_interval_and_those_missed_are_left_out() {
    let minute = Duration::from_secs(60);
    assert_eq!(following(seconds(61), minute), seconds(120));
    assert_eq!(following(seconds(120), minute), seconds(180), "never the moment itself");
    assert_eq!(following(seconds(500), minute), seconds(540));
    assert_eq!(following(UnixNanos(u64::MAX), minute), UnixNanos(u64::MAX));
    assert_eq!(following(UnixNanos(7), Duration::ZERO), UnixNanos(8));
}

#[tokio::test]
async fn it_scrapes_after_the_delay_then_at_multiples_of_the_interval_until_the_drain() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut config = machine.config(Scrapers { cpu: listed(CpuConfig::default()), ..Scrapers::default() });
    config.collection_interval = ConfigDuration::from_secs(60);
    config.initial_delay = ConfigDuration::from_secs(5);
    let (output, mut inbox) = way_out(&context, ROOM);
    let running = tokio::spawn(Procfs::build(config, context.clone()).run(output));

    // A woken receiver runs before the clock has moved twice: the time of a round is exact to that.
    let late = STEP * 2;
    let (mut last, points) = next(&fixture, &mut inbox).await;
    assert!(last >= seconds(START + 5) && last.since(seconds(START + 5)) <= late, "{last:?}");
    assert_eq!(points, 9);
    for _ in 0..3 {
        let (time, _) = next(&fixture, &mut inbox).await;
        let due = seconds(time.seconds() / 60 * 60);
        assert!(due > last && time.since(due) <= late, "{time:?} after {last:?}");
        last = time;
    }
    fixture.drain.begun.cancel();
    running.await.unwrap().unwrap();
    let account = context.ledger.read();
    assert_eq!(account.taken, account.passed);
    assert!(account.balances());
}

#[tokio::test]
async fn a_round_of_many_points_goes_on_in_batches_of_8192() {
    let machine = Machine::small();
    machine.write("proc/stat", &fixtures::stat_of(1100));
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let config = machine.config(Scrapers { cpu: listed(CpuConfig::default()), ..Scrapers::default() });
    let (output, mut inbox) = way_out(&context, ROOM);
    let running = tokio::spawn(Procfs::build(config, context.clone()).run(output));
    let (first, second) = (next(&fixture, &mut inbox).await, next(&fixture, &mut inbox).await);
    assert_eq!((first.1, second.1), (8192, 609)); // 1100 CPUs in 8 states are 8800, and how many there are
    assert_eq!(first.0, second.0);
    fixture.drain.begun.cancel();
    running.await.unwrap().unwrap();
    assert!(context.ledger.read().balances());
}

#[tokio::test]
async fn points_that_nobody_takes_are_counted() {
    let machine = Machine::small();
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut config = machine.config(Scrapers { cpu: listed(CpuConfig::default()), ..Scrapers::default() });
    config.initial_delay = ConfigDuration::ZERO;
    let (output, inbox) = way_out(&context, ROOM);
    drop(inbox);
    let running = tokio::spawn(Procfs::build(config, context.clone()).run(output));
    while context.ledger.read().dropped_total() == 0 {
        tokio::task::yield_now().await;
    }
    fixture.drain.begun.cancel();
    running.await.unwrap().unwrap();
    let account = context.ledger.read();
    assert_eq!((account.taken, account.dropped[&Reason::NODE_ENDED]), (9, 9));
    assert!(account.balances());
}

#[tokio::test]
async fn points_that_wait_for_room_when_the_receiver_is_given_up_are_counted() {
    let machine = Machine::small();
    machine.write("proc/stat", &fixtures::stat_of(1100));
    let fixture = Fixture::new();
    let context = fixture.context("procfs");
    let mut config = machine.config(Scrapers { cpu: listed(CpuConfig::default()), ..Scrapers::default() });
    config.initial_delay = ConfigDuration::ZERO;
    let (output, inbox) = way_out(&context, 1); // holds one batch of the two
    let running = tokio::spawn(Procfs::build(config, context.clone()).run(output));
    while context.ledger.read().passed == 0 {
        tokio::task::yield_now().await;
    }
    running.abort();
    assert!(running.await.unwrap_err().is_cancelled());
    let account = context.ledger.read();
    assert_eq!((account.passed, account.dropped[&Reason::SHUTDOWN]), (8192, 609));
    assert!(account.balances());
    drop(inbox);
}
