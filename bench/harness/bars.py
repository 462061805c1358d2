"""What Keyward is held to: a ratio of two contenders, taken round by round, against the most that it may be."""

import dataclasses
import statistics

#: Beyond this spread of the middle half a median says too little.
NOISE = 0.05
HOLDS, MISSED, NOISY = "holds", "missed", "too noisy"


@dataclasses.dataclass(frozen=True)
class Bar:
    """`of` may take at most `most` times what `against` takes."""

    of: str
    against: str
    most: float
    field: str = "cpuMicros"


REQUESTS = (
    Bar("keyward-limit", "haproxy-key", 1.00),
    # A limit is more than authentication: this line is there to be read beside that of the key alone, which is the bar.
    Bar("keyward-limit", "keyward-open", 1.10),
    Bar("keyward-limit", "floor", 2.00),
    Bar("keyward-key", "haproxy-key", 1.00),
    Bar("keyward-key", "keyward-open", 1.10),
    Bar("keyward-key", "floor", 2.00),
    Bar("keyward-eddsa", "haproxy-hs256", 1.00),
    Bar("keyward-hs256", "haproxy-hs256", 1.00),
    Bar("keyward-rs256", "haproxy-hs256", 1.00),
    Bar("keyward-rs256", "haproxy-rs256", 0.50),
)
#: Those that short rounds leave too noisy on a machine that others share.
CLOSE = tuple(bar for bar in REQUESTS if bar.of in ("keyward-limit", "keyward-key"))
BODIES = tuple(
    Bar(f"{of}:{body}", f"haproxy-key:{body}", 1.10) for body in ("10k", "1m") for of in ("keyward-limit", "keyward-key")
)
LATENCY = (
    Bar("keyward-limit", "haproxy-key", 1.50, "p99Millis"),
    Bar("keyward-key", "haproxy-key", 1.50, "p99Millis"),
    Bar("keyward-eddsa", "haproxy-hs256", 1.50, "p99Millis"),
)
#: Who is known must not feel much of those who are not.
LOGINS = (Bar("keyward-key:logins", "keyward-key", 2.00, "p99Millis"),)


def judge(bars, rounds):
    """One row for each bar whose two contenders ran in the same rounds."""
    judged = []
    for bar in bars:
        pairs = [(one[bar.of], one[bar.against]) for one in rounds if bar.of in one and bar.against in one]
        if pairs:
            pairs = longest(pairs, lambda pair: pair[0])
            judged.append(_one(bar, sorted(ours[bar.field] / theirs[bar.field] for ours, theirs in pairs)))
    return judged


def longest(rounds, row=lambda one: one):
    """Those that lasted longest: what was measured longer because it was too noisy is not judged by the short ones as well."""
    seconds = lambda one: row(one).get("seconds", 0)
    most = max(map(seconds, rounds))
    return [one for one in rounds if seconds(one) == most]


def _one(bar, ratios):
    median = statistics.median(ratios)
    low, high = middle_half(ratios)
    # Where even the worst round lies below, more quiet ones cannot change the answer.
    is_settled = (high - low) / median <= NOISE or ratios[-1] <= bar.most
    verdict = NOISY if not is_settled else HOLDS if median <= bar.most else MISSED
    return {**dataclasses.asdict(bar), "median": median, "low": low, "high": high, "rounds": len(ratios), "verdict": verdict}


def middle_half(ordered):
    """The quartiles of what is sorted, both ends counted in."""
    if len(ordered) < 2:
        return ordered[0], ordered[0]
    low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return low, high
