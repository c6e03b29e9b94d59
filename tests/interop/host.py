"""What psutil says of this machine, or of a process, as JSON: under the names that Weir has for the same.

`counters` only grow, `gauges` grow and fall, `percents` are shares of a hundred as psutil rounds them.
"""

import json
import os
import sys
import time

import psutil

CPU_STATES = {
    "user": "user",
    "nice": "nice",
    "system": "system",
    "idle": "idle",
    "iowait": "wait",
    "irq": "interrupt",
    "softirq": "softirq",
    "steal": "steal",
}


def name(metric, **attributes):
    inner = ",".join(f"{key}={value}" for key, value in sorted(attributes.items()))
    return f"{metric}{{{inner}}}"


def machine():
    counters, gauges, percents = {}, {}, {}

    # The kernel corrects idle and waiting times downwards now and then: they are no counters.
    for number, times in enumerate(psutil.cpu_times(percpu=True)):
        for field, state in CPU_STATES.items():
            kind = gauges if state in ("idle", "wait") else counters
            kind[name("system.cpu.time", cpu=f"cpu{number}", state=state)] = getattr(times, field)
    gauges[name("system.cpu.logical.count")] = psutil.cpu_count()
    for minutes, average in zip((1, 5, 15), os.getloadavg()):
        gauges[name(f"system.cpu.load_average.{minutes}m")] = round(average, 2)
    gauges[name("system.uptime")] = round(time.clock_gettime(time.CLOCK_BOOTTIME), 2)

    memory = psutil.virtual_memory()
    gauges[name("system.memory.limit")] = memory.total
    gauges[name("system.linux.memory.available")] = memory.available
    gauges[name("system.memory.usage", state="free")] = memory.free
    gauges[name("system.memory.usage", state="buffered")] = memory.buffers
    gauges[name("system.memory.usage", state="cached")] = memory.cached
    percents[name("system.memory.utilization", state="used")] = memory.percent

    # psutil multiplies pages by 4096.
    swap = psutil.swap_memory()
    counters[name("system.paging.operations", direction="page_in", type="major")] = swap.sin // 4096
    counters[name("system.paging.operations", direction="page_out", type="major")] = swap.sout // 4096

    for device, disk in psutil.disk_io_counters(perdisk=True).items():
        for direction in ("read", "write"):
            both = {"device": device, "direction": direction}
            counters[name("system.disk.io", **both)] = getattr(disk, f"{direction}_bytes")
            counters[name("system.disk.operations", **both)] = getattr(disk, f"{direction}_count")
            counters[name("system.disk.operation_time", **both)] = getattr(disk, f"{direction}_time") / 1000
            counters[name("system.disk.merged", **both)] = getattr(disk, f"{direction}_merged_count")
        counters[name("system.disk.io_time", device=device)] = disk.busy_time / 1000

    for device, nic in psutil.net_io_counters(pernic=True).items():
        for direction, sent, end in (("receive", "recv", "in"), ("transmit", "sent", "out")):
            both = {"device": device, "direction": direction}
            counters[name("system.network.io", **both)] = getattr(nic, f"bytes_{sent}")
            counters[name("system.network.packets", **both)] = getattr(nic, f"packets_{sent}")
            counters[name("system.network.errors", **both)] = getattr(nic, f"err{end}")
            counters[name("system.network.dropped", **both)] = getattr(nic, f"drop{end}")

    states = [one.status for one in psutil.net_connections(kind="tcp")]
    for state in ("ESTABLISHED", "LISTEN", "CLOSE_WAIT", "FIN_WAIT1", "FIN_WAIT2"):
        connections = name("system.network.connections", protocol="tcp", state=state)
        gauges[connections] = states.count(state)

    # Weir reports a filesystem once, at the mount of its root: elsewhere the two need not have chosen the same mount point.
    for partition in psutil.disk_partitions(all=False):
        if partition.mountpoint == "/":
            usage = psutil.disk_usage("/")
            root = {
                "device": partition.device,
                "mode": "ro" if "ro" in partition.opts.split(",") else "rw",
                "mountpoint": "/",
                "type": partition.fstype,
            }
            percents[name("system.filesystem.utilization", **root)] = usage.percent
            gauges[name("system.filesystem.usage", state="used", **root)] = usage.used
            gauges[name("system.filesystem.usage", state="free", **root)] = usage.free

    return counters, gauges, percents


def process(pid):
    counters, gauges = {}, {}
    one = psutil.Process(pid)
    times = one.cpu_times()
    counters[name("process.cpu.time", state="user")] = times.user
    counters[name("process.cpu.time", state="system")] = times.system
    counters[name("process.cpu.time", state="wait")] = times.iowait
    io = one.io_counters()
    counters[name("process.disk.io", direction="read")] = io.read_bytes
    counters[name("process.disk.io", direction="write")] = io.write_bytes
    counters[name("process.disk.operations", direction="read")] = io.read_count
    counters[name("process.disk.operations", direction="write")] = io.write_count
    switches = one.num_ctx_switches()
    counters[name("process.context_switches", type="voluntary")] = switches.voluntary
    counters[name("process.context_switches", type="involuntary")] = switches.involuntary
    memory = one.memory_info()
    gauges[name("process.memory.usage")] = memory.rss
    gauges[name("process.memory.virtual")] = memory.vms
    gauges[name("process.threads")] = one.num_threads()
    gauges[name("process.open_file_descriptors")] = one.num_fds()
    return counters, gauges, {}


if sys.argv[1] == "machine":
    said = machine()
else:
    said = process(int(sys.argv[2]))
print(json.dumps(dict(zip(("counters", "gauges", "percents"), said))))
