use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Frame;

use super::{BodyError, read_body};

/// A body of unknown length, as chunked transfer gives it.
struct Chunks(Vec<&'static [u8]>);

impl hyper::body::Body for Chunks {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        std::task::Poll::Ready(match self.0.pop() {
            Some(b"broken") => Some(Err(std::io::Error::other("reset by peer"))),
            Some(chunk) => Some(Ok(Frame::data(Bytes::from_static(chunk)))),
            None => None,
        })
    }
}

#[tokio::test]
async fn a_body_of_exactly_the_cap_is_read() {
    let body = read_body(Full::new(Bytes::from_static(b"12345")), 5).await.unwrap();
    assert_eq!(&body[..], b"12345");
}

#[tokio::test]
async fn a_body_that_announces_too_much_is_refused() {
    let refused = read_body(Full::new(Bytes::from_static(b"123456")), 5).await;
    assert!(matches!(refused, Err(BodyError::TooLarge { limit: 5 })), "{refused:?}");
}

#[tokio::test]
async fn a_body_that_grows_too_large_is_refused() {
    let refused = read_body(Chunks(vec![b"456", b"123"]), 5).await;
    assert!(matches!(refused, Err(BodyError::TooLarge { limit: 5 })), "{refused:?}");
    let read = read_body(Chunks(vec![b"45", b"123"]), 5).await.unwrap();
    assert_eq!(&read[..], b"12345");
}

#[tokio::test]
async fn a_broken_body_keeps_its_cause() {
    let refused = read_body(Chunks(vec![b"broken", b"123"]), 5).await.unwrap_err();
    assert_eq!(refused.to_string(), "body could not be read: reset by peer");
}
