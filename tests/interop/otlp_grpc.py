#!/usr/bin/env python3
"""An application that measures itself with the official OpenTelemetry SDK and sends OTLP over gRPC.

It records known numbers in several collection cycles, and prints as JSON what it recorded, so that a test can
compare what arrived with what a real client says it sent:

    otlp_grpc.py --endpoint 127.0.0.1:4317 --seed 7 --temporality cumulative

    {"seed": 7, "temporality": "cumulative", "cycles": 5, "resource": {...}, "scope": {...},
     "points_sent": 90,
     "metrics": [{"name": "interop.requests", "unit": "{request}", "kind": "sum", "monotonic": true,
                  "temporality": "cumulative", "number": "int",
                  "series": [{"attributes": {"method": "GET", "status": 200},
                              "recorded": [3, null, 12, 1, 9], "total": 25}, ...]}, ...]}

`recorded` has an entry a cycle: for a gauge what was seen, for a sum what was added, null where nothing was (then a
cumulative series sends its total again, and a delta series sends no point). `total` is the sum of what was added; a gauge has `last` in its place. Every floating-point number is a
multiple of 1/4 and small, so each sum of them is exact in any order. `points_sent` is counted at the exporter, apart
from the numbers above.

Exit codes: 0 all was delivered, 1 an export was refused, 2 usage, 4 the endpoint could not be reached.
"""

import argparse
import json
import logging
import math
import os
import random
import sys

# The settings of whoever runs this are not part of the test.
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter
from opentelemetry.metrics import CallbackOptions, Observation
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

DELIVERED, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 4

# Seconds for one export with all its retries.
EXPORT_TIMEOUT = 10

SCOPE_NAME, SCOPE_VERSION = "weir.interop", "1.0.0"

CUMULATIVE = {
    kind: AggregationTemporality.CUMULATIVE
    for kind in (
        sdk.Counter,
        sdk.UpDownCounter,
        sdk.Histogram,
        sdk.ObservableCounter,
        sdk.ObservableUpDownCounter,
        sdk.ObservableGauge,
    )
}

# The specification's "delta preference": what goes up and down stays cumulative, or its level would be lost.
DELTA = CUMULATIVE | {
    kind: AggregationTemporality.DELTA for kind in (sdk.Counter, sdk.Histogram, sdk.ObservableCounter)
}


class CountingExporter(OTLPMetricExporter):
    """Counts the points that are handed over, and remembers whether each export was taken."""

    def __init__(self, **settings):
        super().__init__(**settings)
        self.points = 0
        self.refused = 0

    def export(self, metrics_data: MetricsData, *args, **kwargs) -> MetricExportResult:
        self.points += sum(
            len(metric.data.data_points)
            for resource in metrics_data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
        )
        result = super().export(metrics_data, *args, **kwargs)
        self.refused += result is not MetricExportResult.SUCCESS
        return result


class Series:
    """What was recorded under one set of attributes, cycle by cycle."""

    def __init__(self, attributes, sparse):
        self.attributes = attributes
        self.sparse = sparse
        self.recorded = []

    def next(self, draw, rng):
        """Decides this cycle's number. A sparse series has its first cycle at least, and then often none."""
        silent = self.sparse and self.recorded and rng.random() < 0.5
        self.recorded.append(None if silent else draw())
        return self.recorded[-1]

    def total(self):
        return sum(number for number in self.recorded if number is not None)


class Metric:
    """One instrument with its series. `monotonic` is None for a gauge."""

    def __init__(self, name, unit, number, monotonic, draw, attributes, observed=False, sparse=False):
        self.name, self.unit, self.number, self.monotonic = name, unit, number, monotonic
        self.draw, self.observed = draw, observed
        self.series = [Series(attributes, sparse) for attributes in attributes]
        self.instrument = None

    def create(self, meter):
        kind = {None: "gauge", True: "counter", False: "up_down_counter"}[self.monotonic]
        if self.observed:
            make = getattr(meter, f"create_observable_{kind}")
            self.instrument = make(self.name, callbacks=[self.observe], unit=self.unit)
        else:
            self.instrument = getattr(meter, f"create_{kind}")(self.name, unit=self.unit)

    def record(self, rng):
        """One cycle. A sum that is observed has its new total read by `observe` when the SDK collects."""
        for series in self.series:
            number = series.next(lambda: self.draw(rng), rng)
            if self.observed or number is None:
                continue
            if self.monotonic is None:
                self.instrument.set(number, series.attributes)
            else:
                self.instrument.add(number, series.attributes)

    def observe(self, _options: CallbackOptions):
        for series in self.series:
            # Measurements start with the first cycle; the SDK may not collect before it.
            if series.recorded:
                number = series.recorded[-1] if self.monotonic is None else series.total()
                yield Observation(number, series.attributes)

    def report(self, temporality):
        return {
            "name": self.name,
            "unit": self.unit,
            "kind": "gauge" if self.monotonic is None else "sum",
            "monotonic": self.monotonic,
            "temporality": self.temporality(temporality),
            "number": self.number,
            "series": [self.report_series(series) for series in self.series],
        }

    def report_series(self, series):
        report = {"attributes": series.attributes, "recorded": series.recorded}
        if self.monotonic is None:
            report["last"] = series.recorded[-1]
        else:
            report["total"] = series.total()
        return report

    def temporality(self, preferred):
        """What the specification makes of the preference for this kind of instrument."""
        if self.monotonic is None:
            return None
        return preferred if self.monotonic else "cumulative"


def quarters(low, high):
    """Draws multiples of 1/4 from a range."""
    return lambda rng: rng.randint(low * 4, high * 4) / 4


def integers(low, high):
    """Draws integers from a range."""
    return lambda rng: rng.randint(low, high)


def instruments():
    """Every kind of instrument that ends as a number, with integers and floating point, and every kind of attribute."""
    requests = [{"method": method, "status": status} for method in ("GET", "PUT") for status in (200, 503)]
    disks = [{"device": "sda", "write": write} for write in (True, False)]
    zones = [{"zone": "a", "ratio": 0.5}, {"zone": "b", "ratio": 1.5}]
    return [
        Metric("interop.requests", "{request}", "int", True, integers(0, 1000), requests, sparse=True),
        Metric("interop.sent", "By", "double", True, quarters(0, 5000), requests[:2]),
        Metric("interop.unlabelled", "1", "int", True, integers(1, 9), [{}]),
        Metric("interop.in_flight", "{request}", "int", False, integers(-20, 20), [{"pool": "main"}]),
        Metric("interop.balance", "1", "double", False, quarters(-50, 50), [{"pool": "main"}, {"pool": "spare"}]),
        Metric("interop.cpu.time", "s", "double", True, quarters(0, 30), disks[:1], observed=True),
        Metric("interop.threads", "{thread}", "int", False, integers(-3, 3), disks, observed=True),
        Metric("interop.temperature", "Cel", "double", None, quarters(-40, 90), zones, observed=True),
        Metric("interop.level", "%", "int", None, integers(0, 100), zones, observed=True),
        Metric("interop.mode", "1", "int", None, integers(0, 4), [{"unit": "left"}]),
    ]


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, metavar="HOST:PORT", help="an OTLP gRPC receiver, without TLS")
    parser.add_argument("--seed", required=True, type=int, help="decides every number")
    parser.add_argument("--temporality", required=True, choices=("cumulative", "delta"))
    parser.add_argument("--cycles", type=int, default=5, help="collections, each one export (default: %(default)s)")
    parsed = parser.parse_args()
    if parsed.cycles < 1:
        parser.error(f"--cycles must be at least 1, found {parsed.cycles}")
    return parsed


def reachable(endpoint):
    """Whether a gRPC server answers: told apart from one that refuses what it is sent."""
    with grpc.insecure_channel(endpoint, options=[("grpc.enable_http_proxy", 0)]) as channel:
        try:
            grpc.channel_ready_future(channel).result(timeout=EXPORT_TIMEOUT)
        except grpc.FutureTimeoutError:
            return False
    return True


def main():
    options = arguments()
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    if not reachable(options.endpoint):
        print(f"cannot reach {options.endpoint} within {EXPORT_TIMEOUT} s", file=sys.stderr)
        return UNREACHABLE

    exporter = CountingExporter(
        endpoint=options.endpoint,
        insecure=True,
        timeout=EXPORT_TIMEOUT,
        preferred_temporality=DELTA if options.temporality == "delta" else CUMULATIVE,
        channel_options=(("grpc.enable_http_proxy", 0),),
    )
    # No timer: a collection happens when the cycle asks for it, and at no other time.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    resource = Resource.create(
        {"service.name": "weir-interop", "service.instance.id": f"seed-{options.seed}", "interop.shard": 3}
    )
    provider = sdk.MeterProvider(metric_readers=[reader], resource=resource, shutdown_on_exit=False)
    meter = provider.get_meter(SCOPE_NAME, SCOPE_VERSION)

    metrics = instruments()
    for metric in metrics:
        metric.create(meter)
    rng = random.Random(options.seed)
    for _ in range(options.cycles):
        for metric in metrics:
            metric.record(rng)
        provider.force_flush()
    # Not `provider.shutdown()`: it collects once more, which would send every cumulative point again.
    exporter.shutdown()

    report = {
        "seed": options.seed,
        "temporality": options.temporality,
        "cycles": options.cycles,
        "resource": dict(resource.attributes),
        "scope": {"name": SCOPE_NAME, "version": SCOPE_VERSION},
        "points_sent": exporter.points,
        "metrics": [metric.report(options.temporality) for metric in metrics],
    }
    print(json.dumps(report, indent=1))
    if exporter.refused:
        print(f"{exporter.refused} of {options.cycles} exports were refused", file=sys.stderr)
        return REFUSED
    return DELIVERED


if __name__ == "__main__":
    sys.exit(main())
