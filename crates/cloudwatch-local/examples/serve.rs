//! Serves a local CloudWatch until Ctrl-C, for a person with the AWS CLI:
//!
//! ```text
//! cargo run -p weir-cloudwatch-local --example serve -- 127.0.0.1:4580
//! export AWS_ACCESS_KEY_ID=any AWS_SECRET_ACCESS_KEY=any AWS_DEFAULT_REGION=us-east-1
//! aws --endpoint-url http://127.0.0.1:4580 cloudwatch list-metrics
//! ```
//!
//! The address is optional; without it a free port is taken.

#![allow(clippy::print_stdout, reason = "an example for a terminal")]

use std::{
    net::SocketAddr,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use weir_cloudwatch_local::{CloudWatchLocal, Options};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let addr: SocketAddr = std::env::args().nth(1).as_deref().unwrap_or("127.0.0.1:0").parse()?;
    let server = CloudWatchLocal::bind(addr, Options::new(Arc::new(unix_nanos))).await?;
    println!("a local CloudWatch is listening; stop it with Ctrl-C\n");
    println!("aws --endpoint-url {} cloudwatch list-metrics", server.endpoint());
    tokio::signal::ctrl_c().await?;

    let counters = server.counters();
    println!("\n{} requests, {} datums, {} samples", counters.requests, counters.datums, counters.samples);
    for series in server.store().series() {
        let dimensions: Vec<_> =
            series.metric.dimensions.iter().map(|d| format!("{}={}", d.name, d.value)).collect();
        println!(
            "{} {} {{{}}} {}: {} samples, sum {}",
            series.metric.namespace,
            series.metric.name,
            dimensions.join(","),
            series.unit,
            series.total_count,
            series.total_sum,
        );
    }
    server.shutdown().await;
    Ok(())
}

#[allow(clippy::disallowed_methods, reason = "an example has no context to take a clock from")]
fn unix_nanos() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}
