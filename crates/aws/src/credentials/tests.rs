//! What is refreshed when, and by whom.

use std::{
    collections::VecDeque,
    sync::Arc,
    sync::atomic::{AtomicU64, Ordering::SeqCst},
};

use tokio::sync::Semaphore;

use super::*;

/// Answers as it is told, each time when it is let.
#[derive(Debug)]
pub(super) struct Script {
    answers: Mutex<VecDeque<Result<Option<u64>, &'static str>>>,
    let_through: Arc<Semaphore>,
    fetched: Arc<AtomicU64>,
    clock: Clock,
}

impl Script {
    pub(super) async fn fetch(&self) -> provider::Result {
        let number = self.fetched.fetch_add(1, SeqCst);
        self.let_through.acquire().await.unwrap().forget();
        let answer = self.answers.lock().pop_front().unwrap();
        let life = answer.map_err(CredentialsError::provider_error)?;
        let expiry = life.map(|seconds| {
            std::time::UNIX_EPOCH + Duration::from_nanos(self.clock.now().0) + Duration::from_secs(seconds)
        });
        Ok(Keys::new(format!("KEY{number}"), "secret", None, expiry, "test"))
    }
}

/// Credentials that a script gives, on a clock that stands.
struct Rig {
    credentials: Arc<Credentials>,
    clock: Clock,
    let_through: Arc<Semaphore>,
    fetched: Arc<AtomicU64>,
}

impl Rig {
    /// Each answer is a life in seconds, without end, or a failure.
    fn new(answers: &[Result<Option<u64>, &'static str>]) -> Self {
        let clock = Clock::manual(UnixNanos(1_800_000_000_000_000_000));
        let (let_through, fetched) = (Arc::new(Semaphore::new(100)), Arc::new(AtomicU64::new(0)));
        let script = Script {
            answers: Mutex::new(answers.iter().copied().collect()),
            let_through: Arc::clone(&let_through),
            fetched: Arc::clone(&fetched),
            clock: clock.clone(),
        };
        let credentials = Arc::new(Credentials::of(Source::Test(script), &clock));
        Self { credentials, clock, let_through, fetched }
    }

    async fn key(&self) -> String {
        match self.credentials.provide_credentials().await {
            Ok(credentials) => credentials.access_key_id().to_owned(),
            Err(error) => in_words(&error),
        }
    }

    fn fetched(&self) -> u64 {
        self.fetched.load(SeqCst)
    }

    fn pass(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn they_are_kept_until_shortly_before_their_end() {
    let rig = Rig::new(&[Ok(Some(3600)), Ok(Some(3600))]);
    assert_eq!(rig.key().await, "KEY0");
    rig.pass(3600 - 301);
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY0", 1));
    rig.pass(2);
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY1", 2));
}

#[tokio::test]
async fn many_requests_at_the_end_of_a_life_cause_one_refresh() {
    let rig = Arc::new(Rig::new(&[Ok(Some(60)), Ok(Some(60))]));
    rig.key().await;
    rig.pass(61);
    rig.let_through.forget_permits(100);
    let asking: Vec<_> = (0..50)
        .map(|_| {
            tokio::spawn({
                let rig = Arc::clone(&rig);
                async move { rig.key().await }
            })
        })
        .collect();
    while rig.fetched() < 2 {
        tokio::task::yield_now().await;
    }
    assert!(asking.iter().all(|one| !one.is_finished()), "none has expired credentials");
    rig.let_through.add_permits(100);
    for one in asking {
        assert_eq!(one.await.unwrap(), "KEY1");
    }
    assert_eq!(rig.fetched(), 2);
}

#[tokio::test]
async fn while_they_are_good_the_others_do_not_wait_for_the_refresh() {
    let rig = Arc::new(Rig::new(&[Ok(Some(3600)), Ok(Some(3600))]));
    rig.key().await;
    rig.pass(3500);
    rig.let_through.forget_permits(100);
    let refreshing = tokio::spawn({
        let rig = Arc::clone(&rig);
        async move { rig.key().await }
    });
    while rig.fetched() < 2 {
        tokio::task::yield_now().await;
    }
    assert_eq!(rig.key().await, "KEY0");
    rig.let_through.add_permits(100);
    assert_eq!(refreshing.await.unwrap(), "KEY1");
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY1", 2));
}

#[tokio::test]
async fn a_refresh_that_fails_goes_unnoticed_while_the_old_ones_are_good_and_is_tried_again() {
    let rig = Rig::new(&[Ok(Some(3600)), Err("the endpoint is away"), Ok(Some(3600))]);
    rig.key().await;
    rig.pass(3500);
    assert_eq!(rig.key().await, "KEY0");
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY0", 2), "not at once");
    rig.pass(30);
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY2", 3));
}

#[tokio::test]
async fn who_waited_for_a_refresh_that_failed_shares_its_words_and_who_comes_later_tries_again() {
    let rig = Arc::new(Rig::new(&[Err("the endpoint is away"), Ok(None)]));
    rig.let_through.forget_permits(100);
    let asking: Vec<_> = (0..10)
        .map(|_| {
            tokio::spawn({
                let rig = Arc::clone(&rig);
                async move { rig.key().await }
            })
        })
        .collect();
    while rig.fetched() < 1 {
        tokio::task::yield_now().await;
    }
    rig.let_through.add_permits(100);
    for one in asking {
        assert!(one.await.unwrap().contains("the endpoint is away"));
    }
    assert_eq!(rig.fetched(), 1);
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY1", 2));
}

#[tokio::test]
async fn refused_ones_are_fetched_anew_once_however_many_requests_they_failed() {
    let rig = Rig::new(&[Ok(None), Ok(None)]);
    rig.key().await;
    rig.pass(10);
    let sent = rig.clock.now();
    rig.pass(1);
    rig.credentials.refused(sent);
    rig.pass(1);
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY1", 2));
    // Another request of the same moment fails late.
    rig.credentials.refused(sent);
    assert_eq!((rig.key().await.as_str(), rig.fetched()), ("KEY1", 2));
    assert_eq!(rig.credentials.access_key_id().as_deref(), Some("KEY1"));
}

#[test]
fn a_hop_limit_is_named_where_the_instances_metadata_is_out_of_reach() {
    let of = |words: &'static str| why_none(&CredentialsError::provider_error(words));
    assert!(of("could not communicate with IMDS: timed out").contains("hop limit is 1"));
    assert!(!of("the token file cannot be read").contains("hop limit"));
}
