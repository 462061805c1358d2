"""What Keyward is held to: a ratio of two contenders, taken round by round, against the most that it may be."""

import dataclasses
import statistics

#: Beyond this spread of the middle half a median says too little.
NOISE = 0.05


@dataclasses.dataclass(frozen=True)
class Bar:
    """`of` may take at most `most` times what `against` takes."""

    of: str
    against: str
    most: float
    field: str = "cpuMicros"


REQUESTS = (
    Bar("keyward-limit", "haproxy-key", 1.00),
    Bar("keyward-key", "haproxy-key", 1.00),
    Bar("keyward-limit", "keyward-open", 1.10),
    Bar("keyward-key", "keyward-open", 1.10),
    Bar("keyward-limit", "floor", 2.0),
    Bar("keyward-key", "floor", 2.0),
    Bar("keyward-eddsa", "haproxy-hs256", 1.00),
    Bar("keyward-hs256", "haproxy-hs256", 1.00),
    Bar("keyward-rs256", "haproxy-hs256", 1.00),
    Bar("keyward-rs256", "haproxy-rs256", 0.50),
)


def judge(bars, rounds):
    """One row for each bar whose two contenders ran."""
    return [_one(bar, rounds[bar.of], rounds[bar.against]) for bar in bars if bar.of in rounds and bar.against in rounds]


def _one(bar, ours, theirs):
    ratios = sorted(one[bar.field] / other[bar.field] for one, other in zip(ours, theirs, strict=True))
    median = statistics.median(ratios)
    low, high = middle_half(ratios)
    spread = (high - low) / median
    if spread > NOISE:
        verdict = "too noisy"
    else:
        verdict = "holds" if median <= bar.most else "missed"
    return {
        "of": bar.of, "against": bar.against, "field": bar.field, "most": bar.most, "median": median,
        "low": low, "high": high, "spread": spread, "verdict": verdict,
    }


def middle_half(ordered):
    """The quartiles of what is sorted, both ends counted in."""
    if len(ordered) < 2:
        return ordered[0], ordered[0]
    low, _, high = statistics.quantiles(ordered, n=4, method="inclusive")
    return low, high
