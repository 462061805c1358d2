// The customer portal: the operator's name and colour, one's own keys, and one's own usage.
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import { connection } from "../api/connection";
import { signInAgain } from "../api/expired";
import { Problem } from "../api/problem";
import { Crash } from "../app/crash";
import { queries } from "../app/queries";
import { usePlace } from "../lib/router";
import { useStore } from "../lib/store";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { ProblemNote } from "../ui/note";
import { say, Toasts } from "../ui/toast";
import { type Caller, call, hold, isSomebodys, nameOf, SETTINGS, type Settings, who } from "./client";
import { Enter } from "./enter";
import { Keys } from "./keys";
import { useLook } from "./look";
import { SignIn } from "./sign-in";
import { SignInAgain } from "./sign-in-again";
import { UsageCards } from "./usage";

export function Portal() {
  useEffect(() => connection.subscribe(() => connection.get() === "up" && queries.invalidateQueries()), []);
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queries}>
        <Crash>
          <Toasts>
            <Gate />
          </Toasts>
        </Crash>
      </QueryClientProvider>
    </CSPProvider>
  );
}

/** Who is signed in. A session that ends later is begun again in the page that it ended on. */
async function caller(me: string): Promise<Caller | null> {
  const now = await who(me);
  return now === null && isSomebodys() && (await signInAgain()) ? who(me) : now;
}

function Gate() {
  const { path } = usePlace();
  const isDown = useStore(connection) === "down";
  const settings = useQuery({
    queryKey: ["settings"],
    queryFn: () => call<Settings>("GET", SETTINGS),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const endpoints = settings.data?.endpoints;
  const isEntering = path.startsWith("/enter/");
  const me = useQuery({
    queryKey: ["me"],
    queryFn: () => caller(endpoints?.me ?? ""),
    enabled: Boolean(endpoints?.me) && !isEntering,
  });
  useLook(settings.data);
  const error = settings.error ?? me.error;
  const isWaiting = !error && (!settings.data || (!isEntering && me.data === undefined));
  return (
    <div className="portal">
      {isDown && (
        <div className="band" role="status">
          <Icon name="warn" />
          The server does not answer. This page goes on by itself once it does.
        </div>
      )}
      <header className="portal-head">
        <span className="portal-name break">
          {settings.data?.logo && <img src={`./${settings.data.logo}`} alt="" height="30" />}
          {settings.data?.name ?? "API access"}
        </span>
        {me.data && endpoints && <Who caller={me.data} logout={endpoints.logout ?? null} />}
      </header>
      <main className="portal-main" aria-busy={isWaiting || undefined}>
        {!me.data && !(isDown && Problem.from(error).isNoAnswer) && <ProblemNote error={error} />}
        {isEntering && settings.data && <Enter token={path.slice("/enter/".length)} />}
        {!isEntering && endpoints && me.data === null && (
          <SignIn login={endpoints.login ?? null} onSignedIn={() => me.refetch()} />
        )}
        {!isEntering && settings.data && me.data && <Own caller={me.data} settings={settings.data} />}
      </main>
      {settings.data && me.data && <SignInAgain caller={me.data} settings={settings.data} />}
    </div>
  );
}

function Who({ caller, logout }: { caller: Caller; logout: string | null }) {
  const leave = async (): Promise<void> => {
    try {
      if (logout) await call("POST", logout);
    } catch (error) {
      const problem = Problem.from(error);
      // Over already is over, too.
      if (problem.status !== 401) return say("You are still signed in", problem.detail || problem.title);
    }
    hold(undefined);
    queries.clear();
    window.location.replace(window.location.pathname);
  };
  return (
    <span className="row">
      <span className="quiet break">{nameOf(caller)}</span>
      {logout && (
        <Button kind="plain" size="small" icon="leave" onClick={leave}>
          Sign out
        </Button>
      )}
    </span>
  );
}

function Own({ caller, settings }: { caller: Caller; settings: Settings }) {
  const { apiKeys, usage } = settings.endpoints;
  const may = (scope: string): boolean => caller.scopes.some((one) => one === scope || one === "self:*" || one === "*");
  return (
    <div className="stack">
      <h1 tabIndex={-1} className="break">
        {caller.accountName ?? caller.name}
      </h1>
      {usage && may("self:usage:read") && <UsageCards path={usage} plan={caller.plan} />}
      {apiKeys && may("self:keys:read") && (
        <Keys path={apiKeys} mayChange={may("self:keys:write")} showing={settings.key} />
      )}
    </div>
  );
}
