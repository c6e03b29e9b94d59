//! How long a sender waits to be known.

use hyper::header::{self, HeaderValue};
use weir_net::{
    Reloaded,
    auth::basic::{Basic, Users},
};
use weir_testkit::{Fixture, way_out};

use super::*;

/// `ada:lovelace`, hashed so that it takes far longer than the test.
fn slow() -> Authenticator {
    // Cost 10; the hash of some other password will do.
    let users = b"ada:$2y$10$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW";
    let users = Reloaded::load(Vec::new(), move |_| Users::of(&[users])).unwrap();
    Authenticator::Basic(Basic::new(Arc::new(users)))
}

fn intake() -> Intake {
    let context = Fixture::new().context("otlp");
    let (output, _) = way_out(&context, 1);
    Intake::new(context, &OtlpConfig::default(), output)
}

fn named() -> HeaderMap {
    let value = HeaderValue::from_static("Basic YWRhOmxvdmVsYWNl");
    [(header::AUTHORIZATION, value)].into_iter().collect()
}

#[tokio::test]
async fn who_waits_for_others_hashes_is_asked_to_come_again_after_five_seconds() {
    let (intake, auth, headers) = (intake(), slow(), named());
    tokio::time::pause();
    let two = async {
        let wait = || intake.allow(Some(&auth), &headers);
        tokio::join!(wait(), wait())
    };
    let passing = async {
        tokio::task::yield_now().await;
        tokio::time::advance(AUTH_WAIT + Duration::from_millis(1)).await;
    };
    let ((first, second), ()) = tokio::join!(two, passing);
    for waited in [first, second] {
        assert!(matches!(waited, Err(NotTakenIn::TooSlow(AUTH_WAIT))), "{waited:?}");
    }
    assert_eq!(intake.context.ledger.turned_away(), [(TOO_SLOW, 2)].into());
}

#[tokio::test]
async fn a_drain_does_not_wait_for_hashes() {
    let (intake, auth, headers) = (intake(), slow(), named());
    let drain = intake.context.drain.clone();
    drain.begun.cancel();
    drain.hurry.cancel();
    let allowed = intake.allow(Some(&auth), &headers);
    let closing = async {
        let close = intake.close();
        tokio::pin!(close);
        while futures_are_pending(close.as_mut()).await {
            intake.context.clock.advance(Duration::from_secs(1));
            tokio::task::yield_now().await;
        }
    };
    let (allowed, ()) = tokio::join!(allowed, closing);
    assert!(matches!(allowed, Err(NotTakenIn::ComeAgain(Reason::SHUTDOWN))), "{allowed:?}");
}

/// Polls once.
async fn futures_are_pending(mut future: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
    std::future::poll_fn(|context| std::task::Poll::Ready(future.as_mut().poll(context).is_pending())).await
}
