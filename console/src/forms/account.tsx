// The account that something belongs to, if any.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { useMay } from "../app/session";
import { SelectField } from "../ui/field";

interface AccountProps {
  account: string;
  hint?: string;
  onAccount: (account: string) => void;
}

export function AccountField({ account, hint, onAccount }: AccountProps) {
  const may = useMay();
  const accounts = useQuery({
    queryKey: ["accounts", "choice"],
    queryFn: () => ask(api.GET("/admin/v1/accounts", { params: { query: { limit: 200 } } })),
    enabled: may("accounts:read"),
  });
  const known = accounts.data?.data ?? [];
  if (known.length === 0) return null;
  return (
    <SelectField label="Account" optional hint={hint} value={account} onValue={onAccount}>
      <option value="">none</option>
      {account && !known.some((one) => one.id === account) && <option value={account}>{account}</option>}
      {known.map((one) => (
        <option key={one.id} value={one.id}>
          {one.name}
        </option>
      ))}
    </SelectField>
  );
}
