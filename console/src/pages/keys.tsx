// All API keys: found, filtered, sorted, and what is most often done with one.
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Key } from "../api/types";
import { useMay } from "../app/session";
import { useFilter, useListing, useSorting, useTypedFilter } from "../lib/listing";
import { Link } from "../lib/router";
import { Badge } from "../ui/badge";
import { LinkButton } from "../ui/button";
import { Empty } from "../ui/empty";
import { Filters, OneOf, Search } from "../ui/filters";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { type Deed, KeyDeed, KeyMenu } from "./key-deeds";

const COLUMNS: readonly Column<Key>[] = [
  {
    name: "Name",
    sort: "name",
    cell: (key) => (
      <span>
        <Link to={`/keys/${key.id}`} className="cell-main break">
          {key.name}
        </Link>
        <span className="cell-sub mono">{key.prefix}…</span>
      </span>
    ),
  },
  {
    name: "Status",
    cell: (key) => (
      <span className="row">
        <Badge text={key.status} />
        {key.mode === "test" && <Badge text="test" />}
        {key.pair && <Badge text="pair" />}
      </span>
    ),
  },
  { name: "Owner", cell: (key) => <span className="break">{key.owner}</span> },
  { name: "Created", sort: "created", cell: (key) => <Time at={key.createdAt} /> },
  { name: "Last used", sort: "lastUsed", cell: (key) => <Time at={key.lastUsedAt} /> },
  { name: "Expires", sort: "expires", cell: (key) => <Time at={key.expiresAt} /> },
];

const STATUSES = ["active", "disabled", "expired", "revoked"].map((one) => [one, one] as const);

export function Keys() {
  const may = useMay();
  const [search, typed, setTyped] = useTypedFilter("search");
  const [status, setStatus] = useFilter("status");
  const [mode, setMode] = useFilter("mode");
  const [unused, setUnused] = useFilter("unused");
  const [owner] = useFilter("owner");
  const [account] = useFilter("account");
  const sorting = useSorting("created");
  const [deed, setDeed] = useState<Deed | null>(null);
  const order = sorting.by === "created" && sorting.order === "desc" ? {} : { sort: sorting.by, order: sorting.order };
  const wanted = { search, status, mode, unused, owner, account, ...order };
  const query = Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== ""));
  const keys = useListing(["keys", query], (cursor) =>
    ask(api.GET("/admin/v1/keys", { params: { query: { ...query, cursor, limit: 50 } } })),
  );
  const isFiltered = Boolean(search || status || mode || unused || owner || account);
  const act: Column<Key> = {
    name: "Actions",
    kind: "act",
    cell: (key) => may("keys:write") && <KeyMenu row={key} onDeed={setDeed} />,
  };
  const generate = may("keys:write") && (
    <LinkButton to="/keys/new" kind="primary" icon="plus">
      Generate API key
    </LinkButton>
  );
  return (
    <Page
      title="API keys"
      text="Each opens the API behind Keyward for a program. Only a digest is kept: a key is shown once, when it is made."
      actions={generate}
    >
      <Filters>
        <Search label="Search by name, prefix or id" value={typed} onValue={setTyped} />
        <OneOf label="Status" value={status} onValue={setStatus} options={STATUSES} />
        <OneOf
          label="Mode"
          value={mode}
          onValue={setMode}
          options={[
            ["live", "live"],
            ["test", "test"],
          ]}
        />
        <OneOf
          label="Unused"
          value={unused}
          onValue={setUnused}
          options={[
            ["30d", "unused for 30 days"],
            ["90d", "unused for 90 days"],
          ]}
        />
      </Filters>
      <Table
        caption="API keys"
        columns={[...COLUMNS, act]}
        rows={keys.rows}
        id={(key) => key.id}
        sorting={sorting}
        error={keys.error}
        more={keys.more}
        empty={
          isFiltered ? (
            <Empty
              icon="search"
              title="No key is like that"
              text="Take a filter away, or search for a part of its name."
            />
          ) : (
            <Empty
              icon="key"
              title="No API keys yet"
              text="A key is a program's way in. Make one, give it a name that says who uses it, and hand it over once."
            >
              {generate}
            </Empty>
          )
        }
      />
      {deed && <KeyDeed deed={deed} onDone={() => setDeed(null)} />}
    </Page>
  );
}
