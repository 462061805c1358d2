// A request that nobody sent: what would become of it, step by step.
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { api, ask } from "../api/client";
import type { Explanation } from "../api/types";
import { Button } from "../ui/button";
import { Field, SelectField, TextArea } from "../ui/field";
import { Icon } from "../ui/icon";
import { Note, ProblemNote, sentence } from "../ui/note";
import { Card, Page } from "../ui/page";

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];

export default function Explain() {
  const [method, setMethod] = useState("GET");
  const [path, setPath] = useState("/");
  const [headers, setHeaders] = useState("");
  const [client, setClient] = useState("");
  const explain = useMutation({
    mutationFn: () => {
      const lines = headers.split("\n").filter((line) => line.trim() !== "");
      const body = { method, path, headers: lines, ...(client && { from: client }) };
      return ask(api.POST("/admin/v1/explain", { body }));
    },
  });
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!explain.isPending) explain.mutate();
  };
  return (
    <Page title="Try a request" text="Nothing is sent, counted or charged: the same rules say what would become of it.">
      <div className="two">
        <form className="card card-body form" onSubmit={submit}>
          <SelectField label="Method" value={method} onValue={setMethod}>
            {METHODS.map((one) => (
              <option key={one}>{one}</option>
            ))}
          </SelectField>
          <Field label="Path" value={path} onValue={setPath} className="mono" spellCheck={false} required />
          <TextArea
            label="Headers"
            optional
            hint="One in each line. A key shown here is looked up and kept nowhere."
            placeholder="X-API-Key: kw_live_…"
            rows={4}
            className="mono"
            spellCheck={false}
            value={headers}
            onValue={setHeaders}
          />
          <Field
            label="From the address"
            optional
            className="mono"
            placeholder="203.0.113.7"
            value={client}
            onValue={setClient}
          />
          <ProblemNote error={explain.error} />
          <div className="row end">
            <Button type="submit" kind="primary" busy={explain.isPending}>
              Explain
            </Button>
          </div>
        </form>
        <div aria-live="polite">{explain.data && <Steps of={explain.data} />}</div>
      </div>
    </Page>
  );
}

function Steps({ of }: { of: Explanation }) {
  return (
    <Card title={of.allowed ? "It would pass" : `It would be refused: ${of.status} ${of.reason}`}>
      <div className="card-body stack">
        <ol className="steps">
          {of.steps.map((step) => (
            <li key={step.text} data-ok={step.ok}>
              <Icon name={step.ok ? "check" : "cross"} />
              <span className="break">
                <span className="hidden-text">{step.ok ? "Fine: " : "Refused: "}</span>
                {step.text}
              </span>
            </li>
          ))}
        </ol>
        {of.advice && (
          <Note title="What to do">
            <p>{sentence(of.advice)}</p>
          </Note>
        )}
      </div>
    </Card>
  );
}
