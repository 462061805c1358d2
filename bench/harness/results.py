"""What is kept of a run: one JSON file for each kind, beside those of the repository if the run was a full one."""

import datetime
import json

from .options import KINDS, ROOT

KEPT = ROOT / "bench" / "results"
TRIALS = ROOT / "bench" / "out"


def complete(kind, found, skipped, described, options):
    """A result with all that is needed to read it."""
    today = datetime.datetime.now(datetime.timezone.utc).date().isoformat()
    settings = {name: getattr(options, name) for name in ("connections", "seconds", "long_seconds", "keys", "tokens", "idle", "logins")}
    return {"kind": kind, "date": today, "machine": described, "settings": settings, **found, "skipped": skipped}


def keep(result, options):
    """Where it was written: a trial leaves the results of the repository alone."""
    folder = KEPT if options.counts else TRIALS
    folder.mkdir(exist_ok=True)
    path = folder / f"{result['kind']}.json"
    path.write_text(_text(_rounded(result)))
    return path.relative_to(ROOT)


def kept():
    """Every result of the repository, by kind."""
    paths = ((kind, KEPT / f"{kind}.json") for kind in KINDS)
    return {kind: json.loads(path.read_text()) for kind, path in paths if path.exists()}


def _text(result):
    """JSON with one line for each contender, bar and round, so that a change can be read."""
    one = lambda value: json.dumps(value, ensure_ascii=False)
    parts = []
    for name, value in result.items():
        if isinstance(value, dict) and value:
            inner = ",\n".join(f"  {one(key)}: {one(item)}" for key, item in value.items())
            parts.append(f" {one(name)}: {{\n{inner}\n }}")
        elif isinstance(value, list) and value:
            inner = ",\n".join(f"  {one(item)}" for item in value)
            parts.append(f" {one(name)}: [\n{inner}\n ]")
        else:
            parts.append(f" {one(name)}: {one(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _rounded(value):
    if isinstance(value, float):
        return round(value, 4)
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(one) for one in value]
    return value
