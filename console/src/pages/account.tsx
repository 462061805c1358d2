// One account: its plan and what is left of it, its users and keys, and a link to the customer's own pages.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, askWithTag } from "../api/client";
import type { Account } from "../api/types";
import { useMay } from "../app/session";
import { useChange } from "../lib/change";
import { Link } from "../lib/router";
import { LimitMeter } from "../parts/usage";
import { Badge, Tags } from "../ui/badge";
import { Button } from "../ui/button";
import { Secret } from "../ui/code";
import { Copy } from "../ui/copy";
import { Confirm, Dialog } from "../ui/dialog";
import { ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { Time } from "../ui/time";
import { say, told } from "../ui/toast";
import { EditAccountDialog } from "./account-form";

type Deed = "edit" | "disable" | "enable" | "link";

export default function AccountPage({ id }: { id: string }) {
  const may = useMay();
  const [deed, setDeed] = useState<Deed | null>(null);
  const loaded = useQuery({
    queryKey: ["accounts", "one", id],
    queryFn: () => askWithTag(api.GET("/admin/v1/accounts/{id}", { params: { path: { id } } })),
  });
  const back = ["/accounts", "Accounts"] as const;
  if (!loaded.data) {
    return (
      <Page title="Account" back={back}>
        <ProblemNote error={loaded.error} />
      </Page>
    );
  }
  const { value: account, tag } = loaded.data;
  const isOff = account.status === "disabled";
  const done = (): void => setDeed(null);
  return (
    <Page
      key="loaded"
      title={account.name}
      beside={<Badge text={account.status} />}
      back={back}
      actions={
        may("accounts:write") && (
          <>
            <Button icon="link" onClick={() => setDeed("link")}>
              Portal link
            </Button>
            <Button icon="signing" onClick={() => setDeed("edit")}>
              Edit
            </Button>
            <Button icon={isOff ? "play" : "pause"} onClick={() => setDeed(isOff ? "enable" : "disable")}>
              {isOff ? "Enable" : "Disable"}
            </Button>
          </>
        )
      }
    >
      <div className="two">
        <Facts account={account} />
        <Left account={account} />
      </div>
      {deed === "edit" && <EditAccountDialog account={account} tag={tag} onClose={done} />}
      {deed === "link" && <PortalLink account={account} onDone={done} />}
      {(deed === "disable" || deed === "enable") && <Pause account={account} kind={deed} onDone={done} />}
    </Page>
  );
}

function Facts({ account }: { account: Account }) {
  return (
    <Card title="About">
      <dl className="facts card-body">
        <dt>Id</dt>
        <dd className="row">
          <code>{account.id}</code> <Copy text={account.id} what="the id" />
        </dd>
        <dt>Plan</dt>
        <dd>{account.plan ?? "the default"}</dd>
        <dt>Own limits</dt>
        <dd>
          <Tags of={account.limits} none="those of its plan" />
        </dd>
        <dt>From</dt>
        <dd>
          <Tags of={account.allowedIps} none="anywhere" />
        </dd>
        <dt>Your reference</dt>
        <dd>{account.externalId ?? "none"}</dd>
        <dt>Created</dt>
        <dd>
          <Time at={account.createdAt} as="exact" />
        </dd>
        <dt>Belong to it</dt>
        <dd className="row">
          <Link to={`/users?account=${account.id}`}>Users</Link>
          <Link to={`/keys?account=${account.id}`}>Keys</Link>
        </dd>
      </dl>
    </Card>
  );
}

function Left({ account }: { account: Account }) {
  const limits = useQuery({
    queryKey: ["accounts", "limits", account.id],
    queryFn: () => ask(api.GET("/admin/v1/accounts/{id}/limits", { params: { path: { id: account.id } } })),
    refetchInterval: 15_000,
  });
  const known = limits.data?.limits ?? [];
  return (
    <Card title="What is left">
      <div className="card-body stack">
        <ProblemNote error={limits.error} />
        {known.map((limit) => (
          <LimitMeter key={limit.limit} limit={limit} />
        ))}
        {limits.data && known.length === 0 && (
          <p className="quiet">Nothing counts it. Give it a plan, limits of its own, or a budget.</p>
        )}
      </div>
    </Card>
  );
}

interface DeedProps {
  account: Account;
  onDone: () => void;
}

function PortalLink({ account, onDone }: DeedProps) {
  const make = useChange(
    "accounts",
    () => ask(api.POST("/admin/v1/accounts/{id}/portal-links", { params: { path: { id: account.id } } })),
    () => {},
  );
  if (make.data) {
    return (
      <Dialog
        wide
        title="A link to their pages"
        text={
          <>
            Good once, until <Time at={make.data.expiresAt} as="exact" />. Whoever opens it sees and makes keys of{" "}
            {account.name}.
          </>
        }
        onClose={onDone}
      >
        <Secret label="Link" text={make.data.link} />
        <div className="dialog-end">
          <Button kind="primary" onClick={onDone}>
            Done
          </Button>
        </div>
      </Dialog>
    );
  }
  return (
    <Confirm
      title={`A portal link for ${account.name}?`}
      text="Lets whoever opens it into the customer portal as this account, once, within ten minutes. Your own backend can make such links with a key that has keyward:portal:write."
      action="Make the link"
      danger={false}
      busy={make.isPending}
      error={make.error}
      onConfirm={() => make.mutate()}
      onClose={onDone}
    />
  );
}

function Pause({ account, kind, onDone }: DeedProps & { kind: "disable" | "enable" }) {
  const isOff = kind === "disable";
  const path = isOff ? ("/admin/v1/accounts/{id}/disable" as const) : ("/admin/v1/accounts/{id}/enable" as const);
  const change = useChange(
    "accounts",
    () => ask(api.POST(path, { params: { path: { id: account.id } } })),
    ({ receipt }) => {
      say(`${isOff ? "Disabled" : "Enabled"} ${account.name}`, told(receipt));
      onDone();
    },
  );
  return (
    <Confirm
      title={`${isOff ? "Disable" : "Enable"} ${account.name}?`}
      text={
        isOff
          ? "All of its keys are refused and all sessions of its users end. Enabling it brings the keys back, not the sessions."
          : "Its keys count again, and its users may sign in."
      }
      action={isOff ? "Disable" : "Enable"}
      typed={isOff ? account.name : undefined}
      danger={isOff}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
      onClose={onDone}
    />
  );
}
