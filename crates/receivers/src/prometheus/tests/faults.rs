//! Everything that can go wrong between a target and its points: each has its word, and none costs another target anything.

use std::{io::Write as _, net::SocketAddr};

use flate2::{Compression, write::GzEncoder};
use tokio::io::AsyncWriteExt as _;

use super::harness::{Once, job, nobody, once, peer, says, text};

const BODY: &str = "# TYPE a counter\na 1\n# TYPE b gauge\nb{c=\"d\"} 2.5\n";

/// Scrapes a target once, with more keys of its job.
async fn scraped(target: impl std::fmt::Display, keys: &str) -> Once {
    once(&job(target, keys)).await
}

/// Why the scrape failed, in a word.
async fn why(target: SocketAddr, keys: &str) -> &'static str {
    let once = scraped(target, keys).await;
    assert_eq!((once.value("up"), once.outcomes.len()), (0.0, 1));
    let reason = once.row().reason.unwrap_or_else(|| panic!("{:?} has not failed", once.row()));
    assert_eq!(once.outcomes[reason], 1);
    assert!(once.row().error.as_ref().is_some_and(|error| error.len() > 10), "{:?}", once.row());
    reason
}

fn head(headers: &str) -> String {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n{headers}connection: close\r\n\r\n")
}

fn gzip(body: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap()
}

fn gzipped(body: &[u8]) -> Vec<u8> {
    [head("content-encoding: gzip\r\n").as_bytes(), body].concat()
}

#[tokio::test]
async fn a_scrape_that_succeeds_brings_its_samples_and_says_how_it_went() {
    let once = scraped(says(text(BODY)).await, "extra_scrape_metrics: true").await;
    assert_eq!((once.value("a"), once.value("b"), once.value("up")), (1.0, 2.5, 1.0));
    assert_eq!(once.value("scrape_samples_scraped"), 2.0);
    assert_eq!(once.value("scrape_samples_post_metric_relabeling"), 2.0);
    assert_eq!(once.value("scrape_series_added"), 2.0);
    assert_eq!(once.value("scrape_timeout_seconds"), 5.0);
    assert_eq!(once.value("scrape_sample_limit"), 0.0);
    assert_eq!(once.value("scrape_body_size_bytes"), BODY.len() as f64);
    assert!((0.0..5.0).contains(&once.value("scrape_duration_seconds")));
    assert_eq!((once.row().samples, once.row().reason, once.outcomes["ok"]), (Some(2), None, 1));
    assert_eq!((once.account.taken, once.account.made), (2, 8));
}

#[tokio::test]
async fn nobody_there_and_no_such_name() {
    assert_eq!(why(nobody().await, "").await, "refused");
    assert_eq!(once(&job("name.invalid:80", "")).await.row().reason, Some("unresolved"));
}

#[tokio::test]
async fn answers_that_break_off() {
    assert_eq!(why(says("").await, "").await, "cut");
    let half = head("content-length: 1000\r\n") + BODY;
    let once = scraped(says(half).await, "").await;
    assert_eq!((once.row().reason, once.value("up")), (Some("cut"), 0.0));
    assert!(
        !once.numbers.keys().any(|key| key.starts_with("a{")),
        "half a scrape is none: {:?}",
        once.numbers
    );
    let reset = peer(|mut stream, _| async move {
        let _ = stream.write_all((head("content-length: 1000\r\n") + BODY).as_bytes()).await;
        let _ = stream.set_zero_linger(); // it is reset, not closed
    });
    assert_eq!(why(reset.await, "").await, "cut");
}

#[tokio::test]
async fn answers_that_are_no_success_or_no_metrics() {
    assert_eq!(why(says("HTTP/1.1 500 No\r\ncontent-length: 0\r\n\r\n").await, "").await, "status");
    assert_eq!(why(says("SSH-2.0-OpenSSH_9.6\r\n\r\n").await, "").await, "http");
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\nconnection: close\r\n\r\n<html>";
    assert_eq!(why(says(html).await, "").await, "content_type");
    let none = says(format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{BODY}")).await;
    assert_eq!(why(none, "").await, "content_type");
    let fallback = scraped(none, "fallback_scrape_protocol: PrometheusText0.0.4").await;
    assert_eq!((fallback.value("a"), fallback.value("up")), (1.0, 1.0));
}

#[tokio::test]
async fn compressed_bodies() {
    let good = says(gzipped(&gzip(BODY.as_bytes()))).await;
    let once = scraped(good, "extra_scrape_metrics: true").await;
    assert_eq!((once.value("a"), once.value("scrape_body_size_bytes")), (1.0, BODY.len() as f64));
    let whole = gzip(BODY.as_bytes());
    assert_eq!(why(says(gzipped(&whole[..whole.len() - 9])).await, "").await, "encoding");
    assert_eq!(why(says(gzipped(b"no gzip at all, and long enough to tell")).await, "").await, "encoding");
    let brotli = head("content-encoding: br\r\n") + "x";
    assert_eq!(why(says(brotli).await, "").await, "encoding");
}

#[tokio::test]
async fn a_bomb_ends_at_the_limit_or_is_read_without_being_kept() {
    let comments = gzip("# a comment that compresses well\n".repeat(2_000_000).as_bytes());
    let bomb = says(gzipped(&comments)).await;
    let limited = scraped(bomb, "body_size_limit: 1MB\nextra_scrape_metrics: true").await;
    assert_eq!(limited.row().reason, Some("body_size_limit"));
    assert_eq!(limited.value("scrape_body_size_bytes"), -1.0);
    let read = scraped(bomb, "extra_scrape_metrics: true\nscrape_timeout: 50s").await;
    assert_eq!((read.value("up"), read.value("scrape_body_size_bytes")), (1.0, 66_000_000.0));
}

#[tokio::test]
async fn bodies_that_never_end_and_answers_that_never_come() {
    let endless = peer(|mut stream, _| async move {
        let _ = stream.write_all(head("").as_bytes()).await;
        let mut number = 0_u64;
        while stream.write_all(format!("a{{n=\"{}\"}} 1\n", number % 100).as_bytes()).await.is_ok() {
            number += 1;
        }
    });
    assert_eq!(why(endless.await, "scrape_timeout: 500ms").await, "timeout");
    let silent = peer(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    assert_eq!(why(silent.await, "scrape_timeout: 500ms").await, "timeout");
}

#[tokio::test]
async fn redirects_are_followed_and_loops_are_not() {
    let there = says(text(BODY)).await;
    let moved =
        says(format!("HTTP/1.1 302 Found\r\nlocation: http://{there}/metrics\r\ncontent-length: 0\r\n\r\n"))
            .await;
    assert_eq!(scraped(moved, "").await.value("a"), 1.0);
    assert_eq!(why(moved, "follow_redirects: false").await, "status");
    let in_a_loop = says("HTTP/1.1 307 Again\r\nlocation: /metrics\r\ncontent-length: 0\r\n\r\n").await;
    assert_eq!(why(in_a_loop, "").await, "redirect");
    let signed = says("HTTP/1.1 307 Again\r\nlocation: ?signature=s3cret\r\ncontent-length: 0\r\n\r\n").await;
    let error = scraped(signed, "").await.row().error.clone().unwrap();
    assert!(error.ends_with(&format!("leads to `http://{signed}/metrics`")), "{error}");
}

#[tokio::test]
async fn what_is_shown_of_oneself_is_not_shown_to_whom_a_redirect_leads() {
    let tells = |stream: tokio::net::TcpStream, head: String| {
        let mut stream = stream;
        async move {
            let shown = head.to_ascii_lowercase().contains("authorization: bearer t0ken");
            let _ = stream.write_all(text(&format!("shown {}\n", u8::from(shown))).as_bytes()).await;
        }
    };
    let there = peer(tells).await;
    let token = "authorization: {credentials: t0ken}";
    assert_eq!(scraped(there, token).await.value("shown"), 1.0);
    let leads_to = async |url: String| {
        says(format!("HTTP/1.1 302 Found\r\nlocation: {url}\r\ncontent-length: 0\r\n\r\n")).await
    };
    let moved = leads_to(format!("http://{there}/")).await;
    assert_eq!(scraped(moved, token).await.value("shown"), 1.0, "another port of the same host");
    let by_name = |address: SocketAddr| format!("localhost:{}", address.port());
    assert_eq!(scraped(by_name(moved), token).await.value("shown"), 0.0, "another host");
    // Who has left the host does not come back to it as the same.
    let back = leads_to(format!("http://{}/", by_name(moved))).await;
    assert_eq!(scraped(back, token).await.value("shown"), 0.0);

    // Who wants to see it says so, and the failure says why it was not shown, and nothing of the query.
    let asks = by_name(says("HTTP/1.1 401 Who\r\ncontent-length: 0\r\n\r\n").await);
    let moved = leads_to(format!("http://{asks}/metrics?signature=s3cret")).await;
    let refused = scraped(moved, token).await;
    assert_eq!(refused.row().reason, Some("redirect"));
    assert_eq!(
        refused.row().error.as_deref(),
        Some(&*format!(
            "redirected to `http://{asks}/metrics`, where no credentials are shown: it answered 401 \
             Unauthorized; scrape that URL itself"
        ))
    );
    assert_eq!(why(moved, "").await, "status", "there was nothing to show");
}

#[tokio::test]
async fn limits_fail_the_scrape_that_passes_them() {
    let target = says(text(BODY)).await;
    assert_eq!(why(target, "sample_limit: 1").await, "sample_limit");
    assert_eq!(scraped(target, "sample_limit: 2").await.value("up"), 1.0);
    assert_eq!(why(target, "label_limit: 2").await, "label_limit");
    assert_eq!(why(target, "label_name_length_limit: 3").await, "label_name_length_limit");
    assert_eq!(why(target, "label_value_length_limit: 3").await, "label_value_length_limit");
    let keys = job(target, "target_limit: 1").replace("targets: [", "targets: ['localhost:1', ");
    let once = once(&keys).await;
    assert_eq!(once.rows.iter().map(|row| row.reason).collect::<Vec<_>>(), [Some("target_limit"); 2]);
}

#[tokio::test]
async fn a_bad_line_costs_itself_and_in_strict_mode_the_scrape() {
    let target = says(text("a 1\nb{ 2\nc 3\n")).await;
    let lenient = scraped(target, "").await;
    assert_eq!((lenient.value("a"), lenient.value("c"), lenient.value("up")), (1.0, 3.0, 1.0));
    assert_eq!(lenient.account.refused.values().sum::<u64>(), 1);
    let strict = once(&format!("strict: true\n{}", job(target, ""))).await;
    assert_eq!((strict.row().reason, strict.value("up")), (Some("malformed"), 0.0));
}

#[tokio::test]
async fn one_target_that_hangs_keeps_nobody_waiting() {
    let silent = peer(|stream, _| async move {
        std::future::pending::<()>().await;
        drop(stream);
    });
    let silent = silent.await;
    let good = says(text(BODY)).await;
    let jobs = format!(
        "scrape_configs:\n  - job_name: job\n    scrape_timeout: 2s\n    static_configs:\n      - targets: ['{silent}']\n      - targets: ['{good}']\n"
    );
    let once = once(&jobs).await;
    let by_state = |up: bool| once.rows.iter().find(|row| (row.reason.is_none()) == up).unwrap();
    assert_eq!(by_state(false).reason, Some("timeout"));
    // The other one was through before the first had used up its time.
    assert!(by_state(true).duration < by_state(false).duration);
    assert!(by_state(true).last_scrape.unwrap() < by_state(false).last_scrape.unwrap() + 2.0);
}

#[tokio::test]
async fn equal_targets_are_one_and_dropped_ones_are_shown_as_far_as_asked_for() {
    let good = says(text(BODY)).await;
    let text = format!(
        "scrape_configs:\n  - job_name: job\n    keep_dropped_targets: 1\n    static_configs:\n      - targets: ['{good}', '{good}', 'x:1', 'y:1']\n    relabel_configs: [{{source_labels: [__address__], regex: '[xy]:1', action: drop}}]\n"
    );
    let once = once(&text).await;
    let states: Vec<&str> = once.rows.iter().map(|row| row.state.name()).collect();
    assert_eq!(states, ["up", "dropped"]);
    assert_eq!(once.rows[1].labels["__address__"], "x:1");
    // To Prometheus, none is no limit.
    for none in ["keep_dropped_targets: 0", ""] {
        let all = self::once(&text.replace("keep_dropped_targets: 1", none)).await;
        assert_eq!(all.rows.len(), 3, "{none}");
    }
}
