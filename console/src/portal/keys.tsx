// One's own keys: list, make, rotate, pause, revoke.
import { useState } from "react";
import { useListing } from "../lib/listing";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { Menu } from "../ui/menu";
import { ProblemNote } from "../ui/note";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { callAsOneself, type Key } from "./client";
import { Change, type Kind, NewKey, type Showing } from "./key-deeds";

type Deed = { kind: "new" } | { kind: Kind; on: Key };

const COLUMNS: readonly Column<Key>[] = [
  {
    name: "Name",
    cell: (row) => (
      <span>
        <span className="cell-main break">{row.name}</span>
        <span className="cell-sub mono">{row.prefix}…</span>
      </span>
    ),
  },
  {
    name: "Status",
    cell: (row) => (
      <span className="row">
        <Badge text={row.status} />
        {row.mode === "test" && <Badge text="test" />}
        {row.pair && <Badge text="pair" />}
      </span>
    ),
  },
  { name: "Created", cell: (row) => <Time at={row.createdAt} /> },
  { name: "Last used", cell: (row) => <Time at={row.lastUsedAt} /> },
  { name: "Expires", cell: (row) => <Time at={row.expiresAt} /> },
];

interface KeysProps {
  path: string;
  mayChange: boolean;
  showing: Showing;
}

export function Keys({ path, mayChange, showing }: KeysProps) {
  const [deed, setDeed] = useState<Deed | null>(null);
  const keys = useListing(["keys"], (cursor) =>
    callAsOneself<{ data: Key[]; nextCursor: string | null }>(
      "GET",
      `${path}?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
    ),
  );
  const act: Column<Key> = {
    name: "Actions",
    kind: "act",
    cell: (row) => {
      const actions = open(row).map(([text, kind]) => ({
        text,
        tone: kind === "revoke" ? ("bad" as const) : undefined,
        run: () => setDeed({ kind, on: row }),
      }));
      return actions.length > 0 && <Menu label={`Actions for ${row.name}`} actions={actions} />;
    },
  };
  const generate = mayChange && (
    <Button kind="primary" icon="plus" onClick={() => setDeed({ kind: "new" })}>
      Generate API key
    </Button>
  );
  const hasNone = keys.rows?.length === 0;
  const done = (): void => setDeed(null);
  return (
    <section className="stack tight" aria-label="Your API keys">
      <div className="row spread">
        <h2 className="portal-section">Your API keys</h2>
        {!hasNone && generate}
      </div>
      {keys.rows && <ProblemNote error={keys.error} />}
      <Table
        caption="Your API keys"
        columns={mayChange ? [...COLUMNS, act] : COLUMNS}
        rows={keys.rows}
        id={(row) => row.id}
        error={keys.error}
        more={keys.more}
        empty={
          <Empty
            icon="key"
            title="No API keys yet"
            text={
              mayChange
                ? "A key lets a program of yours call the API. It is shown once, when it is made."
                : "A key lets a program of yours call the API. You may not make any; ask whoever gave you access."
            }
          >
            {generate}
          </Empty>
        }
      />
      {deed?.kind === "new" && <NewKey path={path} showing={showing} onDone={done} />}
      {deed && deed.kind !== "new" && (
        <Change path={path} kind={deed.kind} row={deed.on} showing={showing} onDone={done} />
      )}
    </section>
  );
}

function open(row: Key): readonly (readonly [string, Kind])[] {
  const revoke = ["Revoke…", "revoke"] as const;
  switch (row.status) {
    case "active":
      // What was replaced has a successor already.
      return row.overlapEndsAt
        ? [["Disable…", "pause"], revoke]
        : [["Rotate…", "rotate"], ["Disable…", "pause"], revoke];
    case "disabled":
      return [["Enable…", "wake"], revoke];
    case "expired":
      return [revoke];
    default:
      return [];
  }
}
