//! A client that begins a request, sends a part of it and vanishes: HTTP/2 by hand, as a library would tidy up behind itself.

use std::net::SocketAddr;

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use weir_bench::client::GRPC_PATH;

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
/// Types of frames, and flags (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const SETTINGS: u8 = 4;
const PING: u8 = 6;
const END_HEADERS: u8 = 4;
const ACK: u8 = 1;
/// The largest frame, and what may be sent of a request, before a server says that it takes more.
const FRAME: usize = 16 << 10;
pub(crate) const WINDOW: usize = (64 << 10) - 1;

/// Sends the head of a request and a part of its body; once the server has read that, the connection is reset.
pub(crate) async fn vanish(to: SocketAddr, part: &[u8]) -> std::io::Result<()> {
    assert!(part.len() <= WINDOW);
    let mut stream = TcpStream::connect(to).await?;
    let mut bytes = PREFACE.to_vec();
    frame(&mut bytes, (SETTINGS, 0, 0), &[]);
    frame(&mut bytes, (HEADERS, END_HEADERS, 1), &head(to));
    part.chunks(FRAME).for_each(|piece| frame(&mut bytes, (DATA, 0, 1), piece));
    frame(&mut bytes, (PING, 0, 0), &[0; 8]);
    stream.write_all(&bytes).await?;
    // Frames are handled in their order: who has answered the ping has read what came before it.
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        stream.read_exact(&mut vec![0; length as usize]).await?;
        if (head[3], head[4]) == (PING, ACK) {
            break;
        }
    }
    // No farewell: what is dropped with this set is reset.
    stream.set_zero_linger()
}

fn frame(into: &mut Vec<u8>, (kind, flags, stream): (u8, u8, u32), payload: &[u8]) {
    into.extend_from_slice(&(payload.len() as u32).to_be_bytes()[1..]);
    into.extend_from_slice(&[kind, flags]);
    into.extend_from_slice(&stream.to_be_bytes());
    into.extend_from_slice(payload);
}

/// The head of a call, each field as a literal (RFC 7541, section 6.2.2).
fn head(to: SocketAddr) -> Vec<u8> {
    let authority = to.to_string();
    let fields = [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", GRPC_PATH),
        (":authority", &*authority),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ];
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        for text in [name, value] {
            assert!(text.len() < 127, "a length of one byte");
            block.push(text.len() as u8);
            block.extend_from_slice(text.as_bytes());
        }
    }
    block
}
