"""What a run is told, and what it finds out of the machine before it begins."""

import argparse
import os
import pathlib

from .failure import Failed

ROOT = pathlib.Path(__file__).resolve().parents[2]
LUA_FOLDERS = ("/usr/lib/nginx/modules", "/usr/lib64/nginx/modules", "/usr/share/nginx/modules")


def read(arguments):
    """The flags, checked."""
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release"
    parser = argparse.ArgumentParser(prog="bench/run", description="Keyward beside HAProxy and nginx, in turn.")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seconds", type=int, default=8, help="of each round")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--keys", type=int, default=10_000)
    parser.add_argument("--tokens", type=int, default=256)
    parser.add_argument("--only", default="", help="contenders by name, comma-separated")
    parser.add_argument("--binary", default=str(target / "keyward"))
    parser.add_argument("--floor", default=str(target / "keyward-floor"))
    options = parser.parse_args(arguments)
    return complete(options)


def complete(options):
    """Adds what follows from the machine: who runs on which processors, and where files are."""
    cpus = sorted(os.sched_getaffinity(0))
    # Contenders have two workers each; where there is room they have two processors to themselves.
    options.proxy_cpus = cpus[:2]
    options.other_cpus = cpus[2:] if len(cpus) >= 4 else None
    options.load_threads = 2 if options.other_cpus else 1
    options.upstream_workers = 2 if options.other_cpus else 1
    options.beside = (lambda: os.sched_setaffinity(0, options.other_cpus)) if options.other_cpus else None
    options.warm_seconds = 2
    options.room = 11_000
    options.lua_folder = next((folder for folder in LUA_FOLDERS if os.path.isdir(folder)), LUA_FOLDERS[0])
    for path in (options.binary, options.floor):
        if not os.access(path, os.X_OK):
            raise Failed(f"{path} is not there: cargo build --release -p keyward -p keyward-floor")
    return options
