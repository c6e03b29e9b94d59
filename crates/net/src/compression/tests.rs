use std::io::Write as _;

use bytes::Bytes;
use flate2::{
    Compression,
    write::{GzEncoder, ZlibEncoder},
};
use proptest::{collection::vec, prelude::*};

use super::*;

const COMPRESSED: [Encoding; 4] = [Encoding::Gzip, Encoding::Zstd, Encoding::Snappy, Encoding::Deflate];

fn compress(encoding: Encoding, plain: &[u8]) -> Vec<u8> {
    match encoding {
        Encoding::Identity => plain.to_vec(),
        Encoding::Gzip => {
            let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Deflate => {
            let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
            encoder.write_all(plain).unwrap();
            encoder.finish().unwrap()
        }
        Encoding::Zstd => zstd::encode_all(plain, 3).unwrap(),
        Encoding::Snappy => {
            let mut encoder = snap::write::FrameEncoder::new(Vec::new());
            encoder.write_all(plain).unwrap();
            encoder.into_inner().unwrap()
        }
    }
}

fn snappy_as_one_block(plain: &[u8]) -> Vec<u8> {
    snap::raw::Encoder::new().compress_vec(plain).unwrap()
}

#[track_caller]
fn assert_too_large(result: Result<Bytes, BodyError>, max: usize) {
    assert!(matches!(result, Err(BodyError::TooLarge { limit }) if limit == max), "{result:?}");
}

#[test]
fn the_list_names_what_is_known() {
    let mut listed = Vec::new();
    for name in Encoding::LIST.split(", ") {
        let encoding = Encoding::of(name).unwrap();
        assert_eq!(encoding.name(), name);
        listed.push(encoding);
    }
    assert!(COMPRESSED.iter().all(|encoding| listed.contains(encoding)));
    for other in ["br", "lz4"] {
        assert_eq!(Encoding::of(other), None);
    }
}

#[test]
fn a_bomb_stops_at_the_cap() {
    let plain = vec![0; 10_000_000];
    let bombs = COMPRESSED.map(|encoding| (encoding, compress(encoding, &plain)));
    for (encoding, bomb) in bombs.into_iter().chain([(Encoding::Snappy, snappy_as_one_block(&plain))]) {
        assert!(bomb.len() < 1_000_000, "{encoding}: {}", bomb.len());
        assert_too_large(encoding.decompress(bomb.into(), 1_000_000), 1_000_000);
    }
}

#[test]
fn members_and_frames_follow_one_another() {
    for encoding in [Encoding::Gzip, Encoding::Zstd, Encoding::Snappy] {
        let two = [compress(encoding, b"one "), compress(encoding, b"two")].concat();
        assert_eq!(&encoding.decompress(two.into(), 100).unwrap()[..], b"one two", "{encoding}");
    }
}

#[test]
fn what_is_cut_short_or_not_in_the_encoding_is_refused_by_name() {
    let plain = b"some text that is long enough, some text that is long enough";
    for encoding in COMPRESSED {
        let whole = compress(encoding, plain);
        for bad in [&b""[..], b"\xffplain", &whole[..whole.len() - 1]] {
            // No frames at all are nothing, which is as legal as an empty file.
            if bad.is_empty() && encoding == Encoding::Zstd {
                continue;
            }
            let refused = encoding.decompress(Bytes::copy_from_slice(bad), 100).unwrap_err().to_string();
            assert!(refused.starts_with(&format!("body is not {encoding}: ")), "{refused}");
        }
    }
}

#[test]
fn a_block_that_announces_more_than_snappy_can_hold_takes_no_memory() {
    // A varint of 2³¹ and one literal byte.
    let bomb = Bytes::from_static(&[0x80, 0x80, 0x80, 0x80, 0x08, 0x00, 0x61]);
    let refused = Encoding::Snappy.decompress(bomb, usize::MAX).unwrap_err().to_string();
    assert_eq!(refused, "body is not snappy: it announces more than it can hold");
}

#[test]
fn a_zstd_frame_with_a_window_beyond_the_bound_is_refused() {
    let mut encoder = zstd::stream::write::Encoder::new(Vec::new(), 1).unwrap();
    encoder.window_log(ZSTD_WINDOW_LOG + 1).unwrap();
    encoder.write_all(&[7; 1000]).unwrap();
    let frame = encoder.finish().unwrap();
    let refused = Encoding::Zstd.decompress(frame.into(), 10_000).unwrap_err().to_string();
    assert!(refused.starts_with("body is not zstd: "), "{refused}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// What fits comes out as it was; one byte less of room, and it is refused.
    #[test]
    fn the_cap_is_exact(plain in vec(0_u8..4, 1..5000)) {
        for encoding in COMPRESSED {
            let body = Bytes::from(compress(encoding, &plain));
            prop_assert_eq!(&encoding.decompress(body.clone(), plain.len()).unwrap()[..], &plain[..]);
            assert_too_large(encoding.decompress(body, plain.len() - 1), plain.len() - 1);
        }
        let block = Bytes::from(snappy_as_one_block(&plain));
        prop_assert_eq!(&Encoding::Snappy.decompress(block.clone(), plain.len()).unwrap()[..], &plain[..]);
        assert_too_large(Encoding::Snappy.decompress(block, plain.len() - 1), plain.len() - 1);
        assert_too_large(Encoding::Identity.decompress(plain.clone().into(), plain.len() - 1), plain.len() - 1);
    }

    /// Whatever comes, no more than the cap comes out, and nothing panics.
    #[test]
    fn foreign_bytes_never_exceed_the_cap(
        plain in vec(any::<u8>(), 0..300),
        flips in vec((any::<prop::sample::Index>(), any::<u8>()), 0..8),
        max in 0_usize..400,
    ) {
        for encoding in COMPRESSED {
            let mut body = compress(encoding, &plain);
            for (at, byte) in &flips {
                // Nothing is nothing in some encodings.
                if body.is_empty() {
                    break;
                }
                let at = at.index(body.len());
                body[at] = *byte;
            }
            for body in [body, plain.clone()] {
                if let Ok(inflated) = encoding.decompress(body.into(), max) {
                    prop_assert!(inflated.len() <= max);
                }
            }
        }
    }
}
