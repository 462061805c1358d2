// Sign-in: a name and a password, then a second factor where there is one.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useEffect, useState } from "react";
import { api, ask, hold } from "../api/client";
import type { SignedIn } from "../api/types";
import { Brand } from "../ui/brand";
import { Button } from "../ui/button";
import { Field } from "../ui/field";
import { ProblemNote } from "../ui/note";

export function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  useEffect(() => {
    document.title = "Sign in · Keyward";
  }, []);
  return (
    <main className="alone">
      <div className="alone-box">
        <Brand />
        <div>
          <h1>Sign in</h1>
          <p className="quiet">The console is for those who look after this Keyward.</p>
        </div>
        <SignInForm onSignedIn={onSignedIn} />
        <p className="faint">
          The first start made a user <code>admin</code>. Its password stood in the banner, or stands in{" "}
          <code>initial-admin-password</code> in the data directory. <code>keyward user passwd admin</code> sets
          another.
        </p>
      </div>
    </main>
  );
}

interface FormProps {
  username?: string;
  onSignedIn: (username: string) => void;
}

export function SignInForm({ username: known, onSignedIn }: FormProps) {
  const [username, setUsername] = useState(known ?? "");
  const [password, setPassword] = useState("");
  const [ticket, setTicket] = useState<string>();
  const take = (answer: SignedIn): void => {
    if (answer.secondFactor) {
      setTicket(answer.secondFactor.ticket);
    } else {
      hold(answer.csrfToken);
      onSignedIn(answer.user?.username ?? username);
    }
  };
  const signIn = useMutation({
    mutationFn: () => ask(api.POST("/admin/v1/session", { body: { username, password } })),
    onSuccess: take,
  });
  if (ticket) return <SecondFactor ticket={ticket} onAnswer={take} onBack={() => setTicket(undefined)} />;
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
      <ProblemNote error={signIn.error} />
      <Button type="submit" kind="primary" busy={signIn.isPending}>
        Sign in
      </Button>
    </form>
  );
}

interface SecondFactorProps {
  ticket: string;
  onAnswer: (answer: SignedIn) => void;
  onBack: () => void;
}

function SecondFactor({ ticket, onAnswer, onBack }: SecondFactorProps) {
  const [code, setCode] = useState("");
  const [isRecovery, setIsRecovery] = useState(false);
  const check = useMutation({
    mutationFn: () =>
      ask(api.POST("/admin/v1/session/second-factor", { body: { ticket, code: code.replace(/\s/g, "") } })),
    onSuccess: onAnswer,
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!check.isPending) check.mutate();
  };
  return (
    <form className="form" onSubmit={submit}>
      <Field
        key={String(isRecovery)}
        label={isRecovery ? "Recovery code" : "Code from your authenticator"}
        hint={isRecovery ? "Each of them is good once." : "Six digits, another every 30 seconds."}
        className={isRecovery ? "mono" : "input-code"}
        value={code}
        onValue={setCode}
        inputMode={isRecovery ? "text" : "numeric"}
        autoComplete="one-time-code"
        spellCheck={false}
        required
        autoFocus
      />
      <ProblemNote error={check.error} />
      <Button type="submit" kind="primary" busy={check.isPending}>
        Go on
      </Button>
      <div className="row spread">
        <Button
          kind="plain"
          size="small"
          onClick={() => {
            setIsRecovery(!isRecovery);
            setCode("");
          }}
        >
          {isRecovery ? "Use the authenticator" : "Use a recovery code"}
        </Button>
        <Button kind="plain" size="small" onClick={onBack}>
          Back
        </Button>
      </div>
    </form>
  );
}
