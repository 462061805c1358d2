// How the nodes are: each with its store, its records and its queues.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { NodeStatus } from "../api/types";
import { bytes, number } from "../lib/words";
import { Badge } from "../ui/badge";
import { ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { Time } from "../ui/time";

export default function Health() {
  const nodes = useQuery({
    queryKey: ["nodes"],
    queryFn: () => ask(api.GET("/admin/v1/nodes")),
    refetchInterval: 5000,
  });
  return (
    <Page title="Health" text="Looked at every five seconds.">
      <div className="stack">
        <ProblemNote error={nodes.error} />
        {nodes.data?.data.map((node) => (
          <Node key={node.node} node={node} />
        ))}
      </div>
    </Page>
  );
}

function Node({ node }: { node: NodeStatus }) {
  const { node: name, version, startedAt, state, ...rest } = node;
  return (
    <Card title={name} actions={<Badge text={state} tone={state === "ready" ? "good" : "bad"} />}>
      <dl className="facts card-body">
        <dt>Version</dt>
        <dd>{version}</dd>
        <dt>Started</dt>
        <dd>
          <Time at={startedAt} />
        </dd>
        {facts(rest).map(([label, value]) => (
          <Fact key={label} label={label} value={value} />
        ))}
      </dl>
    </Card>
  );
}

function Fact({ label, value }: { label: string; value: string }) {
  return (
    <>
      <dt>{label}</dt>
      <dd className="number">{value}</dd>
    </>
  );
}

/** What a node tells, whatever it is: `store.bytes` as “Store bytes”. */
function facts(of: Record<string, unknown>, before = ""): [string, string][] {
  return Object.entries(of).flatMap(([name, value]): [string, string][] => {
    const words = `${before} ${name.replace(/([A-Z])/g, " $1").toLowerCase()}`.trim();
    if (value === null || value === undefined) return [];
    if (typeof value === "object") return facts(value as Record<string, unknown>, words);
    return [[words.charAt(0).toUpperCase() + words.slice(1), shown(name, value)]];
  });
}

function shown(name: string, value: unknown): string {
  if (typeof value === "boolean") return value ? "yes" : "no";
  if (typeof value !== "number") return String(value);
  return name.toLowerCase().endsWith("bytes") ? bytes(value) : number(value);
}
