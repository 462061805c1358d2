"""The kinds of run: saturated with small answers, the close ones among them for longer, with large ones, at half the rate, idle, issuing tokens, and amid sign-ins."""

import argparse
import os
import statistics

from . import bars, contenders, idle, lists as filled_lists, load, paced, rounds, sliced, usage
from .failure import Failed
from .fleet import BODIES
from .logins import Logins
from .processes import raise_descriptors

KEYED = ("keyward-limit", "keyward-key", "haproxy-key", "nginx-key")
PLAIN = ("floor", "keyward-open", "haproxy-plain", "nginx-plain")


def requests(fleet, options, said):
    """As many small requests as go through."""
    targets = _bring_up(fleet, options, [one.name for one in contenders.ALL if one.form is None])
    return _saturated(targets, options, bars.REQUESTS, said)


def close(fleet, options, said):
    """Those of them whose bars lie too near for the noise of short rounds, in long ones."""
    names = dict.fromkeys(name for bar in bars.CLOSE for name in (bar.of, bar.against))
    longer = argparse.Namespace(**{**vars(options), "seconds": options.long_seconds, "most_rounds": options.most_rounds - options.rounds})
    return _saturated(_bring_up(fleet, options, names), longer, bars.CLOSE, said)


def bodies(fleet, options, said):
    """Larger answers, on their way from the upstream to the client."""
    brought = _bring_up(fleet, options, (*KEYED, *PLAIN))
    targets = {f"{name}:{body}": target.with_body(body) for body in BODIES for name, target in brought.items()}
    return _saturated(targets, options, bars.BODIES, said)


def tokens(fleet, options, said):
    """As many tokens as clients are given, each of which is a session that is kept."""
    return _saturated(_bring_up(fleet, options, [one.name for one in contenders.ALL if one.form]), options, (), said)


def _saturated(targets, options, held_to, said):
    for target in targets.values():
        load.saturate(target, options, options.warm_seconds)
    found = rounds.turns(targets, options, lambda turn, seconds: sliced.saturate(turn, options, seconds), held_to, said)
    return {"contenders": rounds.medians(found), "bars": bars.judge(held_to, found), "rounds": found}


def latency(fleet, options, said):
    """Half of the rate that the slowest of them reaches, the same for all."""
    targets = _bring_up(fleet, options, (*KEYED, *PLAIN, "keyward-eddsa", "haproxy-hs256"))
    saturated = {name: load.saturate(target, options, options.warm_seconds) for name, target in targets.items()}
    slowest = min(saturated, key=lambda name: saturated[name]["requestsPerSecond"])
    rate = round(saturated[slowest]["requestsPerSecond"] / 2, -2) or 100
    said(f"at {rate:,.0f} requests/s, half of what {slowest} reaches")
    one = lambda turn, seconds: {name: paced.run(target, options, rate, seconds, fleet.home) for name, target in turn.items()}
    found = rounds.turns(targets, options, one, bars.LATENCY, said)
    judged = bars.judge(bars.LATENCY, found)
    return {"rate": rate, "contenders": rounds.medians(found), "bars": judged, "rounds": found}


def idle_connections(fleet, options, said):
    """Memory at rest and with many connections, how long a start takes, and how large the binary is."""
    targets = _bring_up(fleet, options, (*KEYED, "haproxy-plain", "nginx-plain", "nginx-lua"))
    # A server keeps room for one more towards the upstream for each connection that it takes.
    count = min(options.idle, (raise_descriptors(2 * options.room) - 1000) // 2)
    if count < options.idle:
        said(f"this machine allows {count:,} of {options.idle:,} connections")
    found = {}
    for name, target in targets.items():
        said(name)
        found[name] = idle.measure(target, options, count)
    return {
        "contenders": found, "bars": [], "rounds": [], "binaryMib": os.path.getsize(options.binary) / 2**20,
        "startMillis": statistics.median(fleet.start_millis["keyward"]) if fleet.start_millis["keyward"] else None,
    }


def logins(fleet, options, said):
    """Known keys at half of what goes through, alone and while many sign in at once, all of whom have the right password."""
    target = _bring_up(fleet, options, ("keyward-key",))["keyward-key"]
    rate = round(load.saturate(target, options, options.warm_seconds)["requestsPerSecond"] / 2, -2) or 100
    said(f"at {rate:,.0f} requests/s, half of what goes through, and {options.logins:,} sign-ins at once")
    pids = usage.family(target.pid)

    def one(_, seconds):
        before = usage.memory_mib(pids)
        quiet = paced.run(target, options, rate, seconds, fleet.home)
        with Logins(target, options.logins) as crowd:
            amid = paced.run(target, options, rate, seconds, fleet.home)
        done, turned_away = crowd.answered[200], crowd.answered[429] + crowd.answered[503]
        return {
            "keyward-key": {**quiet, "memoryMib": before, "loginsPerSecond": 0, "turnedAwayPerSecond": 0},
            "keyward-key:logins": {
                **amid, "memoryMib": crowd.most_mib, "loginsPerSecond": done / seconds, "turnedAwayPerSecond": turned_away / seconds,
            },
        }

    found = rounds.turns({"keyward-key": target, "keyward-key:logins": target}, options, one, bars.LOGINS, said)
    return {"rate": rate, "contenders": rounds.medians(found), "bars": bars.judge(bars.LOGINS, found), "rounds": found}


def lists(fleet, options, said):
    """Every list and chart of a server that has very many keys and decisions."""
    data = fleet.home / "lists-data"
    found, sizes = filled_lists.measure(fleet.keyward, fleet.values(), data, options, said)
    return {"contenders": found, "bars": [], "rounds": [], "mib": sizes, "mostMillis": filled_lists.MOST_MILLIS, "keys": options.list_keys, "decisions": options.decisions}


def _bring_up(fleet, options, names):
    chosen = [contenders.BY_NAME[name] for name in names if not options.only or name in options.only]
    targets = fleet.bring_up(chosen) if chosen else {}
    if not targets:
        reasons = "".join(f"\n{name}: {reason}" for name, reason in fleet.skipped.items())
        raise Failed(f"nobody of those who were chosen can be measured here; --kinds says what is{reasons}")
    return targets


ALL = {"requests": requests, "close": close, "bodies": bodies, "latency": latency, "idle": idle_connections, "tokens": tokens, "logins": logins, "lists": lists}
