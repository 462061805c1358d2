"""Rounds in turn, A B C A B C, so that whatever else the machine does hits all contenders alike."""

import statistics

from . import bars


def turns(targets, options, measure, held_to, said):
    """Rounds of everybody, each with a row by name; then longer rounds of those whose bars are too noisy to be judged, as many
    again, and more while they stay so.

    `measure` takes one round's targets and its seconds, and gives a row for each.
    """
    found = []

    def once(turn, seconds, of):
        said(f"round {len(found) + 1}: {of}, {seconds} s each")
        found.append({name: {**row, "seconds": seconds} for name, row in measure(turn, seconds).items()})

    for _ in range(options.rounds):
        once(targets, options.seconds, f"all {len(targets)}")
    noisy = _noisy(targets, held_to, found)
    for number in range(options.most_rounds if noisy else 0):
        once(noisy, options.long_seconds, f"{len(noisy)} again")
        if number + 1 >= options.rounds:
            noisy = _noisy(targets, held_to, found)
        if not noisy:
            break
    return found


def _noisy(targets, held_to, found):
    rows = [row for row in bars.judge(held_to, found) if row["verdict"] == bars.NOISY]
    names = {name for row in rows for name in (row["of"], row["against"])}
    return {name: target for name, target in targets.items() if name in names}


def medians(rounds):
    """The median of each field by name over its longest rounds, and the middle half of the CPU where it was measured."""
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: _median([one[name] for one in rounds if name in one]) for name in names}


def _median(rows):
    rows = bars.longest(rows)
    row = {field: statistics.median(one[field] for one in rows) for field in rows[0]}
    if "cpuMicros" in row:
        row["cpuMiddleHalf"] = bars.middle_half(sorted(one["cpuMicros"] for one in rows))
    return row
