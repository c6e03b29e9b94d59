#!/usr/bin/env python3
"""An application that measures itself with the official OpenTelemetry SDK for Python, as a plan says.

    app.py PLAN.json

The plan names an endpoint (with files of certificates, where TLS is spoken), a protocol (`grpc`, `http/protobuf`), a
temporality, instruments, and for each series what is recorded in each cycle; a cycle ends with one export.
`tests/e2e/sdks/plan.rs` writes plans and explains them. Its counterparts in other languages are `js/app.js`, `go/app` and
`tests/e2e/sdks/rust.rs`.

Exit codes: 0 all was delivered, 1 an export was refused, 2 usage.
"""

import json
import logging
import math
import os
import sys
from pathlib import Path

# The settings of whoever runs this are not part of the test.
for name in [name for name in os.environ if name.startswith("OTEL_")]:
    del os.environ[name]

import grpc
from opentelemetry.exporter.otlp.proto.grpc.metric_exporter import OTLPMetricExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter as HttpExporter
from opentelemetry.metrics import Observation
from opentelemetry.sdk import metrics as sdk
from opentelemetry.sdk.metrics.export import AggregationTemporality, MetricExportResult, PeriodicExportingMetricReader
from opentelemetry.sdk.metrics.view import ExponentialBucketHistogramAggregation, View
from opentelemetry.sdk.resources import Resource

DELIVERED, REFUSED, USAGE = 0, 1, 2

# Seconds for one export with all its retries.
EXPORT_TIMEOUT = 10

# The specification's "delta preference": what goes up and down stays cumulative, or its level would be lost.
DELTA = {
    kind: AggregationTemporality.DELTA for kind in (sdk.Counter, sdk.Histogram, sdk.ObservableCounter)
}


def exporter_of(plan):
    """The exporter that the plan wants, which remembers how many exports were refused."""
    settings = {
        "endpoint": plan["endpoint"],
        "timeout": EXPORT_TIMEOUT,
        "preferred_temporality": DELTA if plan["temporality"] == "delta" else {},
    }
    if plan["protocol"] == "grpc":
        options = [("grpc.enable_http_proxy", 0)]
        if plan["endpoint"].startswith("unix:"):
            # gRPC's C core would name the socket's path, which servers in Rust refuse as no authority.
            options.append(("grpc.default_authority", "localhost"))
        base, more = GrpcExporter, {"channel_options": tuple(options)}
        if plan["tls"]:
            ca, key, certificate = (Path(plan["tls"][name]).read_bytes() for name in ("ca", "key", "certificate"))
            more["credentials"] = grpc.ssl_channel_credentials(ca, key, certificate)
        else:
            more["insecure"] = True
    else:
        base, more = HttpExporter, {}

    class Exporter(base):
        refused = 0

        def export(self, *args, **kwargs):
            result = super().export(*args, **kwargs)
            self.refused += result is not MetricExportResult.SUCCESS
            return result

    return Exporter(**settings, **more)


class Instrument:
    """An instrument of the plan, and the cycle that it is in."""

    def __init__(self, meter, plan):
        self.series = plan["series"]
        self.cycle = 0
        kind = plan["kind"].removeprefix("exponential_")
        make = getattr(meter, f"create_{kind}")
        self.observed = kind.startswith("observable_")
        if self.observed:
            make(plan["name"], callbacks=[self.observe], unit=plan["unit"])
        else:
            instrument = make(plan["name"], unit=plan["unit"])
            self.record_one = {"histogram": "record", "gauge": "set"}.get(kind, "add")
            self.record_one = getattr(instrument, self.record_one)

    def record(self, cycle):
        self.cycle = cycle
        if not self.observed:
            for series in self.series:
                for number in series["cycles"][cycle]:
                    self.record_one(number, series["attributes"])

    def observe(self, _options):
        for series in self.series:
            for number in series["cycles"][self.cycle]:
                yield Observation(number, series["attributes"])


def main():
    if len(sys.argv) != 2:
        print(__doc__, file=sys.stderr)
        return USAGE
    logging.basicConfig(stream=sys.stderr, level=logging.WARNING)
    with open(sys.argv[1], encoding="utf-8") as file:
        plan = json.load(file)

    exporter = exporter_of(plan)
    # No timer: a collection happens when the cycle asks for it, and at no other time.
    reader = PeriodicExportingMetricReader(exporter, export_interval_millis=math.inf)
    views = [
        View(instrument_name=instrument["name"], aggregation=ExponentialBucketHistogramAggregation())
        for instrument in plan["instruments"]
        if instrument["kind"] == "exponential_histogram"
    ]
    provider = sdk.MeterProvider(
        metric_readers=[reader],
        resource=Resource.create({"service.name": "interop", "interop.shard": 3}),
        views=views,
        shutdown_on_exit=False,
    )
    meter = provider.get_meter("weir.interop", "1.0.0")
    instruments = [Instrument(meter, instrument) for instrument in plan["instruments"]]
    for cycle in range(plan["cycles"]):
        for instrument in instruments:
            instrument.record(cycle)
        provider.force_flush()
    # Not `provider.shutdown()`: it collects once more, which would send every cumulative point again.
    exporter.shutdown()
    if exporter.refused:
        print(f"{exporter.refused} of {plan['cycles']} exports were refused", file=sys.stderr)
        return REFUSED
    return DELIVERED


if __name__ == "__main__":
    sys.exit(main())
