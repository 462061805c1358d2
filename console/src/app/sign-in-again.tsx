// A session ended under an open page: whoever it was signs in again right there, and what was typed stays.
import { useQueryClient } from "@tanstack/react-query";
import { expired } from "../api/expired";
import { useStore } from "../lib/store";
import { SignInForm } from "../pages/sign-in";
import { Button } from "../ui/button";
import { Demand } from "../ui/dialog";

export function SignInAgain({ username }: { username: string }) {
  const waiting = useStore(expired);
  const queries = useQueryClient();
  if (!waiting) return null;
  const leave = (): void => {
    waiting.gaveUp();
    queries.clear();
    window.location.reload();
  };
  const signedIn = (as: string): void => {
    if (as === username) {
      waiting.signedIn();
      queries.invalidateQueries();
    } else {
      leave();
    }
  };
  return (
    <Demand title="Your session has ended" text={`Sign in as ${username} to go on. What you typed is still there.`}>
      <SignInForm username={username} onSignedIn={signedIn} />
      <div className="dialog-end">
        <Button kind="plain" onClick={leave}>
          Leave instead
        </Button>
      </div>
    </Demand>
  );
}
