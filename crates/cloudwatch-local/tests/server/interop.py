"""Publishes to the CloudWatch at argv[1] and reads back, with real clients.

Prints `passed: …` for each client that was used and `skipped: …` for each that this machine lacks. What is expected is
computed here, from the samples that were sent.
"""

import datetime
import json
import math
import os
import random
import shutil
import subprocess
import sys

ENDPOINT = sys.argv[1]

try:
    import boto3
    import botocore
    import botocore.session
    from botocore.exceptions import ClientError
except ImportError as error:
    print(f"skipped: boto3 ({error})")
    sys.exit(0)

UTC = datetime.timezone.utc
NOW = datetime.datetime.now(UTC).replace(second=0, microsecond=0)
START = NOW - datetime.timedelta(minutes=10)
END = NOW + datetime.timedelta(minutes=1)


def percentile(samples, percent):
    """Linear between neighbours at rank percent / 100 * (n - 1)."""
    ordered = sorted(samples)
    rank = percent / 100 * (len(ordered) - 1)
    below, above = ordered[math.floor(rank)], ordered[math.ceil(rank)]
    return below + (above - below) * (rank - math.floor(rank))


def close(found, expected):
    assert math.isclose(found, expected, rel_tol=1e-12), f"{found} is not {expected}"


def equal(found, expected):
    assert found == expected, f"{found!r} is not {expected!r}"


def refused(call, code, part):
    try:
        call()
    except ClientError as error:
        equal(error.response["Error"]["Code"], code)
        message = error.response["Error"].get("Message", "")
        assert part in message, message
        return error
    raise AssertionError(f"not refused: {code}")


def samples_of(seed):
    """Samples, and their distinct values (at most 139) with counts; quarters, so that sums are exact in any order."""
    source = random.Random(seed)
    samples = [source.randrange(1, 140) / 4 for _ in range(400)]
    counts = {}
    for sample in samples:
        counts[sample] = counts.get(sample, 0) + 1
    return samples, counts


def boto3_client(protocol):
    session = botocore.session.Session()
    if protocol == "cbor":
        # boto3 would choose JSON: leave it no choice.
        loader = session.get_component("data_loader")
        load = loader.load_service_model

        def load_cbor_only(*args, **kwargs):
            model = load(*args, **kwargs)
            if "protocols" in model.get("metadata", {}):
                model["metadata"]["protocols"] = ["smithy-rpc-v2-cbor"]
            return model

        loader.load_service_model = load_cbor_only
    client = boto3.Session(botocore_session=session).client("cloudwatch", endpoint_url=ENDPOINT)
    chosen = client.meta.service_model.resolved_protocol
    assert protocol in chosen, chosen
    return client


def check_boto3(protocol):
    client = boto3_client(protocol)
    namespace = f"Interop/{protocol}"
    samples, counts = samples_of(protocol)
    dimensions = [{"Name": "protocol", "Value": protocol}, {"Name": "a", "Value": "x y"}]
    metric = {"MetricName": "latency", "Dimensions": dimensions}

    client.put_metric_data(
        Namespace=namespace,
        MetricData=[
            dict(metric, Timestamp=START, Unit="Milliseconds", Values=list(counts), Counts=list(counts.values())),
            dict(metric, Timestamp=START + datetime.timedelta(minutes=2), Unit="Milliseconds", Value=0.1),
            dict(
                metric,
                MetricName="set",
                Timestamp=START,
                StatisticValues={"SampleCount": 3, "Sum": 6, "Minimum": 1, "Maximum": 3},
            ),
        ],
    )

    query = dict(Namespace=namespace, Dimensions=dimensions, StartTime=START, EndTime=END, Period=60)
    basic = ["Average", "Sum", "Minimum", "Maximum", "SampleCount"]
    points = client.get_metric_statistics(MetricName="latency", Statistics=basic, **query)["Datapoints"]
    first, second = sorted(points, key=lambda point: point["Timestamp"])
    equal(first["Timestamp"], START)
    equal(first["Unit"], "Milliseconds")
    equal(first["SampleCount"], len(samples))
    equal(first["Sum"], sum(samples))
    equal(first["Average"], sum(samples) / len(samples))
    equal((first["Minimum"], first["Maximum"]), (min(samples), max(samples)))
    equal([second[name] for name in basic], [0.1, 0.1, 0.1, 0.1, 1])

    extended = client.get_metric_statistics(MetricName="latency", ExtendedStatistics=["p50", "p95", "p99.9"], **query)
    first = min(extended["Datapoints"], key=lambda point: point["Timestamp"])["ExtendedStatistics"]
    for name in ("p50", "p95", "p99.9"):
        close(first[name], percentile(samples, float(name[1:])))
    of_set = client.get_metric_statistics(MetricName="set", ExtendedStatistics=["p50"], **query)
    equal(of_set["Datapoints"], [])

    queries = [
        {
            "Id": stat.lower().replace(".", "_"),
            "MetricStat": {"Metric": dict(metric, Namespace=namespace), "Period": 600, "Stat": stat},
        }
        for stat in ("Sum", "p50", "p95")
    ]
    pages = client.get_paginator("get_metric_data").paginate(
        MetricDataQueries=queries, StartTime=START, EndTime=END, PaginationConfig={"PageSize": 2}
    )
    found = {}
    for page in pages:
        for result in page["MetricDataResults"]:
            found.setdefault(result["Id"], []).extend(zip(result["Timestamps"], result["Values"]))
    every = samples + [0.1]
    (time, total), = found["sum"]
    equal(time, START)
    close(total, math.fsum(every))
    close(found["p50"][0][1], percentile(every, 50))
    close(found["p95"][0][1], percentile(every, 95))

    many = [{"MetricName": f"m{n:04}", "Value": n} for n in range(1000)]
    client.put_metric_data(Namespace=f"{namespace}/many", MetricData=many)
    names = [
        metric["MetricName"]
        for page in client.get_paginator("list_metrics").paginate(Namespace=f"{namespace}/many")
        for metric in page["Metrics"]
    ]
    equal(names, [f"m{n:04}" for n in range(1000)])
    listed = client.list_metrics(Namespace=namespace, Dimensions=[{"Name": "protocol", "Value": protocol}])["Metrics"]
    equal(sorted(metric["MetricName"] for metric in listed), ["latency", "set"])

    def put(**datum):
        return lambda: client.put_metric_data(Namespace=namespace, MetricData=[dict({"MetricName": "bad"}, **datum)])

    refused(put(Value=math.nan), "InvalidParameterValue", "The value NaN for parameter MetricData.member.1.Value is invalid.")
    refused(put(Value=math.inf), "InvalidParameterValue", "MetricData.member.1.Value")
    refused(put(Value=1.0, Values=[1.0]), "InvalidParameterCombination", "mutually exclusive")
    refused(put(), "InvalidParameterCombination", "At least one of the parameters")
    refused(put(Value=1.0, Timestamp=NOW - datetime.timedelta(days=15)), "InvalidParameterValue", "past two weeks")
    error = refused(put(Values=[float(n) for n in range(151)]), "InvalidParameterValue", "a size greater than 150")
    if protocol == "json":
        assert isinstance(error, client.exceptions.InvalidParameterValueException), type(error)
    equal(client.list_metrics(Namespace=namespace, MetricName="bad")["Metrics"], [])
    print(f"passed: boto3 {protocol} ({boto3.__version__})")


def check_cli():
    client = os.environ.get("WEIR_AWS") or shutil.which("aws")
    if client is None:
        print("skipped: aws")
        return

    def aws(*arguments):
        command = [client, "--endpoint-url", ENDPOINT, "--output", "json", "cloudwatch", *arguments]
        return subprocess.run(command, capture_output=True, text=True, timeout=120)

    def answer(*arguments):
        run = aws(*arguments)
        assert run.returncode == 0, run.stderr
        return json.loads(run.stdout) if run.stdout.strip() else None

    samples, counts = samples_of("cli")
    data = [
        {
            "MetricName": "latency",
            "Timestamp": START.isoformat(),
            "Unit": "Seconds",
            "Values": list(counts),
            "Counts": list(counts.values()),
            "Dimensions": [{"Name": "client", "Value": "cli"}],
        }
    ]
    answer("put-metric-data", "--namespace", "Interop/cli", "--metric-data", json.dumps(data))
    query = ["get-metric-statistics", "--namespace", "Interop/cli", "--metric-name", "latency", "--dimensions"]
    query += ["Name=client,Value=cli", "--start-time", START.isoformat(), "--end-time", END.isoformat(), "--period", "60"]
    (point,) = answer(*query, "--statistics", "Average", "Sum", "Minimum", "Maximum", "SampleCount")["Datapoints"]
    equal((point["SampleCount"], point["Sum"]), (len(samples), sum(samples)))
    equal(point["Average"], sum(samples) / len(samples))
    equal((point["Minimum"], point["Maximum"], point["Unit"]), (min(samples), max(samples), "Seconds"))
    (point,) = answer(*query, "--extended-statistics", "p50", "p95")["Datapoints"]
    close(point["ExtendedStatistics"]["p50"], percentile(samples, 50))
    close(point["ExtendedStatistics"]["p95"], percentile(samples, 95))

    listed = answer("list-metrics", "--namespace", "Interop/cli")["Metrics"]
    equal(listed, [{"Namespace": "Interop/cli", "MetricName": "latency", "Dimensions": data[0]["Dimensions"]}])

    failed = aws("put-metric-data", "--namespace", "AWS/Mine", "--metric-name", "m", "--value", "1")
    assert failed.returncode != 0 and "InvalidParameterValue" in failed.stderr, failed
    print("passed: aws")


check_boto3("json")
try:
    cbor = boto3_client("cbor")
except (AssertionError, botocore.exceptions.BotoCoreError) as error:
    print(f"skipped: boto3 cbor ({error!r})")
else:
    check_boto3("cbor")
check_cli()
