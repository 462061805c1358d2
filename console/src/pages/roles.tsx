// Roles: named sets of scopes, built in or from the configuration.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { Role } from "../api/types";
import { Link } from "../lib/router";
import { Badge, Tags } from "../ui/badge";
import { Empty } from "../ui/empty";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";

const COLUMNS: readonly Column<Role>[] = [
  {
    name: "Role",
    cell: (row) => (
      <span className="row">
        <Link to={`/users?role=${encodeURIComponent(row.name)}`} className="cell-main">
          {row.name}
        </Link>
        {row.builtIn && <Badge text="built in" />}
      </span>
    ),
  },
  { name: "Scopes", cell: (row) => <Tags of={row.scopes} none="none" /> },
];

export default function Roles() {
  const roles = useQuery({ queryKey: ["roles"], queryFn: () => ask(api.GET("/admin/v1/roles")) });
  return (
    <Page
      title="Roles"
      text="What a user may do is what their roles say together. Nobody gives a role with more than they have themselves."
    >
      <Table
        caption="Roles"
        columns={COLUMNS}
        rows={roles.data?.data}
        id={(row) => row.name}
        error={roles.error}
        empty={<Empty icon="role" title="No roles" text="Roles stand in the configuration, under roles." />}
      />
    </Page>
  );
}
