//! A server of pages. Each of those who ask gets the first page of a job first, then the second, and so on, whenever it asks: so all
//! of them see the same at their n-th scrape. When the pages are at an end it answers 503.

use std::{
    collections::BTreeMap,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Condvar, Mutex},
    thread,
};

use crate::LIMIT;

/// One answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    status: u16,
    /// Without a length, which comes from the body.
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    /// How much of it does not come.
    missing: usize,
}

impl Answer {
    pub(crate) fn page(content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        let headers = if content_type.is_empty() { Vec::new() } else { headers };
        Self { status: 200, headers, body: body.into(), missing: 0 }
    }

    pub(crate) fn status(status: u16) -> Self {
        Self { status, headers: Vec::new(), body: b"no metrics here\n".to_vec(), missing: 0 }
    }

    /// The same, saying that its body is coded in some way.
    pub(crate) fn encoded(mut self, encoding: &str) -> Self {
        self.headers.push(("content-encoding".to_owned(), encoding.to_owned()));
        self
    }

    /// The same, broken off before its end.
    pub(crate) fn cut(self) -> Self {
        Self { missing: 10, ..self }
    }

    fn write(&self, stream: &mut TcpStream) {
        let mut answer = format!("HTTP/1.1 {} X\r\nconnection: close\r\n", self.status);
        for (name, value) in &self.headers {
            answer.push_str(&format!("{name}: {value}\r\n"));
        }
        answer.push_str(&format!("content-length: {}\r\n\r\n", self.body.len() + self.missing));
        // Whoever asked may have gone.
        let _ = stream.write_all(answer.as_bytes()).and_then(|()| stream.write_all(&self.body));
    }
}

/// Where pages come from.
#[derive(Debug)]
pub(crate) enum Pages {
    Fixed(Vec<Answer>),
    /// One for everybody, always; what counts is the first time.
    Always(Answer),
    /// Of an application, which is asked once for each round, as the first one asks for it; the next one gets the same.
    Live {
        address: SocketAddr,
        path: &'static str,
        rounds: usize,
        taken: Mutex<Vec<Answer>>,
    },
}

impl Pages {
    pub(crate) fn rounds(&self) -> usize {
        match self {
            Self::Fixed(answers) => answers.len(),
            Self::Always(_) => 1,
            Self::Live { rounds, .. } => *rounds,
        }
    }

    fn answer(&self, round: usize, asked: &Asked) -> Answer {
        match self {
            Self::Always(answer) => answer.clone(),
            _ if round >= self.rounds() => Answer::status(503),
            Self::Fixed(answers) => answers[round].clone(),
            Self::Live { address, path, taken, .. } => {
                let mut taken = taken.lock().unwrap();
                if taken.len() <= round {
                    taken.push(pass_on(*address, path, asked));
                }
                taken[round].clone()
            }
        }
    }
}

/// What a request says of what is wanted, by header.
type Asked = BTreeMap<String, String>;

/// The headers of a scrape that decide what comes back.
const DECIDING: [&str; 3] = ["accept", "accept-encoding", "x-prometheus-scrape-timeout-seconds"];

/// Asks an application.
fn pass_on(address: SocketAddr, path: &str, asked: &Asked) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    let mut request = format!("GET {path} HTTP/1.0\r\nhost: {address}\r\n");
    asked.iter().for_each(|(name, value)| request.push_str(&format!("{name}: {value}\r\n")));
    write!(stream, "{request}\r\n").unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).unwrap();
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let headers =
        headers_of(&head).filter(|(name, _)| name.starts_with("content-") && name != "content-length");
    Answer { status, headers: headers.collect(), body: answer[end + 4..].to_vec(), missing: 0 }
}

fn headers_of(head: &str) -> impl Iterator<Item = (String, String)> {
    let pair =
        |line: &str| line.split_once(": ").map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()));
    head.lines().skip(1).filter_map(pair).collect::<Vec<_>>().into_iter()
}

/// The running server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    state: Arc<State>,
}

struct State {
    pages: Vec<Pages>,
    /// Who has asked for which pages, and how.
    asked: Mutex<BTreeMap<(String, usize), Vec<Asked>>>,
    news: Condvar,
}

impl Server {
    /// Serves pages, each at `/WHO/NUMBER`.
    pub(crate) fn start(pages: Vec<Pages>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(State { pages, asked: Mutex::default(), news: Condvar::new() });
        let of_listener = Arc::clone(&state);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let state = Arc::clone(&of_listener);
                thread::spawn(move || state.serve(stream));
            }
        });
        Self { address, state }
    }

    /// Waits until all of `who` have had all pages of this number, and have asked once more: then they are done with the last one.
    pub(crate) fn until_all_have_had(&self, who: &[&str], number: usize) {
        self.until_asked(who, number, self.state.pages[number].rounds() + 1);
    }

    /// Waits until all of `who` have asked so often.
    pub(crate) fn until_asked(&self, who: &[&str], number: usize, times: usize) {
        let how_often = |asked: &BTreeMap<(String, usize), Vec<Asked>>, who: &str| {
            asked.get(&(who.to_owned(), number)).map_or(0, Vec::len)
        };
        let asked = self.state.asked.lock().unwrap();
        let waits = |asked: &mut BTreeMap<_, _>| who.iter().any(|who| how_often(asked, who) < times);
        let (asked, waited) = self.state.news.wait_timeout_while(asked, LIMIT, waits).unwrap();
        let counts: Vec<_> = who.iter().map(|who| (who, how_often(&asked, who))).collect();
        assert!(!waited.timed_out(), "{number}: asked for {counts:?}, expected {times}");
    }

    /// What each of two asked for must be the same, header by header. How much better a format is than the next is a matter of the
    /// version: that it is counts.
    pub(crate) fn assert_asked_alike(&self, one: &str, other: &str) {
        let asked = self.state.asked.lock().unwrap();
        for ((_, number), of_one) in asked.iter().filter(|((who, _), _)| who == one) {
            let of_other = &asked[&(other.to_owned(), *number)];
            assert_eq!(
                without_weights(&of_one[0]),
                without_weights(&of_other[0]),
                "{number}: {one} and {other}"
            );
        }
    }
}

fn without_weights(asked: &Asked) -> Asked {
    let weightless = |text: &str| {
        let parts = text.split(',').map(|part| part.split(";q=").next().unwrap());
        parts.collect::<Vec<_>>().join(",")
    };
    asked.iter().map(|(name, value)| (name.clone(), weightless(value))).collect()
}

impl State {
    fn serve(&self, mut stream: TcpStream) {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return,
            }
        }
        let head = String::from_utf8(head).unwrap();
        let path = head.split(' ').nth(1).unwrap().split('?').next().unwrap();
        let (who, number) = path.trim_start_matches('/').split_once('/').unwrap();
        let number: usize = number.parse().unwrap();
        let headers: Asked =
            headers_of(&head).filter(|(name, _)| DECIDING.contains(&name.as_str())).collect();
        let round = {
            let mut asked = self.asked.lock().unwrap();
            let of_job = asked.entry((who.to_owned(), number)).or_default();
            of_job.push(headers.clone());
            of_job.len() - 1
        };
        self.news.notify_all();
        self.pages[number].answer(round, &headers).write(&mut stream);
    }
}
