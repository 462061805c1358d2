// Sends an operation for real, with the session of the console or with an API key.
import { type FormEvent, useState } from "react";
import { Button } from "../ui/button";
import { Confirm } from "../ui/dialog";
import { Field, TextArea } from "../ui/field";
import { type Document, example, type Operation } from "./document";

interface Sent {
  status: string;
  millis: number;
  text: string;
}

interface TryProps {
  document: Document;
  operation: Operation;
  apiKey: string;
}

/** The session's token, which everything that changes something has to show. */
async function csrfToken(): Promise<string | null> {
  const answer = await fetch("/admin/v1/session");
  return answer.ok ? ((await answer.json()) as { csrfToken: string | null }).csrfToken : null;
}

async function send(operation: Operation, values: Record<string, string>, body: string, apiKey: string): Promise<Sent> {
  const query = new URLSearchParams();
  const headers = new Headers();
  let path = operation.path;
  for (const one of operation.parameters ?? []) {
    const value = values[one.name] ?? "";
    if (value === "") continue;
    if (one.in === "path") path = path.replace(`{${one.name}}`, encodeURIComponent(value));
    else if (one.in === "query") query.set(one.name, value);
    else headers.set(one.name, value);
  }
  const kind = Object.keys(operation.requestBody?.content ?? {})[0];
  if (kind && body.trim()) headers.set("Content-Type", kind);
  if (apiKey) headers.set("X-API-Key", apiKey);
  else if (operation.method !== "GET") headers.set("Keyward-CSRF", (await csrfToken()) ?? "");
  const began = performance.now();
  const answer = await fetch(path + (query.size > 0 ? `?${query}` : ""), {
    method: operation.method,
    headers,
    body: kind && body.trim() ? body : undefined,
    credentials: apiKey ? "omit" : "same-origin",
  });
  const text = await answer.text();
  return { status: `${answer.status} ${answer.statusText}`, millis: performance.now() - began, text: pretty(text) };
}

function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

export function Try({ document, operation, apiKey }: TryProps) {
  const schema = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  const [values, setValues] = useState<Record<string, string>>({});
  const [body, setBody] = useState(() => (schema ? JSON.stringify(example(document, schema, false), null, 2) : ""));
  const [sent, setSent] = useState<Sent | null>(null);
  const [isSure, setIsSure] = useState(false);
  const [isBusy, setIsBusy] = useState(false);
  const run = async (): Promise<void> => {
    setIsSure(false);
    setIsBusy(true);
    try {
      setSent(await send(operation, values, body, apiKey));
    } catch (error) {
      setSent({ status: "No answer", millis: 0, text: String(error) });
    } finally {
      setIsBusy(false);
    }
  };
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (operation.method === "DELETE") setIsSure(true);
    else void run();
  };
  return (
    <section>
      <h3>Try it</h3>
      <form className="form" onSubmit={submit}>
        {operation.parameters?.map((one) => (
          <Field
            key={`${one.in} ${one.name}`}
            label={one.name}
            optional={!one.required}
            required={one.required}
            className="mono"
            value={values[one.name] ?? ""}
            onValue={(value) => setValues({ ...values, [one.name]: value })}
          />
        ))}
        {schema && (
          <TextArea label="Body" className="mono" rows={6} spellCheck={false} value={body} onValue={setBody} />
        )}
        <div className="row">
          <Button type="submit" busy={isBusy}>
            Send {operation.method}
          </Button>
          <span className="faint">
            {apiKey ? "With the API key above." : "With your session of the console."} It is not a rehearsal.
          </span>
        </div>
      </form>
      <div aria-live="polite">
        {sent && (
          <div className="code answer">
            <div className="code-head">
              <b>{sent.status}</b>
              <span className="faint">{Math.round(sent.millis)} ms</span>
            </div>
            {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
            <pre tabIndex={0}>{sent.text || "no body"}</pre>
          </div>
        )}
      </div>
      {isSure && (
        <Confirm
          title={`Send DELETE ${operation.path}?`}
          text="It is done for real, and not to be undone."
          action="Send it"
          busy={false}
          error={null}
          onConfirm={() => void run()}
          onClose={() => setIsSure(false)}
        />
      )}
    </section>
  );
}
