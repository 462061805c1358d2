// One decision, explained in plain words.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { Decision } from "../api/types";
import { millis } from "../lib/words";
import { Badge } from "../ui/badge";
import { Copy } from "../ui/copy";
import { Note, ProblemNote, sentence } from "../ui/note";
import { Card, Page } from "../ui/page";
import { Time } from "../ui/time";

export default function DecisionPage({ id }: { id: string }) {
  const decided = useQuery({
    queryKey: ["decisions", "one", id],
    queryFn: () => ask(api.GET("/admin/v1/decisions/{id}", { params: { path: { id } } })),
  });
  const back = ["/decisions", "Decisions"] as const;
  const first = decided.data?.found[0];
  return (
    <Page
      key={decided.data ? "loaded" : "waiting"}
      title={first ? `${first.method ?? ""} ${first.path ?? ""}`.trim() || "Decision" : "Decision"}
      beside={first && <Badge text={first.outcome} tone={first.outcome === "allowed" ? "good" : "warn"} />}
      back={back}
    >
      <div className="stack">
        <ProblemNote error={decided.error} />
        {decided.data && (
          <Card title="Why">
            <div className="card-body stack tight prose">
              {decided.data.running && <Note>It was let pass and runs still.</Note>}
              {decided.data.text.map((line) => (
                <p key={line}>{line}</p>
              ))}
              {decided.data.advice && (
                <Note kind="info" title="What to do">
                  <p>{sentence(decided.data.advice)}</p>
                </Note>
              )}
            </div>
          </Card>
        )}
        {decided.data?.found.map((row) => (
          <Facts key={row.seq} row={row} id={id} />
        ))}
      </div>
    </Page>
  );
}

function Facts({ row, id }: { row: Decision; id: string }) {
  return (
    <Card title={row.count > 1 ? `What was kept: one record for ${row.count} requests` : "What was kept"}>
      <dl className="facts card-body">
        <dt>Decision</dt>
        <dd className="row">
          <code>{id}</code> <Copy text={id} what="the decision's id" />
        </dd>
        <dt>When</dt>
        <dd>
          <Time at={row.at} as="exact" />
        </dd>
        <dt>Answered</dt>
        <dd>
          {row.results.map((one) => `${one.status} ${one.outcome}${one.count > 1 ? ` × ${one.count}` : ""}`).join(", ")}
        </dd>
        <dt>Route</dt>
        <dd>{row.route ?? "none"}</dd>
        <dt>Principal</dt>
        <dd>{row.principal ?? "nobody that is known"}</dd>
        <dt>Credential</dt>
        <dd>{row.credential ?? "none that is known"}</dd>
        <dt>From</dt>
        <dd>
          <code>{row.client ?? "–"}</code>
        </dd>
        <dt>Took</dt>
        <dd>{millis(row.millis)}</dd>
      </dl>
    </Card>
  );
}
