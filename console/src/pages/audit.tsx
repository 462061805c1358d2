// The audit log: who changed what, filtered, verified, taken away as a file.
import { useMutation } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { AuditRecord, AuditReport } from "../api/types";
import { useFilter, useListing, useTypedFilter } from "../lib/listing";
import { Link } from "../lib/router";
import { number } from "../lib/words";
import { Button } from "../ui/button";
import { Copy } from "../ui/copy";
import { Empty } from "../ui/empty";
import { Filters, OneOf, TextFilter } from "../ui/filters";
import { Icon } from "../ui/icon";
import { Note, ProblemNote } from "../ui/note";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";

const COLUMNS: readonly Column<AuditRecord>[] = [
  {
    name: "Action",
    cell: (row) => (
      <span>
        <span className="cell-main mono">{row.action}</span>
        <Detail of={row.detail} />
      </span>
    ),
  },
  { name: "Actor", cell: (row) => <span className="mono break">{row.actor}</span> },
  { name: "Subject", cell: (row) => <Subject text={row.subject} /> },
  { name: "From", cell: (row) => <span className="mono">{row.client ?? "–"}</span> },
  {
    name: "Decision",
    cell: (row) =>
      row.decision ? <Link to={`/decisions/${row.decision}`}>why</Link> : <span className="faint">–</span>,
  },
  { name: "When", kind: "fit", cell: (row) => <Time at={row.at} as="exact" /> },
];

function Subject({ text }: { text: string }) {
  const page = text.startsWith("key_")
    ? "keys"
    : text.startsWith("user_")
      ? "users"
      : text.startsWith("acc_")
        ? "accounts"
        : null;
  if (!page) return <span className="mono break">{text}</span>;
  return (
    <Link to={`/${page}/${text}`} className="mono break">
      {text}
    </Link>
  );
}

function Detail({ of }: { of: unknown }) {
  if (typeof of !== "object" || of === null) return null;
  const parts = Object.entries(of).map(
    ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return <span className="cell-sub break">{parts.join(" · ")}</span>;
}

const SINCE = [
  ["1h", "the last hour"],
  ["24h", "the last day"],
  ["7d", "the last 7 days"],
  ["30d", "the last 30 days"],
] as const;

export default function Audit() {
  const [actor, actorTyped, setActor] = useTypedFilter("actor");
  const [subject, subjectTyped, setSubject] = useTypedFilter("subject");
  const [action, actionTyped, setAction] = useTypedFilter("action");
  const [since, setSince] = useFilter("since");
  const wanted = Object.entries({ actor, subject, action, since }).filter(([, value]) => value !== "");
  const query = Object.fromEntries(wanted);
  const records = useListing(["audit", query], (cursor) =>
    ask(api.GET("/admin/v1/audit", { params: { query: { ...query, cursor, limit: 50 } } })),
  );
  return (
    <Page
      title="Audit log"
      text="Every change, by whom and to what. Records are chained with a keyed seal: one that is changed or missing shows."
      actions={
        <>
          <Export format="csv" wanted={wanted} />
          <Export format="ndjson" wanted={wanted} />
        </>
      }
    >
      <div className="stack tight">
        <Verify />
        <Filters>
          <TextFilter label="Actor" value={actorTyped} onValue={setActor} />
          <TextFilter label="Subject" value={subjectTyped} onValue={setSubject} />
          <TextFilter label="Action" value={actionTyped} onValue={setAction} />
          <OneOf label="Time" value={since} onValue={setSince} options={SINCE} />
        </Filters>
      </div>
      <Table
        caption="Audit records, newest first"
        columns={COLUMNS}
        rows={records.rows}
        id={(row) => String(row.seq)}
        error={records.error}
        more={records.more}
        empty={
          <Empty
            icon="audit"
            title="No record is like that"
            text="Take a filter away. Names are whole: key.created, user_…, key_…"
          />
        }
      />
    </Page>
  );
}

function Export({ format, wanted }: { format: "csv" | "ndjson"; wanted: string[][] }) {
  const query = new URLSearchParams([["format", format], ...wanted]);
  return (
    <a className="button" href={`/admin/v1/audit/export?${query}`} download={`keyward-audit.${format}`}>
      <Icon name="export" />
      {format === "csv" ? "CSV" : "NDJSON"}
    </a>
  );
}

function Verify() {
  const verify = useMutation<AuditReport>({
    mutationFn: () => ask(api.POST("/admin/v1/audit/verify", { body: {} })) as Promise<AuditReport>,
  });
  const report = verify.data;
  return (
    <>
      <div>
        <Button icon="role" size="small" busy={verify.isPending} onClick={() => verify.mutate()}>
          Verify the chain
        </Button>
      </div>
      <ProblemNote error={verify.error} />
      {report && <Report of={report} />}
    </>
  );
}

function Report({ of }: { of: AuditReport }) {
  return (
    <Note
      kind={of.ok ? "good" : "bad"}
      role="status"
      title={
        of.ok ? `The chain is whole: ${number(of.verified)} records are as they were sealed` : "The chain is not whole"
      }
    >
      {of.flaws.map((flaw) => (
        <p key={`${flaw.from} ${flaw.flaw}`}>{flaw.text}</p>
      ))}
      {of.unsealed && <p>Not sealed yet, because they have just happened: {of.unsealed.join(" to ")}.</p>}
      {of.head && (
        <p className="row faint">
          Head {of.head.seq} <code className="break">{of.head.seal}</code>
          <Copy text={`${of.head.seq} ${of.head.seal}`} what="the head" />
        </p>
      )}
    </Note>
  );
}
