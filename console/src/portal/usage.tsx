// What one used, and what is left.
import { useQuery } from "@tanstack/react-query";
import type { Limit, UsageRow } from "../api/types";
import { inEach } from "../lib/words";
import { LimitMeter, pointsOf, UsageBars } from "../parts/usage";
import { ProblemNote } from "../ui/note";
import { Card } from "../ui/page";
import { callAsOneself, type Usage } from "./client";

/** Of 1,000 rows each: of every hour one for each key, route and outcome. */
const MOST_PAGES = 20;

/** All pages of it. Where there is a `nextCursor` in the end, there would have been more. */
async function used(path: string): Promise<Usage> {
  const page = (cursor: string | null): Promise<Usage> =>
    callAsOneself("GET", `${path}?since=7d&limit=1000${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
  const usage = await page(null);
  for (let pages = 1; usage.nextCursor && pages < MOST_PAGES; pages += 1) {
    const more = await page(usage.nextCursor);
    usage.data.push(...more.data);
    usage.nextCursor = more.nextCursor;
  }
  usage.data = usage.data.filter((row) => !isOfThesePages(row));
  return usage;
}

/** Keyward's own endpoints, which these pages call; no route of the API can have such a name. */
function isOfThesePages(row: UsageRow): boolean {
  return row.route?.startsWith("endpoints.") ?? false;
}

export function UsageCards({ path, plan }: { path: string; plan: string | null }) {
  const usage = useQuery({ queryKey: ["usage"], queryFn: () => used(path), refetchInterval: 30_000 });
  const limits = usage.data?.limits ?? [];
  return (
    <div className="two-one">
      <Card title="Requests in the last 7 days">
        <div className="card-body stack tight" aria-busy={usage.isPending || undefined}>
          <ProblemNote error={usage.error} />
          {usage.data && <UsageBars points={pointsOf(usage.data.data)} />}
          {usage.data?.nextCursor && (
            <p className="faint">You use more than fits here: the first of these days lack some.</p>
          )}
        </div>
      </Card>
      <Card title={plan ? `Plan: ${plan}` : "What is left"}>
        <div className="card-body stack">
          {limits.map((limit) => (
            <Left key={limit.limit} limit={limit} />
          ))}
          {usage.data && limits.length === 0 && <p className="quiet">No limit counts you.</p>}
        </div>
      </Card>
    </div>
  );
}

const WHOM: Record<string, string> = { principal: "for you", account: "for your account", key: "for each key" };

function Left({ limit }: { limit: Limit }) {
  const whom = WHOM[limit.per] ?? "";
  const words = limit.windowSeconds ? `${inEach(limit.windowSeconds)}, ${whom}` : `${whom}, in all`;
  if (limit.per !== "key") return <LimitMeter limit={limit} words={words} />;
  // What is left of it is another number for each key.
  return (
    <div>
      <div className="row spread">
        <b className="break">{limit.limit}</b>
        <span className="number quiet">{limit.requests}</span>
      </div>
      <p className="faint">{words}</p>
    </div>
  );
}
