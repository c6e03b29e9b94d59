//! A CloudWatch that keeps counts by series, and nothing else: cheap enough to stand behind a process at full speed. It
//! reads RPC v2 CBOR, which is what the SDK speaks, item by item. (`weir-cloudwatch-local` is the strict one.)

use std::{
    collections::HashMap,
    io::Read as _,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
    },
};

use bytes::Bytes;
use flate2::read::GzDecoder;
use http_body_util::{BodyExt as _, Full};
use hyper::{
    Method, Request, Response, StatusCode,
    body::Incoming,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use minicbor::{Decoder, data::Type, decode};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::{Error, client, server::Server};

#[cfg(test)]
mod tests;

/// An empty map of CBOR: what PutMetricData answers.
const EMPTY_MAP: &[u8] = &[0xa0];

/// What arrived of a series, or of all.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Counted {
    /// Samples.
    pub samples: f64,
    /// Their sum.
    pub sum: f64,
}

/// What arrived.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Totals {
    /// Requests that were taken.
    pub requests: u64,
    /// Bytes of their bodies, as they came.
    pub bytes: u64,
    /// Datums.
    pub datums: u64,
    /// Requests that could not be read.
    pub broken: u64,
    /// Samples of each series, by its name and dimensions as they were sent.
    pub series: HashMap<String, Counted>,
}

impl Totals {
    /// Of all series.
    pub fn all(&self) -> Counted {
        Self::sum(self.series.values())
    }

    fn sum<'a>(counted: impl Iterator<Item = &'a Counted>) -> Counted {
        counted.fold(Counted::default(), |all, one| Counted {
            samples: all.samples + one.samples,
            sum: all.sum + one.sum,
        })
    }
}

/// What a sink of another process answers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Answer {
    /// Requests that were taken.
    pub requests: u64,
    /// Datums.
    pub datums: u64,
    /// Requests that could not be read.
    pub broken: u64,
    /// Series.
    pub series: u64,
    /// Samples of all series.
    pub samples: f64,
    /// Their sum.
    pub sum: f64,
}

/// Asks a sink of another process what has arrived, of the series whose names begin like `begin`.
pub async fn ask(sink: SocketAddr, begin: &str) -> Result<Answer, Error> {
    let body = client::get(sink, &format!("/{begin}")).await?;
    let json: serde_json::Value =
        serde_json::from_slice(&body).map_err(|error| Error::Process(error.to_string()))?;
    let count = |key: &str| json[key].as_u64().unwrap_or_default();
    let number = |key: &str| json[key].as_f64().unwrap_or_default();
    Ok(Answer {
        requests: count("requests"),
        datums: count("datums"),
        broken: count("broken"),
        series: count("series"),
        samples: number("samples"),
        sum: number("sum"),
    })
}

/// A running sink. Ends when it is dropped.
#[derive(Debug)]
pub struct Sink {
    server: Server,
    state: Arc<State>,
}

#[derive(Debug, Default)]
struct State {
    totals: Mutex<Totals>,
    stalled: AtomicBool,
    moving: Notify,
}

impl Sink {
    /// Listens on a free port.
    pub async fn start() -> Result<Self, Error> {
        let state = Arc::<State>::default();
        let handled = Arc::clone(&state);
        let server = Server::start(move |request| {
            let state = Arc::clone(&handled);
            async move { state.handle(request).await }
        });
        Ok(Self { server: server.await?, state })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.server.address
    }

    /// What has arrived so far.
    pub fn totals(&self) -> Totals {
        self.state.totals.lock().clone()
    }

    /// From now on requests are read and wait for their answer, until [`Sink::move_on`].
    pub fn stall(&self) {
        self.state.stalled.store(true, Relaxed);
    }

    /// Answers what waits, and everything from now on.
    pub fn move_on(&self) {
        self.state.stalled.store(false, Relaxed);
        self.state.moving.notify_waiters();
    }

    /// Serves until the process is ended; says where to on standard output. `GET /` answers the totals as
    /// JSON; what follows the slash is how the names of the series begin that are counted.
    ///
    /// # Errors
    /// It cannot listen.
    #[allow(clippy::print_stdout, reason = "what starts it reads its address there")]
    pub async fn serve() -> Result<(), Error> {
        let sink = Self::start().await?;
        println!("listening on {}", sink.address());
        std::future::pending().await
    }
}

impl State {
    async fn handle(&self, request: Request<Incoming>) -> Result<Response<Full<Bytes>>, hyper::Error> {
        let (head, body) = request.into_parts();
        if head.method == Method::GET {
            return Ok(Response::new(Full::from(self.json(&head.uri.path()[1..]))));
        }
        let is_packed = head.headers.contains_key(CONTENT_ENCODING);
        let body = body.collect().await?.to_bytes();
        let moving = self.moving.notified();
        if self.stalled.load(Relaxed) {
            moving.await;
        }
        let mut plain = Vec::new();
        let read = match is_packed {
            true => GzDecoder::new(&*body).read_to_end(&mut plain).is_ok(),
            false => {
                plain.extend_from_slice(&body);
                true
            }
        };
        let mut datums = Vec::new();
        let taken = read && request_of(&mut Decoder::new(&plain), &mut datums).is_ok();
        let mut totals = self.totals.lock();
        if taken {
            totals.requests += 1;
            totals.bytes += body.len() as u64;
            totals.datums += datums.len() as u64;
            for Datum { series, counted } in datums {
                let all = totals.series.entry(series).or_default();
                all.samples += counted.samples;
                all.sum += counted.sum;
            }
        } else {
            totals.broken += 1;
        }
        let mut response = Response::new(Full::from(EMPTY_MAP));
        if !taken {
            *response.status_mut() = StatusCode::BAD_REQUEST;
        }
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, hyper::header::HeaderValue::from_static("application/cbor"));
        headers.insert("smithy-protocol", hyper::header::HeaderValue::from_static("rpc-v2-cbor"));
        Ok(response)
    }

    fn json(&self, begin: &str) -> String {
        let totals = self.totals.lock();
        let of_name: Vec<&Counted> = totals
            .series
            .iter()
            .filter(|(name, _)| name.starts_with(begin))
            .map(|(_, counted)| counted)
            .collect();
        let Counted { samples, sum } = Totals::sum(of_name.iter().copied());
        serde_json::json!({
            "requests": totals.requests, "bytes": totals.bytes, "datums": totals.datums,
            "broken": totals.broken, "series": of_name.len(), "samples": samples, "sum": sum,
        })
        .to_string()
    }
}

struct Datum {
    series: String,
    counted: Counted,
}

/// Calls `each` for the entries of a map or the items of an array, of known length or not.
fn entries<'b>(
    decoder: &mut Decoder<'b>,
    length: Option<u64>,
    mut each: impl FnMut(&mut Decoder<'b>) -> Result<(), decode::Error>,
) -> Result<(), decode::Error> {
    match length {
        Some(length) => (0..length).try_for_each(|_| each(decoder)),
        None => {
            while decoder.datatype()? != Type::Break {
                each(decoder)?;
            }
            decoder.skip()
        }
    }
}

fn request_of(decoder: &mut Decoder<'_>, datums: &mut Vec<Datum>) -> Result<(), decode::Error> {
    let length = decoder.map()?;
    entries(decoder, length, |decoder| match decoder.str()? {
        "MetricData" => {
            let length = decoder.array()?;
            entries(decoder, length, |decoder| {
                datums.push(datum(decoder)?);
                Ok(())
            })
        }
        _ => decoder.skip(),
    })
}

fn datum(decoder: &mut Decoder<'_>) -> Result<Datum, decode::Error> {
    let (mut name, mut dimensions) = (String::new(), String::new());
    let (mut values, mut counts, mut statistics) = (Vec::new(), None, None);
    let length = decoder.map()?;
    entries(decoder, length, |decoder| {
        match decoder.str()? {
            "MetricName" => decoder.str()?.clone_into(&mut name),
            "Dimensions" => {
                let length = decoder.array()?;
                entries(decoder, length, |decoder| dimension(decoder, &mut dimensions))?;
            }
            "Value" => values = vec![number(decoder)?],
            "Values" => values = numbers(decoder)?,
            "Counts" => counts = Some(numbers(decoder)?),
            "StatisticValues" => statistics = Some(statistic_set(decoder)?),
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    let counts = counts.unwrap_or_else(|| vec![1.0; values.len()]);
    let from_values = Counted {
        samples: counts.iter().sum(),
        sum: values.iter().zip(&counts).map(|(value, count)| value * count).sum(),
    };
    Ok(Datum { series: name + &dimensions, counted: statistics.unwrap_or(from_values) })
}

fn dimension(decoder: &mut Decoder<'_>, into: &mut String) -> Result<(), decode::Error> {
    let (mut name, mut value) = ("", "");
    let length = decoder.map()?;
    entries(decoder, length, |decoder| {
        match decoder.str()? {
            "Name" => name = decoder.str()?,
            "Value" => value = decoder.str()?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    for part in [" ", name, "=", value] {
        into.push_str(part);
    }
    Ok(())
}

/// Exact count and sum, where `Values` are merged ones.
fn statistic_set(decoder: &mut Decoder<'_>) -> Result<Counted, decode::Error> {
    let mut counted = Counted::default();
    let length = decoder.map()?;
    entries(decoder, length, |decoder| {
        match decoder.str()? {
            "SampleCount" => counted.samples = number(decoder)?,
            "Sum" => counted.sum = number(decoder)?,
            _ => decoder.skip()?,
        }
        Ok(())
    })?;
    Ok(counted)
}

fn numbers(decoder: &mut Decoder<'_>) -> Result<Vec<f64>, decode::Error> {
    let mut numbers = Vec::new();
    let length = decoder.array()?;
    entries(decoder, length, |decoder| {
        numbers.push(number(decoder)?);
        Ok(())
    })?;
    Ok(numbers)
}

/// Any of CBOR's numbers.
fn number(decoder: &mut Decoder<'_>) -> Result<f64, decode::Error> {
    match decoder.datatype()? {
        Type::F64 => decoder.f64(),
        Type::F32 => decoder.f32().map(f64::from),
        _ => decoder.i64().map(|value| value as f64),
    }
}
