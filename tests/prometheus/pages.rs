//! What is scraped: jobs with the pages that their targets show, one a scrape.

mod faults;
mod keys;
mod openmetrics;
mod text;

use serde_json::{Value, json};

use crate::server::{Answer, Pages};

/// A job of `scrape_configs`.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: String,
    /// What it has beside its name, its target and where that shows its pages; `null` takes one of those away.
    pub(crate) keys: Value,
    pub(crate) pages: Pages,
    /// Weir takes it in strict mode: where Prometheus's own parser fails a scrape, so does that.
    pub(crate) is_strict: bool,
    /// It has a target that is asked for all of its pages.
    pub(crate) is_certain: bool,
    /// Version 2 has not what it is about.
    pub(crate) is_of_version_3: bool,
    /// Its pages say since when something counts. Told to read that, Prometheus does not count those lines as samples.
    pub(crate) states_start: bool,
}

impl Job {
    pub(crate) fn new(name: &str, pages: Pages) -> Self {
        Self {
            name: name.to_owned(),
            keys: json!({}),
            pages,
            is_strict: false,
            is_certain: true,
            is_of_version_3: false,
            states_start: false,
        }
    }

    /// Pages of Prometheus's text format.
    fn text(name: &str, pages: &[&str]) -> Self {
        Self::of(TEXT, name, pages)
    }

    /// Pages of OpenMetrics, to which their end is added.
    fn openmetrics(name: &str, pages: &[&str]) -> Self {
        let pages: Vec<String> = pages.iter().map(|page| format!("{page}# EOF\n")).collect();
        Self::of(OPENMETRICS, name, &pages)
    }

    fn of(content_type: &str, name: &str, pages: &[impl AsRef<str>]) -> Self {
        let answers = pages.iter().map(|page| Answer::page(content_type, page.as_ref())).collect();
        Self::new(name, Pages::Fixed(answers))
    }

    pub(crate) fn keys(self, keys: Value) -> Self {
        Self { keys, ..self }
    }

    fn strict(self) -> Self {
        Self { is_strict: true, ..self }
    }

    pub(crate) fn of_version_3(self) -> Self {
        Self { is_of_version_3: true, ..self }
    }

    pub(crate) fn states_start(self) -> Self {
        Self { states_start: true, ..self }
    }

    pub(crate) fn unasked(self) -> Self {
        Self { is_certain: false, ..self }
    }
}

/// Stands for the address of the server.
pub(crate) const ADDRESS: &str = "ADDRESS";

const TEXT: &str = "text/plain; version=0.0.4; charset=utf-8";
const TEXT_100: &str = "text/plain; version=1.0.0; charset=utf-8";
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// A page of Prometheus's text format.
pub(crate) fn text_page(body: &str) -> Answer {
    Answer::page(TEXT, body)
}

/// Every job of the tables.
pub(crate) fn all() -> Vec<Job> {
    let tables = [text::jobs(), openmetrics::jobs(), keys::jobs(), faults::jobs()];
    tables.into_iter().flatten().collect()
}
