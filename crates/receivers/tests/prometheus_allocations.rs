//! Zero allocations for a known line of a scrape: what a scrape allocates is the same for ten lines and for thousands.
#![allow(clippy::unwrap_used, reason = "a test")]

use std::{fmt::Write as _, sync::Arc};

use weir_counting_alloc::{Counting, allocations, peak};
use weir_exposition::Format;
use weir_receivers::prometheus::ingest::{Identity, Settings, Target};
use weir_testkit::{Fixture, START, seconds};

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

/// Pieces as they come from a socket.
const PIECE: usize = 16 * 1024;

/// A page of numbers: counters and gauges with labels, under metadata.
fn numbers(lines: usize, value: usize) -> String {
    let mut page = String::from("# HELP requests_total How many.\n# TYPE requests_total counter\n");
    for line in 0..lines {
        if line == lines / 2 {
            page.push_str("# HELP queue How long.\n# TYPE queue gauge\n");
        }
        let name = if line < lines / 2 { "requests_total" } else { "queue" };
        writeln!(page, "{name}{{route=\"/orders/{line}\",code=\"200\"}} {value}.5").unwrap();
    }
    page
}

/// A page of histograms and summaries.
fn assemblies(metrics: usize, value: usize) -> String {
    let mut page = String::from("# TYPE h histogram\n");
    for n in 0..metrics {
        for bound in ["0.1", "1", "+Inf"] {
            writeln!(page, "h_bucket{{n=\"{n}\",le=\"{bound}\"}} {value}").unwrap();
        }
        writeln!(page, "h_sum{{n=\"{n}\"}} 1\nh_count{{n=\"{n}\"}} {value}").unwrap();
    }
    page.push_str("# TYPE s summary\n");
    for n in 0..metrics {
        writeln!(
            page,
            "s{{n=\"{n}\",quantile=\"0.5\"}} 1\ns_sum{{n=\"{n}\"}} 1\ns_count{{n=\"{n}\"}} {value}"
        )
        .unwrap();
    }
    page
}

fn target() -> Target {
    let labels = [("job", "shop"), ("instance", "i")].into_iter().collect();
    let identity = Identity { labels, ..Identity::default() };
    Target::new(Fixture::new().doors.open("prometheus"), identity, Arc::new(Settings::default()))
}

fn scrape(target: &mut Target, page: &str, second: u64) -> u64 {
    let mut body = target.begin(seconds(START + second), Format::Text004);
    page.as_bytes().chunks(PIECE).for_each(|piece| body.feed(piece).unwrap());
    let scraped = body.finish().unwrap();
    assert!(scraped.refused.is_empty());
    scraped.points()
}

/// What the fourth scrape of a page allocates, and its points.
fn known(page: impl Fn(usize) -> String) -> (u64, u64) {
    let mut target = target();
    for second in 1..4 {
        scrape(&mut target, &page(second as usize), second);
    }
    let page = page(4);
    allocations(|| scrape(&mut target, &page, 4))
}

#[test]
fn a_known_line_costs_no_allocation() {
    let [ten, thousand, eight_thousand] = [10, 1000, 8000].map(|lines| {
        let (count, points) = known(|value| numbers(lines, value));
        assert_eq!(points, lines as u64);
        count
    });
    // Beyond a piece, the start of a line is held: one buffer.
    assert!(thousand <= ten + 12 && eight_thousand <= ten + 12, "{ten}, {thousand} and {eight_thousand}");
    assert!((1..=20).contains(&ten), "{ten} allocations a scrape");
}

#[test]
fn histograms_and_summaries_of_known_lines_cost_the_growth_of_their_lists() {
    let [ten, thousand] = [10, 1000].map(|metrics| {
        let (count, points) = known(|value| assemblies(metrics, value));
        assert_eq!(points, 2 * metrics as u64);
        count
    });
    // Four lists of the batch double as they grow: seven times more to a hundred times as many.
    assert!(thousand - ten <= 4 * 8 + 12, "{ten} and {thousand}");
}

#[test]
fn the_body_is_never_held() {
    let mut target = target();
    let lines = 20_000;
    for second in 1..3 {
        scrape(&mut target, &numbers(lines, second as usize), second);
    }
    let page = numbers(lines, 9);
    let (bytes, points) = peak(|| scrape(&mut target, &page, 9));
    // 40 bytes a point, in batches that are made for 8192; a line of this page has 50, and a long one changes nothing.
    assert!(bytes < points * 40 + 500_000, "{bytes} bytes for {points} points");
    let padded = page.replace("route=\"/orders/7\"", &format!("route=\"{}\"", "x".repeat(500_000)));
    scrape(&mut target, &padded, 10);
    let (bytes, _) = peak(|| scrape(&mut target, &padded, 11));
    assert!(bytes < points * 40 + 500_000 + 1_100_000, "{bytes} bytes with a line of 500,000");
}
