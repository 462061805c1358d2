// How the portal calls the data plane's own endpoints, wherever the configuration puts them.
import { Problem } from "../api/problem";
import type { CreatedKey, Key, Limit, UsageRow } from "../api/types";

export interface Settings {
  name: string | null;
  color: string | null;
  logo: string | null;
  endpoints: Partial<Record<"login" | "logout" | "me" | "apiKeys" | "usage", string | null>>;
}

export interface Caller {
  name: string;
  account: string | null;
  plan: string | null;
  scopes: string[];
  csrfToken?: string;
}

export interface Usage {
  data: UsageRow[];
  plan: string | null;
  limits: Limit[];
}

export type { CreatedKey, Key };

let csrfToken: string | undefined;

export function hold(token: string | undefined): void {
  csrfToken = token;
}

export async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const headers = new Headers();
  if (body !== undefined) headers.set("Content-Type", "application/json");
  if (method !== "GET" && csrfToken) headers.set("Keyward-CSRF", csrfToken);
  let answer: Response;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw Problem.noAnswer();
  }
  const text = await answer.text();
  const read = (): unknown => {
    try {
      return JSON.parse(text);
    } catch {
      return null;
    }
  };
  if (!answer.ok) throw Problem.of(answer, read());
  return read() as T;
}
