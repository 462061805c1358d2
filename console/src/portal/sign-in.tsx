// Sign-in to the portal, by a session of the data plane.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Problem } from "../api/problem";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { Note, ProblemNote } from "../ui/note";
import { call, hold } from "./client";

interface Begun {
  csrf_token?: string;
}

export function SignIn({ login, onSignedIn }: { login: string | null; onSignedIn: () => void }) {
  const [username, setUsername] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const signIn = useMutation({
    mutationFn: () =>
      call<Begun>("POST", login ?? "", {
        username,
        password,
        session: true,
        ...(code && { code: code.replace(/\s/g, "") }),
      }),
    onSuccess: (begun) => {
      hold(begun.csrf_token);
      onSignedIn();
    },
  });
  if (!login) {
    return (
      <Note title="Come by a link">
        <p>These pages open by a link from whoever gave you access. Ask there for one.</p>
      </Note>
    );
  }
  const wantsCode = code !== "" || (signIn.error && Problem.from(signIn.error).reason === "SecondFactor");
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!signIn.isPending) signIn.mutate();
  };
  return (
    <div className="portal-sign-in">
      <h1>Sign in</h1>
      <form className="form" onSubmit={submit}>
        <Field
          label="Username"
          value={username}
          onValue={setUsername}
          autoComplete="username"
          autoCapitalize="none"
          spellCheck={false}
          required
        />
        <Field
          label="Password"
          type="password"
          value={password}
          onValue={setPassword}
          autoComplete="current-password"
          required
        />
        {wantsCode && (
          <Field
            label="Code"
            hint="From your authenticator, or a recovery code."
            value={code}
            onValue={setCode}
            autoComplete="one-time-code"
            required
          />
        )}
        <ProblemNote error={signIn.error} />
        <Button type="submit" kind="primary" busy={signIn.isPending}>
          Sign in
        </Button>
      </form>
    </div>
  );
}
