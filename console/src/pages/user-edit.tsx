// What can be changed of a user: roles, account, and one's own reference.
import { useState } from "react";
import { api, ask, askWithTag } from "../api/client";
import type { User } from "../api/types";
import { AccountField } from "../forms/account";
import { RolesField } from "../forms/roles";
import { useChange } from "../lib/change";
import { inTurn } from "../lib/in-turn";
import { FormDialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { say, told } from "../ui/toast";

interface Draft {
  roles: string[];
  account: string;
  externalId: string;
}

function saved(before: User, draft: Draft, seen: string) {
  const path = { id: before.id };
  return inTurn<object>({
    seen,
    changes: [
      draft.roles.join(" ") !== before.roles.join(" ") && { roles: draft.roles },
      draft.account !== (before.account ?? "") && { account: draft.account || null },
      draft.externalId.trim() !== (before.externalId ?? "") && { externalId: draft.externalId.trim() || null },
    ],
    // The document says that there is one member; the types do not know how to.
    patch: (body, header) => ask(api.PATCH("/admin/v1/users/{id}", { params: { path, header }, body: body as never })),
    read: () => askWithTag(api.GET("/admin/v1/users/{id}", { params: { path } })),
  });
}

interface EditProps {
  user: User;
  tag: string;
  onDone: () => void;
  onStale: () => void;
}

export function EditUser({ user, tag, onDone, onStale }: EditProps) {
  // What one began with; somebody else may change it meanwhile, and then the server refuses.
  const [began] = useState({ user, tag });
  const [draft, setDraft] = useState<Draft>({
    roles: user.roles,
    account: user.account ?? "",
    externalId: user.externalId ?? "",
  });
  const set = (part: Partial<Draft>): void => setDraft((before) => ({ ...before, ...part }));
  const save = useChange(
    "users",
    () => saved(began.user, draft, began.tag),
    (receipt) => {
      say(`Saved ${user.username}`, told(receipt));
      onDone();
    },
  );
  return (
    <FormDialog
      wide
      title={`Edit ${user.username}`}
      action="Save"
      busy={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate(undefined, { onError: onStale })}
      onClose={onDone}
    >
      <RolesField roles={draft.roles} onRoles={(roles) => set({ roles })} />
      <AccountField
        account={draft.account}
        hint="Their keys go along, but for those that are of yet another account."
        onAccount={(account) => set({ account })}
      />
      <Field
        label="Your own reference"
        optional
        hint="Their id in your own system."
        value={draft.externalId}
        onValue={(externalId) => set({ externalId })}
        maxLength={255}
      />
    </FormDialog>
  );
}
