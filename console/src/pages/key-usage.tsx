// How a key is used: requests by the hour, and what is left of its limits.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { Key } from "../api/types";
import { Link } from "../lib/router";
import { LimitMeter, UsageBars } from "../parts/usage";
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
