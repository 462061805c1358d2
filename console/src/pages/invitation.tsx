// An invitation: whoever has the link chooses the password of the user that was made for them.
import { useMutation, useQuery } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../api/client";
import { NewPassword } from "../forms/new-password";
import { go } from "../lib/router";
import { Brand } from "../ui/brand";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { ProblemNote } from "../ui/note";
import { Time } from "../ui/time";

export default function Invitation({ token }: { token: string }) {
  const [password, setPassword] = useState("");
  const look = useQuery({
    queryKey: ["invitation", token],
    queryFn: () => ask(api.POST("/admin/v1/invitations/look", { body: { token } })),
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
  });
  const accept = useMutation({
    mutationFn: () => ask(api.POST("/admin/v1/invitations/accept", { body: { token, password } })),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!accept.isPending) accept.mutate();
  };
  if (accept.isSuccess) {
    return (
      <Frame title="You are in">
        <p className="quiet">Your password is set, and this link is spent.</p>
        <Button kind="primary" onClick={() => go("/")}>
          Sign in
        </Button>
      </Frame>
    );
  }
  return (
    <Frame title="Welcome to Keyward">
      {look.error && (
        <>
          <ProblemNote error={look.error} />
          <p className="quiet">A link is good once and for a while. Ask whoever sent it for another.</p>
        </>
      )}
      {look.data && (
        <>
          <p className="quiet">
            Choose a password. The link is good until <Time at={look.data.expiresAt} as="exact" />.
          </p>
          <form className="form" onSubmit={submit}>
            <Field label="Username" value={look.data.username} onValue={() => {}} readOnly autoComplete="username" />
            <NewPassword value={password} onValue={setPassword} autoFocus />
            <ProblemNote error={accept.error} />
            <Button type="submit" kind="primary" busy={accept.isPending}>
              Set the password
            </Button>
          </form>
        </>
      )}
    </Frame>
  );
}

function Frame({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <main className="alone">
      <div className="alone-box">
        <Brand />
        <h1>{title}</h1>
        {children}
      </div>
    </main>
  );
}
