// A session ended under an open page: whoever it was comes in again right there, and what was typed stays.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { expired } from "../api/expired";
import { useStore } from "../lib/store";
import { Button } from "../ui/button";
import { Demand } from "../ui/dialog";
import { Note, ProblemNote } from "../ui/note";
import { type Caller, isByLink, type Settings, who } from "./client";
import { SignInForm } from "./sign-in";

export function SignInAgain({ caller, settings }: { caller: Caller; settings: Settings }) {
  const waiting = useStore(expired);
  const queries = useQueryClient();
  const { login, me } = settings.endpoints;
  // Whoever came in as somebody else is taken away by `who`.
  const back = useMutation({
    mutationFn: () => who(me ?? ""),
    onSuccess: (now) => {
      if (!now) return;
      waiting?.signedIn();
      queries.invalidateQueries();
    },
  });
  if (!waiting) return null;
  const leave = (): void => {
    waiting.gaveUp();
    window.location.reload();
  };
  const hasPassword = login && !isByLink(caller);
  return (
    <Demand
      title="Your session has ended"
      text={
        hasPassword
          ? `Sign in as ${caller.name} to go on. What you typed is still there.`
          : "What you typed is still there. Open these pages by a new link in another tab of this browser, then go on here."
      }
    >
      {hasPassword ? (
        <SignInForm login={login} username={caller.name} onSignedIn={() => back.mutate()} />
      ) : (
        <div className="stack tight">
          {back.data === null && (
            <Note kind="warn" role="alert">
              <p>You are not in yet. A link comes from whoever gave you the last one, and opens once.</p>
            </Note>
          )}
          <Button kind="primary" busy={back.isPending} onClick={() => back.mutate()}>
            Go on
          </Button>
        </div>
      )}
      <ProblemNote error={back.error} />
      <div className="dialog-end">
        <Button kind="plain" onClick={leave}>
          Leave instead
        </Button>
      </div>
    </Demand>
  );
}
