// What one used, and what is left.
import { useQuery } from "@tanstack/react-query";
import { LimitMeter, pointsOf, UsageBars } from "../parts/usage";
import { ProblemNote } from "../ui/note";
import { Card } from "../ui/page";
import { call, type Usage } from "./client";

export function UsageCards({ path, plan }: { path: string; plan: string | null }) {
  const usage = useQuery({
    queryKey: ["usage"],
    queryFn: () => call<Usage>("GET", `${path}?since=7d`),
    refetchInterval: 30_000,
  });
  const limits = usage.data?.limits ?? [];
  return (
    <div className="two-one">
      <Card title="Requests in the last 7 days">
        <div className="card-body">
          <ProblemNote error={usage.error} />
          {usage.data && <UsageBars points={pointsOf(usage.data.data)} />}
        </div>
      </Card>
      <Card title={plan ? `Plan: ${plan}` : "What is left"}>
        <div className="card-body stack">
          {limits.map((limit) => (
            <LimitMeter key={limit.limit} limit={limit} />
          ))}
          {usage.data && limits.length === 0 && <p className="quiet">No limit counts you.</p>}
        </div>
      </Card>
    </div>
  );
}
