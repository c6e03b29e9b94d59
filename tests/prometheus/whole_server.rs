//! A whole Prometheus server, as Debian packs it, and what its API says that it has. Version 2 has no types of series to tell.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
};

use serde_json::Value;

use crate::{
    scraped::until,
    told::{Key, Kind, Labels, Sample, Told, What, When},
};

/// Names the program.
pub(crate) const PROGRAM: &str = "WEIR_PROMETHEUS";

/// It is running.
pub(crate) struct WholeServer {
    child: Child,
    address: SocketAddr,
}

impl Drop for WholeServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A series in an answer, with its values by milliseconds.
type Values = BTreeMap<Labels, BTreeMap<i64, f64>>;

impl WholeServer {
    /// Starts it with these jobs.
    pub(crate) fn start(program: &str, folder: &Path, config: &Value) -> Self {
        // It takes a port but says none: one that was free a moment ago.
        let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let (file, data) = (folder.join("prometheus.yml"), folder.join("data"));
        // JSON is YAML.
        fs::write(&file, config.to_string()).unwrap();
        let log = fs::File::create(folder.join("prometheus.log")).unwrap();
        let mut command = Command::new(program);
        command.arg(format!("--config.file={}", file.display()));
        command.arg(format!("--storage.tsdb.path={}", data.display()));
        command.arg(format!("--web.listen-address={address}"));
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        let mut server = Self { child: command.spawn().unwrap(), address };
        until(|| {
            assert_eq!(
                server.child.try_wait().unwrap(),
                None,
                "{program} has ended: see {}",
                folder.display()
            );
            get(address, "/-/ready").is_some_and(|(status, _)| status == 200)
        });
        server
    }

    /// What it has.
    pub(crate) fn told(&self) -> Told {
        let samples = self.ask("{__name__!=\"\"}[1h]", None);
        let mut told = Told::default();
        for (up, times) in samples.iter().filter(|(labels, _)| labels["__name__"] == "up") {
            let mut target = up.clone();
            target.remove("__name__");
            self.tell_of(&Arc::new(target), &times.keys().copied().collect::<Vec<_>>(), &samples, &mut told);
        }
        told
    }

    /// The series of a target. A range holds no markers of staleness: what is stale is not there when that time is asked for.
    fn tell_of(&self, target: &Arc<Labels>, scrapes: &[i64], samples: &Values, told: &mut Told) {
        let words = ["job", "instance"].map(|label| format!("{label}={:?}", target[label]));
        let there: Vec<BTreeSet<Labels>> = scrapes
            .iter()
            .map(|time| self.ask(&format!("{{{}}}", words.join(",")), Some(*time)).into_keys().collect())
            .collect();
        let is_its = |labels: &Labels| {
            ["job", "instance"].iter().all(|label| labels.get(*label) == target.get(*label))
        };
        for (labels, values) in samples.iter().filter(|(labels, _)| is_its(labels)) {
            let mut was_there = false;
            for (round, time) in scrapes.iter().enumerate() {
                let is_there = there[round].contains(labels);
                let what = match values.get(time) {
                    Some(value) => What::value(*value),
                    None if was_there && !is_there => What::Stale,
                    None => continue,
                };
                was_there = is_there;
                let key = Key { target: Arc::clone(target), labels: labels.clone() };
                told.take(key, Kind::default(), "", Sample { when: When::Scrape(round), what, start: 0 });
            }
            for (time, value) in values.iter().filter(|(time, _)| !scrapes.contains(time)) {
                let key = Key { target: Arc::clone(target), labels: labels.clone() };
                let stated = Sample { when: When::Stated(*time), what: What::value(*value), start: 0 };
                told.take(key, Kind::default(), "", stated);
            }
        }
    }

    /// Asks a query; an instant one where there is a time.
    fn ask(&self, query: &str, time: Option<i64>) -> Values {
        let mut encoded = String::new();
        query.bytes().for_each(|byte| encoded.push_str(&format!("%{byte:02X}")));
        let time = time.map_or(String::new(), |time| format!("&time={}.{:03}", time / 1000, time % 1000));
        let (status, body) = get(self.address, &format!("/api/v1/query?query={encoded}{time}")).unwrap();
        assert_eq!(status, 200, "{query}: {body}");
        let answer: Value = serde_json::from_str(&body).unwrap();
        let mut values = Values::new();
        for series in answer["data"]["result"].as_array().unwrap() {
            let labels = serde_json::from_value(series["metric"].clone()).unwrap();
            let one = std::slice::from_ref(&series["value"]);
            let all = series["values"].as_array().map_or(one, Vec::as_slice);
            let pair = |pair: &Value| {
                let milliseconds = (pair[0].as_f64().unwrap() * 1000.0).round() as i64;
                (milliseconds, pair[1].as_str().unwrap().parse().unwrap())
            };
            values.insert(labels, all.iter().map(pair).collect());
        }
        values
    }
}

/// The status and body of an answer, if there is one.
fn get(address: SocketAddr, path: &str) -> Option<(u16, String)> {
    let mut stream = TcpStream::connect(address).ok()?;
    write!(stream, "GET {path} HTTP/1.0\r\n\r\n").ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.to_owned()))
}
