// All accounts: whom users and keys belong to, and by which plan they are counted.
import { useState } from "react";
import { api, ask } from "../api/client";
import type { Account } from "../api/types";
import { useMay } from "../app/session";
import { useListing, useTypedFilter } from "../lib/listing";
import { Link } from "../lib/router";
import { number } from "../lib/words";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { Filters, Search } from "../ui/filters";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { NewAccountDialog } from "./account-form";

const COLUMNS: readonly Column<Account>[] = [
  {
    name: "Name",
    cell: (row) => (
      <span>
        <Link to={`/accounts/${row.id}`} className="cell-main break">
          {row.name}
        </Link>
        {row.externalId && <span className="cell-sub break">{row.externalId}</span>}
      </span>
    ),
  },
  { name: "Status", cell: (row) => <Badge text={row.status} /> },
  { name: "Plan", cell: (row) => row.plan ?? <span className="faint">the default</span> },
  {
    name: "Budget left",
    kind: "number",
    cell: (row) =>
      typeof row.budget?.remaining === "number" ? (
        number(row.budget.remaining)
      ) : (
        <span className="faint">no bound</span>
      ),
  },
  { name: "Created", cell: (row) => <Time at={row.createdAt} /> },
];

export default function Accounts() {
  const may = useMay();
  const [isMaking, setIsMaking] = useState(false);
  const [search, typed, setTyped] = useTypedFilter("search");
  const accounts = useListing(["accounts", search], (cursor) =>
    ask(api.GET("/admin/v1/accounts", { params: { query: { ...(search && { search }), cursor, limit: 50 } } })),
  );
  const make = may("accounts:write") && (
    <Button kind="primary" icon="plus" onClick={() => setIsMaking(true)}>
      New account
    </Button>
  );
  return (
    <Page
      title="Accounts"
      text="Your customers: users and keys belong to one, limits and budgets are counted over all of them together."
      actions={make}
    >
      <Filters>
        <Search label="Search by name or reference" value={typed} onValue={setTyped} />
      </Filters>
      <Table
        caption="Accounts"
        columns={COLUMNS}
        rows={accounts.rows}
        id={(row) => row.id}
        error={accounts.error}
        more={accounts.more}
        empty={
          search ? (
            <Empty
              icon="search"
              title="No account is like that"
              text="Search for a part of its name, or for your own reference."
            />
          ) : (
            <Empty
              icon="account"
              title="No accounts yet"
              text="An account is a customer of your API. With one you can give a customer a plan, a budget, and pages of their own."
            >
              {make}
            </Empty>
          )
        }
      />
      {isMaking && <NewAccountDialog onClose={() => setIsMaking(false)} />}
    </Page>
  );
}
