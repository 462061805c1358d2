// What can be done with one's own keys: make one, rotate, pause and revoke it. A key is shown once, with a call to paste.
import { useState } from "react";
import { ExpiryField, endOf, type Life } from "../forms/expiry";
import { lines } from "../forms/lines";
import { useChange } from "../lib/change";
import { Button } from "../ui/button";
import { CallCode, Secret } from "../ui/code";
import { Confirm, Dialog, FormDialog } from "../ui/dialog";
import { Field, TextArea } from "../ui/field";
import { Note } from "../ui/note";
import { say } from "../ui/toast";
import { type CreatedKey, callAsOneself, type Key, type Settings } from "./client";

export type Kind = "rotate" | "pause" | "wake" | "revoke";
/** How callers show a key. */
export type Showing = Settings["key"];

interface ShownProps {
  made: CreatedKey;
  showing: Showing;
  onDone: () => void;
}

function Shown({ made, showing, onDone }: ShownProps) {
  const { header, prefix } = showing;
  return (
    <Dialog wide title={`“${made.name}” is ready`} onClose={onDone}>
      <div className="stack">
        <Note kind="warn" title="Copy it now">
          <p>It is shown this once. Nobody can show it again.</p>
        </Note>
        <Secret label="API key" text={made.key} />
        {made.secret && <Secret label="Secret" text={made.secret} />}
        {header && !made.secret && (
          <div className="field">
            <span className="legend">A first call with it</span>
            <CallCode call={{ url: `${window.location.origin}/`, header, value: prefix + made.key }} />
          </div>
        )}
        <div className="row end">
          <Button kind="primary" icon="check" onClick={onDone}>
            I have copied it
          </Button>
        </div>
      </div>
    </Dialog>
  );
}

interface NewKeyProps {
  path: string;
  showing: Showing;
  onDone: () => void;
}

export function NewKey({ path, showing, onDone }: NewKeyProps) {
  const [name, setName] = useState("");
  const [life, setLife] = useState<Life>("90d");
  const [until, setUntil] = useState("");
  const [ips, setIps] = useState("");
  const create = useChange(
    "keys",
    () => callAsOneself<CreatedKey>("POST", path, { name, expiresAt: endOf(life, until), allowedIps: lines(ips) }),
    () => {},
  );
  if (create.data) return <Shown made={create.data} showing={showing} onDone={onDone} />;
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
  kind: Kind;
  row: Key;
  showing: Showing;
  onDone: () => void;
}

export function Change({ path, kind, row, showing, onDone }: ChangeProps) {
  const [made, setMade] = useState<CreatedKey | null>(null);
  const one = `${path}/${encodeURIComponent(row.id)}`;
  const change = useChange(
    "keys",
    async (): Promise<CreatedKey | null> => {
      if (kind === "rotate") return callAsOneself<CreatedKey>("POST", `${one}/rotate`, {});
      await (kind === "revoke"
        ? callAsOneself("DELETE", one)
        : callAsOneself("PATCH", one, { disabled: kind === "pause" }));
      return null;
    },
    (key) => {
      if (key) return setMade(key);
      say(`${WORDS[kind][0]}d “${row.name}”`);
      return onDone();
    },
  );
  if (made) return <Shown made={made} showing={showing} onDone={onDone} />;
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
