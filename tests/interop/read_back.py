#!/usr/bin/env python3
"""Reads statistics back from CloudWatch with boto3, the way a customer's script does.

    read_back.py --endpoint http://127.0.0.1:4586 --query '{"Namespace": "Weir", "MetricName": "cpu",
        "Dimensions": {"host": "a"}, "StartTime": 1700000000, "EndTime": 1700003600, "Period": 60}'

prints

    {"Label": "cpu", "Datapoints": [{"Timestamp": 1700000040.0, "Unit": "Percent", "Average": 2.0, "Minimum": 1.0,
      "Maximum": 3.0, "Sum": 6.0, "SampleCount": 3.0, "p50": 2.0, "p90": 2.8, "p95": 2.9, "p99": 2.98}]}

ordered by time. A query is an object, or a list of them, answered by a list; `-` reads it from standard input.
Its keys are those of GetMetricStatistics less the statistics; Dimensions is an object, or CloudWatch's own list of
{"Name", "Value"}; times are epoch seconds or ISO 8601. A datapoint without percentiles (CloudWatch gives none for
negative values) lacks them.

Exit codes: 0 answered, 1 CloudWatch refused, 2 usage, 4 the endpoint could not be reached.
"""

import argparse
import datetime
import json
import os
import sys

# The settings of whoever runs this are not part of the test: no profile, no files, no proxies, no real account.
for name in [name for name in os.environ if name.startswith("AWS_")]:
    del os.environ[name]
os.environ.update(
    AWS_ACCESS_KEY_ID="AKIAIOSFODNN7EXAMPLE",
    AWS_SECRET_ACCESS_KEY="wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    AWS_DEFAULT_REGION="us-east-1",
    AWS_CONFIG_FILE=os.devnull,
    AWS_SHARED_CREDENTIALS_FILE=os.devnull,
    AWS_EC2_METADATA_DISABLED="true",
)

import boto3
from botocore import exceptions
from botocore.config import Config

ANSWERED, REFUSED, USAGE, UNREACHABLE = 0, 1, 2, 4

STATISTICS = ["Average", "Minimum", "Maximum", "Sum", "SampleCount"]
PERCENTILES = ["p50", "p90", "p95", "p99"]

KEYS = {"Namespace", "MetricName", "Dimensions", "StartTime", "EndTime", "Period", "Unit"}
OPTIONAL = {"Dimensions", "Unit"}


class BadQuery(Exception):
    """A query that is not one; says what was found."""


def request(query):
    """The parameters of GetMetricStatistics that a query stands for, less the statistics."""
    if not isinstance(query, dict):
        raise BadQuery(f"a query is an object, found {query!r}")
    if unknown := query.keys() - KEYS:
        raise BadQuery(f"unknown keys {sorted(unknown)}")
    if missing := KEYS - OPTIONAL - query.keys():
        raise BadQuery(f"missing keys {sorted(missing)}")
    parameters = dict(query)
    if isinstance(parameters.get("Dimensions"), dict):
        parameters["Dimensions"] = [
            {"Name": name, "Value": value} for name, value in parameters["Dimensions"].items()
        ]
    for key in ("StartTime", "EndTime"):
        parameters[key] = time(key, query[key])
    return parameters


def time(key, value):
    try:
        if isinstance(value, str):
            moment = datetime.datetime.fromisoformat(value.replace("Z", "+00:00"))
            return moment if moment.tzinfo else moment.replace(tzinfo=datetime.timezone.utc)
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError) as error:
        raise BadQuery(f"{key} is no time: {value!r}") from error


def read(client, parameters):
    """Two calls, because CloudWatch takes statistics or percentiles in one call, never both."""
    points = {}
    label = None
    for wanted in ({"Statistics": STATISTICS}, {"ExtendedStatistics": PERCENTILES}):
        answer = client.get_metric_statistics(**parameters, **wanted)
        label = answer.get("Label", label)
        for point in answer["Datapoints"]:
            percentiles = point.pop("ExtendedStatistics", {})
            point["Timestamp"] = point["Timestamp"].timestamp()
            # One period has a datapoint for each unit that was sent in it.
            points.setdefault((point["Timestamp"], point.get("Unit", "None")), {}).update(point | percentiles)
    return {"Label": label, "Datapoints": [points[key] for key in sorted(points)]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--endpoint", required=True, metavar="URL", help="where CloudWatch is")
    parser.add_argument("--query", required=True, metavar="JSON", help="an object, a list of them, or - for stdin")
    options = parser.parse_args()
    try:
        query = json.loads(sys.stdin.read() if options.query == "-" else options.query)
        requests = [request(one) for one in (query if isinstance(query, list) else [query])]
    except (json.JSONDecodeError, BadQuery) as error:
        parser.error(f"--query: {error}")

    try:
        client = boto3.client(
            "cloudwatch",
            endpoint_url=options.endpoint,
            config=Config(proxies={}, connect_timeout=5, read_timeout=20, retries={"total_max_attempts": 1}),
        )
        answers = [read(client, parameters) for parameters in requests]
    except exceptions.ParamValidationError as error:
        parser.error(f"--query: {error}")
    except exceptions.ClientError as error:
        print(f"refused: {error}", file=sys.stderr)
        return REFUSED
    except (exceptions.ConnectionError, exceptions.HTTPClientError) as error:
        print(f"cannot reach {options.endpoint}: {error}", file=sys.stderr)
        return UNREACHABLE
    except (exceptions.BotoCoreError, ValueError) as error:
        parser.error(str(error))
    print(json.dumps(answers if isinstance(query, list) else answers[0], indent=1))
    return ANSWERED


if __name__ == "__main__":
    sys.exit(main())
