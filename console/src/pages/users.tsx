// All users: who may sign in, with which roles, and how somebody is invited.
import { useState } from "react";
import { api, ask } from "../api/client";
import type { User } from "../api/types";
import { useMay } from "../app/session";
import { useFilter, useListing, useTypedFilter } from "../lib/listing";
import { Link } from "../lib/router";
import { Badge, Tags } from "../ui/badge";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { Filters, OneOf, Search } from "../ui/filters";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { UserInvite } from "./user-invite";

const COLUMNS: readonly Column<User>[] = [
  {
    name: "Username",
    cell: (user) => (
      <Link to={`/users/${user.id}`} className="cell-main break">
        {user.username}
      </Link>
    ),
  },
  {
    name: "Status",
    cell: (user) => (
      <span className="row">
        <Badge text={user.status} />
        {!user.canSignIn && <Badge text="no password yet" />}
      </span>
    ),
  },
  { name: "Roles", cell: (user) => <Tags of={user.roles} none="none" /> },
  {
    name: "Account",
    cell: (user) =>
      user.account ? <Link to={`/accounts/${user.account}`}>{user.account}</Link> : <span className="faint">none</span>,
  },
  { name: "Created", cell: (user) => <Time at={user.createdAt} /> },
];

export default function Users() {
  const may = useMay();
  const [isInviting, setIsInviting] = useState(false);
  const [search, typed, setTyped] = useTypedFilter("search");
  const [status, setStatus] = useFilter("status");
  const [role] = useFilter("role");
  const [account] = useFilter("account");
  const query = Object.fromEntries(
    Object.entries({ search, status, role, account }).filter(([, value]) => value !== ""),
  );
  const users = useListing(["users", query], (cursor) =>
    ask(api.GET("/admin/v1/users", { params: { query: { ...query, cursor, limit: 50 } } })),
  );
  const invite = may("users:write") && (
    <Button kind="primary" icon="plus" onClick={() => setIsInviting(true)}>
      Add user
    </Button>
  );
  return (
    <Page
      title="Users"
      text="People who sign in, and whom keys belong to. Whoever has a role with keyward: scopes may sign in here."
      actions={invite}
    >
      <Filters>
        <Search label="Search by name" value={typed} onValue={setTyped} />
        <OneOf
          label="Status"
          value={status}
          onValue={setStatus}
          options={[
            ["active", "active"],
            ["disabled", "disabled"],
          ]}
        />
      </Filters>
      <Table
        caption="Users"
        columns={COLUMNS}
        rows={users.rows}
        id={(user) => user.id}
        error={users.error}
        more={users.more}
        empty={
          <Empty icon="users" title="No user is like that" text="Take a filter away, or invite somebody by a link.">
            {invite}
          </Empty>
        }
      />
      {isInviting && <UserInvite onClose={() => setIsInviting(false)} />}
    </Page>
  );
}
