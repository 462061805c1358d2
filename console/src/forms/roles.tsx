// Roles of a user, of those that one may give.
import { useQuery } from "@tanstack/react-query";
import { api, ask } from "../api/client";
import { Check } from "../ui/field";
import { ProblemNote } from "../ui/note";

interface RolesProps {
  roles: string[];
  onRoles: (roles: string[]) => void;
}

export function RolesField({ roles, onRoles }: RolesProps) {
  const known = useQuery({ queryKey: ["roles"], queryFn: () => ask(api.GET("/admin/v1/roles")) });
  return (
    <fieldset className="field">
      <legend className="legend">Roles</legend>
      <ProblemNote error={known.error} />
      <div className="picks">
        {known.data?.data.map((role) => (
          <Check
            key={role.name}
            label={role.name}
            hint={role.mayGive ? scopesOf(role.scopes) : "You do not have all of its scopes yourself."}
            disabled={!role.mayGive && !roles.includes(role.name)}
            checked={roles.includes(role.name)}
            onChecked={(on) => onRoles(on ? [...roles, role.name] : roles.filter((one) => one !== role.name))}
          />
        ))}
      </div>
    </fieldset>
  );
}

function scopesOf(scopes: readonly string[]): string {
  return scopes.length > 4 ? `${scopes.slice(0, 3).join(", ")} and ${scopes.length - 3} more` : scopes.join(", ");
}
