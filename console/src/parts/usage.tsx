// Usage by the day, and where one stands with a limit: the same for operators and customers.
import type { Limit, UsageRow } from "../api/types";
import { span } from "../lib/words";
import { Bars } from "../ui/bars";
import { Meter } from "../ui/meter";

/** Hours added up to days, what passed and what did not. */
export function UsageBars({ rows }: { rows: readonly UsageRow[] }) {
  const days = new Map<string, { passed: number; refused: number }>();
  for (let back = 6; back >= 0; back -= 1) {
    days.set(day(new Date(Date.now() - back * 86_400_000)), { passed: 0, refused: 0 });
  }
  for (const row of rows) {
    const of = days.get(day(new Date(row.hour)));
    if (of) of[row.outcome === "allowed" ? "passed" : "refused"] += row.count;
  }
  return (
    <Bars
      caption="Requests by day"
      bars={[...days].map(([name, of]) => ({
        name,
        parts: [
          { kind: "allowed", value: of.passed },
          { kind: "refused", value: of.refused },
        ],
      }))}
    />
  );
}

const shortDay = new Intl.DateTimeFormat(undefined, { weekday: "short", day: "numeric" });
const day = (date: Date): string => shortDay.format(date);

export function LimitMeter({ limit }: { limit: Limit }) {
  const words = limit.windowSeconds ? `in each ${span(limit.windowSeconds)}, per ${limit.per}` : `per ${limit.per}`;
  return <Meter name={limit.limit} left={limit.remaining} of={limit.requests} text={words} />;
}
