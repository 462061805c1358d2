// One's own keys: list, make, rotate, pause, revoke.
import { useState } from "react";
import { ExpiryField, endOf, type Life } from "../forms/expiry";
import { lines } from "../forms/lines";
import { useChange } from "../lib/change";
import { useListing } from "../lib/listing";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { CallCode, Secret } from "../ui/code";
import { Confirm, Dialog, FormDialog } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { Field, TextArea } from "../ui/field";
import { type Action, Menu } from "../ui/menu";
import { Note } from "../ui/note";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { say } from "../ui/toast";
import { type CreatedKey, call, type Key } from "./client";

type Deed = { kind: "new" } | { kind: "rotate" | "pause" | "wake" | "revoke"; on: Key };

const COLUMNS: readonly Column<Key>[] = [
  {
    name: "Name",
    cell: (row) => (
      <span>
        <span className="cell-main break">{row.name}</span>
        <span className="cell-sub mono">{row.prefix}…</span>
      </span>
    ),
  },
  { name: "Status", cell: (row) => <Badge text={row.status} /> },
  { name: "Created", cell: (row) => <Time at={row.createdAt} /> },
  { name: "Last used", cell: (row) => <Time at={row.lastUsedAt} /> },
  { name: "Expires", cell: (row) => <Time at={row.expiresAt} /> },
];

export function Keys({ path, mayChange }: { path: string; mayChange: boolean }) {
  const [deed, setDeed] = useState<Deed | null>(null);
  const keys = useListing(["keys"], (cursor) =>
    call<{ data: Key[]; nextCursor: string | null }>(
      "GET",
      `${path}?limit=50${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`,
    ),
  );
  const act: Column<Key> = {
    name: "Actions",
    kind: "act",
    cell: (row) => {
      const actions = open(row).map(
        ([text, kind]): Action => ({
          text,
          tone: kind === "revoke" ? "bad" : undefined,
          run: () => setDeed({ kind, on: row }),
        }),
      );
      return mayChange && actions.length > 0 && <Menu label={`Actions for ${row.name}`} actions={actions} />;
    },
  };
  const generate = mayChange && (
    <Button kind="primary" icon="plus" onClick={() => setDeed({ kind: "new" })}>
      Generate API key
    </Button>
  );
  const done = (): void => setDeed(null);
  return (
    <section className="stack tight" aria-label="Your API keys">
      <div className="row spread">
        <h1>Your API keys</h1>
        {generate}
      </div>
      <Table
        caption="Your API keys"
        columns={[...COLUMNS, act]}
        rows={keys.rows}
        id={(row) => row.id}
        error={keys.error}
        more={keys.more}
        empty={
          <Empty
            icon="key"
            title="No API keys yet"
            text="A key lets a program of yours call the API. It is shown once, when it is made."
          >
            {generate}
          </Empty>
        }
      />
      {deed?.kind === "new" && <NewKey path={path} onDone={done} />}
      {deed && deed.kind !== "new" && <Change path={path} kind={deed.kind} row={deed.on} onDone={done} />}
    </section>
  );
}

function open(row: Key): readonly (readonly [string, "rotate" | "pause" | "wake" | "revoke"])[] {
  if (row.status === "active") {
    return [
      ["Rotate…", "rotate"],
      ["Disable…", "pause"],
      ["Revoke…", "revoke"],
    ];
  }
  if (row.status === "disabled") {
    return [
      ["Enable…", "wake"],
      ["Revoke…", "revoke"],
    ];
  }
  return row.status === "expired" ? [["Revoke…", "revoke"]] : [];
}

function Shown({ made, onDone }: { made: CreatedKey; onDone: () => void }) {
  return (
    <Dialog wide title={`“${made.name}” is ready`} onClose={onDone}>
      <div className="stack">
        <Note kind="warn" title="Copy it now">
          <p>It is shown this once. Nobody can show it again.</p>
        </Note>
        <Secret label="API key" text={made.key} />
        <CallCode call={{ url: `${window.location.origin}/`, header: "X-API-Key", value: made.key }} />
        <div className="row end">
          <Button kind="primary" icon="check" onClick={onDone}>
            I have copied it
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

function NewKey({ path, onDone }: { path: string; onDone: () => void }) {
  const [name, setName] = useState("");
  const [life, setLife] = useState<Life>("90d");
  const [until, setUntil] = useState("");
  const [ips, setIps] = useState("");
  const create = useChange(
    "keys",
    () => call<CreatedKey>("POST", path, { name, expiresAt: endOf(life, until), allowedIps: lines(ips) }),
    () => {},
  );
  if (create.data) return <Shown made={create.data} onDone={onDone} />;
  return (
    <FormDialog
      title="Generate API key"
      action="Generate"
      busy={create.isPending}
      error={create.error}
      onSubmit={() => create.mutate()}
      onClose={onDone}
    >
      <Field
        label="Name"
        hint="Which program uses it."
        value={name}
        onValue={setName}
        maxLength={100}
        required
        autoFocus
      />
      <ExpiryField
        life={life}
        until={until}
        onLife={(next, day) => {
          setLife(next);
          setUntil(day);
        }}
      />
      <TextArea
        label="May be used from"
        optional
        hint="Addresses or networks, one in each line. Empty: from anywhere."
        rows={2}
        className="mono"
        value={ips}
        onValue={setIps}
      />
    </FormDialog>
  );
}

const WORDS = {
  rotate: ["Rotate", "Makes a successor. Both count for a day, so that you can change over."],
  pause: ["Disable", "Requests with it are refused until you enable it again."],
  wake: ["Enable", "Requests with it pass again."],
  revoke: ["Revoke", "It is refused for ever and cannot be brought back."],
} as const;

interface ChangeProps {
  path: string;
  kind: keyof typeof WORDS;
  row: Key;
  onDone: () => void;
}

function Change({ path, kind, row, onDone }: ChangeProps) {
  const [made, setMade] = useState<CreatedKey | null>(null);
  const one = `${path}/${encodeURIComponent(row.id)}`;
  const change = useChange(
    "keys",
    async (): Promise<CreatedKey | null> => {
      if (kind === "rotate") return call<CreatedKey>("POST", `${one}/rotate`, {});
      await (kind === "revoke" ? call("DELETE", one) : call("PATCH", one, { disabled: kind === "pause" }));
      return null;
    },
    (key) => {
      if (key) return setMade(key);
      say(`${WORDS[kind][0]}d “${row.name}”`);
      return onDone();
    },
  );
  if (made) return <Shown made={made} onDone={onDone} />;
  const [word, text] = WORDS[kind];
  return (
    <Confirm
      title={`${word} “${row.name}”?`}
      text={text}
      action={word}
      typed={kind === "revoke" ? row.name : undefined}
      danger={kind === "revoke"}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
      onClose={onDone}
    />
  );
}
