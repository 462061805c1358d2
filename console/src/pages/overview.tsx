// How the traffic goes: how much passed, what was refused and why, how long it took, who asks most.
import { useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, ask } from "../api/client";
import type { Overview } from "../api/types";
import { useFilter } from "../lib/listing";
import { Link } from "../lib/router";
import { millis, number, percent } from "../lib/words";
import { LinkButton } from "../ui/button";
import { Chart, type Series } from "../ui/chart";
import { Empty } from "../ui/empty";
import { ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { Shares } from "../ui/shares";

const SPANS = [
  ["1h", "1 hour"],
  ["24h", "24 hours"],
  ["7d", "7 days"],
  ["30d", "30 days"],
] as const;

export default function OverviewPage() {
  const [chosen, choose] = useFilter("span");
  const span = SPANS.find(([one]) => one === chosen)?.[0] ?? "24h";
  const overview = useQuery({
    queryKey: ["overview", span],
    queryFn: () => ask(api.GET("/admin/v1/overview", { params: { query: { span } } })),
    placeholderData: (before) => before,
    refetchInterval: 15_000,
  });
  const spans = (
    <fieldset className="tabs" aria-label="Span">
      {SPANS.map(([one, text]) => (
        <button type="button" key={one} className="tab" aria-pressed={one === span} onClick={() => choose(one)}>
          {text}
        </button>
      ))}
    </fieldset>
  );
  return (
    <Page title="Overview" actions={spans}>
      <div className="stack">
        <ProblemNote error={overview.error} />
        {overview.data ? <Shown overview={overview.data} /> : !overview.error && <Bones />}
      </div>
    </Page>
  );
}

function Bones() {
  return (
    <div className="card card-body bones-high" aria-busy="true">
      <span className="bone" />
    </div>
  );
}

function Shown({ overview }: { overview: Overview }) {
  const sums = useMemo(() => {
    const sum = (of: "allowed" | "refused" | "failed"): number =>
      overview.points.reduce((all, one) => all + one[of], 0);
    return { allowed: sum("allowed"), refused: sum("refused"), failed: sum("failed") };
  }, [overview]);
  const all = sums.allowed + sums.refused + sums.failed;
  if (all === 0) {
    return (
      <div className="card">
        <Empty
          icon="overview"
          title="No request in this time"
          text="As soon as callers come to the API’s address, this page shows how many passed, what was refused and why, and how long it took."
        >
          <LinkButton to="/start" kind="primary" icon="start">
            Make the first call
          </LinkButton>
        </Empty>
      </div>
    );
  }
  const slowest = Math.max(...overview.points.map((one) => one.p99 ?? 0));
  return (
    <>
      <dl className="figures">
        <Figure name="Requests" value={number(all)} />
        <Figure name="Passed" value={percent(sums.allowed, all)} />
        <Figure name="Refused" value={number(sums.refused)} />
        <Figure name="Failed behind Keyward" value={number(sums.failed)} tone={sums.failed > 0 ? "bad" : undefined} />
        <Figure name="Slowest p99" value={slowest > 0 ? millis(slowest) : "–"} />
      </dl>
      <Requests overview={overview} />
      <div className="two">
        <Refusals overview={overview} />
        <Latency overview={overview} />
        <TopKeys overview={overview} />
        <TopRoutes overview={overview} />
      </div>
    </>
  );
}

function Figure({ name, value, tone }: { name: string; value: string; tone?: "bad" }) {
  return (
    <div data-tone={tone}>
      <dt>{name}</dt>
      <dd className="number">{value}</dd>
    </div>
  );
}

function useTimes(overview: Overview): number[] {
  return useMemo(() => overview.points.map((one) => Date.parse(one.at) / 1000), [overview]);
}

function Requests({ overview }: { overview: Overview }) {
  const times = useTimes(overview);
  const series = useMemo<Series[]>(
    () => [
      { name: "passed", color: "--chart-allowed", values: overview.points.map((one) => one.allowed) },
      { name: "refused", color: "--chart-refused", values: overview.points.map((one) => one.refused) },
      { name: "failed", color: "--chart-failed", values: overview.points.map((one) => one.failed) },
    ],
    [overview],
  );
  return (
    <Card title="Requests">
      <div className="card-body">
        <Chart caption="Requests over time" times={times} series={series} stacked height={240} written={number} />
      </div>
    </Card>
  );
}

function Latency({ overview }: { overview: Overview }) {
  const times = useTimes(overview);
  const series = useMemo<Series[]>(
    () => [
      { name: "p50", color: "--chart-allowed", values: overview.points.map((one) => one.p50) },
      { name: "p99", color: "--chart-refused", values: overview.points.map((one) => one.p99) },
    ],
    [overview],
  );
  return (
    <Card title="Time to answer" text="From head to head, with the API behind.">
      <div className="card-body">
        <Chart caption="Time to answer" times={times} series={series} height={200} written={millis} />
      </div>
    </Card>
  );
}

function Refusals({ overview }: { overview: Overview }) {
  const refusals = overview.outcomes.filter((one) => one.outcome !== "allowed");
  return (
    <Card title="Refused, by reason" text="Each leads to its decisions, and each decision to its explanation.">
      <div className="card-body">
        <Shares
          none="Nothing was refused."
          of={refusals.slice(0, 8).map((one) => ({
            id: one.outcome,
            name: <Link to={`/decisions?outcome=${one.outcome}`}>{one.outcome}</Link>,
            count: one.count,
            tone: "warn",
          }))}
        />
      </div>
    </Card>
  );
}

function TopKeys({ overview }: { overview: Overview }) {
  return (
    <Card title="Busiest keys and sessions">
      <div className="card-body">
        <Shares
          none="Nobody was let pass with a credential."
          of={overview.topKeys.slice(0, 8).map((one) => ({
            id: one.credential,
            name: one.credential.startsWith("key_") ? (
              <Link to={`/keys/${one.credential}`}>{one.name ?? one.credential}</Link>
            ) : (
              (one.name ?? one.credential)
            ),
            count: one.count,
          }))}
        />
      </div>
    </Card>
  );
}

function TopRoutes({ overview }: { overview: Overview }) {
  return (
    <Card title="Busiest routes">
      <div className="card-body">
        <Shares
          none="No route was asked for."
          of={overview.routes.slice(0, 8).map((one) => ({
            id: one.route ?? "-",
            name: one.route ? (
              <Link to={`/decisions?route=${encodeURIComponent(one.route)}`}>{one.route}</Link>
            ) : (
              "none"
            ),
            count: one.count,
          }))}
        />
      </div>
    </Card>
  );
}
