//! The worked examples of the processors' pages: each is run, and what it shows after the processor is what comes out of it.
//!
//! Three fenced blocks are an example: the processor's configuration (`yaml example=TYPE`), points before it (`text before`), and
//! points after it (`text after`), which `UPDATE_DOCS=1 cargo test --test examples` writes anew, to be read before they are kept.
//! A point is a line:
//!
//! ```text
//! 12:01:00 requests{path="/"} @{service.name="shop"} cumulative sum since 12:00:00: 10
//! 12:01:00 queue gauge: 7.5
//! 12:01:00 latency delta histogram: count 3 sum 4.5 counts 1 2 bounds 1
//! 12:01:00 latency delta exponential histogram: count 3 sum 4.5 scale 2 offset -3 counts 1 2
//! ```
//!
//! `@{…}` is the resource. Weir starts at 11:59:00, each point arrives at its own time, and the processor is ticked in between and
//! flushed at the end. What did not come out stands below, by the ledger.
#![allow(clippy::unwrap_used, clippy::panic, reason = "the helpers of a test")]

use std::{fmt::Write as _, fs, path::Path};

use weir_config::{Diagnostics, Env, Source, load};
use weir_core::{
    Attributes, Batch, Clock, ComponentKind, Descriptor, ExponentialHistogramPoint, Flags, HistogramPoint,
    Kind, Maker, Number, NumberPoint, SeriesId, Temporality, UnixNanos, Value,
};
use weir_testkit::{Fixture, Rig, seconds};

/// Midnight of the day on which all examples play.
const DAY: u64 = 1_699_920_000;
/// 11:59:00.
const STARTED: u64 = DAY + 12 * 3600 - 60;

#[test]
fn the_examples_of_the_pages_are_what_the_processors_do() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/components");
    let (mut wrong, mut without, mut run) = (Vec::new(), Vec::new(), 0);
    for page in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let text = fs::read_to_string(&page).unwrap();
        let (renewed, examples) = renewed(&text);
        run += examples;
        if text.contains("\nA processor") && examples == 0 {
            without.push(page.clone());
        }
        if renewed != text && std::env::var_os("UPDATE_DOCS").is_some() {
            fs::write(&page, renewed).unwrap();
        } else if renewed != text {
            wrong.push(page);
        }
    }
    assert!(wrong.is_empty(), "UPDATE_DOCS=1 cargo test --test examples renews {wrong:?}");
    assert!(without.is_empty(), "pages of processors without a worked example: {without:?}");
    assert!(run >= 4, "only {run} examples were run: did their marks change?");
}

/// The page with every block `after` as it is now, and how many there are.
fn renewed(page: &str) -> (String, usize) {
    let (mut text, mut examples) = (String::new(), 0);
    let (mut processor, mut config, mut before) = (String::new(), String::new(), String::new());
    let mut lines = page.split_inclusive('\n');
    while let Some(line) = lines.next() {
        text += line;
        let Some(info) = line.strip_prefix("```") else { continue };
        let mut body: String = lines.by_ref().take_while(|line| !line.starts_with("```")).collect();
        match info.trim_end() {
            "text before" => before.clone_from(&body),
            "text after" => {
                body = after(&processor, &config, &before);
                examples += 1;
            }
            info => {
                if let Some((_, name)) = info.split_once(" example=") {
                    (processor, config) = (name.to_owned(), body.clone());
                }
            }
        }
        text += &body;
        text += "```\n";
    }
    (text, examples)
}

/// What the processor makes of the points.
fn after(processor: &str, config: &str, before: &str) -> String {
    let mut diags = Diagnostics::new();
    let source = Source::Text { name: processor.to_owned(), text: config.to_owned() };
    let document = load(&[source], &[], &Env::default(), &mut diags);
    let components = weir_processors::registry();
    let of_name = |component: &&weir_core::Component| {
        component.kind == ComponentKind::Processor && component.is_called(processor)
    };
    let component = components.iter().find(of_name).unwrap_or_else(|| panic!("no processor `{processor}`"));
    let parsed = (component.parse)(document.root(), &mut diags);
    assert!(diags.is_empty(), "{config}: {:?}", diags.iter().collect::<Vec<_>>());
    let Some(Maker::Processor(make)) = parsed.map(|parsed| parsed.maker) else { panic!("{config}") };

    let fixture = Fixture::with_clock(Clock::manual(seconds(STARTED)));
    let context = fixture.context(processor);
    let mut rig = Rig::around(make(context.clone(), None), &context);
    // Names of the points before stay known, as doors keep them.
    let mut held = Vec::new();
    let mut text = String::new();
    for line in before.lines().filter(|line| !line.trim().is_empty()) {
        let (batch, time, series) = batch(&fixture, line).unwrap_or_else(|| panic!("no point: {line}"));
        held.push(series);
        wait_until(&mut rig, &fixture, time, &mut text);
        let out = rig.process(batch);
        out.iter().for_each(|batch| describe(&fixture, batch, &mut text));
    }
    rig.flush().iter().for_each(|batch| describe(&fixture, batch, &mut text));
    let account = rig.account();
    if account.merged > 0 {
        writeln!(text, "({} merged)", account.merged).unwrap();
    }
    for (reason, points) in &account.dropped {
        writeln!(text, "({points} dropped: {reason})").unwrap();
    }
    text
}

/// Lets time pass, a tick after the other.
fn wait_until(rig: &mut Rig, fixture: &Fixture, time: UnixNanos, text: &mut String) {
    if let Some(every) = rig.processor().tick_every() {
        while fixture.clock.now().plus(every) <= time {
            rig.tick_after(every).iter().for_each(|batch| describe(fixture, batch, text));
        }
    }
    fixture.clock.advance(time.since(fixture.clock.now()));
}

/// The point of a line, its time, and its series.
fn batch(fixture: &Fixture, line: &str) -> Option<(Batch, UnixNanos, std::sync::Arc<weir_core::Series>)> {
    let (time, rest) = line.split_once(' ')?;
    let (head, value) = rest.rsplit_once(": ")?;
    let (name, rest) = head.split_at(head.find(['{', ' '])?);
    let (attributes, rest) = braces(fixture, rest)?;
    let (resource, rest) = match rest.trim_start().strip_prefix('@') {
        Some(rest) => braces(fixture, rest)?,
        None => (Attributes::default(), rest),
    };
    let (kind, start) = match rest.trim().split_once(" since ") {
        Some((kind, start)) => (kind, clock_time(start)?),
        None => (rest.trim(), UnixNanos(0)),
    };
    let time = clock_time(time)?;
    let metric = metric(name, kind)?;
    let mut identity = fixture.identity(metric.clone(), &[], &[]);
    identity.attributes = attributes;
    identity.resource = fixture.interner.resource(resource, "");
    let series = fixture.stream_of(identity);
    let mut batch = fixture.batch([]);
    match metric.kind {
        Kind::Histogram => histogram(&mut batch, series.id(), start, time, value)?,
        Kind::ExponentialHistogram => exponential(&mut batch, series.id(), start, time, value)?,
        _ => {
            let int = value.parse().map(Number::Int);
            let value = int.or_else(|_| value.parse().map(Number::Double)).ok()?;
            batch.numbers.push(NumberPoint::new(series.id(), start, time, value));
        }
    }
    Some((batch, time, series))
}

/// `{key="text", key=7}` at the beginning, if it is there, and what follows.
fn braces<'a>(fixture: &Fixture, text: &'a str) -> Option<(Attributes, &'a str)> {
    let Some(inner) = text.strip_prefix('{') else { return Some((Attributes::default(), text)) };
    let (inner, rest) = inner.split_once('}')?;
    let entries = inner.split(", ").filter(|entry| !entry.is_empty()).map(|entry| {
        let (key, value) = entry.split_once('=')?;
        let value = match value.strip_prefix('"') {
            Some(text) => Value::str(text.strip_suffix('"')?),
            None => value.parse().map(Value::Int).or_else(|_| value.parse().map(Value::Bool)).ok()?,
        };
        Some(fixture.interner.attribute(key, value))
    });
    Some((Attributes::new(entries.collect::<Option<_>>()?), rest))
}

const KINDS: [(&str, Kind, Temporality, bool); 8] = [
    ("gauge", Kind::Gauge, Temporality::Unspecified, false),
    ("cumulative sum", Kind::Sum, Temporality::Cumulative, true),
    ("delta sum", Kind::Sum, Temporality::Delta, true),
    ("up-down sum", Kind::Sum, Temporality::Cumulative, false),
    ("cumulative histogram", Kind::Histogram, Temporality::Cumulative, false),
    ("delta histogram", Kind::Histogram, Temporality::Delta, false),
    ("cumulative exponential histogram", Kind::ExponentialHistogram, Temporality::Cumulative, false),
    ("delta exponential histogram", Kind::ExponentialHistogram, Temporality::Delta, false),
];

fn metric(name: &str, words: &str) -> Option<Descriptor> {
    let (_, kind, temporality, monotonic) = *KINDS.iter().find(|(known, ..)| *known == words)?;
    Some(Descriptor { name: name.into(), unit: "1".into(), kind, temporality, monotonic })
}

/// The numbers behind a word of `text`, up to the next word.
fn list<T: std::str::FromStr>(text: &str, word: &str) -> Vec<T> {
    let behind = text.split_whitespace().skip_while(|found| *found != word).skip(1);
    behind.map_while(|number| number.parse().ok()).collect()
}

/// A number behind a word, and the flag if it is there.
fn one(text: &str, word: &str, flag: Flags) -> (f64, Flags) {
    list(text, word).first().map_or((0.0, Flags::default()), |value| (*value, flag))
}

fn histogram(
    batch: &mut Batch,
    series: SeriesId,
    start: UnixNanos,
    time: UnixNanos,
    text: &str,
) -> Option<()> {
    let ((sum, a), (min, b), (max, c)) =
        (one(text, "sum", Flags::SUM), one(text, "min", Flags::MIN), one(text, "max", Flags::MAX));
    let count = *list(text, "count").first()?;
    let counts = batch.push_counts(list(text, "counts"));
    let bounds = batch.push_bounds(list(text, "bounds"));
    let flags = a.with(b).with(c);
    batch.histograms.push(HistogramPoint {
        series,
        flags,
        start,
        time,
        count,
        sum,
        min,
        max,
        counts,
        bounds,
    });
    Some(())
}

fn exponential(
    batch: &mut Batch,
    series: SeriesId,
    start: UnixNanos,
    time: UnixNanos,
    text: &str,
) -> Option<()> {
    let ((sum, a), (min, b), (max, c)) =
        (one(text, "sum", Flags::SUM), one(text, "min", Flags::MIN), one(text, "max", Flags::MAX));
    let positive = batch.push_counts(list(text, "counts"));
    batch.exponential_histograms.push(ExponentialHistogramPoint {
        series,
        flags: a.with(b).with(c),
        start,
        time,
        count: *list(text, "count").first()?,
        sum,
        min,
        max,
        scale: *list(text, "scale").first()?,
        zero_count: 0,
        zero_threshold: 0.0,
        positive_offset: *list(text, "offset").first()?,
        positive,
        negative_offset: 0,
        negative: weir_core::Span::default(),
    });
    Some(())
}

/// Points in lines.
fn describe(fixture: &Fixture, batch: &Batch, text: &mut String) {
    let mut line = |series: SeriesId, start: UnixNanos, time: UnixNanos, value: String| {
        let series = fixture.series(series);
        let metric = series.descriptor();
        let same = |(_, kind, temporality, monotonic): &&(&str, Kind, Temporality, bool)| {
            (*kind, *temporality, *monotonic) == (metric.kind, metric.temporality, metric.monotonic)
        };
        let kind = KINDS.iter().find(same).map_or("point", |(words, ..)| words);
        let attributes = set(series.attributes());
        let resource = set(&series.resource().attributes);
        let resource = if resource.is_empty() { resource } else { format!(" @{resource}") };
        let since = if start == UnixNanos(0) { String::new() } else { format!(" since {}", words(start)) };
        writeln!(text, "{} {}{attributes}{resource} {kind}{since}: {value}", words(time), metric.name)
            .unwrap();
    };
    for point in &batch.numbers {
        let value = match point.value() {
            Number::Int(value) => value.to_string(),
            Number::Double(value) => format!("{value:?}"),
        };
        line(point.series, point.start, point.time, value);
    }
    for p in &batch.histograms {
        let mut value = format!("count {}{}", p.count, statistics(p.flags, [p.sum, p.min, p.max]));
        numbers(&mut value, "counts", batch.counts(p.counts));
        numbers(&mut value, "bounds", batch.bounds(p.bounds));
        line(p.series, p.start, p.time, value);
    }
    for p in &batch.exponential_histograms {
        let mut value = format!("count {}{}", p.count, statistics(p.flags, [p.sum, p.min, p.max]));
        write!(value, " scale {} offset {}", p.scale, p.positive_offset).unwrap();
        numbers(&mut value, "counts", batch.counts(p.positive));
        line(p.series, p.start, p.time, value);
    }
}

fn statistics(flags: Flags, values: [f64; 3]) -> String {
    let names = [(Flags::SUM, "sum"), (Flags::MIN, "min"), (Flags::MAX, "max")];
    let stated = names.into_iter().zip(values).filter(|((flag, _), _)| flags.has(*flag));
    let words: Vec<String> = stated.map(|((_, name), value)| format!(" {name} {value}")).collect();
    words.concat()
}

fn numbers<T: std::fmt::Display>(text: &mut String, word: &str, list: &[T]) {
    if !list.is_empty() {
        write!(text, " {word}").unwrap();
        list.iter().for_each(|number| write!(text, " {number}").unwrap());
    }
}

fn set(attributes: &Attributes) -> String {
    let entries = attributes.iter().map(|attribute| match &attribute.value {
        Value::Str(text) => format!("{}=\"{text}\"", attribute.key),
        other => format!("{}={other}", attribute.key),
    });
    let entries: Vec<String> = entries.collect();
    if entries.is_empty() { String::new() } else { format!("{{{}}}", entries.join(", ")) }
}

/// `12:01:00`, of the day of all examples.
fn clock_time(text: &str) -> Option<UnixNanos> {
    let mut parts = text.splitn(3, ':').map(|part| part.parse::<u64>().ok());
    let (hours, minutes, secs) = (parts.next()??, parts.next()??, parts.next()??);
    Some(seconds(DAY + hours * 3600 + minutes * 60 + secs))
}

fn words(time: UnixNanos) -> String {
    let second = time.seconds() - DAY;
    format!("{:02}:{:02}:{:02}", second / 3600, second / 60 % 60, second % 60)
}
