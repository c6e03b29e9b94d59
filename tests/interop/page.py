"""Reads a page of metrics with the official Prometheus client's parsers, and prints what it says as JSON.

    page.py URL text|openmetrics

The format is asked for by `Accept`, and the parser is the one of what was answered: the one for OpenMetrics refuses what is not as
its specification says.
"""

import json
import sys
import urllib.request

from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as text

ACCEPT = {"text": "text/plain;version=0.0.4", "openmetrics": "application/openmetrics-text;version=1.0.0"}

url, wanted = sys.argv[1:]
request = urllib.request.Request(url, headers={"Accept": ACCEPT[wanted]})
with urllib.request.urlopen(request, timeout=30) as answer:
    kind, body = answer.headers["Content-Type"], answer.read().decode()
parse = openmetrics if kind.startswith("application/openmetrics-text") else text
families = {
    family.name: {
        "type": family.type,
        "unit": family.unit,
        "samples": [[sample.name, sample.labels, repr(float(sample.value))] for sample in family.samples],
    }
    for family in parse(body)
}
print(json.dumps({"content_type": kind, "families": families}))
