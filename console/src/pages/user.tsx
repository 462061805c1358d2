// One user: roles and account, how they sign in, their sessions, and what can be done.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask, askWithTag } from "../api/client";
import type { Invitation, User } from "../api/types";
import { useMay } from "../app/session";
import { NewPassword } from "../forms/new-password";
import { useChange } from "../lib/change";
import { Link } from "../lib/router";
import { Badge, Tags } from "../ui/badge";
import { Button } from "../ui/button";
import { Copy } from "../ui/copy";
import { Confirm, FormDialog } from "../ui/dialog";
import { Menu } from "../ui/menu";
import { ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { Time } from "../ui/time";
import { say, told } from "../ui/toast";
import { SessionList } from "./session-list";
import { EditUser } from "./user-edit";
import { Invited } from "./user-invite";

type Deed = "edit" | "disable" | "enable" | "invite" | "password" | "factor" | "sessions";

export default function UserPage({ id }: { id: string }) {
  const may = useMay();
  const [deed, setDeed] = useState<Deed | null>(null);
  const params = { path: { id } };
  const loaded = useQuery({
    queryKey: ["users", "one", id],
    queryFn: () => askWithTag(api.GET("/admin/v1/users/{id}", { params })),
  });
  const back = ["/users", "Users"] as const;
  if (!loaded.data) {
    return (
      <Page title="User" back={back}>
        <ProblemNote error={loaded.error} />
      </Page>
    );
  }
  const { value: user, tag } = loaded.data;
  const done = (): void => setDeed(null);
  return (
    <Page
      key="loaded"
      title={user.username}
      beside={<Badge text={user.status} />}
      back={back}
      actions={may("users:write") && <Actions user={user} onDeed={setDeed} />}
    >
      <div className="stack">
        <Facts user={user} />
        {may("sessions:read") && (
          <SessionList
            title="Sessions"
            queryKey={["users", "sessions", id]}
            load={() => ask(api.GET("/admin/v1/users/{id}/sessions", { params }))}
            end={
              may("sessions:write")
                ? (session) => ask(api.DELETE("/admin/v1/sessions/{id}", { params: { path: { id: session } } }))
                : undefined
            }
          />
        )}
      </div>
      {deed === "edit" && <EditUser user={user} tag={tag} onDone={done} onStale={() => loaded.refetch()} />}
      {(deed === "disable" || deed === "enable") && <Pause user={user} kind={deed} onDone={done} />}
      {deed === "invite" && <Invite user={user} onDone={done} />}
      {deed === "password" && <Password user={user} onDone={done} />}
      {deed === "factor" && <RemoveFactor user={user} onDone={done} />}
      {deed === "sessions" && <EndSessions user={user} onDone={done} />}
    </Page>
  );
}

function Actions({ user, onDeed }: { user: User; onDeed: (deed: Deed) => void }) {
  const isOff = user.status === "disabled";
  return (
    <>
      <Button icon="signing" onClick={() => onDeed("edit")}>
        Edit
      </Button>
      <Button icon={isOff ? "play" : "pause"} onClick={() => onDeed(isOff ? "enable" : "disable")}>
        {isOff ? "Enable" : "Disable"}
      </Button>
      <Menu
        label={`More for ${user.username}`}
        actions={[
          { text: "Invite by a link…", icon: "link", run: () => onDeed("invite") },
          { text: "Set a password…", icon: "key", run: () => onDeed("password") },
          "line",
          { text: "Sign out everywhere…", icon: "leave", run: () => onDeed("sessions") },
          { text: "Remove the second factor…", icon: "stop", tone: "bad", run: () => onDeed("factor") },
        ]}
      />
    </>
  );
}

function Facts({ user }: { user: User }) {
  return (
    <Card title="About">
      <dl className="facts card-body">
        <dt>Id</dt>
        <dd className="row">
          <code>{user.id}</code> <Copy text={user.id} what="the id" />
        </dd>
        <dt>Roles</dt>
        <dd>
          <Tags of={user.roles} none="none" />
        </dd>
        <dt>Account</dt>
        <dd>{user.account ? <Link to={`/accounts/${user.account}`}>{user.account}</Link> : "none"}</dd>
        <dt>Password</dt>
        <dd>{user.canSignIn ? "is set" : "none yet: invite them by a link"}</dd>
        <dt>Created</dt>
        <dd>
          <Time at={user.createdAt} as="exact" />
        </dd>
        {user.externalId && (
          <>
            <dt>Your reference</dt>
            <dd>{user.externalId}</dd>
          </>
        )}
        <dt>Keys</dt>
        <dd>
          <Link to={`/keys?owner=${encodeURIComponent(user.username)}`}>Keys of this user</Link>
        </dd>
      </dl>
    </Card>
  );
}

interface DeedProps {
  user: User;
  onDone: () => void;
}

function Pause({ user, kind, onDone }: DeedProps & { kind: "disable" | "enable" }) {
  const isOff = kind === "disable";
  const path = isOff ? ("/admin/v1/users/{id}/disable" as const) : ("/admin/v1/users/{id}/enable" as const);
  const change = useChange(
    "users",
    () => ask(api.POST(path, { params: { path: { id: user.id } } })),
    ({ receipt }) => {
      say(`${isOff ? "Disabled" : "Enabled"} ${user.username}`, told(receipt));
      onDone();
    },
  );
  return (
    <Confirm
      title={`${isOff ? "Disable" : "Enable"} ${user.username}?`}
      text={
        isOff
          ? "Their keys are refused and their sessions end. Enabling them brings the keys back, not the sessions."
          : "Their keys count again, and they may sign in."
      }
      action={isOff ? "Disable" : "Enable"}
      danger={isOff}
      busy={change.isPending}
      error={change.error}
      onConfirm={() => change.mutate()}
      onClose={onDone}
    />
  );
}

function Invite({ user, onDone }: DeedProps) {
  const [made, setMade] = useState<Invitation | null>(null);
  const invite = useChange(
    "users",
    () => ask(api.POST("/admin/v1/users/{id}/invitation", { params: { path: { id: user.id } } })),
    ({ invitation }) => setMade(invitation ?? null),
  );
  if (made) return <Invited invitation={made} username={user.username} onClose={onDone} />;
  return (
    <Confirm
      title={`Invite ${user.username}?`}
      text="Makes a link, good once, by which they choose a password. A link that was made before ends."
      action="Make the link"
      danger={false}
      busy={invite.isPending}
      error={invite.error}
      onConfirm={() => invite.mutate()}
      onClose={onDone}
    />
  );
}

function Password({ user, onDone }: DeedProps) {
  const [password, setPassword] = useState("");
  const set = useChange(
    "users",
    () => ask(api.POST("/admin/v1/users/{id}/password", { params: { path: { id: user.id } }, body: { password } })),
    () => {
      say(`Set the password of ${user.username}`);
      onDone();
    },
  );
  return (
    <FormDialog
      title={`Set the password of ${user.username}`}
      text="Their sessions end. Their keys go on."
      action="Set the password"
      busy={set.isPending}
      error={set.error}
      onSubmit={() => set.mutate()}
      onClose={onDone}
    >
      <NewPassword value={password} onValue={setPassword} autoFocus />
    </FormDialog>
  );
}

function RemoveFactor({ user, onDone }: DeedProps) {
  const remove = useChange(
    "users",
    () => ask(api.POST("/admin/v1/users/{id}/second-factor/remove", { params: { path: { id: user.id } } })),
    () => {
      say(`${user.username} signs in by password alone`);
      onDone();
    },
  );
  return (
    <Confirm
      title="Remove their second factor?"
      text="For somebody who lost their authenticator and their recovery codes. From then on the password alone lets them in, until they set it up again. Be sure that it is they who ask."
      action="Remove it"
      typed={user.username}
      busy={remove.isPending}
      error={remove.error}
      onConfirm={() => remove.mutate()}
      onClose={onDone}
    />
  );
}

function EndSessions({ user, onDone }: DeedProps) {
  const end = useChange(
    "users",
    () => ask(api.DELETE("/admin/v1/users/{id}/sessions", { params: { path: { id: user.id } } })),
    () => {
      say(`${user.username} is signed out everywhere`);
      onDone();
    },
  );
  return (
    <Confirm
      title={`Sign ${user.username} out everywhere?`}
      text="Ends every session of theirs, here and on the API, and the tokens of them. Keys go on."
      action="Sign out everywhere"
      busy={end.isPending}
      error={end.error}
      onConfirm={() => end.mutate()}
      onClose={onDone}
    />
  );
}
