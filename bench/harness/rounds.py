"""Rounds in turn, A B C A B C, so that whatever else the machine does hits all contenders alike."""

import statistics

from . import bars


def turns(targets, options, measure, held_to, said):
    """Rounds, each with a row by name: as many as asked for, then more of those whose bars are too noisy to be judged.

    `measure` takes one round's targets, and gives a row for each.
    """
    found = []
    for number in range(options.most_rounds):
        turn = dict(targets)
        if number >= options.rounds:
            noisy = [row for row in bars.judge(held_to, found) if row["verdict"] == bars.NOISY]
            names = {name for row in noisy for name in (row["of"], row["against"])}
            turn = {name: target for name, target in targets.items() if name in names}
            if not turn:
                break
        said(f"round {number + 1} of {options.rounds}" + (f": {len(turn)} again" if number >= options.rounds else ""))
        found.append(measure(turn))
    return found


def medians(rounds):
    """The median of each field by name, and the middle half of the CPU where it was measured."""
    names = dict.fromkeys(name for one in rounds for name in one)
    return {name: _median([one[name] for one in rounds if name in one]) for name in names}


def _median(rows):
    row = {field: statistics.median(one[field] for one in rows) for field in rows[0]}
    if "cpuMicros" in row:
        row["cpuMiddleHalf"] = bars.middle_half(sorted(one["cpuMicros"] for one in rows))
    return row
