// How a key is used: requests by the hour, and what is left of its limits.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { Key, Limit, UsageRow } from "../api/types";
import { Link } from "../lib/router";
import { span } from "../lib/words";
import { Bars } from "../ui/bars";
import { Meter } from "../ui/meter";
import { ProblemNote } from "../ui/note";
import { Card } from "../ui/page";

export function KeyUsage({ id }: { id: string }) {
  const usage = useQuery({
    queryKey: ["keys", "usage", id],
    queryFn: () => ask(api.GET("/admin/v1/keys/{id}/usage", { params: { path: { id }, query: { since: "7d" } } })),
    refetchInterval: 30_000,
  });
  return (
    <Card
      title="Requests in the last 7 days"
      actions={<Link to={`/decisions?credential=${id}`}>Decisions with this key</Link>}
    >
      <div className="card-body">
        <ProblemNote error={usage.error} />
        {usage.data && <UsageBars rows={usage.data.data} />}
      </div>
    </Card>
  );
}

/** Hours added up to days, what passed and what did not. */
function UsageBars({ rows }: { rows: readonly UsageRow[] }) {
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

export function KeyLimits({ id, row }: { id: string; row: Key }) {
  const limits = useQuery({
    queryKey: ["keys", "limits", id],
    queryFn: () => ask(api.GET("/admin/v1/keys/{id}/limits", { params: { path: { id } } })),
    refetchInterval: 15_000,
  });
  const known = limits.data?.data ?? [];
  return (
    <Card title="What is left">
      <div className="card-body stack">
        <ProblemNote error={limits.error} />
        {row.budget && (
          <Meter
            name="Budget"
            left={row.budget.remaining}
            of={row.budget.granted}
            text={row.budget.every && `in each ${row.budget.every}`}
          />
        )}
        {known.map((limit) => (
          <LimitMeter key={limit.limit} limit={limit} />
        ))}
        {limits.data && known.length === 0 && !row.budget && (
          <p className="quiet">
            No limit counts this key. Limits come from its route, its account’s plan, or a budget.
          </p>
        )}
      </div>
    </Card>
  );
}

export function LimitMeter({ limit }: { limit: Limit }) {
  const words = limit.windowSeconds ? `in each ${span(limit.windowSeconds)}, per ${limit.per}` : `per ${limit.per}`;
  return <Meter name={limit.limit} left={limit.remaining} of={limit.requests} text={words} />;
}
