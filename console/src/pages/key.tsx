// One key: what it is, what it may, who uses it, what is left of its limits, and what can be done with it.
import { useQuery } from "@tanstack/react-query";
import { Fragment, useState } from "react";
import { api, ask } from "../api/client";
import type { Key } from "../api/types";
import { useMay } from "../app/session";
import { Link } from "../lib/router";
import { Badge, Tags } from "../ui/badge";
import { Button } from "../ui/button";
import { Copy } from "../ui/copy";
import { Note, ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { Time } from "../ui/time";
import { type Deed, KeyButtons, KeyDeed } from "./key-deeds";
import { KeyLimits, KeyUsage } from "./key-usage";

export default function KeyPage({ id }: { id: string }) {
  const may = useMay();
  const [deed, setDeed] = useState<Deed | null>(null);
  const key = useQuery({
    queryKey: ["keys", "one", id],
    queryFn: () => ask(api.GET("/admin/v1/keys/{id}", { params: { path: { id } } })),
  });
  const back = ["/keys", "API keys"] as const;
  if (!key.data) {
    return (
      <Page title="API key" back={back}>
        <ProblemNote error={key.error} />
      </Page>
    );
  }
  const row = key.data;
  return (
    <Page
      key="loaded"
      title={row.name}
      beside={
        <>
          <Badge text={row.status} />
          {row.mode === "test" && <Badge text="test" />}
          {row.pair && <Badge text="pair" />}
        </>
      }
      back={back}
      actions={may("keys:write") && <KeyButtons row={row} onDeed={setDeed} />}
    >
      <div className="stack">
        <State row={row} />
        {row.overlap && <StillUsed row={row} />}
        <KeyUsage id={id} />
        <div className="two">
          <Facts row={row} />
          <KeyLimits id={id} />
        </div>
        <Metadata row={row} onEdit={may("keys:write") ? () => setDeed({ kind: "metadata", on: row }) : undefined} />
      </div>
      {deed && <KeyDeed deed={deed} onDone={() => setDeed(null)} />}
    </Page>
  );
}

function State({ row }: { row: Key }) {
  if (row.revokedAt) {
    return (
      <Note kind="bad" title="Revoked for ever">
        <p>
          <Time at={row.revokedAt} as="exact" />
          {row.revokedReason && <>: “{row.revokedReason}”</>}
        </p>
      </Note>
    );
  }
  if (row.disabledAt) {
    return (
      <Note kind="warn" title="Disabled">
        <p>
          Requests with it are refused since <Time at={row.disabledAt} as="exact" />.
        </p>
      </Note>
    );
  }
  return null;
}

function StillUsed({ row }: { row: Key }) {
  const users = row.overlap?.usedBy ?? [];
  return (
    <Card
      title="It was replaced"
      text={
        <>
          Counts until <Time at={row.overlapEndsAt} as="exact" />
          {row.overlap?.untilQuiet && <> or until nobody used it for {row.overlap.untilQuiet}</>}. Who still uses it:
        </>
      }
    >
      <div className="card-body">
        {users.length === 0 ? (
          <p className="quiet">Nobody since it was replaced.</p>
        ) : (
          <ul className="stack tight">
            {users.map((user) => (
              <li key={`${user.address} ${user.userAgent} ${user.route}`} className="row spread">
                <span className="break">
                  <code>{user.address}</code> <span className="quiet">{user.userAgent}</span>
                </span>
                <span className="faint">
                  {user.route} · <Time at={user.lastAt} />
                </span>
              </li>
            ))}
          </ul>
        )}
      </div>
    </Card>
  );
}

function Facts({ row }: { row: Key }) {
  return (
    <Card title="About this key">
      <dl className="facts card-body">
        <dt>Id</dt>
        <dd className="row">
          <code>{row.id}</code>
          <Copy text={row.id} what="the id" />
        </dd>
        <dt>Begins with</dt>
        <dd>
          <code>{row.prefix}…</code>
        </dd>
        <dt>Owner</dt>
        <dd>{row.owner}</dd>
        <dt>Account</dt>
        <dd>{row.account ? <Link to={`/accounts/${row.account}`}>{row.account}</Link> : "none"}</dd>
        <dt>Scopes</dt>
        <dd>{row.scopes ? <Tags of={row.scopes} none="none" /> : "what its owner may"}</dd>
        <dt>From</dt>
        <dd>
          <Tags of={row.allowedIps} none="anywhere" />
        </dd>
        <dt>Created</dt>
        <dd>
          <Time at={row.createdAt} as="exact" />
        </dd>
        <dt>Expires</dt>
        <dd>
          <Time at={row.expiresAt} as="exact" />
        </dd>
        <dt>Last used</dt>
        <dd>
          <Time at={row.lastUsedAt} />
        </dd>
        {row.replaces && (
          <>
            <dt>Replaces</dt>
            <dd>
              <Link to={`/keys/${row.replaces}`}>{row.replaces}</Link>
            </dd>
          </>
        )}
        {row.externalId && (
          <>
            <dt>Your reference</dt>
            <dd>{row.externalId}</dd>
          </>
        )}
      </dl>
    </Card>
  );
}

/** What operators keep beside it: their own names, in their own words. */
function Metadata({ row, onEdit }: { row: Key; onEdit: (() => void) | undefined }) {
  const known = Object.entries(row.metadata ?? {});
  return (
    <Card
      title="Metadata"
      text="Yours; whoever has the key does not see it."
      actions={
        onEdit &&
        row.status !== "revoked" && (
          <Button size="small" onClick={onEdit}>
            Edit metadata
          </Button>
        )
      }
    >
      {known.length === 0 ? (
        <p className="card-body quiet">None.</p>
      ) : (
        <dl className="facts card-body">
          {known.map(([name, value]) => (
            <Fragment key={name}>
              <dt className="break">{name}</dt>
              <dd className="break">{value || <span className="faint">empty</span>}</dd>
            </Fragment>
          ))}
        </dl>
      )}
    </Card>
  );
}
