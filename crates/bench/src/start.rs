//! An idle process, and how soon a new one has its first point at an exporter.

use std::{path::Path, time::Duration};

use crate::{
    Error,
    client::{Answer, Connection, Packing, Protocol, body},
    instant,
    payload::{Sender, Shape},
    process::Weir,
    unix_nanos,
};

/// When a process that was given nothing to do has come to rest.
const REST: Duration = Duration::from_secs(3);

/// Bytes in RAM of a gateway without load.
pub async fn idle(binary: &Path, folder: &Path) -> Result<u64, Error> {
    // Nothing is sent there: it is the configuration that counts.
    let yaml = config("cloudwatch: { endpoint: 'http://127.0.0.1:9', namespace: Bench }", "cloudwatch");
    let weir = Weir::start(binary, folder, &yaml, &[]).await?;
    rest().await;
    let resident = weir.resident()?;
    weir.stop().await?.check()?;
    Ok(resident)
}

/// Waits until a process that was given nothing more to do has come to rest.
#[allow(clippy::disallowed_methods, reason = "waits by the wall's clock for a process to settle")]
pub(crate) async fn rest() {
    tokio::time::sleep(REST).await;
}

/// From the start of the process to a point on the standard output of `debug`, sent by OTLP over gRPC.
pub async fn first_point(binary: &Path, folder: &Path) -> Result<Duration, Error> {
    let mut sender = Sender::new(Shape { points: 1, ..Shape::USUAL }, 0, unix_nanos());
    let began = instant();
    let yaml = config("debug:", "debug");
    let mut weir =
        Weir::start(binary, folder, &yaml, &["--set", "processors.delta.initial_value=keep"]).await?;
    let mut connection = Connection::open(Protocol::Grpc, Packing::Plain, weir.listening[0]).await?;
    let message = body(Protocol::Grpc, Packing::Plain, sender.next(unix_nanos()).0);
    let answer = connection.send(message).await?;
    weir.says("").await?;
    let took = began.elapsed();
    drop(connection);
    weir.stop().await?.check()?;
    match answer {
        Answer::Taken { rejected: 0 } => Ok(took),
        other => Err(Error::Process(format!("the first point was answered {other:?}"))),
    }
}

fn config(exporter: &str, id: &str) -> String {
    format!(
        "receivers: {{ otlp: {{ protocols: {{ grpc: {{ endpoint: '127.0.0.1:0' }} }} }} }}
processors: {{ delta: }}
exporters: {{ {exporter} }}
service:
  pipelines:
    metrics: {{ receivers: [otlp], processors: [delta], exporters: [{id}] }}
"
    )
}
