// How a key is used: requests by the hour, and what is left of its limits.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { Link } from "../lib/router";
import { LimitMeter, UsageBars } from "../parts/usage";
import { ProblemNote } from "../ui/note";
import { Card } from "../ui/page";
import { Time } from "../ui/time";

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
        {usage.data && <UsageBars points={usage.data.points} />}
        {usage.data && usage.data.usedFrom.length > 0 && <From used={usage.data.usedFrom} />}
      </div>
    </Card>
  );
}

interface FromProps {
  used: { address: string; userAgent: string | null; route: string | null; lastAt: string }[];
}

/** From where it was used last. */
function From({ used }: FromProps) {
  return (
    <section className="used-from">
      <h3>Used from</h3>
      <ul className="stack tight">
        {used.map((one) => (
          <li key={`${one.address} ${one.userAgent} ${one.route}`} className="row spread">
            <span className="break">
              <code>{one.address}</code> <span className="quiet">{one.userAgent}</span>
            </span>
            <span className="faint">
              {one.route ?? "no route"} · <Time at={one.lastAt} />
            </span>
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Its budget is one of its limits. */
export function KeyLimits({ id }: { id: string }) {
  const limits = useQuery({
    queryKey: ["keys", "limits", id],
    queryFn: () => ask(api.GET("/admin/v1/keys/{id}/limits", { params: { path: { id } } })),
    refetchInterval: 15_000,
  });
  const known = limits.data?.limits ?? [];
  return (
    <Card title="What is left">
      <div className="card-body stack">
        <ProblemNote error={limits.error} />
        {known.map((limit) => (
          <LimitMeter key={limit.limit} limit={limit} />
        ))}
        {limits.data && known.length === 0 && (
          <p className="quiet">
            No limit counts this key. Limits come from its route, its account’s plan, or a budget.
          </p>
        )}
      </div>
    </Card>
  );
}
