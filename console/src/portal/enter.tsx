// Comes in by a link that is good once. It is spent by a press, not by looking: a preview in a mail program must not use it up.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Problem } from "../api/problem";
import { go } from "../lib/router";
import { Button } from "../ui/button";
import { ProblemNote } from "../ui/note";
import { call, hold } from "./client";

export function Enter({ token }: { token: string }) {
  const queries = useQueryClient();
  const enter = useMutation({
    mutationFn: () => call<{ csrf_token?: string }>("POST", "./enter", { token }),
    onSuccess: async (begun) => {
      hold(begun.csrf_token);
      // The token is spent; the history need not keep it.
      window.history.replaceState(null, "", "#/");
      go("/");
      window.dispatchEvent(new HashChangeEvent("hashchange"));
      await queries.invalidateQueries({ queryKey: ["me"] });
    },
  });
  // Where the server did not answer, or asks for patience, the link is as good as before.
  const isSpent = enter.error !== null && Problem.from(enter.error).status === 404;
  return (
    <div className="portal-sign-in">
      <h1>Welcome</h1>
      <p className="quiet">You were given a link to your API keys and usage. It opens once.</p>
      <ProblemNote error={enter.error} />
      {!isSpent && (
        <div>
          <Button kind="primary" busy={enter.isPending} onClick={() => enter.mutate()}>
            Come in
          </Button>
        </div>
      )}
    </div>
  );
}
