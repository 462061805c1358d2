"""What a program used: CPU time and memory of a process and those it started, from /proc. Linux only."""

import os
import pathlib
import re

TICKS = os.sysconf("SC_CLK_TCK")


def family(pid):
    """A process and all that came of it."""
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            found += family(int(child))
    return found


def cpu_seconds(pids):
    """User and system time, all threads included."""
    ticks = 0
    for pid in pids:
        # Fields 14 and 15, counted after the command's name, which may hold spaces.
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks / TICKS


def memory_mib(pids):
    """What they hold in memory; pages that several share count once."""
    return sum(_proportional_kib(pid) for pid in pids) / 1024


def _proportional_kib(pid):
    try:
        text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
        return int(re.search(r"^Pss:\s+(\d+)", text, re.M).group(1))
    except OSError:
        text = pathlib.Path(f"/proc/{pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+)", text, re.M).group(1))
