//! The official SDK for Rust, in the test's own process, as a plan says.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
    time::Duration,
};

use async_trait::async_trait;
use opentelemetry::{
    KeyValue,
    metrics::{Meter, MeterProvider as _},
};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response, hyper::HyperClient};
use opentelemetry_otlp::{MetricExporter, Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::{
    Resource,
    metrics::{
        Aggregation, Instrument as Asked, PeriodicReader, SdkMeterProvider, Stream, Temporality as Sdk,
    },
};
use tokio::runtime::Handle;

use super::plan::{Attribute, CYCLES, Instrument, Kind, Plan, Series, Temporality};
use crate::harness::LIMIT;

/// Longer than any test: a collection happens when the cycle asks for it.
const NEVER: Duration = Duration::from_secs(24 * 60 * 60);
/// What the specification's exponential histograms begin with.
const EXPONENTIAL: Aggregation =
    Aggregation::Base2ExponentialHistogram { max_size: 160, max_scale: 20, record_min_max: true };

/// Records the plan, an export a cycle. Call it from a thread that may block.
pub(super) fn record(plan: &Plan) {
    let reader = PeriodicReader::builder(exporter(plan)).with_interval(NEVER).build();
    let exponential: Vec<&str> = plan
        .instruments
        .iter()
        .filter(|instrument| instrument.kind == Kind::ExponentialHistogram)
        .map(|instrument| instrument.name)
        .collect();
    let exponential: Vec<String> = exponential.into_iter().map(str::to_owned).collect();
    let view = move |asked: &Asked| {
        let is_exponential = exponential.iter().any(|name| name == asked.name());
        is_exponential.then(|| Stream::builder().with_aggregation(EXPONENTIAL).build().unwrap())
    };
    let provider = SdkMeterProvider::builder()
        .with_reader(reader)
        .with_resource(Resource::builder().with_service_name("interop").build())
        .with_view(view)
        .build();
    let meter = provider.meter("weir.interop");
    let cycle = Arc::<AtomicUsize>::default();
    let recorders: Vec<_> =
        plan.instruments.iter().map(|instrument| create(&meter, instrument, &cycle)).collect();
    for now in 0..CYCLES {
        cycle.store(now, Relaxed);
        recorders.iter().for_each(|record| record(now));
        provider.force_flush().unwrap();
    }
    // Not shut down: that collects once more, which would send every cumulative point again.
    std::mem::forget(provider);
}

fn exporter(plan: &Plan) -> MetricExporter {
    let temporality = match plan.temporality {
        Temporality::Cumulative => Sdk::Cumulative,
        Temporality::Delta => Sdk::Delta,
    };
    let builder = MetricExporter::builder().with_temporality(temporality);
    match plan.protocol {
        "grpc" => builder.with_tonic().with_endpoint(&plan.endpoint).build(),
        _ => builder
            .with_http()
            .with_http_client(OnRuntime::here())
            .with_protocol(Protocol::HttpBinary)
            .with_endpoint(&plan.endpoint)
            .build(),
    }
    .unwrap()
}

/// The SDK exports from a thread of its own, where hyper has no runtime: it is lent the test's.
#[derive(Debug)]
struct OnRuntime {
    client: Arc<HyperClient>,
    runtime: Handle,
}

impl OnRuntime {
    fn here() -> Self {
        let client = HyperClient::with_default_connector(LIMIT, None);
        Self { client: Arc::new(client), runtime: Handle::current() }
    }
}

#[async_trait]
impl HttpClient for OnRuntime {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = Arc::clone(&self.client);
        self.runtime.spawn(async move { client.send_bytes(request).await }).await?
    }
}

type Record = Box<dyn Fn(usize)>;

/// Makes an instrument; what comes back records a cycle.
fn create(meter: &Meter, instrument: &Instrument, cycle: &Arc<AtomicUsize>) -> Record {
    let Instrument { name, unit: (unit, _), kind, is_integer, .. } = *instrument;
    let series = instrument.series.clone();
    let observed = (instrument.series.clone(), Arc::clone(cycle));
    match (kind, is_integer) {
        (Kind::Counter, true) => {
            let made = meter.u64_counter(name).with_unit(unit).build();
            each(series, move |n, attributes| made.add(n as u64, attributes))
        }
        (Kind::Counter, false) => {
            let made = meter.f64_counter(name).with_unit(unit).build();
            each(series, move |n, attributes| made.add(n, attributes))
        }
        (Kind::UpDownCounter, true) => {
            let made = meter.i64_up_down_counter(name).with_unit(unit).build();
            each(series, move |n, attributes| made.add(n as i64, attributes))
        }
        (Kind::UpDownCounter, false) => {
            let made = meter.f64_up_down_counter(name).with_unit(unit).build();
            each(series, move |n, attributes| made.add(n, attributes))
        }
        (Kind::Gauge, true) => {
            let made = meter.i64_gauge(name).with_unit(unit).build();
            each(series, move |n, attributes| made.record(n as i64, attributes))
        }
        (Kind::Gauge, false) => {
            let made = meter.f64_gauge(name).with_unit(unit).build();
            each(series, move |n, attributes| made.record(n, attributes))
        }
        (Kind::Histogram | Kind::ExponentialHistogram, _) => {
            let made = meter.f64_histogram(name).with_unit(unit).build();
            each(series, move |n, attributes| made.record(n, attributes))
        }
        (Kind::ObservableCounter, true) => {
            let builder = meter.u64_observable_counter(name).with_unit(unit);
            let made = builder.with_callback(move |to| {
                observe(&observed, |n, attributes| to.observe(n as u64, attributes));
            });
            held(made.build())
        }
        (Kind::ObservableCounter, false) => {
            let builder = meter.f64_observable_counter(name).with_unit(unit);
            let made = builder
                .with_callback(move |to| observe(&observed, |n, attributes| to.observe(n, attributes)));
            held(made.build())
        }
        (Kind::ObservableUpDownCounter, _) => {
            let builder = meter.i64_observable_up_down_counter(name).with_unit(unit);
            let made = builder.with_callback(move |to| {
                observe(&observed, |n, attributes| to.observe(n as i64, attributes));
            });
            held(made.build())
        }
        (Kind::ObservableGauge, _) => {
            let builder = meter.f64_observable_gauge(name).with_unit(unit);
            let made = builder
                .with_callback(move |to| observe(&observed, |n, attributes| to.observe(n, attributes)));
            held(made.build())
        }
    }
}

fn each(series: Vec<Series>, record: impl Fn(f64, &[KeyValue]) + 'static) -> Record {
    Box::new(move |cycle| {
        for series in &series {
            let attributes = attributes(series);
            series.cycles[cycle].iter().for_each(|number| record(*number, &attributes));
        }
    })
}

fn observe((series, cycle): &(Vec<Series>, Arc<AtomicUsize>), observe: impl Fn(f64, &[KeyValue])) {
    for series in series {
        let attributes = attributes(series);
        series.cycles[cycle.load(Relaxed)].iter().for_each(|number| observe(*number, &attributes));
    }
}

/// What is observed records nothing of itself.
fn held<T: 'static>(instrument: T) -> Record {
    Box::new(move |_| {
        let _ = &instrument;
    })
}

fn attributes(series: &Series) -> Vec<KeyValue> {
    let attribute = |attribute: &Attribute| match *attribute {
        Attribute::Text(key, value) => KeyValue::new(key, value),
        Attribute::Integer(key, value) => KeyValue::new(key, value),
        Attribute::Double(key, value) => KeyValue::new(key, value),
        Attribute::Boolean(key, value) => KeyValue::new(key, value),
    };
    series.attributes.iter().map(attribute).collect()
}
