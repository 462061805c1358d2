"""Which machine and which programs: without it no number means anything to anybody else."""

import os
import pathlib
import re
import subprocess

from .options import ROOT


def describe(options):
    """What a reader needs to judge the numbers; nothing that names the machine."""
    text = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", text, re.M)
    memory = re.search(r"MemTotal:\s+(\d+)", _read("/proc/meminfo"))
    return {
        "cpu": model.group(1) if model else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "virtual": bool(re.search(r"^flags.*\bhypervisor\b", text, re.M)),
        "memoryGib": round(int(memory.group(1)) / 2**20, 1) if memory else None,
        # The first two numbers: what comes after tells who built it.
        "kernel": "Linux " + ".".join(os.uname().release.split(".")[:2]),
        "governor": _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor").strip() or None,
        "loadBefore": os.getloadavg()[0],
        "apart": options.apart,
        "programs": {
            "keyward": _first([options.binary, "--version"], r"keyward (\S+)"),
            "commit": _first(["git", "-C", str(ROOT), "describe", "--always", "--dirty"], r"(\S+)"),
            "rustc": _first(["rustc", "--version"], r"rustc (\S+)"),
            "haproxy": _first(["haproxy", "-v"], r"version (\S+)"),
            "nginx": _first(["nginx", "-v"], r"nginx/(\S+)"),
            "wrk": _first(["wrk", "-v"], r"wrk (\S+)"),
            "h2load": _first(["h2load", "--version"], r"nghttp2/(\S+)"),
        },
    }


def _read(path):
    try:
        return pathlib.Path(path).read_text()
    except OSError:
        return ""


def _first(command, pattern):
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(pattern, done.stdout + done.stderr)
    return found.group(1) if found else None
