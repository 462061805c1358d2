"""Reads what perf and strace say, and puts it in order: time by symbol and by crate, system calls for each request."""

import collections
import re

SYMBOL = re.compile(r"^\s*([\d.]+)%\s+(\S.*?)\s{2,}\[([.k])\] (.+?)(?:\s{2,}.*)?$")
THREAD = re.compile(r"^\s*([\d.]+)%\s+(\S.*?)\s*$")


def of_report(text):
    """Percent, symbol and where it belongs, most first, from `perf report --sort dso,symbol`."""
    found = []
    for line in text.splitlines():
        if match := SYMBOL.match(line):
            percent, program, ring, symbol = match.groups()
            place = "kernel" if ring == "k" else crate(symbol) or program.strip()
            found.append((float(percent), place, symbol))
    return sorted(found, reverse=True)


def by_thread(text):
    """Percent and name of each thread, from `perf report --sort comm`."""
    return [(match.group(2), float(match.group(1))) for line in text.splitlines() if (match := THREAD.match(line))]


def crate(symbol):
    """The crate of a Rust symbol: the first path in it, or the first within, where the library of the language wraps it."""
    crates = re.findall(r"(?<![\w:])([A-Za-z_]\w*)::", symbol)
    return next((name for name in crates if name not in ("core", "alloc", "std")), crates[0] if crates else None)


def by_place(symbols):
    """The sum for each crate, the kernel and each library, most first."""
    sums = collections.Counter()
    for percent, place, _ in symbols:
        sums[place] += percent
    return sums.most_common()


def calls(text):
    """Count by name, from the tables of `strace -c`."""
    found = collections.Counter()
    for line in text.splitlines():
        fields = line.split()
        if len(fields) in (5, 6) and re.fullmatch(r"[\d.]+", fields[0]) and fields[3].isdigit() and fields[-1] != "total":
            found[fields[-1]] += int(fields[3])
    return found.most_common()
