//! `dns_sd_configs`: targets that name servers know. While they do not answer, what they said before stays.

use std::{collections::BTreeMap, time::Duration};

use super::{
    Group, Teller,
    names::{Answer, Resolver},
};
use crate::prometheus::{
    config::{DnsSd, RecordType},
    ingest::Labels,
};

#[derive(Debug)]
pub(in crate::prometheus) struct DnsSource {
    names: Vec<String>,
    record: RecordType,
    port: u16,
    every: Duration,
    /// Where the machine's name servers stand, unless a test says.
    resolver: Option<Resolver>,
}

impl DnsSource {
    pub(super) fn new(config: &DnsSd) -> Self {
        let DnsSd { names, record, port, refresh_interval } = config;
        Self { names: names.clone(), record: *record, port: *port, every: refresh_interval.0, resolver: None }
    }

    /// The same with name servers of one's own.
    #[cfg(test)]
    pub(super) fn with_resolver(self, resolver: Resolver) -> Self {
        Self { resolver: Some(resolver), ..self }
    }

    pub(super) async fn run(self, teller: Teller) {
        let mut known: BTreeMap<&str, Group> = BTreeMap::new();
        let mut is_first = true;
        while !teller.is_over() {
            let mut changed = false;
            // Read each time: it changes where a machine moves between networks.
            let resolver = self.resolver.clone().map_or_else(Resolver::of_system, Ok);
            for name in &self.names {
                let answer = match &resolver {
                    Ok(resolver) => resolver.ask(name, self.record, &teller.context.clock).await,
                    Err(error) => Err(error.clone()),
                };
                match answer {
                    Ok(answers) => {
                        let group = self.group(name, &answers);
                        if known.get(name.as_str()) != Some(&group) {
                            known.insert(name, group);
                            changed = true;
                        }
                    }
                    Err(error) => teller.complain(&format_args!("`{name}`: {error}")),
                }
            }
            if changed || is_first {
                is_first = false;
                teller.tell(known.values().cloned().collect()).await;
            }
            teller.context.clock.sleep(self.every).await;
        }
    }

    fn group(&self, name: &str, answers: &[Answer]) -> Group {
        let target = |answer: &Answer| {
            let (address, label, port) = match answer {
                Answer::Address(address) if address.is_ipv6() => (format!("[{address}]"), None, self.port),
                Answer::Address(address) => (address.to_string(), None, self.port),
                Answer::Service { host, port } => (host.clone(), Some("__meta_dns_srv_record_target"), *port),
                Answer::Mail(host) => (host.clone(), Some("__meta_dns_mx_record_target"), self.port),
                Answer::NameServer(host) => (host.clone(), Some("__meta_dns_ns_record_target"), self.port),
            };
            let mut labels = Labels::new();
            labels.set(super::ADDRESS, &format!("{}:{port}", address.trim_end_matches('.')));
            labels.set("__meta_dns_name", name);
            if let Some(label) = label {
                labels.set(label, &address);
            }
            if let Answer::Service { port, .. } = answer {
                labels.set("__meta_dns_srv_record_port", &port.to_string());
            }
            labels
        };
        Group { targets: answers.iter().map(target).collect(), labels: Labels::new() }
    }
}
