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
  return (
    <div className="portal-sign-in">
      <h1>Sign in</h1>
      {login ? (
        <SignInForm login={login} onSignedIn={onSignedIn} />
      ) : (
        <Note title="Come by a link">
          <p>These pages open by a link from whoever gave you access. Ask there for one.</p>
        </Note>
      )}
    </div>
  );
}

/** The password is right, and a code is asked for as well: that is no failure. */
function asksForCode(error: unknown): boolean {
  return error !== null && /second factor: send/.test(Problem.from(error).detail);
}

interface FormProps {
  login: string;
  username?: string;
  onSignedIn: () => void;
}

export function SignInForm({ login, username: known, onSignedIn }: FormProps) {
  const [username, setUsername] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState<string | null>(null);
  const signIn = useMutation({
    mutationFn: () => {
      const shown = code === null ? {} : { code: code.replace(/\s/g, "") };
      return call<Begun>("POST", login, { username, password, session: true, ...shown });
    },
    onSuccess: (begun) => {
      hold(begun.csrf_token);
      onSignedIn();
    },
    onError: (error) => asksForCode(error) && setCode(""),
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!signIn.isPending) signIn.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field
        label="Username"
        value={username}
        onValue={setUsername}
        autoComplete="username"
        autoCapitalize="none"
        spellCheck={false}
        required
        readOnly={known !== undefined}
        autoFocus={known === undefined}
      />
      <Field
        label="Password"
        type="password"
        value={password}
        onValue={setPassword}
        autoComplete="current-password"
        required
        autoFocus={known !== undefined}
      />
      {code !== null && (
        <Field
          label="Code"
          hint="From your authenticator, or a recovery code."
          className="mono"
          value={code}
          onValue={setCode}
          autoComplete="one-time-code"
          spellCheck={false}
          required
          autoFocus
        />
      )}
      {!asksForCode(signIn.error) && <ProblemNote error={signIn.error} />}
      <Button type="submit" kind="primary" busy={signIn.isPending}>
        Sign in
      </Button>
    </form>
  );
}
