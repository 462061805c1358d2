// First steps: from nothing to the first call that was let pass.
import { useQuery } from "@tanstack/react-query";
import { useState } from "react";
import { api, ask } from "../api/client";
import { once } from "../api/headers";
import type { CreatedKey, Decision } from "../api/types";
import { useMay, useSession } from "../app/session";
import { useChange } from "../lib/change";
import { Link } from "../lib/router";
import { Badge } from "../ui/badge";
import { Button } from "../ui/button";
import { CallCode, Secret } from "../ui/code";
import { Icon } from "../ui/icon";
import { Note, ProblemNote } from "../ui/note";
import { Card, Page } from "../ui/page";
import { useDataPlane } from "./key-shown";

export default function Start() {
  const may = useMay();
  const plane = useDataPlane();
  const [made, setMade] = useState<CreatedKey | null>(null);
  // What was tried just before the page was opened counts, too.
  const [since] = useState(() => new Date(Date.now() - 10 * 60_000).toISOString());
  const seen = useQuery({
    queryKey: ["decisions", "first", since],
    queryFn: () => ask(api.GET("/admin/v1/decisions", { params: { query: { since, limit: 50 } } })),
    refetchInterval: 1500,
    enabled: may("decisions:read"),
  });
  const decisions = (seen.data?.data ?? []).filter((one) => !one.route?.startsWith("admin:"));
  const refused = decisions.find((one) => one.outcome !== "allowed");
  const passed = made ? decisions.find((one) => one.outcome === "allowed" && one.credential === made.id) : undefined;
  const knocked = refused !== undefined || passed !== undefined;
  return (
    <Page
      title="First steps"
      text="Three of them, and your API is protected. The page sees by itself what you have done."
    >
      <ol className="stack narrow">
        <Step number={1} title="Knock without a key" done={knocked}>
          <p className="quiet">In a terminal. Keyward refuses it and says why.</p>
          <CallCode call={{ url: `${plane.url}/orders` }} />
          {refused && <Seen decision={refused} text="Refused, as it should be." />}
        </Step>
        <Step number={2} title="Make a key" done={made !== null}>
          <MakeKey made={made} onMade={setMade} />
        </Step>
        <Step number={3} title="Knock with the key" done={passed !== undefined}>
          {made ? (
            <>
              <CallCode call={{ url: `${plane.url}/orders`, header: plane.header, value: plane.prefix + made.key }} />
              {passed ? <Seen decision={passed} text="It passed, and your API was told who called." /> : <Waiting />}
            </>
          ) : (
            <p className="quiet">Once there is a key.</p>
          )}
        </Step>
        {passed && <Next />}
      </ol>
    </Page>
  );
}

interface StepProps {
  number: number;
  title: string;
  done: boolean;
  children: React.ReactNode;
}

function Step({ number, title, done, children }: StepProps) {
  return (
    <li>
      <Card title={`${number}. ${title}`} actions={done && <Badge text="done" tone="good" />}>
        <div className="card-body stack tight">{children}</div>
      </Card>
    </li>
  );
}

function MakeKey({ made, onMade }: { made: CreatedKey | null; onMade: (made: CreatedKey) => void }) {
  const may = useMay();
  const { user } = useSession();
  const [key] = useState(() => crypto.randomUUID());
  const make = useChange(
    "keys",
    () =>
      ask(
        api.POST("/admin/v1/keys", {
          headers: once(key),
          body: { name: "first steps", expiresAt: "30d" },
        }),
      ),
    onMade,
  );
  if (made) {
    return (
      <>
        <Secret label="API key" text={made.key} />
        <p className="faint">Shown this once; it ends in 30 days. {user.username} owns it.</p>
      </>
    );
  }
  return (
    <>
      <p className="quiet">It ends in 30 days, and can be revoked at any time.</p>
      <ProblemNote error={make.error} />
      <div>
        <Button
          kind="primary"
          icon="key"
          busy={make.isPending}
          disabled={!may("keys:write")}
          onClick={() => make.mutate()}
        >
          Make a key
        </Button>
      </div>
    </>
  );
}

function Seen({ decision, text }: { decision: Decision; text: string }) {
  return (
    <Note kind="good" role="status" title={text}>
      <p>
        <code>
          {decision.method} {decision.path}
        </code>{" "}
        <Link to={`/decisions/${decision.id}`}>Read why</Link>
      </p>
    </Note>
  );
}

function Waiting() {
  return (
    <p className="row faint" role="status">
      <Icon name="decisions" /> Waiting for the call…
    </p>
  );
}

function Next() {
  return (
    <li>
      <Note kind="good" title="Your API is protected">
        <p>
          Callers must not be able to reach it but through Keyward. Now: <Link to="/accounts">customers and plans</Link>
          , <Link to="/users">colleagues</Link>, or <Link to="/account">a second factor</Link> for yourself.
        </p>
      </Note>
    </li>
  );
}
