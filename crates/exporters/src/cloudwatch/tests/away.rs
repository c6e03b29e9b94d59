//! CloudWatch away for longer than data, a drain or a configuration lets it be.

use super::*;

#[tokio::test]
async fn an_outage_longer_than_the_queue_drops_the_oldest_and_counts_them() {
    let river = River::new(|config| {
        config.sending_queue.num_consumers = 1;
        config.sending_queue.queue_size = ByteSize(40_000);
    })
    .await;
    let outage = river.server.faults().push(Fault::unavailable().always());
    let series = river.gauges(500);
    let mut newest = 0;
    for minute in 0..12 {
        newest = river.now();
        river.send_all(&series, newest).await;
        if minute == 0 {
            river.until(|counters| counters.failed_total() > 0).await;
        }
        river.f.clock.sleep(Duration::from_mins(1)).await;
    }
    river.server.faults().remove(outage);
    let (account, counters, server) = river.drain().await;
    let lost = account.dropped.get(&Reason::QUEUE_FULL).copied().unwrap_or_default();
    assert_eq!(account.dropped_total(), lost);
    assert!(lost > 0 && lost % 500 == 0, "{account:?}");
    assert_eq!((account.taken, account.passed), (6000, 6000 - lost));
    assert_eq!(counters.samples as u64, account.passed);
    let kept = server.store().datapoints("Weir", "g", &[Dimension::new("i", "00000")]);
    let newest = (newest / MINUTE * MINUTE) as i64;
    assert_eq!(kept.last().map(|datapoint| datapoint.start_s), Some(newest), "the newest is kept");
}

#[tokio::test]
async fn at_the_hurry_of_a_drain_what_cannot_be_sent_is_counted() {
    let river = River::new(|_| {}).await;
    river.server.faults().push(Fault::unavailable().always());
    let series = river.gauges(2500);
    let (ack, mut fate) = Ack::new();
    let mut batch = river.f.batch(series.iter().map(|s| point(s, 0, river.now(), Number::Int(1))));
    batch.ack = ack;
    river.send(batch).await;
    let drain = river.f.drain.clone();
    drop(river.output);
    river.server.wait_until(|server| server.counters().failed_total() > 2).await;
    assert!(!river.task.is_finished(), "until the hurry it goes on");
    drain.hurry.cancel();
    river.task.await.unwrap().unwrap();
    let account = river.context.ledger.read();
    assert!(account.balances() && account.held == 0, "{account:?}");
    assert_eq!(account.dropped, dropped(Reason::SHUTDOWN, 2500));
    assert_eq!(river.server.counters().datums, 0);
    assert_eq!(fate.exported().await, Verdict::Lost(Reason::SHUTDOWN));
}

#[tokio::test]
async fn at_the_hurry_of_a_drain_what_the_service_wants_to_wait_is_tried_once_more() {
    let river = River::with(Fixture::new(), 0, |config| config.sending_queue.num_consumers = 1).await;
    river.server.faults().push(Fault::unavailable().with_retry_after(Duration::from_mins(5)));
    river.send_all(&river.gauges(2500), river.now()).await;
    let drain = river.f.drain.clone();
    drop(river.output);
    // On this one thread, who sees the error sees the request back in the queue.
    while river.context.status.read().last_error.is_none() {
        tokio::task::yield_now().await;
    }
    drain.hurry.cancel();
    river.task.await.unwrap().unwrap();
    let account = river.context.ledger.read();
    assert_eq!((account.passed, river.server.counters().datums), (2500, 2500));
}

#[tokio::test]
async fn a_request_that_hangs_at_the_hurry_is_given_up() {
    let river = River::new(|_| {}).await;
    river.server.faults().push(Fault::Hang.always());
    river.send_all(&river.gauges(1), river.now()).await;
    drop(river.output);
    river.server.wait_until(|server| server.counters().failed("Hang") > 0).await;
    river.f.drain.hurry.cancel();
    river.task.await.unwrap().unwrap();
    let account = river.context.ledger.read();
    assert!(account.balances());
    assert_eq!(account.dropped, dropped(Reason::SHUTDOWN, 1));
}

#[tokio::test]
async fn a_flush_that_waits_for_room_holds_each_point_once() {
    let river = River::new(|config| {
        config.sending_queue.num_consumers = 1;
        config.sending_queue.queue_size = ByteSize(1); // one request
    })
    .await;
    river.server.faults().push(Fault::Hang.always());
    river.send_all(&river.gauges(3000), river.now()).await;
    drop(river.output);
    // One request hangs, one is queued, and one waits for room.
    river.server.wait_until(|server| server.counters().failed("Hang") > 0).await;
    while river.context.ledger.queue_fill().0 == 0 {
        tokio::task::yield_now().await;
    }
    river.task.abort();
    assert!(river.task.await.unwrap_err().is_cancelled());
    let account = river.context.ledger.read();
    assert_eq!((account.taken, account.held), (3000, 3000), "what the drain counts as lost");
}

#[tokio::test]
async fn max_elapsed_time_and_no_retry_give_up() {
    for enabled in [true, false] {
        let river = River::new(|config| {
            config.retry_on_failure.enabled = enabled;
            config.retry_on_failure.max_elapsed_time = weir_config::Duration(Duration::from_secs(60));
        })
        .await;
        river.server.faults().push(Fault::unavailable().always());
        river.send_all(&river.gauges(7), river.now()).await;
        let (account, counters, _) = river.drain().await;
        assert_eq!(account.dropped, dropped(RETRY_EXHAUSTED, 7));
        assert_eq!(counters.put_requests > 1, enabled, "{counters:?}");
    }
}

#[tokio::test]
async fn a_namespace_that_is_denied_is_tried_by_one_request_a_minute() {
    let river = River::new(|_| {}).await;
    river.server.faults().push(Fault::access_denied().always());
    // Four requests, one for each consumer.
    let series = river.gauges(4000);
    river.send_all(&series, river.now()).await;
    river.until(|counters| counters.failed("AccessDenied") >= 4).await;
    let began = river.now();
    river.f.clock.sleep(Duration::from_mins(10)).await;
    let tried = river.server.counters().failed("AccessDenied") - 4;
    let minutes = (river.now() - began) / MINUTE;
    assert!(tried <= minutes + 1, "{tried} in {minutes} minutes");
    river.server.faults().clear();
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.passed, counters.datums), (4000, 4000));
}

#[tokio::test]
async fn a_trial_that_fails_for_another_reason_holds_no_namespace_back() {
    let faults = [
        (Fault::unavailable(), "503"),
        (Fault::expired_token(), "403 ExpiredToken"),
        (Fault::too_large(), "413"),
    ];
    for (fault, words) in faults {
        // Its clock stands still but where the test moves it.
        let river = River::with(Fixture::new(), 0, |config| {
            config.sending_queue.num_consumers = 1;
            config.retry_on_failure.initial_interval = weir_config::Duration(Duration::from_secs(1));
        })
        .await;
        river.server.faults().push(Fault::access_denied());
        river.server.faults().push(fault);
        river.send_all(&river.gauges(2), river.now()).await;
        let clock = river.f.clock.clone();
        drop(river.output);
        // On this one thread, who sees an error sees the consumer wait after it.
        let failed = async |words: &str| {
            let last = || river.context.status.read().last_error.unwrap_or_default();
            while !river.task.is_finished() && !last().starts_with(words) {
                tokio::task::yield_now().await;
            }
        };
        failed("403 AccessDenied").await;
        clock.advance(Duration::from_mins(1));
        failed(words).await;
        clock.advance(Duration::from_secs(5));
        river.task.await.unwrap().unwrap();
        assert_eq!(river.context.ledger.read().passed, 2);
    }
}

#[tokio::test]
async fn what_grew_too_old_while_it_waited_is_not_sent() {
    let river = River::new(|_| {}).await;
    let outage = river.server.faults().push(Fault::access_denied().always());
    let series = river.gauges(1);
    // Within the limit by twenty minutes now, beyond it when the service comes back.
    river.send_all(&series, river.now() - 14 * 86_400 + 20 * MINUTE).await;
    river.until(|counters| counters.failed_total() > 0).await;
    river.f.clock.sleep(Duration::from_mins(22)).await;
    let account = river.context.ledger.read();
    assert_eq!(account.held + account.dropped.get(&TOO_OLD).copied().unwrap_or_default(), 1, "{account:?}");
    river.server.faults().remove(outage);
    let (account, counters, _) = river.drain().await;
    assert_eq!((account.passed, account.dropped), (0, dropped(TOO_OLD, 1)));
    assert_eq!(counters.failed("InvalidParameterValue"), 0, "the service was not asked");
}
