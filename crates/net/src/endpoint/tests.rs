use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::*;

fn tcp(host: &str, port: u16) -> Endpoint {
    Endpoint::Tcp { host: host.to_owned(), port }
}

#[test]
fn addresses_are_read_and_shown_alike() {
    for (text, host, port) in [
        ("localhost:4317", "localhost", 4317),
        (":4317", "", 4317),
        ("0.0.0.0:0", "0.0.0.0", 0),
        ("[::1]:80", "::1", 80),
    ] {
        let endpoint = Endpoint::tcp(text).unwrap();
        assert_eq!(endpoint, tcp(host, port));
        assert_eq!(endpoint.to_string(), text);
    }
    for text in ["localhost", "::1:80", "localhost:99999", "http://localhost:80", "a b:1", "[::1:80", ""] {
        assert_eq!(Endpoint::tcp(text), None, "{text}");
    }
}

fn path(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("weir-net-{}-{name}.sock", std::process::id()))
}

#[tokio::test]
async fn a_unix_socket_carries_bytes_and_goes_with_its_listener() {
    let path = path("carries");
    let socket = Endpoint::Unix(path.clone()).bind().await.unwrap();
    let mut client = tokio::net::UnixStream::connect(&path).await.unwrap();
    let (mut stream, peer) = socket.accept().await.unwrap();
    assert_eq!(peer, None);
    client.write_all(b"hello").await.unwrap();
    let mut said = [0; 5];
    stream.read_exact(&mut said).await.unwrap();
    assert_eq!(&said, b"hello");
    drop(socket);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_socket_that_was_left_behind_is_taken_over_and_one_in_use_is_not() {
    let path = path("left");
    // As a killed process leaves it.
    drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
    assert!(path.exists());
    let socket = Endpoint::Unix(path.clone()).bind().await.unwrap();
    let error = Endpoint::Unix(path.clone()).bind().await.unwrap_err();
    assert!(
        error.to_string().starts_with(&format!("could not listen on unix:{}: ", path.display())),
        "{error}"
    );
    drop(socket);
}

#[tokio::test]
async fn a_file_that_is_no_socket_is_left_alone() {
    let path = path("file");
    fs::write(&path, "precious").unwrap();
    assert!(Endpoint::Unix(path.clone()).bind().await.is_err());
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
}
