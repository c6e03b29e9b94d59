//! TCP sockets, asked of the kernel over netlink (sock_diag(7), netlink(7)).
//!
//! For each of `/proc/net/tcp` and `tcp6` the kernel walks its whole table of connections, and asks itself at each place, most of which are
//! empty, whether somebody else should run. For an answer it passes by empty ones, and gives both versions of IP in one walk:
//! docs/benchmarks.md has both times.

use std::{io, os::fd::OwnedFd};

use rustix::net::{
    AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, connect,
    netlink::{SOCK_DIAG, SocketAddrNetlink},
    recv, send, socket_with,
};

use super::tcp::Socket;

/// `TCPDIAG_GETSOCK`. Its successor, `SOCK_DIAG_BY_FAMILY`, walks the table for one version of IP only.
const GET_SOCKETS: u16 = 18;
/// `NLM_F_REQUEST` and `NLM_F_DUMP`: all that there are.
const ALL_FLAGS: u16 = 0x301;
/// `NLMSG_ERROR` and `NLMSG_DONE`.
const FAILED: u16 = 2;
const DONE: u16 = 3;

/// `struct nlmsghdr`: length, type, flags, sequence, port.
const HEADER_BYTES: usize = 16;
/// A header and a `struct inet_diag_req`.
const REQUEST_BYTES: usize = HEADER_BYTES + 60;
/// Where in a request the states stand that are asked for.
const STATES_AT: usize = HEADER_BYTES + 52;
/// `TCP_ESTABLISHED` to `TCP_NEW_SYN_RECV`, 1 to 12, a bit each.
const EVERY_STATE: u32 = 0x1ffe;
/// `struct inet_diag_msg`, of which the address family, the state, and from 4 to 40 ports and addresses are read.
const SOCKET_BYTES: usize = 72;
/// The kernel gives at most so much at a time (`netlink_recvmsg`).
const ANSWER_BYTES: usize = 32 << 10;

/// Asks the kernel. After an error it is not to be asked again: what it still had to say would be taken for another answer.
#[derive(Debug, Default)]
pub(super) struct SockDiag {
    socket: Option<OwnedFd>,
    answer: Vec<u8>,
    sequence: u32,
}

impl SockDiag {
    /// Asks whoever is at the other end of `socket`.
    #[cfg(test)]
    pub(super) fn over(socket: OwnedFd) -> Self {
        Self { socket: Some(socket), answer: vec![0; ANSWER_BYTES], sequence: 0 }
    }

    /// Gives each socket of the network that this process is in to `each`.
    pub(super) fn each(&mut self, mut each: impl FnMut(&Socket<'_>)) -> io::Result<()> {
        let Self { socket, answer, sequence } = self;
        let socket = match socket {
            Some(socket) => socket,
            None => {
                answer.resize(ANSWER_BYTES, 0);
                socket.insert(open()?)
            }
        };
        *sequence = sequence.wrapping_add(1);
        send(&*socket, &request(*sequence), SendFlags::empty())?;
        loop {
            // With `TRUNC` the length is that of the whole, which may be more than there was room for.
            let (_, length) = recv(&*socket, &mut answer[..], RecvFlags::TRUNC)?;
            let datagram = answer.get(..length).filter(|datagram| !datagram.is_empty());
            if read(datagram.ok_or_else(unknown)?, *sequence, &mut each)? {
                return Ok(());
            }
        }
    }
}

/// A socket that never waits: the kernel has its answer ready when it is asked. Connected to the kernel, it gets messages of nobody else.
fn open() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, Some(SOCK_DIAG))?;
    connect(&socket, &SocketAddrNetlink::new(0, 0))?;
    Ok(socket)
}

/// What is not set asks for any: version, port, address.
fn request(sequence: u32) -> [u8; REQUEST_BYTES] {
    let mut request = [0; REQUEST_BYTES];
    request[..4].copy_from_slice(&(REQUEST_BYTES as u32).to_ne_bytes());
    request[4..6].copy_from_slice(&GET_SOCKETS.to_ne_bytes());
    request[6..8].copy_from_slice(&ALL_FLAGS.to_ne_bytes());
    request[8..12].copy_from_slice(&sequence.to_ne_bytes());
    request[STATES_AT..STATES_AT + 4].copy_from_slice(&EVERY_STATE.to_ne_bytes());
    request
}

/// Reads a part of the answer to the request `sequence`, a message a socket; answers whether it was the last part.
pub(super) fn read(
    mut datagram: &[u8],
    sequence: u32,
    mut each: impl FnMut(&Socket<'_>),
) -> io::Result<bool> {
    while !datagram.is_empty() {
        let length =
            number(datagram, 0).and_then(|length| usize::try_from(length).ok()).ok_or_else(unknown)?;
        let body = datagram.get(HEADER_BYTES..length).ok_or_else(unknown)?;
        if number(datagram, 8) != Some(sequence) {
            return Err(unknown());
        }
        match u16::from_ne_bytes([datagram[4], datagram[5]]) {
            GET_SOCKETS => each(&socket(body).ok_or_else(unknown)?),
            DONE => return failure(body).map_or(Ok(true), Err),
            FAILED => return Err(failure(body).unwrap_or_else(unknown)),
            _ => return Err(unknown()),
        }
        // Messages begin at multiples of four.
        datagram = datagram.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(false)
}

fn socket(body: &[u8]) -> Option<Socket<'_>> {
    let body = body.get(..SOCKET_BYTES)?;
    Some(Socket { family: body[0], state: body[1], addresses: [&body[4..8], &body[8..40]] })
}

/// What went wrong: the negative of one of the kernel's numbers of errors.
fn failure(body: &[u8]) -> Option<io::Error> {
    let number = number(body, 0)?.cast_signed();
    (number < 0).then(|| io::Error::from_raw_os_error(number.saturating_neg()))
}

fn number(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|number| u32::from_ne_bytes(*number))
}

fn unknown() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "its answer is not in the form of sock_diag")
}
