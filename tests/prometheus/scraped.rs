//! One go: the same jobs, scraped by Weir and by a peer.

use std::{
    collections::{BTreeSet, HashMap},
    path::Path,
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::{
    LIMIT, folder,
    pages::{ADDRESS, Job},
    scraper::Scraper,
    server::{Pages, Server},
    told::{Labels, Told},
    weir::Weir,
    whole_server::WholeServer,
};

/// Who scrapes.
pub(crate) const WEIR: &str = "weir";
pub(crate) const PROMETHEUS: &str = "prometheus";

/// How often. A scrape may take as long: on a busy machine too none is cut short.
const INTERVAL: &str = "2s";

/// The peer, by its program.
pub(crate) enum Peer {
    /// Version 3's own scraping.
    Scraper(String),
    /// A whole server.
    WholeServer(String),
}

enum Running {
    Scraper(Scraper),
    WholeServer(WholeServer),
}

/// What both took of some jobs.
pub(crate) struct Both {
    pub(crate) weir: Told,
    pub(crate) prometheus: Told,
}

/// Scrapes all pages of `jobs` with both. While they do, `meanwhile` may look at what they have taken so far.
pub(crate) fn scrape(
    peer: &Peer,
    name: &str,
    jobs: Vec<Job>,
    meanwhile: impl FnOnce(&Server, &Path),
) -> Both {
    let folder = folder(name);
    let rounds: HashMap<String, usize> =
        jobs.iter().map(|job| (job.name.clone(), job.pages.rounds())).collect();
    let (configs, pages): (Vec<Config>, Vec<Pages>) = jobs.into_iter().map(Config::of).unzip();
    let server = Server::start(pages);

    let jobs_of = |who: &str, are_strict: &[bool]| {
        let numbered = configs.iter().enumerate();
        let of_these = numbered.filter(|(_, config)| are_strict.contains(&config.is_strict));
        let jobs: Vec<Value> =
            of_these.map(|(number, config)| config.keys_for(who, number, &server)).collect();
        json!({ "global": { "scrape_interval": INTERVAL, "scrape_timeout": INTERVAL }, "scrape_configs": jobs })
    };
    let mut receivers = vec![("", json!({ "config": jobs_of(WEIR, &[false]) }))];
    if configs.iter().any(|config| config.is_strict) {
        receivers.push(("/strict", json!({ "strict": true, "config": jobs_of(WEIR, &[true]) })));
    }
    let weir = Weir::start(&folder, &receivers);
    let of_all = jobs_of(PROMETHEUS, &[false, true]);
    let prometheus = match peer {
        Peer::Scraper(program) => Running::Scraper(Scraper::start(program, &folder, &of_all)),
        Peer::WholeServer(program) => Running::WholeServer(WholeServer::start(program, &folder, &of_all)),
    };

    meanwhile(&server, &folder);
    for (number, _) in configs.iter().enumerate().filter(|(_, config)| config.is_certain) {
        server.until_all_have_had(&[WEIR, PROMETHEUS], number);
    }
    let prometheus = match prometheus {
        Running::Scraper(scraper) => {
            server.assert_asked_alike(PROMETHEUS, WEIR);
            scraper.end()
        }
        // Older formats are what it asks for.
        Running::WholeServer(whole) => whole.told(),
    };
    // A target of a job that is none is one that relabelling calls so: it has one page.
    let within = |target: &Labels| target.get("job").and_then(|job| rounds.get(job)).copied().unwrap_or(1);
    let states_start: BTreeSet<&str> =
        configs.iter().filter(|config| config.states_start).map(|config| config.name.as_str()).collect();
    let in_question = |told: Told| told.within(within).without_counts_of(&states_start);
    Both { weir: in_question(weir.end()), prometheus: in_question(prometheus) }
}

/// A job without its pages.
struct Config {
    name: String,
    keys: Value,
    is_strict: bool,
    is_certain: bool,
    states_start: bool,
}

impl Config {
    fn of(job: Job) -> (Self, Pages) {
        let Job { name, keys, pages, is_strict, is_certain, states_start, .. } = job;
        (Self { name, keys, is_strict, is_certain, states_start }, pages)
    }

    /// As `scrape_configs` have it.
    fn keys_for(&self, who: &str, number: usize, server: &Server) -> Value {
        let mut keys = json!({
            "job_name": self.name,
            "metrics_path": format!("/{who}/{number}"),
            "static_configs": [{ "targets": [ADDRESS] }],
        });
        let map = keys.as_object_mut().unwrap();
        map.extend(self.keys.as_object().unwrap().clone());
        map.retain(|_, value| !value.is_null());
        let mut text = keys.to_string();
        if who == WEIR {
            // Its configuration has variables: where a dollar would be one, it is doubled (docs/configuration.md).
            text = text.replace("$$", "$$$$").replace("${x}", "$${x}");
        }
        let text = text.replace(&format!("\"{ADDRESS}\""), &format!("\"{}\"", server.address));
        serde_json::from_str(&text).unwrap()
    }
}

/// Waits until it is so.
pub(crate) fn until(mut is_so: impl FnMut() -> bool) {
    const OFTEN: Duration = Duration::from_millis(50);
    for _ in 0..LIMIT.as_millis() / OFTEN.as_millis() {
        if is_so() {
            return;
        }
        thread::sleep(OFTEN);
    }
    panic!("not within {LIMIT:?}");
}
