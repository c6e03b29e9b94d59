//! Stand-ins for the services that tell where Weir runs: HTTP on loopback, a thread a connection.

use std::{
    collections::BTreeMap,
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

/// What was asked.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Method and path.
    pub(crate) line: String,
    /// Headers by their names in lower case.
    pub(crate) headers: BTreeMap<String, String>,
    pub(crate) body: String,
}

/// A service that answers as it is told to: a status and a text, or never.
pub(crate) struct Service {
    pub(crate) address: SocketAddr,
    asked: Arc<Mutex<Vec<Asked>>>,
}

impl Service {
    pub(crate) fn start(answer: impl Fn(&Asked) -> Option<(u16, String)> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (address, asked) = (listener.local_addr().unwrap(), Arc::<Mutex<Vec<Asked>>>::default());
        let (answer, into) = (Arc::new(answer), Arc::clone(&asked));
        // It ends with the test's process: nothing has to wait for it.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (answer, into) = (Arc::clone(&answer), Arc::clone(&into));
                thread::spawn(move || {
                    let mut stream = BufReader::new(stream);
                    while let Some(asked) = read(&mut stream) {
                        into.lock().unwrap().push(asked.clone());
                        match answer(&asked) {
                            Some((status, text)) => write(stream.get_mut(), status, &text),
                            None => wait_for_the_other_end(&mut stream),
                        }
                    }
                });
            }
        });
        Self { address, asked }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked so far.
    pub(crate) fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }
}

fn read(stream: &mut BufReader<TcpStream>) -> Option<Asked> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let (first, headers) = lines.split_first()?;
    let headers: BTreeMap<String, String> = headers
        .iter()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_lowercase(), value.trim().to_owned()))
        .collect();
    let length = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let line = first.rsplit_once(' ')?.0.to_owned();
    Some(Asked { line, headers, body: String::from_utf8(body).ok()? })
}

fn write(stream: &mut TcpStream, status: u16, text: &str) {
    // A client that has gone does not read it.
    // The second header is what the metadata service says of a token, and nobody minds elsewhere.
    let _ = write!(
        stream,
        "HTTP/1.1 {status} Said\r\nContent-Length: {}\r\nX-Aws-Ec2-Metadata-Token-Ttl-Seconds: 21600\r\n\r\n{text}",
        text.len()
    );
}

fn wait_for_the_other_end(stream: &mut BufReader<TcpStream>) {
    let _ = stream.read(&mut [0]);
}
