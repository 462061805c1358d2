"""Load by wrk: as many requests as a number of connections takes, counted exactly."""

import json
import pathlib
import subprocess

from . import usage
from .failure import Failed

ROTATE = pathlib.Path(__file__).resolve().parent.parent / "config" / "rotate.lua"


def saturate(target, options, seconds):
    """One round against one target: its rate, its latencies, and the CPU that its processes took for each request."""
    arguments = [
        *options.other_place, "wrk", f"-t{options.load_threads}", f"-c{options.connections}", f"-d{seconds}s", "--timeout", "10s",
        "-s", str(ROTATE), target.url, "--", str(target.headers or ""), target.form or "",
    ]
    pids = usage.family(target.pid)
    before = usage.cpu_seconds(pids)
    try:
        done = subprocess.run(arguments, capture_output=True, text=True, timeout=seconds + 30)
    except subprocess.TimeoutExpired:
        raise Failed(f"{target.name}: the load did not end") from None
    cpu = usage.cpu_seconds(pids) - before
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines or not lines[-1].startswith("{"):
        raise Failed(f"{target.name}: wrk failed\n{done.stdout}{done.stderr}")
    counted = json.loads(lines[-1])
    _judge(target, counted)
    return {
        "requestsPerSecond": counted["requests"] / counted["micros"] * 1e6,
        "cpuMicros": cpu / counted["requests"] * 1e6,
        "p50Millis": counted["p50Micros"] / 1000,
        "p99Millis": counted["p99Micros"] / 1000,
        "requests": counted["requests"],
    }


def _judge(target, counted):
    """Every answer must have been the expected one."""
    expected = counted["requests"] if target.refused else 0
    if counted["requests"] == 0 or counted["failed"] or counted["refused"] != expected:
        raise Failed(f"{target.name}: not the answers that were asked for: {counted}")
    if counted["bytes"] < counted["requests"] * target.answer_bytes:
        raise Failed(f"{target.name}: answers are shorter than {target.answer_bytes} bytes: {counted}")
