// How the portal calls the data plane's own endpoints, wherever the configuration puts them. A session that ended is begun again in
// the page that it ended on; what waits for that then goes out once more.
import { lost } from "../api/connection";
import { signInAgain } from "../api/expired";
import { Problem } from "../api/problem";
import type { CreatedKey, Key, Limit, UsageRow } from "../api/types";

export interface Settings {
  name: string | null;
  color: string | null;
  logo: string | null;
  endpoints: Partial<Record<"login" | "logout" | "me" | "apiKeys" | "usage", string | null>>;
  /** How callers show a key; null: not in a header. */
  key: { header: string | null; prefix: string };
}

export interface Caller {
  id: string;
  name: string;
  accountName?: string;
  plan: string | null;
  scopes: string[];
  csrfToken?: string;
}

export interface Usage {
  data: UsageRow[];
  nextCursor: string | null;
  plan: string | null;
  limits: Limit[];
}

export type { CreatedKey, Key };

/** It stands for an account and has no password: the server names it so (`docs/reference/portal.md`). */
export function isByLink(caller: Caller): boolean {
  return caller.name.startsWith("portal.acc_");
}

/** What people call it: a user by its name, whoever stands for an account by that of the account. */
export function nameOf(caller: Caller): string {
  return isByLink(caller) ? (caller.accountName ?? caller.name) : caller.name;
}

/** What anybody may ask for. */
export const SETTINGS = "./settings.json";

let csrfToken: string | undefined;
/** Whose these pages are, by id. */
let whose: string | undefined;
let me = "";

/** What changes something shows this token. */
export function hold(token: string | undefined): void {
  csrfToken = token;
}

export function isSomebodys(): boolean {
  return whose !== undefined;
}

async function send(method: string, path: string, body: unknown): Promise<Response> {
  const headers = new Headers();
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (method !== "GET" && csrfToken) headers.set("Keyward-CSRF", csrfToken);
  try {
    const text = body === undefined ? undefined : JSON.stringify(body);
    return await fetch(path, { method, headers, body: text, cache: "no-store" });
  } catch {
    lost(SETTINGS);
    throw Problem.noAnswer();
  }
}

async function read<T>(answer: Response): Promise<T> {
  let body: unknown = null;
  try {
    body = JSON.parse(await answer.text());
  } catch {
    // No JSON, such as nothing at all.
  }
  if (!answer.ok) throw Problem.of(answer, body);
  return body as T;
}

/** A call that needs no session, or begins one. */
export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  return read<T>(await send(method, path, body));
}

/** Who is signed in; `null`: nobody. Somebody else who came in by the same browser meanwhile gets pages of their own. */
export async function who(path: string): Promise<Caller | null> {
  me = path;
  const answer = await send("GET", path, undefined);
  if (answer.status === 401) return null;
  const caller = await read<Caller>(answer);
  if (whose !== undefined && whose !== caller.id) {
    window.location.reload();
    // Nothing that waits here may go on as somebody else.
    return new Promise(() => {});
  }
  whose = caller.id;
  hold(caller.csrfToken);
  return caller;
}

/** Another tab came in anew since: this one's token is of the session before. */
async function hasNewToken(): Promise<boolean> {
  const before = csrfToken;
  const caller = await who(me);
  return caller !== null && caller.csrfToken !== before;
}

/** A call by a session. */
export async function callAsOneself<T>(method: string, path: string, body?: unknown): Promise<T> {
  const answer = await send(method, path, body);
  const goesOn =
    (answer.status === 401 && (await signInAgain())) ||
    (answer.status === 403 && method !== "GET" && (await hasNewToken()));
  return read<T>(goesOn ? await send(method, path, body) : answer);
}
