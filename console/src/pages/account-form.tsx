// A new account, and what can be changed of one.

import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, askWithTag } from "../api/client";
import { once } from "../api/headers";
import type { Account, Receipt } from "../api/types";
import { lines } from "../forms/lines";
import { useChange } from "../lib/change";
import { inTurn } from "../lib/in-turn";
import { go } from "../lib/router";
import { FormDialog } from "../ui/dialog";
import { Field, SelectField, TextArea } from "../ui/field";
import { say, told } from "../ui/toast";

interface Draft {
  name: string;
  externalId: string;
  plan: string;
  ips: string;
  limits: string;
  budget: string;
}

interface FieldsProps {
  draft: Draft;
  set: (part: Partial<Draft>) => void;
  isNew: boolean;
}

function Fields({ draft, set, isNew }: FieldsProps) {
  const plans = useQuery({ queryKey: ["plans"], queryFn: () => ask(api.GET("/admin/v1/plans")) });
  return (
    <>
      {isNew && (
        <Field label="Name" value={draft.name} onValue={(name) => set({ name })} maxLength={100} required autoFocus />
      )}
      <Field
        label="Your own reference"
        optional
        hint="The customer’s id in your own system; your backend finds the account by it."
        value={draft.externalId}
        onValue={(externalId) => set({ externalId })}
        maxLength={255}
      />
      <SelectField label="Plan" value={draft.plan} onValue={(plan) => set({ plan })}>
        <option value="">the default</option>
        {plans.data?.data.map((one) => (
          <option key={one.name}>{one.name}</option>
        ))}
      </SelectField>
      <TextArea
        label="May be used from"
        optional
        hint="Addresses or networks, one in each line. Empty: from anywhere."
        rows={2}
        className="mono"
        value={draft.ips}
        onValue={(ips) => set({ ips })}
      />
      <TextArea
        label="Limits of its own"
        optional
        hint="In place of those of its plan, one in each line, such as 1000/1h."
        rows={2}
        className="mono"
        value={draft.limits}
        onValue={(limits) => set({ limits })}
      />
      <Field
        label={isNew ? "Budget" : "Change the budget"}
        optional
        hint={
          isNew
            ? "“1000” in all, or “1000/30d” in each 30 days."
            : "“+500” more, “=500” left, “=1000/30d” anew, or “none”."
        }
        value={draft.budget}
        onValue={(budget) => set({ budget })}
      />
    </>
  );
}

function useDraft(first: Draft): [Draft, (part: Partial<Draft>) => void] {
  const [draft, setDraft] = useState(first);
  return [draft, (part) => setDraft((before) => ({ ...before, ...part }))];
}

export function NewAccountDialog({ onClose }: { onClose: () => void }) {
  const [draft, set] = useDraft({ name: "", externalId: "", plan: "", ips: "", limits: "", budget: "" });
  const [key] = useState(() => crypto.randomUUID());
  const add = useChange(
    "accounts",
    () =>
      ask(
        api.POST("/admin/v1/accounts", {
          headers: once(`${key}-${encodeURIComponent(draft.name)}`),
          body: {
            name: draft.name,
            ...(draft.externalId && { externalId: draft.externalId }),
            ...(draft.plan && { plan: draft.plan }),
            ...(draft.budget && { budget: draft.budget }),
            allowedIps: lines(draft.ips) ?? [],
            limits: lines(draft.limits) ?? [],
          },
        }),
      ),
    (account) => {
      say(`Made ${draft.name}`);
      onClose();
      go(`/accounts/${account.id}`);
    },
  );
  return (
    <FormDialog
      title="New account"
      action="Make it"
      busy={add.isPending}
      error={add.error}
      onSubmit={() => add.mutate()}
      onClose={onClose}
    >
      <Fields draft={draft} set={set} isNew />
    </FormDialog>
  );
}

/** One change after the other, the first only if nobody was faster; the receipt of the last. */
async function saved(before: Account, draft: Draft, seen: string): Promise<Receipt | undefined> {
  const path = { id: before.id };
  const receipt = await inTurn<object>({
    seen,
    changes: [
      draft.plan !== (before.plan ?? "") && { plan: draft.plan || null },
      draft.limits !== before.limits.join("\n") && { limits: lines(draft.limits) ?? [] },
      draft.ips !== before.allowedIps.join("\n") && { allowedIps: lines(draft.ips) ?? [] },
      draft.externalId.trim() !== (before.externalId ?? "") && { externalId: draft.externalId.trim() || null },
    ],
    // The document says that there is one member; the types do not know how to.
    patch: (body, header) =>
      ask(api.PATCH("/admin/v1/accounts/{id}", { params: { path, header }, body: body as never })),
    read: () => askWithTag(api.GET("/admin/v1/accounts/{id}", { params: { path } })),
  });
  if (!draft.budget) return receipt;
  const body = { change: draft.budget };
  return (await ask(api.POST("/admin/v1/accounts/{id}/budget", { params: { path }, body }))).receipt;
}

interface EditProps {
  account: Account;
  tag: string;
  onClose: () => void;
}

export function EditAccountDialog({ account, tag, onClose }: EditProps) {
  const [began] = useState({ account, tag });
  const [draft, set] = useDraft({
    name: account.name,
    externalId: account.externalId ?? "",
    plan: account.plan ?? "",
    ips: account.allowedIps.join("\n"),
    limits: account.limits.join("\n"),
    budget: "",
  });
  const save = useChange(
    "accounts",
    () => saved(began.account, draft, began.tag),
    (receipt) => {
      say(`Saved ${account.name}`, told(receipt));
      onClose();
    },
  );
  return (
    <FormDialog
      title={`Edit ${account.name}`}
      action="Save"
      busy={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onClose}
    >
      <Fields draft={draft} set={set} isNew={false} />
    </FormDialog>
  );
}
