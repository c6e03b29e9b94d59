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

const IDENTITY: &str = r#"{"accountId": "123456789012", "region": "eu-west-1", "availabilityZone": "eu-west-1b",
    "instanceId": "i-0abc", "instanceType": "p5.48xlarge", "imageId": "ami-1", "pendingTime": "2026-11-24T06:00:00Z"}"#;

/// The instance metadata service of an instance with these tags, or of one that shows none.
pub(crate) fn instance(asked: &Asked, tags: Option<&[(&str, &str)]>) -> (u16, String) {
    const TAGS: &str = "GET /latest/meta-data/tags/instance";
    if asked.line == "PUT /latest/api/token" {
        return (200, "a-token".to_owned());
    }
    if asked.headers.get("x-aws-ec2-metadata-token").is_none_or(|token| token != "a-token") {
        return (401, String::new());
    }
    let names = || tags.unwrap_or_default().iter().map(|(name, _)| format!("{name}\n")).collect::<Vec<_>>();
    match asked.line.as_str() {
        "GET /latest/dynamic/instance-identity/document" => (200, IDENTITY.to_owned()),
        "GET /latest/meta-data/hostname" => (200, "ip-10-0-0-7.ec2.internal".to_owned()),
        TAGS if tags.is_some() => (200, names().concat()),
        other => {
            let name = other.strip_prefix(TAGS).and_then(|rest| rest.strip_prefix('/'));
            let value = tags.unwrap_or_default().iter().find(|(tag, _)| Some(*tag) == name);
            value.map_or((404, String::new()), |(_, value)| (200, (*value).to_owned()))
        }
    }
}
