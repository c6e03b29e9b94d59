//! The admin listener, and other pages, asked as `curl` would.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

use super::LIMIT;

/// The status and body of `path`.
pub(crate) fn get(address: SocketAddr, path: &str) -> (u16, String) {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT).unwrap();
    stream.set_read_timeout(Some(LIMIT)).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: weir\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let status = head.split_whitespace().nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

/// The samples of one metric in Prometheus text: labels as they are written, and values.
pub(super) fn samples(text: &str, name: &str) -> Vec<(String, f64)> {
    let of_name = |line: &str| {
        let rest = line.strip_prefix(name)?;
        let (labels, value) = rest.rsplit_once(' ')?;
        let is_whole_name = labels.is_empty() || labels.starts_with('{');
        is_whole_name.then(|| (labels.to_owned(), value.parse().unwrap()))
    };
    text.lines().filter_map(of_name).collect()
}
