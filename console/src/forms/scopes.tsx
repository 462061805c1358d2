// What a key may do: as its owner, or some of what its maker may give.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useMay, useSession } from "../app/session";
import { Button } from "../ui/button";
import { Check, Choice, Field } from "../ui/field";

interface ScopesProps {
  /** `null`: as its owner. */
  scopes: string[] | null;
  onScopes: (scopes: string[] | null) => void;
}

export function ScopesField({ scopes, onScopes }: ScopesProps) {
  return (
    <>
      <Choice
        label="May do"
        value={scopes ? "some" : "all"}
        options={[
          ["all", "What its owner may"],
          ["some", "Only some scopes"],
        ]}
        hint={scopes ? undefined : "Today’s and later scopes of its owner, without those for Keyward itself."}
        onValue={(choice) => onScopes(choice === "all" ? null : [])}
      />
      {scopes && <Picks scopes={scopes} onScopes={onScopes} />}
    </>
  );
}

/** Scopes that are known here: those of the roles that one may give, and one's own. */
function useKnownScopes(): string[] {
  const session = useSession();
  const may = useMay();
  const roles = useQuery({
    queryKey: ["roles"],
    queryFn: () => ask(api.GET("/admin/v1/roles")),
    enabled: may("users:read"),
  });
  const given = roles.data?.data.filter((role) => role.mayGive).flatMap((role) => role.scopes) ?? [];
  return [...new Set([...given, ...session.scopes])].sort(byArea);
}

/** Those of the API first, Keyward's own last. */
function byArea(a: string, b: string): number {
  const area = (scope: string): number => (scope.startsWith("keyward:") ? 2 : scope.startsWith("self:") ? 1 : 0);
  return area(a) - area(b) || a.localeCompare(b);
}

function Picks({ scopes, onScopes }: { scopes: string[]; onScopes: (scopes: string[]) => void }) {
  const known = useKnownScopes();
  const [text, setText] = useState("");
  const shown = [...new Set([...scopes.filter((scope) => !known.includes(scope)), ...known])];
  const add = (): void => {
    const more = text.split(/[\s,]+/).filter(Boolean);
    if (more.length > 0) onScopes([...new Set([...scopes, ...more])]);
    setText("");
  };
  return (
    <fieldset className="field">
      <legend className="legend">Scopes</legend>
      <div className="picks">
        {shown.map((scope) => (
          <Check
            key={scope}
            label={<code>{scope}</code>}
            checked={scopes.includes(scope)}
            onChecked={(on) => onScopes(on ? [...scopes, scope] : scopes.filter((one) => one !== scope))}
          />
        ))}
      </div>
      <div className="row add">
        <Field
          label="Another scope"
          hint="As your routes ask for it, such as orders:read."
          value={text}
          onValue={setText}
          onKeyDown={(event) => {
            if (event.key !== "Enter") return;
            event.preventDefault();
            add();
          }}
        />
        <Button onClick={add}>Add</Button>
      </div>
    </fieldset>
  );
}
