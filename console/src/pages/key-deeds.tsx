// What can be done with a key: rename, keep something beside it, rotate, disable, enable, revoke; each asks first, and tells how far it has come.
import { useState } from "react";
import { api, ask, askWithTag } from "../api/client";
import { asSeen } from "../api/headers";
import type { CreatedKey, Key } from "../api/types";
import { asMetadata, asText, type Metadata, MetadataField } from "../forms/metadata";
import { useChange } from "../lib/change";
import { Button } from "../ui/button";
import { Confirm, Dialog, FormDialog } from "../ui/dialog";
import { Check, Choice, Field } from "../ui/field";
import { type Action, Menu } from "../ui/menu";
import { say, told } from "../ui/toast";
import { NewKeyShown } from "./key-shown";

type Kind = "rename" | "rotate" | "disable" | "enable" | "revoke";
export interface Deed {
  kind: Kind | "metadata";
  on: Key;
}

function open(key: Key): Kind[] {
  // It has ended for ever, and stays as it was then.
  if (key.status === "revoked") return [];
  if (key.status === "disabled") return ["rename", "enable", "revoke"];
  return key.status === "active" ? ["rename", "rotate", "disable", "revoke"] : ["rename", "revoke"];
}

const ACTIONS: Record<Kind, Omit<Action, "run">> = {
  rename: { text: "Rename…", icon: "signing" },
  rotate: { text: "Rotate…", icon: "rotate" },
  disable: { text: "Disable…", icon: "pause" },
  enable: { text: "Enable", icon: "play" },
  revoke: { text: "Revoke…", icon: "stop", tone: "bad" },
};

export function KeyMenu({ row, onDeed }: { row: Key; onDeed: (deed: Deed) => void }) {
  const actions = open(row).map((kind): Action => ({ ...ACTIONS[kind], run: () => onDeed({ kind, on: row }) }));
  return actions.length > 0 && <Menu label={`Actions for ${row.name}`} actions={actions} />;
}

export function KeyButtons({ row, onDeed }: { row: Key; onDeed: (deed: Deed) => void }) {
  return open(row).map((kind) => (
    <Button
      key={kind}
      icon={ACTIONS[kind].icon}
      kind={kind === "revoke" ? "danger" : undefined}
      onClick={() => onDeed({ kind, on: row })}
    >
      {ACTIONS[kind].text.replace("…", "")}
    </Button>
  ));
}

export function KeyDeed({ deed, onDone }: { deed: Deed; onDone: () => void }) {
  const props = { row: deed.on, onDone };
  switch (deed.kind) {
    case "rename":
      return <Rename {...props} />;
    case "metadata":
      return <EditMetadata {...props} />;
    case "rotate":
      return <Rotate {...props} />;
    case "revoke":
      return <Revoke {...props} />;
    default:
      return <Pause {...props} kind={deed.kind} />;
  }
}

interface DeedProps {
  row: Key;
  onDone: () => void;
}

function useKeyChange<T>(change: () => Promise<T>, done: (answer: T) => void) {
  return useChange("keys", change, done);
}

/** Changes it, if what is to be changed is as it was when one began; `wrong` says what is not. */
async function changed(row: Key, body: { name: string } | { metadata: Metadata }, wrong: (now: Key) => string | false) {
  const path = { id: row.id };
  const { value, tag } = await askWithTag(api.GET("/admin/v1/keys/{id}", { params: { path } }));
  const why = wrong(value);
  if (why) throw new Error(why);
  return ask(api.PATCH("/admin/v1/keys/{id}", { params: { path, header: asSeen(tag) }, body: body as never }));
}

function Rename({ row, onDone }: DeedProps) {
  const [name, setName] = useState(row.name);
  const rename = useKeyChange(
    () =>
      changed(row, { name }, (now) => now.name !== row.name && `Somebody else has just renamed it to “${now.name}”.`),
    () => {
      say("Renamed", name);
      onDone();
    },
  );
  return (
    <FormDialog
      title="Rename the key"
      text="The key itself stays as it is."
      action="Rename"
      busy={rename.isPending}
      error={rename.error}
      onSubmit={() => rename.mutate()}
      onClose={onDone}
    >
      <Field label="Name" value={name} onValue={setName} maxLength={100} required autoFocus />
    </FormDialog>
  );
}

function EditMetadata({ row, onDone }: DeedProps) {
  const [began] = useState(asText(row.metadata));
  const [text, setText] = useState(began);
  const save = useKeyChange(
    () =>
      changed(
        row,
        { metadata: asMetadata(text) },
        (now) => asText(now.metadata) !== began && "Somebody else has just changed it. Close this and look again.",
      ),
    () => {
      say("Saved the metadata", row.name);
      onDone();
    },
  );
  return (
    <FormDialog
      title={`Metadata of “${row.name}”`}
      text="The key itself stays as it is."
      action="Save"
      busy={save.isPending}
      error={save.error}
      onSubmit={() => save.mutate()}
      onClose={onDone}
    >
      <MetadataField text={text} onText={setText} autoFocus />
    </FormDialog>
  );
}

const OVERLAPS = [
  ["0", "At once"],
  ["1h", "1 hour"],
  ["24h", "1 day"],
  ["7d", "7 days"],
  ["30d", "30 days"],
] as const;
type Overlap = (typeof OVERLAPS)[number][0];

function Rotate({ row, onDone }: DeedProps) {
  const [overlap, setOverlap] = useState<Overlap>("24h");
  const [isQuiet, setIsQuiet] = useState(false);
  const [made, setMade] = useState<CreatedKey | null>(null);
  const rotate = useKeyChange(
    () =>
      ask(
        api.POST("/admin/v1/keys/{id}/rotate", {
          params: { path: { id: row.id } },
          body: { overlap, untilQuiet: isQuiet && overlap !== "0" ? "1h" : undefined },
        }),
      ),
    setMade,
  );
  if (made) {
    return (
      <Dialog wide title="The new key" text="The old one goes on for as long as you chose." onClose={onDone}>
        <NewKeyShown made={made} onDone={onDone} />
      </Dialog>
    );
  }
  return (
    <FormDialog
      title={`Rotate “${row.name}”`}
      text="Makes a successor with the same rights. Both count until the overlap ends, so that nobody has to change at the same moment."
      action="Rotate"
      busy={rotate.isPending}
      error={rotate.error}
      onSubmit={() => rotate.mutate()}
      onClose={onDone}
    >
      <Choice label="The old key ends" value={overlap} options={OVERLAPS} onValue={setOverlap} />
      {overlap !== "0" && (
        <Check
          label="End it earlier, once nobody used it for an hour"
          hint="The page of the old key lists who still uses it."
          checked={isQuiet}
          onChecked={setIsQuiet}
        />
      )}
    </FormDialog>
  );
}

function Pause({ row, kind, onDone }: DeedProps & { kind: "disable" | "enable" }) {
  const isOff = kind === "disable";
  const path = isOff ? ("/admin/v1/keys/{id}/disable" as const) : ("/admin/v1/keys/{id}/enable" as const);
  const change = useKeyChange(
    () => ask(api.POST(path, { params: { path: { id: row.id } } })),
    ({ receipt }) => {
      say(isOff ? "Disabled" : "Enabled", told(receipt, isOff ? "refused by" : "accepted by"));
      onDone();
    },
  );
  return (
    <Confirm
      title={`${isOff ? "Disable" : "Enable"} “${row.name}”?`}
      text={
        isOff
          ? "Requests with it are refused from now on. You can enable it again at any time."
          : "Requests with it pass again, as far as its scopes and limits let them."
      }
      action={isOff ? "Disable" : "Enable"}
      danger={false}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
      onClose={onDone}
    />
  );
}

function Revoke({ row, onDone }: DeedProps) {
  const [reason, setReason] = useState("");
  const revoke = useKeyChange(
    () =>
      ask(api.POST("/admin/v1/keys/{id}/revoke", { params: { path: { id: row.id } }, body: reason ? { reason } : {} })),
    ({ receipt }) => {
      say(`Revoked “${row.name}”`, told(receipt, "refused by"));
      onDone();
    },
  );
  return (
    <Confirm
      title={`Revoke “${row.name}”?`}
      text="It is refused for ever, everywhere, and cannot be brought back. To only pause it, disable it."
      action="Revoke for ever"
      typed={row.name}
      busy={revoke.isPending}
      error={revoke.error}
      onConfirm={() => revoke.mutate()}
      onClose={onDone}
    >
      <Field
        label="Reason"
        optional
        hint="Stands in the audit log."
        value={reason}
        onValue={setReason}
        maxLength={200}
      />
    </Confirm>
  );
}
