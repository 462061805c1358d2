// Who is signed in, and what they may do. The server decides; pages only leave out what it would refuse.
import { useQuery } from "@tanstack/react-query";
import { createContext, useContext } from "react";
import { api, ask, takeUp } from "../api/client";
import { Problem } from "../api/problem";
import type { CurrentSession } from "../api/types";

export const SessionContext = createContext<CurrentSession | null>(null);

/** `null`: nobody is signed in. */
export function useSessionQuery() {
  return useQuery({
    queryKey: ["session"],
    queryFn: async (): Promise<CurrentSession | null> => {
      try {
        const session = await ask(api.GET("/admin/v1/session"));
        await takeUp(session);
        return session;
      } catch (error) {
        if (Problem.from(error).status === 401) return null;
        throw error;
      }
    },
    staleTime: 60_000,
  });
}

export function useSession(): CurrentSession {
  const session = useContext(SessionContext);
  if (!session) throw new Error("this page needs a session");
  return session;
}

/** Whether one may, by the name of a scope of `keyward:`. */
export function useMay(): (scope: string) => boolean {
  const { scopes } = useSession();
  return (scope) => scopes.includes(`keyward:${scope}`);
}
