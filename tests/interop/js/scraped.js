// An application that shows its metrics with prom-client, the Prometheus client for JavaScript.
//
//     scraped.js
//
// It prints the address at which it listens, and runs until its standard input is closed. /metrics answers in Prometheus"s text
// format, /openmetrics in OpenMetrics: this client negotiates nothing. Everything counts on with each answer.

"use strict";

const http = require("node:http");
const client = require("prom-client");

/** The same metrics in a format of their own each. */
function application(contentType) {
  const registry = new client.Registry(contentType);
  client.collectDefaultMetrics({ register: registry });
  const registers = [registry];
  const enableExemplars = contentType === client.Registry.OPENMETRICS_CONTENT_TYPE;
  const requests = new client.Counter({
    name: "requests_total", help: "Requests \\ by\npath.", labelNames: ["path"], registers, enableExemplars,
  });
  const queue = new client.Gauge({ name: "queue_length", help: "What waits.", registers });
  const strange = new client.Gauge({ name: "strange_values", help: "No numbers.", labelNames: ["which"], registers });
  const seconds = new client.Histogram({ name: "request_seconds", help: "Of requests.", buckets: [0.1, 1, 10], registers });
  const sizes = new client.Summary({
    name: "size_bytes", help: "Of answers.", labelNames: ["empty"], percentiles: [0.5, 0.99], registers,
  });
  let turn = 0;
  return async () => {
    turn += 1;
    const labels = { path: "/" };
    if (enableExemplars) {
      requests.inc({ labels, value: turn, exemplarLabels: { trace_id: "0af7651916cd43dd8448eb211c80319c" } });
      requests.inc({ labels: { path: 'quoted "\\\n line' } });
    } else {
      requests.inc(labels, turn);
      requests.inc({ path: 'quoted "\\\n line' });
    }
    queue.set(10 - turn);
    strange.set({ which: "nan" }, NaN);
    strange.set({ which: "inf" }, Infinity);
    strange.set({ which: "-inf" }, -Infinity);
    strange.set({ which: "small" }, Number.MIN_VALUE);
    strange.set({ which: "large" }, Number.MAX_VALUE);
    for (let at = 1; at < 40; at += 1) {
      seconds.observe((at / 4) * turn);
      sizes.observe({ empty: "" }, at * turn);
    }
    return { type: registry.contentType, body: await registry.metrics() };
  };
}

const pages = {
  "/metrics": application(client.Registry.PROMETHEUS_CONTENT_TYPE),
  "/openmetrics": application(client.Registry.OPENMETRICS_CONTENT_TYPE),
};

const server = http.createServer(async (request, answer) => {
  const { type, body } = await pages[request.url]();
  answer.setHeader("Content-Type", type);
  answer.end(body);
});
server.listen(0, "127.0.0.1", () => console.log(`127.0.0.1:${server.address().port}`));
process.stdin.resume().on("end", () => process.exit(0));
