// Generate API key: who it is for, what it may do, for how long and from where; then the key, once.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../api/client";
import { once } from "../api/headers";
import type { CreatedKey, NewKey } from "../api/types";
import { useMay, useSession } from "../app/session";
import { ExpiryField, endOf, type Life } from "../forms/expiry";
import { lines } from "../forms/lines";
import { asMetadata, MetadataField } from "../forms/metadata";
import { ScopesField } from "../forms/scopes";
import { go } from "../lib/router";
import { Button } from "../ui/button";
import { Check, Choice, Field, SelectField, TextArea } from "../ui/field";
import { ProblemNote } from "../ui/note";
import { Page } from "../ui/page";
import { NewKeyShown } from "./key-shown";

interface Draft {
  name: string;
  owner: string;
  account: string;
  mode: "live" | "test";
  life: Life;
  until: string;
  scopes: string[] | null;
  ips: string;
  budget: string;
  externalId: string;
  metadata: string;
  pair: boolean;
}

const EMPTY: Draft = {
  name: "",
  owner: "",
  account: "",
  mode: "live",
  life: "90d",
  until: "",
  scopes: null,
  ips: "",
  budget: "",
  externalId: "",
  metadata: "",
  pair: false,
};

function asked(draft: Draft): NewKey {
  return {
    name: draft.name.trim(),
    mode: draft.mode,
    owner: draft.owner || undefined,
    account: draft.account || undefined,
    scopes: draft.scopes ?? undefined,
    expiresAt: endOf(draft.life, draft.until),
    allowedIps: lines(draft.ips),
    budget: draft.budget.trim() || undefined,
    externalId: draft.externalId.trim() || undefined,
    metadata: draft.metadata.trim() ? asMetadata(draft.metadata) : undefined,
    pair: draft.pair || undefined,
  };
}

export default function KeyNew() {
  const [draft, setDraft] = useState(EMPTY);
  const [key, setKey] = useState(() => crypto.randomUUID());
  const [made, setMade] = useState<CreatedKey | null>(null);
  const queries = useQueryClient();
  const set = (part: Partial<Draft>): void => {
    setDraft((before) => ({ ...before, ...part }));
    // Another draft is another key; the same one, sent again, is not.
    setKey(crypto.randomUUID());
  };
  const create = useMutation({
    mutationFn: () => ask(api.POST("/admin/v1/keys", { body: asked(draft), headers: once(key) })),
    onSuccess: (created) => {
      queries.invalidateQueries({ queryKey: ["keys"] });
      setMade(created);
      window.scrollTo(0, 0);
    },
  });
  if (made) {
    return (
      <Page key="made" title={`“${made.name}” is ready`} back={["/keys", "API keys"]}>
        <div className="card card-body">
          <NewKeyShown made={made} onDone={() => go(`/keys/${made.id}`)} />
        </div>
      </Page>
    );
  }
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!create.isPending) create.mutate();
  };
  return (
    <Page title="Generate API key" text="It never has more rights than its owner." back={["/keys", "API keys"]}>
      <form className="card card-body form narrow" onSubmit={submit}>
        <Field
          label="Name"
          hint="Who uses it, and for what: “billing worker”, “Acme, staging”."
          value={draft.name}
          onValue={(name) => set({ name })}
          maxLength={100}
          required
          autoFocus
        />
        <Choice
          label="Mode"
          value={draft.mode}
          options={[
            ["live", "Live"],
            ["test", "Test"],
          ]}
          hint="Test keys begin differently, and the API behind is told which kind was shown."
          onValue={(mode) => set({ mode })}
        />
        <ScopesField scopes={draft.scopes} onScopes={(scopes) => set({ scopes })} />
        <ExpiryField life={draft.life} until={draft.until} onLife={(life, until) => set({ life, until })} />
        <Whose draft={draft} set={set} />
        <details className="details">
          <summary>Addresses, budget and more</summary>
          <div className="form">
            <TextArea
              label="May be used from"
              optional
              hint="Addresses or networks, one in each line. Empty: from anywhere."
              placeholder={"203.0.113.7\n198.51.100.0/24"}
              rows={3}
              className="mono"
              value={draft.ips}
              onValue={(ips) => set({ ips })}
            />
            <Field
              label="Budget"
              optional
              hint="How many requests in all (“1000”) or in each span (“1000/30d”)."
              value={draft.budget}
              onValue={(budget) => set({ budget })}
            />
            <Field
              label="Your own reference"
              optional
              hint="An id from your own system."
              value={draft.externalId}
              onValue={(externalId) => set({ externalId })}
            />
            <MetadataField text={draft.metadata} onText={(metadata) => set({ metadata })} />
            <Check
              label="With a secret: a pair for OAuth 2.0"
              hint="The key alone then opens nothing; key and secret together ask for short-lived tokens."
              checked={draft.pair}
              onChecked={(pair) => set({ pair })}
            />
          </div>
        </details>
        <ProblemNote error={create.error} />
        <div className="row end">
          <Button onClick={() => go("/keys")}>Cancel</Button>
          <Button type="submit" kind="primary" busy={create.isPending}>
            Generate
          </Button>
        </div>
      </form>
    </Page>
  );
}

function Whose({ draft, set }: { draft: Draft; set: (part: Partial<Draft>) => void }) {
  const { user } = useSession();
  const may = useMay();
  const users = useQuery({
    queryKey: ["users", "choice"],
    queryFn: () => ask(api.GET("/admin/v1/users", { params: { query: { limit: 200, status: "active" } } })),
    enabled: may("users:read"),
  });
  const others = users.data?.data.filter((one) => one.id !== user.id) ?? [];
  if (others.length === 0) return null;
  return (
    <SelectField
      label="Owner"
      hint="The key ends to count when its owner is disabled."
      value={draft.owner}
      onValue={(owner) => set({ owner })}
    >
      <option value="">{user.username} (you)</option>
      {others.map((one) => (
        <option key={one.id} value={one.username}>
          {one.username}
        </option>
      ))}
    </SelectField>
  );
}
