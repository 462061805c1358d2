"""What is printed on the terminal."""

from . import contenders


def requests(medians):
    """One line for each contender."""
    yield f"{'':34} {'requests/s':>11} {'CPU µs each':>12} {'p50 ms':>8} {'p99 ms':>8}"
    for name, row in medians.items():
        yield (
            f"{contenders.BY_NAME[name].title:34} {row['requestsPerSecond']:11,.0f} {row['cpuMicros']:12.1f}"
            f" {row['p50Millis']:8.2f} {row['p99Millis']:8.2f}"
        )


def bars(judged):
    """One line for each bar."""
    yield f"{'':54} {'ratio':>6} {'middle half':>14} {'at most':>8}"
    for row in judged:
        yield (
            f"{row['of'] + ' / ' + row['against']:42} {row['field']:>11} {row['median']:6.2f}"
            f" {row['low']:6.2f} – {row['high']:5.2f} {row['most']:8.2f}  {row['verdict']}"
        )
