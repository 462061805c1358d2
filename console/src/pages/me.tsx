// One's own account: password, second factor, keys, and where one is signed in.
import { useState } from "react";
import { api, ask } from "../api/client";
import { useMay, useSession } from "../app/session";
import { NewPassword } from "../forms/new-password";
import { useChange } from "../lib/change";
import { Link } from "../lib/router";
import { Button, LinkButton } from "../ui/button";
import { Confirm, FormDialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { Card, Page } from "../ui/page";
import { say } from "../ui/toast";
import { SecondFactor } from "./second-factor";
import { SessionList } from "./session-list";

export default function Me() {
  const { user, roles } = useSession();
  return (
    <Page title="Account and security" text={`Signed in as ${user.username}, with the roles ${roles.join(", ")}.`}>
      <div className="stack">
        <div className="two">
          <PasswordCard />
          <KeysCard />
        </div>
        <SecondFactor />
        <SessionList
          title="Where you are signed in"
          queryKey={["me", "sessions"]}
          load={() => ask(api.GET("/admin/v1/me/sessions"))}
          end={(id) => ask(api.DELETE("/admin/v1/me/sessions/{id}", { params: { path: { id } } }))}
        />
        <Everywhere />
      </div>
    </Page>
  );
}

function PasswordCard() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <Card title="Password">
      <div className="card-body stack tight">
        <p className="quiet">Another password ends your sessions, this one too. Your keys go on.</p>
        <div>
          <Button onClick={() => setIsOpen(true)}>Change password</Button>
        </div>
      </div>
      {isOpen && <ChangePassword onDone={() => setIsOpen(false)} />}
    </Card>
  );
}

function ChangePassword({ onDone }: { onDone: () => void }) {
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const change = useChange(
    "me",
    () => ask(api.POST("/admin/v1/me/password", { body: { current, new: next } })),
    () => {
      say("Your password is changed");
      onDone();
    },
  );
  return (
    <FormDialog
      title="Change your password"
      action="Change it"
      busy={change.isPending}
      error={change.error}
      onSubmit={() => change.mutate()}
      onClose={onDone}
    >
      <Field
        label="Present password"
        type="password"
        autoComplete="current-password"
        value={current}
        onValue={setCurrent}
        required
        autoFocus
      />
      <NewPassword value={next} onValue={setNext} />
    </FormDialog>
  );
}

function KeysCard() {
  const { user } = useSession();
  const may = useMay();
  return (
    <Card title="Your API keys">
      <div className="card-body stack tight">
        <p className="quiet">For programs that call the API in your name.</p>
        <div className="row">
          {may("keys:write") && (
            <LinkButton to="/keys/new" kind="primary" icon="plus">
              Generate API key
            </LinkButton>
          )}
          {may("keys:read") && <Link to={`/keys?owner=${encodeURIComponent(user.username)}`}>Show yours</Link>}
        </div>
      </div>
    </Card>
  );
}

function Everywhere() {
  const [isOpen, setIsOpen] = useState(false);
  const end = useChange(
    "me",
    () => ask(api.DELETE("/admin/v1/me/sessions")),
    () => window.location.reload(),
  );
  return (
    <div>
      <Button kind="danger" icon="leave" onClick={() => setIsOpen(true)}>
        Sign out everywhere
      </Button>
      {isOpen && (
        <Confirm
          title="Sign out everywhere?"
          text="Ends all of your sessions, here and at the API, and this one too. Your keys go on."
          action="Sign out everywhere"
          busy={end.isPending}
          error={end.error}
          onConfirm={() => end.mutate()}
          onClose={() => setIsOpen(false)}
        />
      )}
    </div>
  );
}
