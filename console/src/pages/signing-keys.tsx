// Keys that tokens are signed with: which signs now, which comes next, and how one is ended.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import type { SigningKey } from "../api/types";
import { useMay } from "../app/session";
import { useChange } from "../lib/change";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Empty } from "../ui/empty";
import { Check } from "../ui/field";
import { Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";
import { say, told } from "../ui/toast";

const COLUMNS: readonly Column<SigningKey>[] = [
  {
    name: "Key",
    cell: (row) => (
      <span>
        <span className="cell-main mono break">{row.id}</span>
        <span className="cell-sub">{row.algorithm}</span>
      </span>
    ),
  },
  { name: "Status", cell: (row) => <Badge text={row.status} /> },
  { name: "Made", cell: (row) => <Time at={row.createdAt} /> },
  { name: "Signs from", cell: (row) => <Time at={row.activeAt} as="exact" /> },
  { name: "Ended", cell: (row) => <Time at={row.retiredAt} none="–" /> },
];

export default function SigningKeys() {
  const may = useMay();
  const [isRotating, setIsRotating] = useState(false);
  const [retiring, setRetiring] = useState<SigningKey | null>(null);
  const keys = useQuery({ queryKey: ["signing-keys"], queryFn: () => ask(api.GET("/admin/v1/signing-keys")) });
  const act: Column<SigningKey> = {
    name: "Actions",
    kind: "act",
    cell: (row) =>
      may("signing-keys:write") &&
      row.status !== "retired" && (
        <Button size="small" kind="danger" onClick={() => setRetiring(row)} aria-label={`Retire ${row.id}`}>
          Retire
        </Button>
      ),
  };
  return (
    <Page
      title="Signing keys"
      text="Tokens are signed by the active one. The next is announced first, so that whoever checks tokens has it in time; they follow each other by age."
      actions={
        may("signing-keys:write") && (
          <Button kind="primary" icon="rotate" onClick={() => setIsRotating(true)}>
            Rotate
          </Button>
        )
      }
    >
      <Table
        caption="Signing keys"
        columns={[...COLUMNS, act]}
        rows={keys.data?.data}
        id={(row) => row.id}
        error={keys.error}
        empty={
          <Empty
            icon="signing"
            title="A secret of the configuration signs"
            text="Keys are made here once no secret in the configuration does."
          />
        }
      />
      {isRotating && <Rotate onDone={() => setIsRotating(false)} />}
      {retiring && <Retire row={retiring} onDone={() => setRetiring(null)} />}
    </Page>
  );
}

function Rotate({ onDone }: { onDone: () => void }) {
  const [atOnce, setAtOnce] = useState(false);
  const rotate = useChange(
    "signing-keys",
    () => ask(api.POST("/admin/v1/signing-keys/rotate", { body: { atOnce } })),
    ({ receipt }) => {
      say(atOnce ? "The new key signs" : "The next key is announced", told(receipt));
      onDone();
    },
  );
  return (
    <Confirm
      title="Make the next signing key?"
      text="It is announced in the key set now and signs later. What the present one signed goes on to its own end."
      action="Rotate"
      danger={false}
      busy={rotate.isPending}
      error={rotate.error}
      onConfirm={() => rotate.mutate()}
      onClose={onDone}
    >
      <Check
        label="Let it sign at once"
        hint="Whoever keeps the key set for a while refuses new tokens until they fetch it again."
        checked={atOnce}
        onChecked={setAtOnce}
      />
    </Confirm>
  );
}

function Retire({ row, onDone }: { row: SigningKey; onDone: () => void }) {
  const retire = useChange(
    "signing-keys",
    () => ask(api.POST("/admin/v1/signing-keys/{id}/retire", { params: { path: { id: row.id } } })),
    ({ receipt }) => {
      say("Retired", told(receipt, "refused by"));
      onDone();
    },
  );
  return (
    <Confirm
      title="Retire this signing key?"
      text="Every token that it signed is refused from now on, here at once and elsewhere once the key set is fetched again. It cannot be brought back. If it is the active one, another takes its place."
      action="Retire for ever"
      typed={row.id}
      busy={retire.isPending}
      error={retire.error}
      onConfirm={() => retire.mutate()}
      onClose={onDone}
    />
  );
}
