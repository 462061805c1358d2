// The customer portal: the operator's name and colour, one's own keys, and one's own usage.
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider, useQuery } from "@tanstack/react-query";
import { type CSSProperties, useEffect } from "react";
import { Problem } from "../api/problem";
import { Crash } from "../app/crash";
import { queries } from "../app/queries";
import { usePlace } from "../lib/router";
import { Button } from "../ui/button";
import { Icon } from "../ui/icon";
import { ProblemNote } from "../ui/note";
import { Toasts } from "../ui/toast";
import { type Caller, call, hold, type Settings } from "./client";
import { Enter } from "./enter";
import { Keys } from "./keys";
import { SignIn } from "./sign-in";
import { UsageCards } from "./usage";

export function Portal() {
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

/** Black or white, whichever is read more easily on a colour. */
function readable(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const part = Number.parseInt(color.slice(place, place + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

function look(settings: Settings | undefined): CSSProperties {
  const color = settings?.color;
  if (!color || !/^#[0-9a-f]{6}$/i.test(color)) return {};
  return { "--brand": color, "--on-brand": readable(color) } as CSSProperties;
}

function Gate() {
  const { path } = usePlace();
  const settings = useQuery({
    queryKey: ["settings"],
    queryFn: () => call<Settings>("GET", "./settings.json"),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const endpoints = settings.data?.endpoints;
  const isEntering = path.startsWith("/enter/");
  const me = useQuery({
    queryKey: ["me"],
    queryFn: async (): Promise<Caller | null> => {
      try {
        const caller = await call<Caller>("GET", endpoints?.me ?? "");
        hold(caller.csrfToken);
        return caller;
      } catch (error) {
        if (Problem.from(error).status === 401) return null;
        throw error;
      }
    },
    enabled: Boolean(endpoints?.me) && !isEntering,
  });
  const name = settings.data?.name ?? "API access";
  useEffect(() => {
    document.title = name;
  }, [name]);
  const error = settings.error ?? me.error;
  return (
    <div className="portal" style={look(settings.data)}>
      <header className="portal-head">
        <span className="portal-name">
          {settings.data?.logo && <img src={`./${settings.data.logo}`} alt="" height="30" />}
          {settings.data && name}
        </span>
        {me.data && endpoints && <Who caller={me.data} logout={endpoints.logout ?? null} />}
      </header>
      <main className="portal-main">
        <ProblemNote error={error} />
        {isEntering && settings.data && <Enter token={path.slice("/enter/".length)} />}
        {!isEntering && endpoints && me.data === null && (
          <SignIn login={endpoints.login ?? null} onSignedIn={() => me.refetch()} />
        )}
        {!isEntering && endpoints && me.data && <Own caller={me.data} settings={settings.data as Settings} />}
      </main>
    </div>
  );
}

function Who({ caller, logout }: { caller: Caller; logout: string | null }) {
  const leave = async (): Promise<void> => {
    if (logout) await call("POST", logout).catch(() => {});
    hold(undefined);
    queries.clear();
    window.location.replace(window.location.pathname);
  };
  return (
    <span className="row">
      <span className="quiet break">{caller.name}</span>
      <Button kind="plain" size="small" onClick={leave}>
        <Icon name="leave" /> Sign out
      </Button>
    </span>
  );
}

function Own({ caller, settings }: { caller: Caller; settings: Settings }) {
  const { apiKeys, usage } = settings.endpoints;
  return (
    <div className="stack">
      {usage && <UsageCards path={usage} plan={caller.plan} />}
      {apiKeys && (
        <Keys path={apiKeys} mayChange={caller.scopes.some((one) => one === "self:keys:write" || one === "self:*")} />
      )}
    </div>
  );
}
