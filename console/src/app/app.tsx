// What holds everything: the cache of answers, the session, and either a page that needs none or the shell around those that do.
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { useEffect } from "react";
import { connection } from "../api/connection";
import { usePlace } from "../lib/router";
import { SignIn } from "../pages/sign-in";
import { Toasts } from "../ui/toast";
import { Crash } from "./crash";
import { Invitation } from "./lazy";
import { queries } from "./queries";
import { SessionContext, useSessionQuery } from "./session";
import { Shell } from "./shell";
import { SignInAgain } from "./sign-in-again";

export function App() {
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

function Gate() {
  const { path } = usePlace();
  const session = useSessionQuery();
  if (path.startsWith("/invite/")) return <Invitation token={path.slice("/invite/".length)} />;
  if (session.data) {
    return (
      <SessionContext value={session.data}>
        <Shell />
        <SignInAgain username={session.data.user.username} />
      </SessionContext>
    );
  }
  if (session.data === null) return <SignIn onSignedIn={() => session.refetch()} />;
  return <Waiting error={session.error} />;
}

function Waiting({ error }: { error: unknown }) {
  if (!error) return <div className="alone" aria-busy="true" />;
  return (
    <main className="alone">
      <div className="alone-box" role="status">
        <h1>Keyward does not answer</h1>
        <p className="quiet">The console goes on by itself as soon as the server is back.</p>
      </div>
    </main>
  );
}
