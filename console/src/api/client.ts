// How the console calls the control plane: with the session's cookie and CSRF token, and with errors as `Problem`s.
// A session that ended is signed in again in the page that it ended on; what waits for that then goes out once more.
import createClient from "openapi-fetch";
import { lost } from "./connection";
import { signInAgain } from "./expired";
import { Problem } from "./problem";
import type { paths } from "./schema";
import type { CurrentSession } from "./types";

const CSRF_HEADER = "Keyward-CSRF";
const SAFE = new Set(["GET", "HEAD"]);
/** Where a 401 means a wrong password or code, not a session that is over. */
const SIGNS_IN = /\/admin\/v1\/(session(\/second-factor)?|invitations\/.*)$/;

let csrfToken: string | undefined;
/** Whose these pages are, by id. */
let whose: string | undefined;

/** What changes something shows this token. */
export function hold(token: string | undefined): void {
  csrfToken = token;
}

/** Takes a session up. Somebody else who signed in by the same browser meanwhile gets pages of their own. */
export async function takeUp(session: CurrentSession): Promise<void> {
  if (whose !== undefined && whose !== session.user.id) {
    window.location.reload();
    // Nothing that waits here may go on as somebody else.
    await new Promise(() => {});
  }
  whose = session.user.id;
  hold(session.csrfToken ?? undefined);
}

/** Nobody is signed in any more. */
export function letGo(): void {
  whose = undefined;
  hold(undefined);
}

async function send(request: Request): Promise<Response> {
  const headers = new Headers(request.headers);
  if (!SAFE.has(request.method) && csrfToken) headers.set(CSRF_HEADER, csrfToken);
  try {
    return await fetch(new Request(request.clone(), { headers }));
  } catch (error) {
    if (request.signal.aborted) throw error;
    lost();
    throw Problem.noAnswer();
  }
}

/** Another tab signed in since: this one's token is of the session before. */
async function hasNewToken(): Promise<boolean> {
  const answer = await fetch("/admin/v1/session", { cache: "no-store" });
  if (!answer.ok) return false;
  const before = csrfToken;
  await takeUp((await answer.json()) as CurrentSession);
  return csrfToken !== undefined && csrfToken !== before;
}

async function request(input: Request): Promise<Response> {
  const first = await send(input);
  if (csrfToken === undefined || SIGNS_IN.test(new URL(input.url).pathname)) return first;
  if (first.status === 401 && (await signInAgain())) return send(input);
  if (first.status === 403 && !SAFE.has(input.method) && (await hasNewToken())) return send(input);
  return first;
}

export const api = createClient<paths>({ baseUrl: "", fetch: request });

/** The answer of a call; everything else is thrown as a `Problem`. */
export async function ask<T>(call: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
  const { data, error, response } = await call;
  if (!response.ok) throw Problem.of(response, error);
  return data as T;
}

/** As `ask`, with the version of what was answered, to show it in `If-Match`. */
export async function askWithTag<T>(
  call: Promise<{ data?: T; error?: unknown; response: Response }>,
): Promise<{ value: T; tag: string }> {
  const { data, error, response } = await call;
  if (!response.ok) throw Problem.of(response, error);
  return { value: data as T, tag: response.headers.get("etag") ?? "" };
}
