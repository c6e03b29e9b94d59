//! The tests: every page of the tables, and those of applications.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use serde_json::{Value, json};

use crate::{
    clients::{self, Application},
    differences::differences,
    folder,
    pages::{self, Job},
    peer,
    scraped::{Both, PROMETHEUS, Peer, WEIR, scrape, until},
    scraper,
    server::Pages,
    whole_server,
};

#[test]
fn what_is_scraped_of_every_page_is_what_prometheus_takes() {
    let test = "differential";
    let Some(program) = peer(scraper::PROGRAM, test) else { return };
    let peer = Peer::Scraper(program);
    let mut jobs = pages::all();
    let names: BTreeSet<String> = jobs.iter().map(|job| job.name.clone()).collect();
    assert_eq!(names.len(), jobs.len(), "two jobs of one name");
    let clients = add_clients(&mut jobs);
    let both = scrape(&peer, test, jobs, |_, _| {});
    drop(clients);

    assert!(both.prometheus.jobs().is_superset(&names.iter().map(String::as_str).collect()));
    println!("{} series, {} samples", both.prometheus.len(), both.prometheus.values());
    assert_differs_as_said(&both);
}

#[test]
fn what_is_scraped_is_what_a_whole_server_of_version_2_takes() {
    let test = "whole server";
    let Some(program) = peer(whole_server::PROGRAM, test) else { return };
    let mut jobs = pages::all();
    let clients = add_clients(&mut jobs);
    jobs.retain(|job| !job.is_of_version_3);
    let Both { weir, prometheus } = scrape(&Peer::WholeServer(program), test, jobs, |_, _| {});
    drop(clients);
    println!("{} series, {} samples", prometheus.len(), prometheus.values());
    assert_differs_as_said(&Both { weir: weir.untyped(), prometheus });
}

/// Everything is the same, but for what the table says of these jobs, and that is as it says.
fn assert_differs_as_said(both: &Both) {
    let jobs = both.prometheus.jobs();
    let in_table = differences().into_iter().flat_map(|difference| difference.jobs);
    let expected: BTreeMap<&str, Vec<String>> = in_table.filter(|(job, _)| jobs.contains(job)).collect();
    let found = both.weir.differences(&both.prometheus);
    let mut text = String::new();
    for job in found.keys().map(String::as_str).chain(expected.keys().copied()).collect::<BTreeSet<_>>() {
        let [expected, found] =
            [expected.get(job), found.get(job)].map(|lines| lines.map_or(&[][..], Vec::as_slice));
        for line in found.iter().filter(|line| !expected.contains(line)) {
            text.push_str(&format!("{job}: found {line}\n"));
        }
        for line in expected.iter().filter(|line| !found.contains(line)) {
            text.push_str(&format!("{job}: not found: {line}\n"));
        }
    }
    assert!(text.is_empty(), "{text}");
}

#[test]
fn every_difference_has_a_reason_and_a_job_of_its_own() {
    let all = differences();
    let jobs: Vec<&str> = all.iter().flat_map(|one| &one.jobs).map(|(job, _)| *job).collect();
    assert_eq!(jobs.iter().collect::<BTreeSet<_>>().len(), jobs.len(), "{jobs:?}");
    assert!(all.iter().all(|one| !one.why.is_empty()));
}

/// The applications, in each format that they have; those that are there.
fn add_clients(jobs: &mut Vec<Job>) -> Vec<Application> {
    const ROUNDS: usize = 3;
    const FORMATS: [(&str, &str); 3] = [
        ("text", "PrometheusText0.0.4"),
        ("text 1.0.0", "PrometheusText1.0.0"),
        ("openmetrics", "OpenMetricsText1.0.0"),
    ];
    let mut applications = Vec::new();
    let mut add = |name: &str, application: Option<Application>, jobs_of: &[(&str, &'static str, Value)]| {
        let Some(application) = application else { return };
        for (format, path, keys) in jobs_of {
            let (address, taken) = (application.address, std::sync::Mutex::default());
            let pages = Pages::Live { address, path, rounds: ROUNDS, taken };
            let job = Job::new(&format!("{name} {format}"), pages).keys(keys.clone());
            // Names of UTF-8 are version 3's; neither node_exporter nor the client for JavaScript has them.
            let is_older = *keys == json!({}) && !["python", "go"].contains(&name);
            let job = if is_older { job } else { job.of_version_3() };
            jobs.push(job.states_start());
        }
        applications.push(application);
    };
    let by_format: Vec<_> = FORMATS
        .iter()
        .map(|(name, format)| (*name, "/metrics", json!({ "scrape_protocols": [format] })))
        .chain([("default", "/metrics", json!({}))])
        .collect();
    add("python", Application::python("the Python client"), &by_format);
    add("node_exporter", Application::node_exporter("node_exporter"), &[("default", "/metrics", json!({}))]);
    let of_javascript = [("text", "/metrics", json!({})), ("openmetrics", "/openmetrics", json!({}))];
    add("javascript", Application::javascript("the JavaScript client"), &of_javascript);
    let native = json!({ "scrape_native_histograms": true });
    let with_classic = json!({ "scrape_native_histograms": true, "always_scrape_classic_histograms": true });
    let protobuf = json!({ "scrape_protocols": ["PrometheusProto"] });
    let of_go: Vec<_> = by_format
        .into_iter()
        .chain([
            ("protobuf", "/metrics", protobuf),
            ("native", "/metrics", native),
            ("both", "/metrics", with_classic),
        ])
        .collect();
    add("go", Application::go("the Go client"), &of_go);
    jobs.push(Job::new("rust", Pages::Fixed(clients::rust(ROUNDS))));
    applications
}

#[test]
fn a_target_that_is_no_longer_discovered_is_stale_with_all_that_it_had() {
    let test = "discovery";
    let Some(program) = peer(scraper::PROGRAM, test) else { return };
    let peer = Peer::Scraper(program);
    let file = folder("targets").join("targets.json");
    let body = "# TYPE c counter\nc 1\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 1\nh_count 1\nh_sum 1\n";
    let page = pages::text_page(body);
    let job = Job::new("leaving", Pages::Fixed(vec![page; 100])).unasked().keys(json!({
        "static_configs": null,
        "file_sd_configs": [{ "files": [file], "refresh_interval": "1s" }],
    }));
    let both = scrape(&peer, test, vec![job], |server, folder| {
        let targets = json!([{ "targets": [server.address.to_string()], "labels": { "zone": "a" } }]);
        fs::write(&file, targets.to_string()).unwrap();
        server.until_asked(&[WEIR, PROMETHEUS], 0, 3);
        fs::write(&file, "[]").unwrap();
        // The marker of `up` is the last that comes.
        for (out, marker) in [("weir.jsonl", "\"flags\":1"), ("prometheus.jsonl", "7ff0000000000002")] {
            until(|| {
                fs::read_to_string(folder.join(out)).is_ok_and(|text| {
                    text.lines()
                        .last()
                        .is_some_and(|line| line.contains(marker) && line.contains("scrape_series_added"))
                })
            });
        }
    });
    // How many scrapes there were before they looked at the file again is theirs.
    let (weir, prometheus) = (both.weir.stale(), both.prometheus.stale());
    assert_eq!(weir, prometheus);
    assert_eq!((weir.len(), both.weir.len()), (9, 9), "all of it, and what is reported about the target");
}
