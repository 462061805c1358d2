"""Draws CPU for each request as bars: an SVG that is read as well on a dark page as on a light one."""

from xml.sax.saxutils import escape

from . import contenders

WIDTH, LEFT, RIGHT, ROW, GAP = 760, 250, 64, 22, 30
STYLE = """
  text { font: 13px system-ui, sans-serif; fill: #24292f }
  .group { font-weight: 600 }
  .bar { fill: #8c959f }
  .ours { fill: #0969da }
  .spread { stroke: #24292f; stroke-width: 1.5 }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3 }
    .bar { fill: #6e7681 }
    .ours { fill: #4493f8 }
    .spread { stroke: #e6edf3 }
  }
"""


def draw(result):
    """The chart of one result: groups as in the table of contenders, each row with its median and its middle half."""
    groups = _groups(result["contenders"])
    most = max(row["cpuMiddleHalf"][1] for _, rows in groups for _, row in rows)
    scale = (WIDTH - LEFT - RIGHT) / most
    what = "CPU microseconds for each request (user and system; less is better)"
    parts, y = [f'<text x="8" y="20">{what}</text>'], 24
    for group, rows in groups:
        y += GAP
        parts.append(f'<text class="group" x="8" y="{y - 8}">{escape(group)}</text>')
        for contender, row in rows:
            parts += _bar(contender, row, y, scale)
            y += ROW
    height = y + 12
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">\n'
        f"<title>{what}</title>\n<style>{STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _groups(medians):
    """Contenders that were measured, the cheapest of each group first."""
    found = {}
    for name, row in medians.items():
        contender = contenders.BY_NAME[name]
        if contender.group:
            found.setdefault(contender.group, []).append((contender, row))
    return [(group, sorted(rows, key=lambda pair: pair[1]["cpuMicros"])) for group, rows in found.items()]


def _bar(contender, row, y, scale):
    value = row["cpuMicros"]
    low, high = (LEFT + edge * scale for edge in row["cpuMiddleHalf"])
    kind = "bar ours" if contender.program == "keyward" else "bar"
    middle = y + ROW / 2 - 2
    yield f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{escape(contender.title)}</text>'
    yield f'<rect class="{kind}" x="{LEFT}" y="{y}" width="{value * scale:.1f}" height="{ROW - 4}" rx="2"/>'
    yield f'<path class="spread" d="M{low:.1f} {middle}H{high:.1f}"/>'
    yield f'<text x="{max(LEFT + value * scale, high) + 6:.1f}" y="{y + 13}">{value:.1f}</text>'
