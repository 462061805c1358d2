// The account that something belongs to, if any.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { useMay } from "../app/session";
import { SelectField } from "../ui/field";

export function AccountField({ account, onAccount }: { account: string; onAccount: (account: string) => void }) {
  const may = useMay();
  const accounts = useQuery({
    queryKey: ["accounts", "choice"],
    queryFn: () => ask(api.GET("/admin/v1/accounts", { params: { query: { limit: 200 } } })),
    enabled: may("accounts:read"),
  });
  const known = accounts.data?.data ?? [];
  if (known.length === 0) return null;
  return (
    <SelectField label="Account" optional value={account} onValue={onAccount}>
      <option value="">none</option>
      {known.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
    </SelectField>
  );
}
