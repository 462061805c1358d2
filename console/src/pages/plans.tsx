// Plans, as the configuration has them.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import type { Plan } from "../api/types";
import { Link } from "../lib/router";
import { number, span } from "../lib/words";
import { Badge, Tags } from "../ui/badge";
import { Empty } from "../ui/empty";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";

const COLUMNS: readonly Column<Plan>[] = [
  {
    name: "Plan",
    cell: (row) => (
      <span className="row">
        <span className="cell-main">{row.name}</span>
        {row.isDefault && <Badge text="default" tone="accent" />}
      </span>
    ),
  },
  {
    name: "Limits",
    cell: (row) => (
      <Tags
        of={row.limits.map((one) => `${one.name}: ${number(one.requests)} in ${span(one.windowSeconds)}`)}
        none="none"
      />
    ),
  },
  { name: "Accounts", cell: (row) => <Link to={`/accounts?plan=${encodeURIComponent(row.name)}`}>Show</Link> },
];

export default function Plans() {
  const plans = useQuery({ queryKey: ["plans"], queryFn: () => ask(api.GET("/admin/v1/plans")) });
  return (
    <Page
      title="Plans"
      text="Named sets of limits, counted per account over all of its users and keys. They stand in the configuration."
    >
      <Table
        caption="Plans"
        columns={COLUMNS}
        rows={plans.data?.data}
        id={(row) => row.name}
        error={plans.error}
        empty={
          <Empty
            icon="plan"
            title="No plans yet"
            text={
              <>
                Write them under <code>plans</code> in the configuration, for example{" "}
                <code>plans: {"{ free: { limits: [60/1m] } }"}</code>, and give an account its plan on its page.
              </>
            }
          />
        }
      />
    </Page>
  );
}
