// Adds a user: invited by a link that is good once, or with a password that one hands over oneself.
import { useState } from "react";
import { api, ask } from "../api/client";
import { once } from "../api/headers";
import type { Invitation, User } from "../api/types";
import { AccountField } from "../forms/account";
import { NewPassword } from "../forms/new-password";
import { RolesField } from "../forms/roles";
import { useChange } from "../lib/change";
import { Button } from "../ui/button";
import { Secret } from "../ui/code";
import { Dialog, FormDialog } from "../ui/dialog";
import { Choice, Field } from "../ui/field";
import { Time } from "../ui/time";
import { say } from "../ui/toast";

interface Wanted {
  username: string;
  roles: string[];
  account: string;
  /** Empty: by a link. */
  password: string;
}

/** The user, and the link by which they choose a password where none was given. */
async function made(wanted: Wanted, key: string): Promise<{ user: User; invitation?: Invitation | null }> {
  const { username, roles, account, password } = wanted;
  const way = password ? { password } : { invite: true };
  return ask(
    api.POST("/admin/v1/users", {
      headers: once(`${key}-${username}`),
      body: { username, roles, ...(account && { account }), ...way },
    }),
  );
}

export function UserInvite({ onClose }: { onClose: () => void }) {
  const [username, setUsername] = useState("");
  const [roles, setRoles] = useState<string[]>(["self"]);
  const [account, setAccount] = useState("");
  const [way, setWay] = useState<"link" | "password">("link");
  const [password, setPassword] = useState("");
  const [key] = useState(() => crypto.randomUUID());
  const [invitation, setInvitation] = useState<Invitation | null>(null);
  const make = (): ReturnType<typeof made> =>
    made({ username, roles, account, password: way === "password" ? password : "" }, key);
  const add = useChange("users", make, (answer) => {
    if (answer.invitation) return setInvitation(answer.invitation);
    say(`Added ${answer.user.username}`);
    return onClose();
  });
  if (invitation) return <Invited invitation={invitation} username={username} onClose={onClose} />;
  return (
    <FormDialog
      wide
      title="Add a user"
      action={way === "link" ? "Make the link" : "Add"}
      busy={add.isPending}
      error={add.error}
      onSubmit={() => add.mutate()}
      onClose={onClose}
    >
      <Field
        label="Username"
        hint="Small letters, digits and . _ - @ +"
        value={username}
        onValue={setUsername}
        autoCapitalize="none"
        spellCheck={false}
        autoComplete="off"
        required
        autoFocus
      />
      <RolesField roles={roles} onRoles={setRoles} />
      <AccountField account={account} onAccount={setAccount} />
      <Choice
        label="How they get in"
        value={way}
        options={[
          ["link", "By a link, good once"],
          ["password", "With a password"],
        ]}
        onValue={setWay}
      />
      {way === "password" && <NewPassword label="Password" value={password} onValue={setPassword} />}
    </FormDialog>
  );
}

export function Invited({
  invitation,
  username,
  onClose,
}: {
  invitation: Invitation;
  username: string;
  onClose: () => void;
}) {
  return (
    <Dialog
      wide
      title={`A link for ${username}`}
      text={
        <>
          Whoever opens it chooses the password. It is good once, until <Time at={invitation.expiresAt} as="exact" />,
          and is shown this once.
        </>
      }
      onClose={onClose}
    >
      <Secret label="Link" text={absolute(invitation.link)} />
      <div className="dialog-end">
        <Button kind="primary" onClick={onClose}>
          Done
        </Button>
      </div>
    </Dialog>
  );
}

/** A server that does not know its own address gives a path. */
function absolute(link: string): string {
  return new URL(link, window.location.origin).toString();
}
