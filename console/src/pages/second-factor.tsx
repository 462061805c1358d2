// The second factor: set up with an authenticator, recovery codes shown once, taken away with password and code.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useChange } from "../lib/change";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { Secret } from "../ui/code";
import { Copy } from "../ui/copy";
import { Dialog, FormDialog } from "../ui/dialog";
import { Field } from "../ui/field";
import { Note, ProblemNote } from "../ui/note";
import { Card } from "../ui/page";
import { Qr } from "../ui/qr";
import { say } from "../ui/toast";

type Step = "begin" | "renew" | "remove" | { secret: string; uri: string } | { codes: string[] };

export function SecondFactor() {
  const [step, setStep] = useState<Step | null>(null);
  const factors = useQuery({ queryKey: ["me", "factors"], queryFn: () => ask(api.GET("/admin/v1/me/second-factor")) });
  const isOn = factors.data?.totp === true;
  const left = factors.data?.recoveryCodesLeft ?? 0;
  return (
    <Card
      title="Second factor"
      actions={factors.data && <Badge text={isOn ? "on" : "off"} tone={isOn ? "good" : "warn"} />}
    >
      <div className="card-body stack tight">
        <ProblemNote error={factors.error} />
        <p className="quiet">
          A code from an authenticator app, asked for after the password. Whoever learns your password alone then does
          not get in.
        </p>
        {isOn && left < 4 && (
          <Note kind="warn" title={`${left} recovery ${left === 1 ? "code" : "codes"} left`}>
            <p>Make new ones before the last is used.</p>
          </Note>
        )}
        <div className="row">
          {!isOn && factors.data && (
            <Button kind="primary" onClick={() => setStep("begin")}>
              Set it up
            </Button>
          )}
          {isOn && (
            <>
              <Button onClick={() => setStep("renew")}>New recovery codes</Button>
              <Button kind="danger" onClick={() => setStep("remove")}>
                Take it away
              </Button>
              <span className="faint">{left} recovery codes left</span>
            </>
          )}
        </div>
      </div>
      <Steps step={step} onStep={setStep} />
    </Card>
  );
}

function Steps({ step, onStep }: { step: Step | null; onStep: (step: Step | null) => void }) {
  const close = (): void => onStep(null);
  if (step === null) return null;
  if (step === "begin") return <Begin onSecret={onStep} onClose={close} />;
  if (step === "renew") return <Renew onCodes={(codes) => onStep({ codes })} onClose={close} />;
  if (step === "remove") return <Remove onClose={close} />;
  if ("codes" in step) return <Codes codes={step.codes} onClose={close} />;
  return <Scan enrolment={step} onCodes={(codes) => onStep({ codes })} onClose={close} />;
}

function PasswordField({ value, onValue }: { value: string; onValue: (value: string) => void }) {
  return (
    <Field
      label="Your password"
      type="password"
      autoComplete="current-password"
      value={value}
      onValue={onValue}
      required
      autoFocus
    />
  );
}

interface BeginProps {
  onSecret: (enrolment: { secret: string; uri: string }) => void;
  onClose: () => void;
}

function Begin({ onSecret, onClose }: BeginProps) {
  const [password, setPassword] = useState("");
  const begin = useChange(
    "me",
    () => ask(api.POST("/admin/v1/me/second-factor/totp", { body: { password } })),
    onSecret,
  );
  return (
    <FormDialog
      title="Set up a second factor"
      text="First, that it is you."
      action="Go on"
      busy={begin.isPending}
      error={begin.error}
      onSubmit={() => begin.mutate()}
      onClose={onClose}
    >
      <PasswordField value={password} onValue={setPassword} />
    </FormDialog>
  );
}

interface ScanProps {
  enrolment: { secret: string; uri: string };
  onCodes: (codes: string[]) => void;
  onClose: () => void;
}

function Scan({ enrolment, onCodes, onClose }: ScanProps) {
  const [code, setCode] = useState("");
  const confirm = useChange(
    "me",
    () => ask(api.POST("/admin/v1/me/second-factor/totp/confirm", { body: { code: code.replace(/\s/g, "") } })),
    ({ recoveryCodes }) => onCodes(recoveryCodes),
  );
  return (
    <FormDialog
      title="Scan this with your authenticator"
      text="Then type the code that it shows. Nothing is asked for until that is right once."
      action="Turn it on"
      busy={confirm.isPending}
      error={confirm.error}
      onSubmit={() => confirm.mutate()}
      onClose={onClose}
    >
      <Qr text={enrolment.uri} label="The secret as a QR code" />
      <Secret label="Or type the secret" text={enrolment.secret} />
      <Field
        label="Code"
        className="input-code"
        inputMode="numeric"
        autoComplete="one-time-code"
        value={code}
        onValue={setCode}
        required
      />
    </FormDialog>
  );
}

function Renew({ onCodes, onClose }: { onCodes: (codes: string[]) => void; onClose: () => void }) {
  const [password, setPassword] = useState("");
  const renew = useChange(
    "me",
    () => ask(api.POST("/admin/v1/me/second-factor/recovery-codes", { body: { password } })),
    ({ recoveryCodes }) => onCodes(recoveryCodes),
  );
  return (
    <FormDialog
      title="New recovery codes"
      text="The old ones end."
      action="Make them"
      busy={renew.isPending}
      error={renew.error}
      onSubmit={() => renew.mutate()}
      onClose={onClose}
    >
      <PasswordField value={password} onValue={setPassword} />
    </FormDialog>
  );
}

function Codes({ codes, onClose }: { codes: string[]; onClose: () => void }) {
  return (
    <Dialog
      title="Your recovery codes"
      text="Each lets you in once when the authenticator is gone. They are shown this once: keep them where you keep passwords."
      onClose={onClose}
    >
      <ul className="codes" aria-label="Recovery codes">
        {codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div className="dialog-end">
        <Copy text={codes.join("\n")} what="the recovery codes" label="Copy all" />
        <Button kind="primary" onClick={onClose}>
          I have kept them
        </Button>
      </div>
    </Dialog>
  );
}

function Remove({ onClose }: { onClose: () => void }) {
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const remove = useChange(
    "me",
    () => ask(api.POST("/admin/v1/me/second-factor/remove", { body: { password, code } })),
    () => {
      say("The second factor is off");
      onClose();
    },
  );
  return (
    <FormDialog
      title="Take the second factor away"
      text="From then on your password alone lets you in. Recovery codes end as well."
      action="Take it away"
      danger
      busy={remove.isPending}
      error={remove.error}
      onSubmit={() => remove.mutate()}
      onClose={onClose}
    >
      <PasswordField value={password} onValue={setPassword} />
      <Field label="Code" hint="From the authenticator, or a recovery code." value={code} onValue={setCode} required />
    </FormDialog>
  );
}
