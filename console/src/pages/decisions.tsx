// Decisions: those that were kept, or live as they come; each leads to its explanation.
import { api, ask } from "../api/client";
import type { Decision } from "../api/types";
import { useFilter, useListing, useTypedFilter } from "../lib/listing";
import { Link } from "../lib/router";
import { useTail } from "../lib/tail";
import { millis } from "../lib/words";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { Check } from "../ui/field";
import { Filters, OneOf, TextFilter } from "../ui/filters";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";

const OUTCOMES = [
  "allowed",
  "NoCredential",
  "Rejected",
  "Forbidden",
  "Limited",
  "Throttled",
  "Malformed",
  "Ambiguous",
  "NoRoute",
  "Unavailable",
].map((one) => [one, one] as const);

const COLUMNS: readonly Column<Decision>[] = [
  {
    name: "Request",
    cell: (row) => (
      <span>
        <Link to={`/decisions/${row.id}`} className="cell-main break mono">
          {row.method ?? "–"} {row.path ?? "–"}
        </Link>
        {row.count > 1 && <span className="faint"> and {row.count - 1} alike</span>}
        {row.detail && <span className="cell-sub break">{row.detail}</span>}
      </span>
    ),
  },
  { name: "Outcome", cell: (row) => <Outcome row={row} /> },
  { name: "Route", cell: (row) => row.route ?? "–" },
  { name: "Credential", cell: (row) => <Credential row={row} /> },
  { name: "From", cell: (row) => <span className="mono">{row.client ?? "–"}</span> },
  { name: "Took", kind: "number", cell: (row) => millis(row.millis) },
  { name: "When", kind: "fit", cell: (row) => <Time at={row.at} as="clock" /> },
];

function Outcome({ row }: { row: Decision }) {
  const status = row.results[0]?.status;
  return (
    <span className="row">
      <Badge text={row.outcome} tone={row.outcome === "allowed" ? "good" : "warn"} />
      {status && <span className="faint number">{status}</span>}
    </span>
  );
}

function Credential({ row }: { row: Decision }) {
  if (!row.credential) return <span className="faint">none</span>;
  if (!row.credential.startsWith("key_")) return <span className="mono break">{row.credential}</span>;
  return (
    <Link to={`/keys/${row.credential}`} className="mono break">
      {row.credential}
    </Link>
  );
}

export default function Decisions() {
  const [outcome, setOutcome] = useFilter("outcome");
  const [live, setLive] = useFilter("live");
  const [route, routeTyped, setRoute] = useTypedFilter("route");
  const [credential, credentialTyped, setCredential] = useTypedFilter("credential");
  const [client, clientTyped, setClient] = useTypedFilter("client");
  const [own, setOwn] = useFilter("own");
  const isLive = live === "yes";
  const withOwn = own === "yes" || route.startsWith("admin:");
  const shown = (rows: Decision[] | undefined): Decision[] | undefined =>
    withOwn ? rows : rows?.filter((row) => !row.route?.startsWith("admin:"));
  const wanted = Object.entries({ outcome, route, credential, client }).filter(([, value]) => value !== "");
  const query = Object.fromEntries(wanted);
  const kept = useListing(["decisions", query], (cursor) =>
    ask(api.GET("/admin/v1/decisions", { params: { query: { ...query, cursor, limit: 50 } } })),
  );
  const tail = useTail(isLive, new URLSearchParams(wanted).toString());
  const toggle = (
    <Button
      icon={isLive ? "pause" : "play"}
      onClick={() => setLive(isLive ? "" : "yes")}
      kind={isLive ? undefined : "primary"}
    >
      {isLive ? "Stop" : "Watch live"}
    </Button>
  );
  const empty = (
    <Empty
      icon="decisions"
      title={isLive ? "Waiting for requests" : "No decision is like that"}
      text={
        isLive
          ? "What callers ask for stands here the moment it is decided."
          : "Every request that Keyward lets pass or refuses is kept here, with its reason. Take a filter away, or make a call."
      }
    />
  );
  return (
    <Page
      title="Decisions"
      text="What was let pass and what was refused. Open one to read why, in plain words."
      beside={isLive && <Badge text={tail.isOpen ? "live" : "connecting"} tone={tail.isOpen ? "good" : "warn"} />}
      actions={toggle}
    >
      <Filters>
        <OneOf label="Outcome" value={outcome} onValue={setOutcome} options={OUTCOMES} />
        <TextFilter label="Route" value={routeTyped} onValue={setRoute} />
        <TextFilter label="Credential id" value={credentialTyped} onValue={setCredential} />
        <TextFilter label="Address" value={clientTyped} onValue={setClient} />
        <Check
          label="With those of this console"
          checked={withOwn}
          onChecked={(checked) => setOwn(checked ? "yes" : "")}
        />
      </Filters>
      <Table
        caption={isLive ? "Decisions as they come" : "Decisions, newest first"}
        columns={COLUMNS}
        rows={shown(isLive ? tail.rows : kept.rows)}
        id={(row) => `${row.seq} ${row.id}`}
        error={isLive ? null : kept.error}
        more={isLive ? undefined : kept.more}
        empty={empty}
      />
    </Page>
  );
}
