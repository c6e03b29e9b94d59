//! Zero allocations per point of a known series, from a receiver's door to the window: what a request or a scrape allocates is
//! the same for ten points and for a thousand.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::{sync::Arc, time::Duration};

use opentelemetry_proto::tonic::{
    collector::metrics::v1::ExportMetricsServiceRequest,
    common::v1::{AnyValue, KeyValue, any_value::Value},
    metrics::v1::{
        AggregationTemporality, Exemplar, ExponentialHistogram, ExponentialHistogramDataPoint, Gauge,
        Histogram, HistogramDataPoint, Metric, NumberDataPoint, ResourceMetrics, ScopeMetrics, Sum, Summary,
        SummaryDataPoint, exponential_histogram_data_point::Buckets, metric::Data, number_data_point,
        summary_data_point::ValueAtQuantile,
    },
    resource::v1::Resource,
};
use prost::Message as _;
use weir_core::{
    Ack, Batch, Descriptor, Door, ExponentialHistogramPoint, Flags, Number, Out, Processor,
    ProcessorFactory as _, Series, Span, Temporality, UnixNanos,
};
use weir_counting_alloc::{Counting, allocations, peak};
use weir_exporters::cloudwatch::{
    config::{Config as CloudWatch, RuleConfig},
    encode::{Encoded, Encoder},
    pack::pack,
    rules::Rules,
    window::Window,
    windows::Windows,
};
use weir_processors::{
    delta::{self, Delta},
    dimensions::{self, Dimensions},
};
use weir_receivers::{
    otlp::resolve_bytes,
    procfs::{
        CpuSection, CwAgentConfig, DeviceSection, DiskSection, FilesystemConfig, Listed, NetworkConfig,
        ProcessConfig, ProcfsConfig, Scrape, Scrapers, Section,
    },
};
use weir_testkit::{Fixture, START, histogram_of, point, push_histogram, seconds};
use weir_window::{Distribution, Exponential, Period, Totals, exponential::Parts};

#[global_allocator]
static ALLOCATOR: Counting = Counting(std::alloc::System);

/// Distinct values that a distribution keeps without asking for memory.
const FEW: u64 = 4;

/// Half gauges, half cumulative counters; `nth` is the time and the value.
fn request(points: usize, nth: u64) -> Vec<u8> {
    let point = |at: usize| NumberDataPoint {
        attributes: vec![attribute("route", format!("/orders/{at}")), attribute("code", "200".to_owned())],
        start_time_unix_nano: seconds(START).0,
        time_unix_nano: seconds(START + 1 + nth).0,
        value: Some(number_data_point::Value::AsInt(nth as i64 * 7)),
        ..NumberDataPoint::default()
    };
    let data_points: Vec<_> = (0..points / 2).map(point).collect();
    let gauge = Data::Gauge(Gauge { data_points: data_points.clone() });
    let temporality = AggregationTemporality::Cumulative as i32;
    let counter = Data::Sum(Sum { data_points, aggregation_temporality: temporality, is_monotonic: true });
    let metric = |name: &str, data| Metric { name: name.to_owned(), data: Some(data), ..Metric::default() };
    let scope = ScopeMetrics {
        metrics: vec![metric("queue.size", gauge), metric("requests", counter)],
        ..ScopeMetrics::default()
    };
    let resource =
        Resource { attributes: vec![attribute("service.name", "shop".to_owned())], ..Resource::default() };
    let resource_metrics = vec![ResourceMetrics {
        resource: Some(resource),
        scope_metrics: vec![scope],
        ..ResourceMetrics::default()
    }];
    ExportMetricsServiceRequest { resource_metrics }.encode_to_vec()
}

fn attribute(key: &str, value: String) -> KeyValue {
    let value = Some(AnyValue { value: Some(Value::StringValue(value)) });
    KeyValue { key: key.to_owned(), value, ..KeyValue::default() }
}

/// The stages from the door to the window.
struct River {
    fixture: Fixture,
    door: std::sync::Arc<Door>,
    dimensions: Box<dyn Processor>,
    delta: Box<dyn Processor>,
    rules: Rules,
    windows: Windows,
}

impl River {
    /// Into one window, or, with rules, each half of the points into one of two.
    fn new(with_rules: bool) -> Self {
        let fixture = Fixture::new();
        let action = dimensions::Action {
            from_resource: Some("service.name".to_owned()),
            ..dimensions::Action::new(dimensions::Verb::Insert, "service")
        };
        let config = dimensions::Config { actions: vec![action], ..dimensions::Config::default() };
        let queues = RuleConfig {
            metrics: vec!["queue.*".to_owned()],
            rename: Some("q_$1".to_owned()),
            period: Some(weir_config::Duration(Duration::from_secs(10))),
            ..RuleConfig::default()
        };
        let rules = if with_rules { vec![queues] } else { Vec::new() };
        let rules = Rules::new(&CloudWatch { rules, ..CloudWatch::default() });
        assert_eq!(rules.periods().len(), 1 + usize::from(with_rules));
        Self {
            door: fixture.doors.open("otlp"),
            windows: Windows::new(rules.periods(), 0.0),
            rules,
            dimensions: Dimensions::build(config, fixture.context("dimensions"), None),
            delta: Delta::build(delta::Config::default(), fixture.context("delta"), None),
            fixture,
        }
    }

    /// Answers the points that reached the window.
    fn pass(&mut self, request: &[u8]) -> u64 {
        let mut arrived = 0;
        for batch in resolve_bytes(request, &self.door, None).unwrap().batches {
            for batch in through(&mut *self.dimensions, batch) {
                for batch in through(&mut *self.delta, batch) {
                    arrived += batch.points();
                    if !self.rules.is_plain() {
                        assert_eq!(self.rules.decide_all(&batch, &self.fixture.interner), 0);
                    }
                    let now = seconds(START + 1);
                    self.windows.record(&batch, Ack::none(), now, &self.rules, |left| {
                        assert_eq!(left.by_reason().map(|(_, points)| points).iter().sum::<u64>(), 0);
                    });
                }
            }
        }
        arrived
    }
}

fn through(stage: &mut dyn Processor, batch: Batch) -> Vec<Batch> {
    let mut out = Out::default();
    stage.process(batch, &mut out);
    out.take()
}

/// What the fourth request of `points` points of known series allocates.
fn a_request_costs(points: usize, with_rules: bool) -> u64 {
    let mut river = River::new(with_rules);
    let warm_up = FEW - 1;
    for nth in 0..warm_up {
        river.pass(&request(points, nth));
    }
    let known = request(points, warm_up);
    let series = river.fixture.interner.stats().series;
    let (count, arrived) = allocations(|| river.pass(&known));
    assert_eq!(arrived, points as u64);
    // A gauge has two names, a counter three: at the door, with the dimension, and as a delta.
    assert_eq!((series, river.fixture.interner.stats().series), (points / 2 * 5, points / 2 * 5));
    count
}

#[test]
fn a_point_of_a_known_series_costs_no_allocation_from_the_door_to_the_window() {
    for with_rules in [false, true] {
        let [ten, thousand, eight_thousand] =
            [10, 1000, 8000].map(|points| a_request_costs(points, with_rules));
        assert_eq!((ten, ten), (thousand, eight_thousand), "rules: {with_rules}");
        // The batch and its lists, the sender's key, the buffer for aliases: more would be a habit to look into.
        assert!((1..=20).contains(&ten), "{ten} allocations a request, rules: {with_rules}");
    }
}

/// Every kind of points, each with attributes and an exemplar where it may have one.
fn of_every_kind(points: usize) -> Vec<u8> {
    let attributes = |at: usize| vec![attribute("route", format!("/orders/{at}"))];
    let exemplars = || vec![Exemplar { filtered_attributes: attributes(1), ..Exemplar::default() }];
    let time_unix_nano = seconds(START).0;
    let number = |at| NumberDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        exemplars: exemplars(),
        value: Some(number_data_point::Value::AsDouble(0.5)),
        ..NumberDataPoint::default()
    };
    let histogram = |at| HistogramDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        exemplars: exemplars(),
        bucket_counts: vec![1, 2, 3],
        explicit_bounds: vec![0.5, 1.5],
        ..HistogramDataPoint::default()
    };
    let exponential = |at| ExponentialHistogramDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        exemplars: exemplars(),
        positive: Some(Buckets { offset: 3, bucket_counts: vec![1, 2, 300] }),
        ..ExponentialHistogramDataPoint::default()
    };
    let summary = |at| SummaryDataPoint {
        attributes: attributes(at),
        time_unix_nano,
        quantile_values: vec![ValueAtQuantile { quantile: 0.5, value: 3.0 }],
        ..SummaryDataPoint::default()
    };
    let aggregation_temporality = AggregationTemporality::Delta as i32;
    let data = [
        Data::Gauge(Gauge { data_points: (0..points).map(number).collect() }),
        Data::Histogram(Histogram {
            data_points: (0..points).map(histogram).collect(),
            aggregation_temporality,
        }),
        Data::ExponentialHistogram(ExponentialHistogram {
            data_points: (0..points).map(exponential).collect(),
            aggregation_temporality,
        }),
        Data::Summary(Summary { data_points: (0..points).map(summary).collect() }),
    ];
    let metric = |data| Metric { name: "m".to_owned(), data: Some(data), ..Metric::default() };
    let scope = ScopeMetrics { metrics: data.map(metric).to_vec(), ..ScopeMetrics::default() };
    let resource = ResourceMetrics { scope_metrics: vec![scope], ..ResourceMetrics::default() };
    ExportMetricsServiceRequest { resource_metrics: vec![resource] }.encode_to_vec()
}

#[test]
fn a_known_point_of_any_kind_costs_no_allocation_of_its_own_from_its_bytes_to_the_batch() {
    let cost = |points: usize| {
        let door = Fixture::new().doors.open("otlp");
        let bytes = of_every_kind(points);
        for _ in 0..2 {
            resolve_bytes(&bytes, &door, None).unwrap();
        }
        let (count, decoded) = allocations(|| resolve_bytes(&bytes, &door, None).unwrap());
        assert_eq!(decoded.points, 4 * points as u64);
        assert_eq!((decoded.refused.points(), decoded.exemplars), (0, 3 * points as u64));
        count
    };
    // The batch's lists and its two arenas double as they grow: seven times more to a hundred times as many.
    let (ten, thousand) = (cost(10), cost(1000));
    assert!(thousand - ten <= 6 * 7, "{ten} and {thousand}");
}

#[test]
fn the_allocator_counts() {
    let list = |length: usize| allocations(|| (0..length).map(Box::new).collect::<Vec<_>>()).0;
    assert_eq!((list(10), list(1000)), (11, 1001));
    assert_eq!(allocations(|| 1 + 1), (0, 2));
}

#[test]
fn a_scrape_of_known_devices_allocates_the_batch_and_nothing_a_device() {
    let a_scrape_costs = |interfaces: usize| {
        let root = std::env::temp_dir().join(format!("weir-allocations-{}-{interfaces}", std::process::id()));
        let net = root.join("proc/1/net");
        std::fs::create_dir_all(&net).unwrap();
        let line = |n: usize| format!("eth{n}: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n");
        let table = (0..interfaces).fold("a\nb\n".to_owned(), |table, n| table + &line(n));
        std::fs::write(net.join("dev"), table).unwrap();
        std::fs::write(root.join("proc/stat"), "cpu  1 1 1 1 1 1 1 1 0 0\nbtime 1699990000\n").unwrap();
        let mut config = ProcfsConfig { root_path: root.clone(), ..ProcfsConfig::default() };
        config.scrapers.network = Listed(Some(NetworkConfig::default()));
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        let known = scrape.collect(seconds(START)).points();
        assert_eq!(known, interfaces as u64 * 8, "four metrics in two directions");
        scrape.collect(seconds(START + 1));
        let (count, batch) = allocations(|| scrape.collect(seconds(START + 2)));
        assert_eq!(batch.points(), known);
        std::fs::remove_dir_all(root).unwrap();
        count
    };
    let (two, two_hundred) = (a_scrape_costs(2), a_scrape_costs(200));
    assert_eq!(two, two_hundred);
    assert!((1..=8).contains(&two), "{two} allocations a scrape");
}

/// A machine in a folder with so many of everything that metrics are about.
fn machine_of(many: usize, name: &str) -> std::path::PathBuf {
    let root = std::env::temp_dir().join(format!("weir-allocations-{name}-{}-{many}", std::process::id()));
    let write = |path: String, text: String| {
        let path = root.join("proc").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    let lines = |line: &dyn Fn(usize) -> String| (0..many).map(line).collect::<String>();
    write("meminfo".into(), "MemTotal: 8000 kB\nMemFree: 1000 kB\n".to_owned());
    write("diskstats".into(), lines(&|n| format!(" 259 {n} nvme{n}n1 1 2 3 4 5 6 7 8 9 10 11\n")));
    write("1/net/dev".into(), lines(&|n| format!("eth{n}: 1000 10 1 2 0 0 0 0 2000 20 3 4 0 0 0 0\n")));
    for table in ["tcp", "udp"] {
        let socket = |n| format!("{n}: 0100007F:{n:04X} 00000000:0000 0A 0:0 0:0 0 0 0 1 1\n");
        write(format!("1/net/{table}"), lines(&socket));
    }
    write("1/net/unix".into(), lines(&|n| format!("{n}: 2 0 0 0002 01 {n} /run/{n}\n")));
    write("1/mountinfo".into(), lines(&|n| format!("{n} 1 0:{n} / /mounts/{n} rw - tmpfs tmpfs rw\n")));
    for n in 0..many {
        write(
            format!("{}/stat", 100 + n),
            format!("{n} (a) S 1 2 3 0 -1 4 5 6 7 8 9 10 11 12 20 0 1 0 99 0 0\n"),
        );
        std::fs::create_dir_all(root.join(format!("mounts/{n}"))).unwrap();
        let interface = root.join(format!("sys/class/net/eth{n}"));
        std::fs::create_dir_all(&interface).unwrap();
        std::fs::write(interface.join("flags"), "0x1003\n").unwrap();
    }
    root
}

#[test]
fn a_round_of_the_agents_metrics_allocates_the_batch_and_nothing_a_device() {
    let a_round_costs = |many: usize| {
        let root = machine_of(many, "cwagent");
        let listed = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let section = |names: &[&str]| Listed(Some(Section { measurement: listed(names) }));
        let devices =
            |names| Listed(Some(DeviceSection { measurement: listed(names), ..DeviceSection::default() }));
        let cpu = CpuSection {
            measurement: listed(&["usage_active", "time_user"]),
            resources: listed(&["*"]),
            totalcpu: true,
        };
        let disk =
            DiskSection { measurement: listed(&["used_percent", "inodes_free"]), ..DiskSection::default() };
        let cwagent = CwAgentConfig {
            cpu: Listed(Some(cpu)),
            disk: Listed(Some(disk)),
            diskio: devices(&["reads", "iops_in_progress"]),
            mem: section(&["used_percent"]),
            net: devices(&["bytes_sent"]),
            netstat: section(&["tcp_listen", "udp_socket"]),
            processes: section(&["total"]),
            swap: section(&["used_percent"]),
        };
        let config = ProcfsConfig {
            root_path: root.clone(),
            cwagent: Listed(Some(cwagent)),
            ..ProcfsConfig::default()
        };
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        let mut round = |ticks: u64| {
            // Time must pass for shares of it.
            let line = |name: String| format!("cpu{name} {ticks} 1 1 1 1 1 1 1 0 0\n");
            let cpus: String = (0..many).map(|n| line(n.to_string())).collect();
            std::fs::write(root.join("proc/stat"), line(" ".into()) + &cpus + "btime 1699990000\n").unwrap();
            allocations(|| scrape.collect(seconds(START + ticks)))
        };
        (1..4).for_each(|ticks| drop(round(ticks)));
        let (count, batch) = round(4);
        let (of_each, of_all) = (2 + 2 + 2 + 1, 2 + 1 + 2 + 1 + 1);
        assert_eq!(batch.points(), (many * of_each + of_all) as u64);
        assert_eq!(scrape.troubles(), 0);
        std::fs::remove_dir_all(root).unwrap();
        count
    };
    let (two, two_hundred) = (a_round_costs(2), a_round_costs(200));
    assert_eq!(two, two_hundred);
    assert!((1..=8).contains(&two), "{two} allocations a round");
}

/// The machine of [`machine_of`] with what the scrapers read besides, and all of them on.
fn everything_of(many: usize, name: &str) -> ProcfsConfig {
    let root = machine_of(many, name);
    let write = |path: &str, text: &str| std::fs::write(root.join("proc").join(path), text).unwrap();
    let lines = |line: &dyn Fn(usize) -> String| (0..many).map(line).collect::<String>();
    let cpus = lines(&|n| format!("cpu{n} 1 1 1 1 1 1 1 1 0 0\n"));
    write("stat", &format!("cpu  1 1 1 1 1 1 1 1 0 0\n{cpus}btime 1699990000\nprocesses 5\n"));
    write("loadavg", "0.50 1.25 12.00 2/345 6789\n");
    write("uptime", "350735.47 234388.90\n");
    let swaps = lines(&|n| format!("/dev/zram{n} partition 100 50 -2\n"));
    write("swaps", &format!("Filename Type Size Used Priority\n{swaps}"));
    write("vmstat", "pgpgin 1\npgpgout 2\npswpin 3\npswpout 4\npgfault 5\npgmajfault 1\n");
    (0..many).for_each(|n| write(&format!("{}/statm", 100 + n), "25600 250 100 10 0 500 0\n"));
    let filesystem = FilesystemConfig { include_virtual_filesystems: true, ..FilesystemConfig::default() };
    let scrapers = Scrapers {
        filesystem: Listed(Some(filesystem)),
        process: Listed(Some(ProcessConfig { mute_process_all_errors: true, ..ProcessConfig::default() })),
        ..Scrapers::all()
    };
    ProcfsConfig { root_path: root, scrapers, ..ProcfsConfig::default() }
}

#[test]
fn a_round_of_every_scraper_allocates_the_batch_and_nothing_a_device_or_process() {
    let a_round_costs = |many: usize| {
        let config = everything_of(many, "scrapers");
        let mut scrape = Scrape::new(&config, &Fixture::new().context("procfs")).unwrap();
        (1..4).for_each(|second| drop(scrape.collect(seconds(START + second))));
        let (count, batch) = allocations(|| scrape.collect(seconds(START + 4)));
        // At least: 8 states a CPU, 11 of a disk, 8 of an interface, 2 of swap, 5 of a process.
        assert!(batch.points() >= many as u64 * (8 + 11 + 8 + 2 + 5), "{}", batch.points());
        assert_eq!(scrape.troubles(), 0);
        std::fs::remove_dir_all(&config.root_path).unwrap();
        count
    };
    let (two, two_hundred) = (a_round_costs(2), a_round_costs(200));
    assert_eq!(two, two_hundred);
    assert!((1..=12).contains(&two), "{two} allocations a round");
}

#[test]
fn an_hour_of_rounds_a_second_holds_no_more_memory_than_its_second_minute() {
    let in_a_folder = everything_of(2, "hour");
    // The machine that runs the tests has mounts and connections that come and go; its processes are no series here.
    let this_machine = ProcfsConfig::default();
    for (config, tolerance) in [(&in_a_folder, 0), (&this_machine, 64 << 10)] {
        let fixture = Fixture::new();
        let mut scrape = Scrape::new(config, &fixture.context("procfs")).unwrap();
        let mut minute = |nth: u64| {
            for second in 0..60 {
                fixture.clock.advance(Duration::from_secs(1));
                assert!(scrape.collect(seconds(START + nth * 60 + second)).points() > 0);
            }
            fixture.doors.sweep(config.collection_interval.as_std() * 2);
        };
        minute(0);
        let (second, ()) = peak(|| minute(1));
        let (others, ()) = peak(|| (2..60).for_each(&mut minute));
        assert!(others <= second + tolerance, "{others} bytes at most, {second} in the second minute");
    }
    std::fs::remove_dir_all(&in_a_folder.root_path).unwrap();
}

#[test]
fn a_distribution_keeps_its_first_four_values_without_allocating() {
    let mut distribution = Distribution::default();
    let (count, ()) = allocations(|| {
        for value in (0..1000).map(|n| (n % FEW) as f64) {
            distribution.record(value).unwrap();
        }
    });
    assert_eq!((count, distribution.count()), (0, 1000));
    let (fifth, ()) = allocations(|| distribution.record(FEW as f64).unwrap());
    assert!(fifth > 0, "the test would not see an allocation");
}

/// The default bounds of OpenTelemetry's SDKs.
const BOUNDS: [f64; 15] =
    [0.0, 5.0, 10.0, 25.0, 50.0, 75.0, 100.0, 250.0, 500.0, 750.0, 1000.0, 2500.0, 5000.0, 7500.0, 10_000.0];

#[test]
fn a_histogram_of_a_series_that_the_period_knows_allocates_nothing() {
    let fixture = Fixture::new();
    let series: Vec<_> = (0..100)
        .map(|n| fixture.stream(histogram_of("h", "ms", Temporality::Delta), &[("n", &n.to_string())]))
        .collect();
    let mut batch = fixture.batch([]);
    for series in &series {
        push_histogram(&mut batch, series, START, &BOUNDS, &[3.0, 70.0, 20_000.0]);
    }
    let exponential = fixture.stream(histogram_of("e", "ms", Temporality::Delta), &[]);
    let positive = batch.push_counts((0..160).map(|n| n % 3));
    let count = (0..160).map(|n| n % 3).sum();
    batch.exponential_histograms.push(ExponentialHistogramPoint {
        series: exponential.id(),
        flags: Flags::default(),
        start: UnixNanos(0),
        time: seconds(START),
        count,
        sum: 0.0,
        min: 0.0,
        max: 0.0,
        scale: 4,
        zero_count: 0,
        zero_threshold: 0.0,
        positive_offset: -80,
        positive,
        negative_offset: 0,
        negative: Span::default(),
    });
    let mut window = Window::new(Period::MINUTE, Duration::ZERO);
    let mut record = || allocations(|| window.record(&batch, Ack::none(), seconds(START))).0;
    assert!(record() > 100, "the first of a period makes room for its buckets");
    assert_eq!(record(), 0);
}

/// What a window holds for a series, beside the 32 bytes of its times and its count of points, as docs/benchmarks.md says.
#[test]
fn the_state_of_a_series_is_as_small_as_documented() {
    let state = |distribution: Distribution| {
        let (bytes, copy) = peak(|| distribution.clone());
        drop(copy);
        bytes + size_of::<Distribution>() as u64
    };
    let numbers = |values: u64| {
        let mut distribution = Distribution::default();
        (0..values).for_each(|value| distribution.record(value as f64).unwrap());
        state(distribution)
    };
    let mut explicit = Distribution::default();
    let told = Totals { count: 16, sum: Some(100.0), ..Totals::default() };
    explicit.record_explicit(&BOUNDS, &[1; 16], told).unwrap();
    let counts = [1; 160];
    let exponential = Exponential::new(&Parts { scale: 4, positive: &counts, ..Parts::default() }).unwrap();
    let mut of_exponential = Distribution::default();
    of_exponential.record_exponential(&exponential, Totals { count: 160, ..Totals::default() }).unwrap();
    let found = [numbers(4), numbers(60), numbers(256), state(explicit), state(of_exponential)];
    println!("bytes of state: 4, 60, 256 distinct values; 15 bounds; 160 exponential buckets: {found:?}");
    let documented = [56, 540, 6_300, 460, 1_500];
    assert!(found.iter().zip(documented).all(|(found, documented)| *found <= documented), "{found:?}");
}

/// What `delta` and a window of 60 s hold for a counter that was sampled six times, and what its flush takes besides at its peak, as
/// docs/benchmarks.md says.
#[test]
fn a_series_takes_as_little_memory_through_delta_window_and_flush_as_documented() {
    const SERIES: usize = 20_000;
    let f = Fixture::new();
    let counter = Descriptor::sum("requests", "1", Temporality::Cumulative, true);
    let name = |at: usize| {
        let (route, dimensions) =
            (format!("/orders/{at}"), [("code", "200"), ("method", "GET"), ("az", "a")]);
        f.stream(counter.clone(), &[&dimensions[..], &[("route", &route), ("server", "shop")]].concat())
    };
    let series: Vec<Arc<Series>> = (0..SERIES).map(name).collect();
    let start = START - START % 60;
    let config = delta::Config { initial_value: delta::InitialValue::Keep, ..delta::Config::default() };
    let mut stage = Delta::build(config, f.context("delta"), None);
    let mut window = Window::new(Period::MINUTE, Duration::ZERO);
    let round = |nth: u64| {
        let points = series.iter().enumerate();
        // Increments that differ from one round to the next.
        let value = |at: usize| Number::Int((nth * nth + nth * at as u64) as i64);
        let points = points.map(|(at, series)| point(series, start, start + 1 + nth, value(at)));
        f.batch(points.collect::<Vec<_>>())
    };
    let rounds: Vec<Batch> = (0..6).map(round).collect();
    let a_series = |bytes: u64| bytes / SERIES as u64;
    let (state, ()) = peak(|| {
        for batch in rounds {
            for batch in through(&mut *stage, batch) {
                window.record(&batch, Ack::none(), seconds(start));
            }
        }
    });
    let (flush, requests) = peak(|| {
        let (mut encoder, mut rules) = (Encoder::default(), Rules::new(&CloudWatch::default()));
        let mut encoded = Encoded::default();
        for closed in window.close_all(&f.interner) {
            encoder.encode(closed, &mut rules, &mut encoded);
        }
        encoded.datums.into_iter().flat_map(|(name, datums)| pack(datums, &name)).count()
    });
    assert_eq!(requests, SERIES / 1000);
    let found = [a_series(state), a_series(flush)];
    println!("bytes of a series: through delta and window, and its flush besides: {found:?}");
    let documented = [350, 480];
    assert!(found.iter().zip(documented).all(|(found, documented)| *found <= documented), "{found:?}");
}
