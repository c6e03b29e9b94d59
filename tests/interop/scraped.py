"""An application that shows its metrics with the official Prometheus client for Python.

    scraped.py

It prints the address at which it listens, and runs until its standard input is closed. /metrics answers in the format that is
asked for; everything counts on with each answer.
"""

import sys
import threading
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Enum,
    Gauge,
    GCCollector,
    Histogram,
    Info,
    PlatformCollector,
    ProcessCollector,
    Summary,
    make_wsgi_app,
)

registry = CollectorRegistry()
for collector in (GCCollector, PlatformCollector, ProcessCollector):
    collector(registry=registry)

requests = Counter("requests", "Requests \\ by\npath.", ["path"], registry=registry)
queue = Gauge("queue_length", "", registry=registry)
strange = Gauge("strange_values", "Values that are no numbers.", ["which"], registry=registry)
unicode = Counter("größe.gesamt", "A name of UTF-8.", ["http.method"], registry=registry)
seconds = Histogram("seconds", "Of requests.", buckets=(0.1, 1, 10), unit="seconds", registry=registry)
summary = Summary("size_bytes", "Of answers.", ["empty"], unit="bytes", registry=registry)
Info("build", "What runs.", registry=registry).info({"version": "1.2.3", "label": 'quoted "\\\n line'})
state = Enum("state", "What it does.", states=["starting", "running"], registry=registry)


def count(turn):
    """Moves every metric, by another amount each time."""
    requests.labels("/").inc(turn, exemplar={"trace_id": "0af7651916cd43dd8448eb211c80319c"})
    requests.labels('quoted "\\\n line').inc()
    queue.set(10 - turn)
    for which, value in (("nan", "nan"), ("inf", "inf"), ("-inf", "-inf"), ("small", 5e-324), ("large", 1.7976931348623157e308)):
        strange.labels(which).set(float(value))
    unicode.labels("GET").inc(0.1)
    for at in range(1, 40):
        seconds.observe(at / 4 * turn)
        summary.labels("").observe(at * turn)
    state.state(["starting", "running"][turn % 2])


metrics = make_wsgi_app(registry)
turn = 0


def answer(environment, start_response):
    # One at a time asks: the test's own server.
    global turn
    turn += 1
    count(turn)
    return metrics(environment, start_response)


class Quiet(WSGIRequestHandler):
    def log_message(self, *_):
        pass


server = make_server("127.0.0.1", 0, answer, handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()
print(f"127.0.0.1:{server.server_port}", flush=True)
sys.stdin.read()
