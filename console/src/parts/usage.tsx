// Usage by the day, and where one stands with a limit: the same for operators and customers.
import type { Limit, UsageRow } from "../api/types";
import { inEach } from "../lib/words";
import { Bars } from "../ui/bars";
import { Meter } from "../ui/meter";

interface Point {
  at: string;
  allowed: number;
  refused: number;
  failed: number;
}

const shortDay = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });
const DAY = 86_400_000;

/** Hours added up to local days, what passed and what did not. */
export function UsageBars({ points }: { points: readonly Point[] }) {
  const days = new Map<string, Omit<Point, "at">>();
  for (let back = 6; back >= 0; back -= 1) {
    days.set(shortDay.format(Date.now() - back * DAY), { allowed: 0, refused: 0, failed: 0 });
  }
  for (const point of points) {
    const of = days.get(shortDay.format(Date.parse(point.at)));
    if (!of) continue;
    of.allowed += point.allowed;
    of.refused += point.refused;
    of.failed += point.failed;
  }
  const bars = [...days].map(([name, of]) => ({
    name,
    parts: [
      { kind: "allowed" as const, value: of.allowed },
      { kind: "refused" as const, value: of.refused },
      { kind: "failed" as const, value: of.failed },
    ],
  }));
  return <Bars caption="Requests by day" bars={bars} />;
}

/** Rows of usage, one for each outcome of an hour, as points. */
export function pointsOf(rows: readonly UsageRow[]): Point[] {
  return rows.map((row) => {
    const passed = row.outcome === "allowed";
    return { at: row.hour, allowed: passed ? row.count : 0, refused: passed ? 0 : row.count, failed: 0 };
  });
}

export function LimitMeter({ limit, words }: { limit: Limit; words?: string }) {
  const told = limit.windowSeconds ? `${inEach(limit.windowSeconds)}, per ${limit.per}` : `per ${limit.per}`;
  return <Meter name={limit.limit} left={limit.remaining} of={limit.requests} text={words ?? told} />;
}
