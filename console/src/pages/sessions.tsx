// Sessions of everybody.
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Session } from "../api/types";
import { useMay } from "../app/session";
import { useFilter, useListing } from "../lib/listing";
import { Link } from "../lib/router";
import { Empty } from "../ui/empty";
import { Filters, OneOf } from "../ui/filters";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { EndSession, sessionColumns } from "./session-list";

const USER: Column<Session> = {
  name: "User",
  cell: (row) => (
    <Link to={`/users/${row.user}`} className="mono break">
      {row.user}
    </Link>
  ),
};

export default function Sessions() {
  const may = useMay();
  const [word, setBy] = useFilter("by");
  const by = word === "cookie" || word === "tokens" ? word : "";
  const [ending, setEnding] = useState<Session | null>(null);
  const sessions = useListing(["sessions", by], (cursor) =>
    ask(api.GET("/admin/v1/sessions", { params: { query: { ...(by && { by }), cursor, limit: 50 } } })),
  );
  const [first, ...rest] = sessionColumns(may("sessions:write") ? setEnding : undefined);
  const columns = first ? [first, USER, ...rest] : [];
  return (
    <Page title="Sessions" text="Who is signed in, by browser or by tokens. Keys of programs have no sessions.">
      <Filters>
        <OneOf
          label="By"
          value={by}
          onValue={setBy}
          options={[
            ["cookie", "browser"],
            ["tokens", "tokens"],
          ]}
        />
      </Filters>
      <Table
        caption="Sessions"
        columns={columns}
        rows={sessions.rows}
        id={(row) => row.id}
        error={sessions.error}
        more={sessions.more}
        empty={
          <Empty
            icon="session"
            title="Nobody is signed in like that"
            text="A session begins with a sign-in, here or at the API."
          />
        }
      />
      {ending && (
        <EndSession
          session={ending}
          queryKey={["sessions"]}
          end={(id) => ask(api.DELETE("/admin/v1/sessions/{id}", { params: { path: { id } } }))}
          onDone={() => setEnding(null)}
        />
      )}
    </Page>
  );
}
