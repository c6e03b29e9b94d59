// An application that measures itself with the official OpenTelemetry SDK for JavaScript, as a plan says.
//
//     NODE_PATH=…/node_modules node app.js PLAN.json
//
// The plan names an endpoint, a protocol (`http/json`, `http/protobuf`), a temporality, instruments, and for each series
// what is recorded in each cycle; a cycle ends with one export. `tests/e2e/sdks/plan.rs` writes plans and explains them.
//
// Exit codes: 0 all was delivered, 1 an export was refused, 2 usage.

"use strict";

const { readFileSync } = require("node:fs");
const { exit, argv } = require("node:process");
const { ValueType } = require("@opentelemetry/api");
const json = require("@opentelemetry/exporter-metrics-otlp-http");
const protobuf = require("@opentelemetry/exporter-metrics-otlp-proto");
const { resourceFromAttributes } = require("@opentelemetry/resources");
const { AggregationType, MeterProvider, PeriodicExportingMetricReader } = require("@opentelemetry/sdk-metrics");

// Milliseconds for one export with all its retries.
const EXPORT_TIMEOUT = 10_000;
// The longest that a timer can wait: a collection happens when the cycle asks for it.
const NEVER = 2 ** 31 - 1;

if (argv.length !== 3) {
  console.error("usage: app.js PLAN.json");
  exit(2);
}
const plan = JSON.parse(readFileSync(argv[2], "utf8"));

const { OTLPMetricExporter } = plan.protocol === "http/json" ? json : protobuf;
const { DELTA, CUMULATIVE } = json.AggregationTemporalityPreference;
const exporter = new OTLPMetricExporter({
  url: plan.endpoint,
  timeoutMillis: EXPORT_TIMEOUT,
  temporalityPreference: plan.temporality === "delta" ? DELTA : CUMULATIVE,
});
let refused = 0;
const send = exporter.export.bind(exporter);
exporter.export = (metrics, done) =>
  send(metrics, (result) => {
    if (result.code !== 0) {
      refused += 1;
      console.error(result.error);
    }
    done(result);
  });

const exponential = plan.instruments.filter(({ kind }) => kind === "exponential_histogram");
const provider = new MeterProvider({
  resource: resourceFromAttributes({ "service.name": "interop", "interop.shard": 3 }),
  readers: [
    new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: NEVER, exportTimeoutMillis: EXPORT_TIMEOUT }),
  ],
  views: exponential.map(({ name }) => ({
    instrumentName: name,
    aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM },
  })),
});
const meter = provider.getMeter("weir.interop", "1.0.0");

let cycle = 0;
const recorders = plan.instruments.map(({ name, unit, kind, number, series }) => {
  const options = { unit, valueType: number === "int" ? ValueType.INT : ValueType.DOUBLE };
  const each = (use) => series.forEach(({ attributes, cycles }) => cycles[cycle].forEach((n) => use(n, attributes)));
  switch (kind) {
    case "counter": {
      const counter = meter.createCounter(name, options);
      return () => each((n, attributes) => counter.add(n, attributes));
    }
    case "up_down_counter": {
      const counter = meter.createUpDownCounter(name, options);
      return () => each((n, attributes) => counter.add(n, attributes));
    }
    case "gauge": {
      const gauge = meter.createGauge(name, options);
      return () => each((n, attributes) => gauge.record(n, attributes));
    }
    case "histogram":
    case "exponential_histogram": {
      const histogram = meter.createHistogram(name, options);
      return () => each((n, attributes) => histogram.record(n, attributes));
    }
    default: {
      const make = { observable_counter: "Counter", observable_up_down_counter: "UpDownCounter", observable_gauge: "Gauge" }[kind];
      meter[`createObservable${make}`](name, options).addCallback((result) =>
        each((n, attributes) => result.observe(n, attributes)),
      );
      return () => {};
    }
  }
});

async function main() {
  for (; cycle < plan.cycles; cycle += 1) {
    recorders.forEach((record) => record());
    // This SDK's times are whole milliseconds, and a point whose start is its time says that its start is unknown.
    await new Promise((done) => setTimeout(done, 3));
    await provider.forceFlush();
  }
  // Not `provider.shutdown()`: it collects once more, which would send every cumulative point again.
  if (refused > 0) {
    console.error(`${refused} of ${plan.cycles} exports were refused`);
  }
  exit(refused > 0 ? 1 : 0);
}

main();
