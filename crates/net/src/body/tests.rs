use std::io::Write as _;

use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use http_body_util::Full;
use hyper::body::Frame;

use super::{BodyError, gunzip, read_body};

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

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

#[test]
fn gunzip_stops_at_the_cap() {
    let bomb = gzip(&vec![0; 10_000_000]);
    assert!(bomb.len() < 20_000);
    assert!(matches!(gunzip(&bomb, 1000), Err(BodyError::TooLarge { limit: 1000 })));
    assert_eq!(gunzip(&gzip(&[7; 1000]), 1000).unwrap(), vec![7; 1000]);
}

#[test]
fn gunzip_takes_several_members() {
    let two = [gzip(b"one "), gzip(b"two")].concat();
    assert_eq!(&gunzip(&two, 100).unwrap()[..], b"one two");
}

#[test]
fn gunzip_refuses_what_is_not_gzip_or_is_cut_short() {
    let whole = gzip(b"some text that is long enough");
    for bad in [&b""[..], b"plain", &whole[..whole.len() - 1]] {
        assert!(matches!(gunzip(bad, 100), Err(BodyError::Gzip(_))), "{bad:?}");
    }
}
