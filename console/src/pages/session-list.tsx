// Sessions: who is signed in where, and how one of them is ended.
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import type { Session as Anyones, OwnSession } from "../api/types";
import { useChange } from "../lib/change";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { say } from "../ui/toast";

/** Of anybody, or one of one's own, which knows whether it is this one. */
type Session = Anyones & Partial<Pick<OwnSession, "current">>;

interface SessionListProps {
  title: string;
  queryKey: readonly string[];
  load: () => Promise<{ data: Session[] }>;
  end?: (id: string) => Promise<unknown>;
}

export function sessionColumns(onEnd: ((session: Session) => void) | undefined): Column<Session>[] {
  return [
    {
      name: "Session",
      cell: (row) => (
        <span>
          <span className="cell-main">
            {row.by === "cookie" ? "Browser" : "Tokens"} {row.plane === "control" ? "· this console" : ""}
          </span>
          <span className="cell-sub mono break">{row.id}</span>
        </span>
      ),
    },
    {
      name: "Status",
      cell: (row) => (
        <span className="row">
          <Badge text={row.status} />
          {row.current && <Badge text="this one" tone="accent" />}
        </span>
      ),
    },
    { name: "Began", cell: (row) => <Time at={row.createdAt} /> },
    { name: "Last seen", cell: (row) => <Time at={row.seenAt} none="–" /> },
    {
      name: "End it",
      kind: "act",
      cell: (row) =>
        onEnd &&
        row.status === "active" && (
          <Button size="small" onClick={() => onEnd(row)} aria-label={`End session ${row.id}`}>
            End
          </Button>
        ),
    },
  ];
}

export function SessionList({ title, queryKey, load, end }: SessionListProps) {
  const [ending, setEnding] = useState<Session | null>(null);
  const sessions = useQuery({ queryKey, queryFn: load });
  const rows = sessions.data?.data.filter((one) => one.status === "active");
  return (
    <section className="stack tight" aria-label={title}>
      <h2>{title}</h2>
      <Table
        caption={title}
        columns={sessionColumns(end && setEnding)}
        rows={rows}
        id={(row) => row.id}
        error={sessions.error}
        empty={
          <Empty
            icon="session"
            title="Nowhere signed in"
            text="A session begins when somebody signs in, here or at the API."
          />
        }
      />
      {ending && end && <EndSession session={ending} end={end} queryKey={queryKey} onDone={() => setEnding(null)} />}
    </section>
  );
}

interface EndProps {
  session: Session;
  end: (id: string) => Promise<unknown>;
  queryKey: readonly string[];
  onDone: () => void;
}

export function EndSession({ session, end, queryKey, onDone }: EndProps) {
  const queries = useQueryClient();
  const change = useChange(
    "sessions",
    () => end(session.id),
    () => {
      queries.invalidateQueries({ queryKey });
      say("The session is over");
      onDone();
    },
  );
  return (
    <Confirm
      title="End this session?"
      text="Whoever uses it has to sign in again. What it was used for already stays done."
      action="End it"
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
      onClose={onDone}
    />
  );
}
