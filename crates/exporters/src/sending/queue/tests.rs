use std::sync::Arc;

use super::*;

#[derive(Debug, PartialEq)]
struct Sized(u64, u64);

impl Item for Sized {
    fn bytes(&self) -> u64 {
        self.0
    }
    fn points(&self) -> u64 {
        self.1
    }
}

fn queue(capacity: u64, consumers: usize) -> (Queue<Sized>, Clock) {
    let clock = Clock::manual(UnixNanos(1_800_000_000_000_000_000));
    (Queue::new(capacity, consumers, clock.clone()), clock)
}

async fn pop(queue: &Queue<Sized>) -> Option<Sized> {
    queue.pop().await.map(|(_, item)| item)
}

#[tokio::test]
async fn items_stay_held_until_settled() {
    let (queue, _) = queue(100, 1);
    assert!(queue.push(Sized(40, 1)).await.is_empty());
    assert!(queue.push(Sized(60, 2)).await.is_empty());
    assert_eq!((queue.bytes(), queue.points()), (100, 3));
    assert_eq!(pop(&queue).await, Some(Sized(40, 1)));
    assert_eq!((queue.bytes(), queue.points()), (60, 3));
    queue.settled(1);
    assert_eq!(queue.points(), 2);
    queue.close();
    assert_eq!(pop(&queue).await, Some(Sized(60, 2)));
    assert_eq!(pop(&queue).await, None);
}

#[tokio::test]
async fn the_oldest_and_the_newest_are_taken_in_turns() {
    let (queue, _) = queue(1000, 1);
    for points in 1..=6 {
        queue.push(Sized(1, points)).await;
    }
    let mut taken = Vec::new();
    for _ in 0..3 {
        taken.push(pop(&queue).await.unwrap().1);
    }
    // What comes now is newer than all.
    queue.push(Sized(1, 7)).await;
    queue.close();
    while let Some(item) = pop(&queue).await {
        taken.push(item.1);
    }
    assert_eq!(taken, [1, 6, 2, 7, 3, 5, 4]);
}

#[tokio::test]
async fn what_is_given_back_keeps_its_place_and_waits_for_its_time() {
    let (queue, clock) = queue(1000, 1);
    for points in 1..=3 {
        queue.push(Sized(10, points)).await;
    }
    let (age, oldest) = queue.pop().await.unwrap();
    queue.give_back(age, oldest, Duration::from_secs(5));
    assert_eq!((queue.bytes(), queue.points()), (30, 6));
    assert_eq!(pop(&queue).await, Some(Sized(10, 3)));
    assert_eq!(pop(&queue).await, Some(Sized(10, 2)), "the first is not due");
    clock.advance(Duration::from_secs(5));
    assert_eq!(pop(&queue).await, Some(Sized(10, 1)));
}

#[tokio::test]
async fn a_consumer_wakes_when_an_item_becomes_due_or_when_there_is_a_hurry() {
    for hurry in [false, true] {
        let (queue, clock) = queue(1000, 1);
        let queue = Arc::new(queue);
        queue.push(Sized(10, 1)).await;
        let (age, item) = queue.pop().await.unwrap();
        queue.give_back(age, item, Duration::from_secs(60));
        queue.close();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { pop(&queue).await }
        });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        if hurry {
            queue.hurry();
        } else {
            clock.advance(Duration::from_secs(60));
        }
        assert_eq!(waiting.await.unwrap(), Some(Sized(10, 1)));
    }
}

#[tokio::test]
async fn a_full_queue_waits_while_a_consumer_gets_on() {
    let (queue, _) = queue(100, 2);
    let queue = Arc::new(queue);
    queue.set_stuck(true);
    assert!(queue.push(Sized(100, 1)).await.is_empty());
    let waiting = tokio::spawn({
        let queue = Arc::clone(&queue);
        async move { queue.push(Sized(100, 2)).await }
    });
    tokio::task::yield_now().await;
    assert!(!waiting.is_finished());
    assert_eq!(pop(&queue).await, Some(Sized(100, 1)));
    assert!(waiting.await.unwrap().is_empty());
}

#[tokio::test]
async fn when_all_consumers_are_stuck_the_oldest_make_room() {
    let (queue, _) = queue(100, 2);
    queue.set_stuck(true);
    queue.set_stuck(true);
    for points in 1..=3 {
        assert!(queue.push(Sized(30, points)).await.is_empty());
    }
    assert_eq!(queue.push(Sized(60, 4)).await, [Sized(30, 1), Sized(30, 2)]);
    assert_eq!(queue.push(Sized(500, 5)).await, [Sized(30, 3), Sized(60, 4)], "larger than the queue");
    assert_eq!((queue.bytes(), queue.points()), (500, 5));
}

#[tokio::test]
async fn what_waits_for_its_time_makes_room_though_others_get_through() {
    let (queue, clock) = queue(100, 2);
    queue.push(Sized(50, 1)).await;
    let (age, denied) = queue.pop().await.unwrap();
    queue.give_back(age, denied, Duration::from_secs(60));
    queue.push(Sized(50, 2)).await;
    assert_eq!(queue.push(Sized(50, 3)).await, [Sized(50, 1)]);
    clock.advance(Duration::from_secs(60));
    assert_eq!((queue.bytes(), queue.points()), (100, 5));
}

#[tokio::test]
async fn nothing_is_evicted_where_that_does_not_make_enough_room() {
    let (queue, _) = queue(100, 2);
    queue.push(Sized(50, 1)).await;
    let (age, denied) = queue.pop().await.unwrap();
    queue.give_back(age, denied, Duration::from_secs(60));
    queue.push(Sized(50, 2)).await;
    let mut push = Box::pin(queue.push(Sized(80, 3)));
    assert!(std::future::poll_fn(|task| std::task::Poll::Ready(push.as_mut().poll(task))).await.is_pending());
    assert_eq!((queue.bytes(), queue.points()), (100, 3), "all are held while it waits");
    assert_eq!(pop(&queue).await, Some(Sized(50, 2)));
    assert_eq!(push.await, [Sized(50, 1)]);
}
