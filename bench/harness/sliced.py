"""A long round in slices, in turn: what else a machine does changes within it, and so meets all of them alike."""

import statistics

from . import load, usage


def saturate(targets, options, seconds):
    """One round of so many seconds for each target, cut into slices; a row for each.

    CPU is counted over the whole round and not by slices: what a contender puts off until it is idle is its work all the same.
    """
    slices, cpu, last = {name: [] for name in targets}, dict.fromkeys(targets, 0.0), {}
    for _ in range(max(1, seconds // options.slice_seconds)):
        for name, target in targets.items():
            _settle(target.pid, name, cpu, last)
            slices[name].append(load.saturate(target, options, min(options.slice_seconds, seconds)))
    for name, target in targets.items():
        _settle(target.pid, None, cpu, last)
    return {name: whole(slices[name], cpu[name]) for name in targets}


def _settle(pid, comes, cpu, last):
    """Charges what a process took to whoever loaded it last: some contenders are one server with several routes."""
    now = usage.cpu_seconds(usage.family(pid))
    who, before = last.get(pid, (None, now))
    if who is not None:
        cpu[who] += now - before
    last[pid] = (comes, now)


def whole(slices, cpu_seconds):
    """One row of equally long slices."""
    requests = sum(one["requests"] for one in slices)
    row = {field: statistics.median(one[field] for one in slices) for field in ("p50Millis", "p99Millis")}
    rate = statistics.mean(one["requestsPerSecond"] for one in slices)
    return {"requestsPerSecond": rate, "cpuMicros": cpu_seconds / requests * 1e6, **row, "requests": requests}
