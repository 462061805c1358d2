"""What a run is told, and what it finds out of the machine before it begins."""

import argparse
import os
import pathlib

from . import contenders
from .failure import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
LUA_FOLDERS = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")


KINDS = ("requests", "close", "bodies", "latency", "idle", "tokens", "logins", "lists")


def read(arguments):
    """The flags of `bench/run`, checked."""
    parser = argparse.ArgumentParser(prog="bench/run", description="Keyward beside HAProxy and nginx, in turn.")
    parser.add_argument("--kinds", default=",".join(KINDS), help="what to measure, comma-separated")
    parser.add_argument("--rounds", type=int, default=7, help="rounds of each contender")
    parser.add_argument("--long-seconds", type=int, default=24, help="of each round of those whose bars are too noisy to be judged")
    parser.add_argument("--most-rounds", type=int, default=10, help="such rounds, while a bar stays so")
    parser.add_argument("--only", default="", help="contenders by name, comma-separated")
    parser.add_argument("--quick", action="store_true", help="two rounds of two seconds and 1,000 keys: a trial")
    parser.add_argument("--trial", action="store_true", help="leave bench/results and docs/performance.md alone")
    common(parser)
    options = parser.parse_args(arguments)
    if options.quick:
        options.rounds, options.most_rounds, options.seconds, options.long_seconds = 2, 2, 2, 2
        options.keys, options.tokens = 1000, 64
        options.idle = min(options.idle, 1000)
        options.list_keys, options.decisions = min(options.list_keys, 5000), min(options.decisions, 100_000)
    options.most_rounds = max(options.rounds, options.most_rounds)
    options.kinds = _of(options.kinds.split(","), KINDS)
    options.only = _of([name for name in options.only.split(",") if name], contenders.BY_NAME)
    # What is written into the repository was measured as the page says, with everybody who is to be compared.
    options.counts = not (options.trial or options.quick or options.only)
    return complete(options)


def common(parser):
    """Flags of every command of the benchmark."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    parser.add_argument("--seconds", type=int, default=8, help="of each round")
    parser.add_argument("--slice-seconds", type=int, default=8, help="of each turn within a round under full load")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--keys", type=int, default=10_000, help="keys that exist, over which requests rotate")
    parser.add_argument("--tokens", type=int, default=256, help="tokens and pairs over which requests rotate")
    parser.add_argument("--idle", type=int, default=10_000, help="idle connections")
    parser.add_argument("--logins", type=int, default=1_000, help="sign-ins at once")
    parser.add_argument("--list-keys", type=int, default=100_000, help="keys beside which lists are measured")
    parser.add_argument("--decisions", type=int, default=5_000_000, help="decisions beside which lists are measured")
    parser.add_argument("--binary", default=str(target / "keyward"))
    parser.add_argument("--floor", default=str(target / "keyward-floor"))


def _on(cpus):
    return ["taskset", "-c", ",".join(map(str, cpus))]


def _of(names, known):
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Failed(f"unknown: {', '.join(unknown)}; known: {', '.join(known)}")
    return names


def complete(options):
    """Adds what follows from the machine: who runs on which processors, and where files are."""
    cpus = sorted(os.sched_getaffinity(0))
    # Contenders have two workers each; where there is room they have two processors to themselves.
    options.apart = len(cpus) >= 4
    options.load_threads = options.upstream_workers = 2 if options.apart else 1
    # What stands before the command of a contender, and of what serves or loads it.
    options.proxy_place = _on(cpus[:2])
    options.other_place = _on(cpus[2:]) if options.apart else []
    options.warm_seconds = 2
    options.room = max(options.idle, options.logins) + 1000
    options.lua_folder = next((folder for folder in LUA_FOLDERS if os.path.isdir(folder)), LUA_FOLDERS[0])
    # The servers run in folders of their own.
    options.binary, options.floor = map(os.path.abspath, (options.binary, options.floor))
    for path in (options.binary, options.floor):
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is not there: cargo build --release -p keyward -p keyward-floor")
    return options
