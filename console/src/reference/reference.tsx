// The admin API, operation by operation, from the document that the server itself gives; each can be tried from here.
import { type ReactNode, useEffect, useState } from "react";
import { Brand } from "../ui/brand";
import { Icon } from "../ui/icon";
import { ProblemNote } from "../ui/note";
import { type Document, groups, type Operation, type Parameter, resolve, type Schema, typeOf } from "./document";
import { Try } from "./try";

const DOCUMENT = "/admin/v1/openapi.json";

export function Reference() {
  const [document, setDocument] = useState<Document | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [key, setKey] = useState("");
  const [search, setSearch] = useState("");
  useEffect(() => {
    fetch(DOCUMENT)
      .then(async (answer) => {
        if (!answer.ok) throw new Error(`${DOCUMENT} answered ${answer.status}`);
        setDocument((await answer.json()) as Document);
      })
      .catch(setError);
  }, []);
  const found = document ? groups(document) : [];
  const fits = (one: Operation): boolean =>
    `${one.method} ${one.path} ${one.summary} ${one.operationId}`.toLowerCase().includes(search.toLowerCase());
  const shown = found.map(([tag, all]) => [tag, all.filter(fits)] as const).filter(([, some]) => some.length > 0);
  return (
    <div className="shell">
      <div className="side">
        <a className="home" href="../">
          <Brand />
        </a>
        <nav className="nav" aria-label="Operations">
          <h2>Admin API</h2>
          <ul>
            {shown.map(([tag]) => (
              <li key={tag}>
                <a href={`#${tag}`}>{tag}</a>
              </li>
            ))}
          </ul>
        </nav>
      </div>
      <main className="main">
        <header className="page-head">
          <div>
            <a className="crumb" href="../">
              <Icon name="back" />
              Console
            </a>
            <h1>{document?.info.title ?? "Admin API"}</h1>
            <p>{document?.info.description && words(document.info.description)}</p>
            <p>
              The document: <a href={DOCUMENT}>openapi.json</a> (OpenAPI 3.1).
            </p>
          </div>
        </header>
        <div className="stack">
          <ProblemNote error={error} />
          <div className="filters">
            <div className="search">
              <Icon name="search" />
              <input
                type="search"
                className="input"
                data-size="small"
                aria-label="Search operations"
                placeholder="Search operations"
                value={search}
                onChange={(event) => setSearch(event.currentTarget.value)}
              />
            </div>
            <input
              className="input mono"
              data-size="small"
              type="password"
              autoComplete="off"
              aria-label="API key to try with; without one, your session of the console"
              placeholder="API key to try with (else your session)"
              size={36}
              value={key}
              onChange={(event) => setKey(event.currentTarget.value)}
            />
          </div>
          {document &&
            shown.map(([tag, operations]) => (
              <section key={tag} id={tag} className="stack tight" aria-label={tag}>
                <h2>{tag}</h2>
                {operations.map((one) => (
                  <OperationCard key={one.operationId} document={document} operation={one} apiKey={key} />
                ))}
              </section>
            ))}
        </div>
      </main>
    </div>
  );
}

interface CardProps {
  document: Document;
  operation: Operation;
  apiKey: string;
}

function OperationCard({ document, operation, apiKey }: CardProps) {
  const [isOpen, setIsOpen] = useState(false);
  const body = Object.values(operation.requestBody?.content ?? {})[0]?.schema;
  return (
    <details className="card operation" onToggle={(event) => setIsOpen(event.currentTarget.open)}>
      <summary>
        <span className="method" data-method={operation.method}>
          {operation.method}
        </span>
        <code className="break">{operation.path}</code>
        <span className="quiet">{operation.summary}</span>
      </summary>
      {isOpen && (
        <div className="card-body stack">
          {operation.description && <p>{words(operation.description)}</p>}
          <Parameters document={document} of={operation.parameters ?? []} />
          {body && <Members document={document} title="Body" of={body} />}
          <Answers document={document} operation={operation} />
          <Try document={document} operation={operation} apiKey={apiKey} />
        </div>
      )}
    </details>
  );
}

/** What stands between backticks is code. */
function words(text: string): ReactNode {
  return text.split("`").map((part, place) =>
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text
    place % 2 === 1 ? <code key={place}>{part}</code> : part,
  );
}

function Parameters({ document, of }: { document: Document; of: readonly Parameter[] }) {
  if (of.length === 0) return null;
  return (
    <section>
      <h3>Parameters</h3>
      <dl className="facts members">
        {of.map((one) => (
          <Member
            key={`${one.in} ${one.name}`}
            name={one.name}
            type={`${typeOf(document, one.schema)}, in ${one.in}${one.required ? "" : ", optional"}`}
            text={one.description}
          />
        ))}
      </dl>
    </section>
  );
}

function Members({ document, title, of }: { document: Document; title: string; of: Schema }) {
  const schema = resolve(document, of);
  const members = Object.entries(schema.properties ?? {});
  if (members.length === 0) return null;
  return (
    <section>
      <h3>{title}</h3>
      <dl className="facts members">
        {members.map(([name, member]) => (
          <Member
            key={name}
            name={name}
            type={`${typeOf(document, member)}${schema.required?.includes(name) ? "" : ", optional"}`}
            text={member.description}
          />
        ))}
      </dl>
    </section>
  );
}

function Member({ name, type, text }: { name: string; type: string; text: string | undefined }) {
  return (
    <>
      <dt>
        <code>{name}</code>
      </dt>
      <dd>
        <span className="faint mono">{type}</span>
        {text && <div>{words(text)}</div>}
      </dd>
    </>
  );
}

function Answers({ document, operation }: Omit<CardProps, "apiKey">) {
  const good = Object.entries(operation.responses).find(([status]) => status.startsWith("2"));
  const schema = Object.values(good?.[1].content ?? {})[0]?.schema;
  const refusals = Object.keys(operation.responses).filter((status) => !status.startsWith("2"));
  return (
    <>
      {schema && <Members document={document} title={`Answer ${good?.[0]}`} of={schema} />}
      {good && !schema && <p>Answers {good[0]}.</p>}
      {refusals.length > 0 && <p className="faint">Refuses with {refusals.join(", ")}: a problem document each.</p>}
    </>
  );
}
