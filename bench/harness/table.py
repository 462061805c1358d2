"""The numbers as rows of text, for the terminal and for the page alike."""

from . import contenders

COLUMNS = {
    "requests": (("requests/s", "requestsPerSecond", ",.0f"), ("CPU µs each", "cpuMicros", ".1f"), ("p50 ms", "p50Millis", ".2f"), ("p99 ms", "p99Millis", ".2f")),
    "latency": (("requests/s", "requestsPerSecond", ",.0f"), ("p50 ms", "p50Millis", ".2f"), ("p99 ms", "p99Millis", ".2f")),
    "idle": (("started MiB", "freshMib", ".1f"), ("warm MiB", "warmMib", ".1f"), ("with them MiB", "heldMib", ".1f"), ("KiB each", "kibEach", ".1f")),
}
COLUMNS["close"] = COLUMNS["bodies"] = COLUMNS["requests"]
COLUMNS["tokens"] = (("tokens/s", "requestsPerSecond", ",.0f"), *COLUMNS["requests"][1:])
COLUMNS["logins"] = (
    *COLUMNS["latency"], ("MiB at most", "memoryMib", ".1f"), ("signed in/s", "loginsPerSecond", ".1f"), ("turned away/s", "turnedAwayPerSecond", ",.0f"),
)
COLUMNS["lists"] = (("p50 ms", "p50Millis", ".1f"), ("p95 ms", "p95Millis", ".1f"), ("at most ms", "mostMillis", ".1f"), ("rows", "rows", ",d"))
WHAT = {"cpuMicros": "CPU", "p99Millis": "p99"}


def title(name):
    """What a contender is called, with the size of its answers."""
    if name not in contenders.BY_NAME and ":" not in name:
        return name
    name, _, body = name.partition(":")
    return contenders.BY_NAME[name].title + {"": "", "10k": ", 10 KiB", "1m": ", 1 MiB", "logins": ", amid sign-ins"}[body]


def rows(result):
    """The head, and a row for each contender."""
    columns = COLUMNS[result["kind"]]
    yield ["", *(head for head, _, _ in columns)]
    for name, row in result["contenders"].items():
        yield [title(name), *("–" if name == "upstream" and field == "cpuMicros" else format(row[field], form) for _, field, form in columns)]


def bars(result):
    """The head, and a row for each bar."""
    yield ["", "of", "median", "middle half", "at most", "rounds", ""]
    for row in result["bars"]:
        between = f"{row['low']:.2f} – {row['high']:.2f}"
        yield [
            f"{title(row['of'])} ÷ {title(row['against'])}", WHAT[row["field"]], f"{row['median']:.2f}", between,
            f"{row['most']:.2f}", str(row["rounds"]), row["verdict"],
        ]


def notes(result):
    """What no table says."""
    if result["kind"] == "idle":
        if result["startMillis"]:
            yield f"Keyward: start to ready {result['startMillis']:.0f} ms, binary {result['binaryMib']:.1f} MiB."
        for row in list(result["contenders"].values())[:1]:
            fewer = "" if row["connections"] >= result["settings"]["idle"] else ", as many as the machine's limit of open files allows"
            yield f"{row['connections']:,} idle connections{fewer}, each of which asked once before."
    if result["kind"] == "latency":
        yield f"All at {result['rate']:,.0f} requests/s."
        slow = [title(name) for name, row in result["contenders"].items() if row["reached"] < 0.95]
        if slow:
            yield f"Did not keep up with that rate: {', '.join(slow)}."
    if result["kind"] == "logins":
        yield (
            f"All at {result['rate']:,.0f} requests/s; {result['settings']['logins']:,} connections from as many addresses, each of which signs in once it has"
            " its answer, at most once a second. Passwords are checked by two threads with one block of 19 MiB each."
        )
    if result["kind"] == "lists":
        yield (
            f"{result['keys']:,} keys in {result['mib']['keyward.db']:,.0f} MiB and {result['decisions']:,} decisions of 30 days in"
            f" {result['mib']['decisions.db']:,.0f} MiB; each is asked 25 times, one after the other, over the socket in the data directory."
        )
        late = [name for name, row in result["contenders"].items() if row["p95Millis"] > result["mostMillis"]]
        yield f"p95 above {result['mostMillis']} ms: {', '.join(late)}." if late else f"Every p95 is within {result['mostMillis']} ms."
    medians = result["contenders"]
    if result["kind"] == "requests" and {"keyward-key", "keyward-unrecorded"} <= medians.keys():
        recording = medians["keyward-key"]["cpuMicros"] - medians["keyward-unrecorded"]["cpuMicros"]
        yield f"Recording decisions, with {result['settings']['keys']:,} keys in use at once: {recording:+.1f} µs of CPU per request."
    for name, reason in result["skipped"].items():
        yield f"Not measured: {title(name)}: {reason}."


def lines(result):
    """Everything, in columns."""
    yield from _aligned(list(rows(result)))
    if result["bars"]:
        yield ""
        yield from _aligned(list(bars(result)))
    yield from notes(result)


def markdown(found):
    """A table of a page."""
    found = list(found)
    yield "| " + " | ".join(found[0]) + " |"
    yield "|" + "---|" * len(found[0])
    yield from ("| " + " | ".join(row) + " |" for row in found[1:])


def _aligned(found):
    widths = [max(len(row[at]) for row in found) for at in range(len(found[0]))]
    for row in found:
        yield "  ".join([row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:]))])
