//! Questions to name servers: the machine's `resolv.conf` says which, and under which domains a short name is looked for.
//!
//! The system's own resolver answers addresses only, and SRV records are what most ask for.

use std::{
    fs,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use simple_dns::{CLASS, Name, Packet, PacketFlag, QCLASS, QTYPE, Question, RCODE, TYPE, rdata::RData};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpStream, UdpSocket},
};
use weir_core::Clock;

use crate::prometheus::{config::RecordType, within};

/// Where name servers are named.
const RESOLV_CONF: &str = "/etc/resolv.conf";
/// How long a server may take to answer (resolv.conf(5)'s default).
const PATIENCE: Duration = Duration::from_secs(5);
/// The largest answer by UDP that is read, in bytes.
const MAX_DATAGRAM: usize = 4096;

/// One record of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Address(IpAddr),
    Service { host: String, port: u16 },
    Mail(String),
    NameServer(String),
}

/// Whom to ask, and for what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Resolver {
    servers: Vec<SocketAddr>,
    search: Vec<String>,
    /// How many dots make a name that is asked for as it is first.
    dots: usize,
}

/// What a server said.
enum Said {
    Found(Vec<Answer>),
    /// There is no such name, or it has no such record.
    Nothing,
}

impl Resolver {
    /// Of this machine.
    pub(super) fn of_system() -> Result<Self, String> {
        let text = fs::read_to_string(RESOLV_CONF).map_err(|error| format!("{RESOLV_CONF}: {error}"))?;
        let resolver = Self::read(&text, 53);
        if resolver.servers.is_empty() { Err(format!("{RESOLV_CONF} names no server")) } else { Ok(resolver) }
    }

    /// Reads a `resolv.conf`.
    pub(super) fn read(text: &str, port: u16) -> Self {
        let mut resolver = Self { servers: Vec::new(), search: Vec::new(), dots: 1 };
        for line in text.lines() {
            let mut words = line.split_whitespace();
            match words.next() {
                Some("nameserver") => {
                    let address = words.next().and_then(|word| word.parse::<IpAddr>().ok());
                    resolver.servers.extend(address.map(|address| SocketAddr::new(address, port)));
                }
                Some("search" | "domain") => resolver.search = words.map(str::to_owned).collect(),
                Some("options") => {
                    let mut dots = words.filter_map(|word| word.strip_prefix("ndots:")?.parse().ok());
                    resolver.dots = dots.next_back().unwrap_or(resolver.dots);
                }
                _ => {}
            }
        }
        resolver
    }

    /// The full names that `name` may stand for, in the order in which they are tried.
    fn candidates(&self, name: &str) -> Vec<String> {
        if name.ends_with('.') {
            return vec![name.to_owned()];
        }
        let searched = self.search.iter().map(|domain| format!("{name}.{}.", domain.trim_matches('.')));
        let whole = format!("{name}.");
        if name.matches('.').count() >= self.dots {
            std::iter::once(whole).chain(searched).collect()
        } else {
            searched.chain(std::iter::once(whole)).collect()
        }
    }

    /// The records of `name`: none where no candidate has any.
    pub(super) async fn ask(
        &self,
        name: &str,
        record: RecordType,
        clock: &Clock,
    ) -> Result<Vec<Answer>, String> {
        let mut trouble = None;
        for candidate in self.candidates(name) {
            match self.ask_all(&candidate, record, clock).await {
                Ok(Said::Found(answers)) => return Ok(answers),
                Ok(Said::Nothing) => {}
                Err(error) => trouble = Some(error),
            }
        }
        trouble.map_or(Ok(Vec::new()), Err)
    }

    /// The first server that has an answer decides.
    async fn ask_all(&self, name: &str, record: RecordType, clock: &Clock) -> Result<Said, String> {
        let mut trouble = "no name server is known".to_owned();
        for (at, server) in self.servers.iter().enumerate() {
            let id = u16::try_from(clock.now().0 % 0xFFFF).unwrap_or(0).wrapping_add(at as u16);
            match within(clock, PATIENCE, ask_one(*server, name, record, id)).await {
                Some(Ok(said)) => return Ok(said),
                Some(Err(error)) => trouble = format!("{server}: {error}"),
                None => trouble = format!("{server}: no answer within {PATIENCE:?}"),
            }
        }
        Err(trouble)
    }
}

async fn ask_one(server: SocketAddr, name: &str, record: RecordType, id: u16) -> Result<Said, String> {
    let mut query = Packet::new_query(id);
    query.set_flags(PacketFlag::RECURSION_DESIRED);
    let kind = match record {
        RecordType::Srv => TYPE::SRV,
        RecordType::A => TYPE::A,
        RecordType::Aaaa => TYPE::AAAA,
        RecordType::Mx => TYPE::MX,
        RecordType::Ns => TYPE::NS,
    };
    let asked = Name::new(name.trim_end_matches('.')).map_err(|error| error.to_string())?;
    query.questions.push(Question::new(asked, QTYPE::TYPE(kind), QCLASS::CLASS(CLASS::IN), false));
    let query = query.build_bytes_vec().map_err(|error| error.to_string())?;
    let by_udp = udp(server, &query, id).await.map_err(|error| error.to_string())?;
    if let Some(said) = read(&by_udp, record)? {
        return Ok(said);
    }
    let by_tcp = tcp(server, &query).await.map_err(|error| error.to_string())?;
    read(&by_tcp, record)?.ok_or_else(|| "its answer is cut short".to_owned())
}

async fn udp(server: SocketAddr, query: &[u8], id: u16) -> std::io::Result<Vec<u8>> {
    let any: SocketAddr = match server {
        SocketAddr::V4(_) => (Ipv4Addr::UNSPECIFIED, 0).into(),
        SocketAddr::V6(_) => (Ipv6Addr::UNSPECIFIED, 0).into(),
    };
    let socket = UdpSocket::bind(any).await?;
    socket.connect(server).await?;
    socket.send(query).await?;
    let mut answer = vec![0; MAX_DATAGRAM];
    loop {
        let length = socket.recv(&mut answer).await?;
        // Whatever answers another question is not for us.
        if answer[..length].starts_with(&id.to_be_bytes()) {
            answer.truncate(length);
            return Ok(answer);
        }
    }
}

async fn tcp(server: SocketAddr, query: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(server).await?;
    let length = u16::try_from(query.len()).map_err(std::io::Error::other)?;
    stream.write_all(&length.to_be_bytes()).await?;
    stream.write_all(query).await?;
    let length = stream.read_u16().await?;
    let mut answer = vec![0; usize::from(length)];
    stream.read_exact(&mut answer).await?;
    Ok(answer)
}

/// `None` for an answer that is cut short.
fn read(answer: &[u8], record: RecordType) -> Result<Option<Said>, String> {
    let packet = Packet::parse(answer).map_err(|error| format!("its answer is malformed: {error}"))?;
    if packet.has_flags(PacketFlag::TRUNCATION) {
        return Ok(None);
    }
    match packet.rcode() {
        RCODE::NoError => {}
        RCODE::NameError => return Ok(Some(Said::Nothing)),
        other => return Err(format!("it answered {other:?}")),
    }
    let answers = packet.answers.iter().filter_map(|found| match (&found.rdata, record) {
        (RData::SRV(service), RecordType::Srv) => {
            Some(Answer::Service { host: full(&service.target), port: service.port })
        }
        (RData::A(a), RecordType::A) => Some(Answer::Address(Ipv4Addr::from_bits(a.address).into())),
        (RData::AAAA(a), RecordType::Aaaa) => Some(Answer::Address(Ipv6Addr::from_bits(a.address).into())),
        (RData::MX(mail), RecordType::Mx) => Some(Answer::Mail(full(&mail.exchange))),
        (RData::NS(server), RecordType::Ns) => Some(Answer::NameServer(full(&server.0))),
        _ => None, // an alias on the way
    });
    let answers: Vec<Answer> = answers.collect();
    Ok(Some(if answers.is_empty() { Said::Nothing } else { Said::Found(answers) }))
}

/// A name with the dot at its end, as Prometheus's labels have it.
fn full(name: &Name<'_>) -> String {
    format!("{name}.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_name_is_looked_for_in_the_domains_of_resolv_conf() {
        let text = "# comment\nnameserver 10.0.0.2\nnameserver fe80::1%eth0\nnameserver ::1\nsearch a.svc b.\noptions timeout:1 ndots:2\n";
        let resolver = Resolver::read(text, 53);
        assert_eq!(resolver.servers, ["10.0.0.2:53".parse().unwrap(), "[::1]:53".parse().unwrap()]);
        assert_eq!(resolver.candidates("app"), ["app.a.svc.", "app.b.", "app."]);
        assert_eq!(
            resolver.candidates("_http._tcp.app"),
            ["_http._tcp.app.", "_http._tcp.app.a.svc.", "_http._tcp.app.b."]
        );
        assert_eq!(resolver.candidates("app.x."), ["app.x."]);
    }
}
