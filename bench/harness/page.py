"""Puts what was measured into docs/performance.md, between the markers of each kind, and draws its chart."""

import re

from . import chart, table
from .failure import Failed
from .options import ROOT

PAGE = ROOT / "docs" / "performance.md"
CHART = ROOT / "docs" / "performance.svg"


def write(results):
    """Where it was written; text outside of the markers stays."""
    text = PAGE.read_text()
    for kind, result in results.items():
        begin, end = f"<!-- bench/run writes this: {kind} -->", f"<!-- until here: {kind} -->"
        if text.count(begin) != 1 or text.count(end) != 1:
            raise Failed(f"{PAGE.relative_to(ROOT)} lacks its markers: {begin} … {end}")
        made = "\n".join(["", *block(result), ""])
        text = re.sub(re.escape(begin) + ".*?" + re.escape(end), lambda _: begin + made + end, text, flags=re.S)
    PAGE.write_text(text)
    if "requests" in results:
        CHART.write_text(chart.draw(results["requests"]))
    return PAGE.relative_to(ROOT)


def block(result):
    """What stands between the markers."""
    yield ""
    yield from _machine(result)
    if result["kind"] == "requests":
        yield from ["", "![CPU for each request by contender](performance.svg)"]
    yield from ["", *table.markdown(table.rows(result))]
    if result["bars"]:
        yield from ["", *table.markdown(table.bars(result))]
    for note in table.notes(result):
        yield from ["", note]
    yield ""


def _machine(result):
    machine, settings, programs = result["machine"], result["settings"], result["machine"]["programs"]
    where = f"{machine['cores']} cores of {machine['cpu']}{', virtual' if machine['virtual'] else ''}"
    if result["kind"] == "lists":
        yield (
            f"Measured on {result['date']}: {where}, {machine['memoryGib']} GiB, {machine['kernel']}, load {machine['loadBefore']:.1f} before."
            f" Keyward {programs['keyward']} ({programs['commit']}, rustc {programs['rustc']})."
        )
        return
    governor = f", governor {machine['governor']}" if machine["governor"] else ""
    load = "apart from the contenders" if machine["apart"] else "on the same cores as the contenders"
    shortest = min((row.get("seconds", 0) for one in result["rounds"] for row in one.values()), default=0) or settings["seconds"]
    lasted = {row.get("seconds", 0) for one in result["rounds"] for row in one.values()}
    longer = f", where that was too noisy of {max(lasted)} s" if len(lasted) > 1 else ""
    yield (
        f"Measured on {result['date']}: {where}, {machine['memoryGib']} GiB, {machine['kernel']}{governor}, load {machine['loadBefore']:.1f}"
        f" before; load generator and upstream {load}. Keyward {programs['keyward']} ({programs['commit']}, rustc {programs['rustc']}),"
        f" HAProxy {programs['haproxy']}, nginx {programs['nginx']}, wrk {programs['wrk']}, h2load {programs['h2load']}."
        f" {settings['connections']} connections, {settings['keys']:,} keys, {settings['tokens']:,} tokens, rounds of {shortest} s{longer}."
    )
