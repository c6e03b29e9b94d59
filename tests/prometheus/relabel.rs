//! Relabelling as nobody would write it: the same random steps, on targets and on series, in both.

use serde_json::{Value, json};

use crate::{
    pages::{ADDRESS, Job, text_page},
    peer,
    scraped::{Both, Peer, scrape},
    scraper::PROGRAM,
    server::Pages,
};

/// How many jobs, each with steps of its own for its three targets and for their series.
const JOBS: u64 = 200;

/// Numbers that are the same on every run (SplitMix64).
struct Random(u64);

impl Random {
    fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[usize::try_from(self.bits() % all.len() as u64).unwrap()]
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.bits().is_multiple_of(many)
    }
}

const PAGE: &str = "\
plain 1\n# TYPE requests_total counter\nrequests_total{code=\"200\",path=\"/a/b\"} 2\n\
requests_total{code=\"404\",path=\"/a-b\",zone=\"eu-west-1a\"} 3\nrequests_total{code=\"Foo\",m=\"FOO;bar\"} 4\n\
mixed_Case{path=\"ÄÖ ß İ ſ\",code=\"\"} 5\nmixed_Case{m=\"a\\nb\",n=\"line\\n\"} 6\nother:name{a=\"$1\",b=\"${x}\",m=\"foo\"} 7\n";

/// Labels that steps look at and set. Some are there, some are not, some are the target's.
const LABELS: [&str; 12] =
    ["a", "b", "code", "path", "zone", "m", "n", "new", "__tmp", "dotted.name", "host", "exported_zone"];

const EXPRESSIONS: [&str; 30] = [
    "(.*)",
    "(.+)",
    "",
    "foo",
    "(?i)foo",
    "[a-z]+",
    "([a-z]+)-(.*)",
    "(.*);(.*)",
    "\\d+",
    "(\\w+).*",
    "a|b|code",
    "(?:a|zone)",
    "(.)(.)(.*)",
    "(?P<x>[^-]*)-?.*",
    "/(?P<x>.*)",
    ".*[[:digit:]]{1,3}.*",
    "[^a]*",
    "\\p{Lu}.*",
    "(?s).*",
    "a.b",
    "^foo$",
    "(a*)*",
    "eu-(west|east)-[1-3][a-c]?",
    "\\Qa.b\\E",
    "\\$1",
    "(.*)/(.*)",
    "(?U)(.+)(.*)",
    "[\\d-]+",
    "200|404",
    "(x)?(.*)",
];

const REPLACEMENTS: [&str; 18] = [
    "$1",
    "${1}",
    "$2",
    "${1}_${2}",
    "$1x",
    "$0",
    "",
    "literal",
    "$$",
    "$$1",
    "$x",
    "${x}",
    "pre-$1-post",
    "$9",
    "$",
    "é",
    "$1$1",
    "$_",
];

const TARGETS: [&str; 6] = ["$1", "${1}_l", "l_$2", "new", "host", "a"];

impl Random {
    /// A step. It leaves every series its name, and every target its address.
    fn step(&mut self) -> Value {
        let target = self.one_of(&LABELS);
        let actions = [
            "replace",
            "replace",
            "replace",
            "replace",
            "keep",
            "drop",
            "keepequal",
            "dropequal",
            "hashmod",
            "labelmap",
            "labeldrop",
            "labelkeep",
            "lowercase",
            "uppercase",
        ];
        let action = self.one_of(&actions);
        let source: Vec<&str> = (0..=self.bits() % 3).map(|_| self.one_of(&LABELS)).collect();
        let regex = self.one_of(&EXPRESSIONS);
        let mut step = match action {
            "labeldrop" => {
                json!({ "regex": self.one_of(&["a|b", "[a-z]", "new|__tmp", "exported_.*", "dotted.name", "m|n|host", "path"]) })
            }
            "labelkeep" => {
                json!({ "regex": self.one_of(&["__.*|job|instance|[a-n].*", "__.*|.*e.*|job", "(?i)__.*|[A-Z]+.*"]) })
            }
            // No two labels to one: which of them wins is nowhere said.
            "labelmap" => {
                let (regex, replacement) = self.one_of(&[
                    ("(.)", "mapped_$1"),
                    ("(a|b|code)", "${1}_m"),
                    ("([a-z])(.+)", "${1}_$2"),
                    ("exported_(.*)", "$1"),
                    ("(zo)(ne)", "$2.$1x"),
                    ("host", "fixed"),
                ]);
                json!({ "regex": regex, "replacement": replacement })
            }
            "keep" | "drop" => json!({ "source_labels": source, "regex": regex }),
            "hashmod" => json!({
                "source_labels": source,
                "target_label": target,
                "modulus": self.one_of(&[1, 2, 7, 1000, u64::MAX, 1 << 63]),
            }),
            "lowercase" | "uppercase" | "keepequal" | "dropequal" => {
                json!({ "source_labels": source, "target_label": target })
            }
            _ => {
                let target = if self.one_in(3) { self.one_of(&TARGETS) } else { target };
                let mut step = json!({ "source_labels": source, "target_label": target });
                if !self.one_in(4) {
                    step["regex"] = json!(regex);
                }
                if !self.one_in(4) {
                    step["replacement"] = json!(self.one_of(&REPLACEMENTS));
                }
                step
            }
        };
        if action != "replace" || self.one_in(2) {
            step["action"] = json!(action);
        }
        if ["replace", "keep", "drop", "hashmod", "lowercase"].contains(&action) && self.one_in(3) {
            step["separator"] = json!(self.one_of(&["", "-", ";", "/", "::", "é"]));
        }
        step
    }

    fn steps(&mut self) -> Vec<Value> {
        (0..self.bits() % 5).map(|_| self.step()).collect()
    }

    fn job(&mut self, number: u64) -> Job {
        let group = |labels: Value| json!({ "targets": [ADDRESS], "labels": labels });
        let groups = [
            group(json!({ "zone": "eu-west-1a", "host": "a-b", "which": "1" })),
            group(json!({ "a": "foo", "b": "FOO", "__tmp": "x;y", "path": "/a/b", "which": "2" })),
            group(json!({ "m": "Größe", "n": "line\n", "code": "404", "dotted.name": "a.b", "which": "3" })),
        ];
        let mut of_targets = self.steps();
        // Left on targets the one would tell two apart that have the same series; and Prometheus loses the other on what it reports.
        of_targets.push(json!({ "action": "labeldrop", "regex": "__tmp|exported_.*" }));
        // How many of the targets are left nobody knows before.
        Job::new(&format!("random {number}"), Pages::Always(text_page(PAGE))).unasked().keys(json!({
            "static_configs": groups,
            "relabel_configs": of_targets,
            "metric_relabel_configs": self.steps(),
            "honor_labels": self.one_in(4),
            // Six hundred targets, all scraped once: on a busy machine too.
            "scrape_interval": "8s",
            "scrape_timeout": "8s",
        }))
    }
}

#[test]
fn random_steps_call_targets_and_series_the_same_and_leave_out_the_same() {
    let test = "random relabelling";
    let Some(program) = peer(PROGRAM, test) else { return };
    let mut random = Random(9);
    let mut jobs: Vec<Job> = (0..JOBS).map(|number| random.job(number)).collect();
    // When a job of the same interval is scraped the second time, all others have been scraped once.
    let interval = json!({ "scrape_interval": "8s", "scrape_timeout": "8s" });
    jobs.push(Job::new("clock", Pages::Fixed(vec![text_page(PAGE)])).keys(interval));
    let Both { weir, prometheus } = scrape(&Peer::Scraper(program), test, jobs, |_, _| {});
    println!("{} series, {} samples", prometheus.len(), prometheus.values());
    assert!(prometheus.len() > 2000 && prometheus.jobs().len() > 150, "{}", prometheus.len());
    let found = weir.differences(&prometheus);
    assert!(found.is_empty(), "{found:#?}");
}
