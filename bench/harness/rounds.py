"""Rounds in turn, A B C A B C, so that whatever else the machine does hits all contenders alike."""

import statistics

from . import load


def run(targets, options, said):
    """Every round of every contender, by name."""
    for target in targets.values():
        load.saturate(target, options, options.warm_seconds)
    found = {name: [] for name in targets}
    for number in range(options.rounds):
        said(f"round {number + 1} of {options.rounds}")
        for name, target in targets.items():
            found[name].append(load.saturate(target, options, options.seconds))
    return found


def medians(rounds):
    """The median of each field over the rounds, by name."""
    return {
        name: {field: statistics.median(one[field] for one in many) for field in many[0]} for name, many in rounds.items()
    }
