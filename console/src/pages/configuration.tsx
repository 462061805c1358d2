// The configuration as it runs: each value and where it comes from; and a check of another before it is put in force.
import { useMutation, useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { useTypedFilter } from "../lib/listing";
import { Button } from "../ui/button";
import { Empty } from "../ui/empty";
import { TextArea } from "../ui/field";
import { Filters, Search } from "../ui/filters";
import { Note, ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { type Column, Table } from "../ui/table";
import { Time } from "../ui/time";

interface Value {
  name: string;
  value: unknown;
  origin: string;
}

const COLUMNS: readonly Column<Value>[] = [
  { name: "Name", cell: (row) => <span className="mono break">{row.name}</span> },
  { name: "Value", cell: (row) => <code className="break">{written(row.value)}</code> },
  { name: "From", cell: (row) => <span className="quiet break">{row.origin}</span> },
];

function written(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}

export default function Configuration() {
  const [search, typed, setTyped] = useTypedFilter("search");
  const config = useQuery({ queryKey: ["config"], queryFn: () => ask(api.GET("/admin/v1/config")) });
  const found = config.data?.values.filter((one) => `${one.name} ${one.origin}`.includes(search));
  return (
    <Page
      title="Configuration"
      text={
        config.data && (
          <>
            Version {config.data.version}, in force since <Time at={config.data.since} as="exact" />,{" "}
            {config.data.file ? (
              <>
                from <code>{config.data.file}</code>
              </>
            ) : (
              "from flags and defaults"
            )}
            . It is changed where it stands; Keyward reads it again by itself.
          </>
        )
      }
    >
      <div className="stack">
        <div>
          <Filters>
            <Search label="Search by name or origin" value={typed} onValue={setTyped} />
          </Filters>
          <Table
            caption="Values"
            columns={COLUMNS}
            rows={found}
            id={(row) => row.name}
            error={config.error}
            empty={
              <Empty
                icon="config"
                title="No value is called like that"
                text="Search for a part of its name, such as limits."
              />
            }
          />
        </div>
        <CheckAnother />
      </div>
    </Page>
  );
}

function CheckAnother() {
  const [text, setText] = useState("");
  const check = useMutation({
    mutationFn: () =>
      ask(
        api.POST("/admin/v1/config/check", {
          body: text as never,
          bodySerializer: (body: unknown) => body as string,
          headers: { "Content-Type": "text/yaml" },
        }),
      ),
  });
  return (
    <Card title="Check another" text="Says every mistake with its line, and puts nothing in force.">
      <div className="card-body stack">
        <TextArea
          label="Configuration (YAML)"
          rows={8}
          className="mono"
          spellCheck={false}
          value={text}
          onValue={setText}
        />
        <ProblemNote error={check.error} />
        {check.data?.ok && (
          <Note kind="good" role="status" title="No mistakes">
            <p>It could be put in force as it is.</p>
          </Note>
        )}
        {check.data && !check.data.ok && (
          <Note kind="bad" role="alert" title={`${check.data.mistakes.length} to mend`}>
            <ul className="stack tight">
              {check.data.mistakes.map((one) => (
                <li key={`${one.line} ${one.message}`}>
                  {one.line && <code>{`${one.line}:${one.column ?? 1} `}</code>}
                  {one.message}
                  {one.help && <span className="faint"> {one.help}</span>}
                </li>
              ))}
            </ul>
          </Note>
        )}
        <div className="row end">
          <Button busy={check.isPending} disabled={text.trim() === ""} onClick={() => check.mutate()}>
            Check
          </Button>
        </div>
      </div>
    </Card>
  );
}
