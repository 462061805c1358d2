// Where one is: a path and a query behind `#`, so that the server needs to know of one page only and no log has them.
import type { AnchorHTMLAttributes, ReactNode } from "react";
import { useMemo, useSyncExternalStore } from "react";

export interface Place {
  path: string;
  query: URLSearchParams;
}

function subscribe(listener: () => void): () => void {
  window.addEventListener("hashchange", listener);
  return () => window.removeEventListener("hashchange", listener);
}

const hash = (): string => window.location.hash;

export function read(text: string): Place {
  const [path = "", query = ""] = text.replace(/^#/, "").split(/\?(.*)/s);
  return { path: path.startsWith("/") ? path : "/", query: new URLSearchParams(query) };
}

export function usePlace(): Place {
  const text = useSyncExternalStore(subscribe, hash);
  return useMemo(() => read(text), [text]);
}

export function go(to: string): void {
  window.location.hash = to;
}

/** Another query of the same page, without a step in the history. */
export function replaceQuery(changes: Record<string, string | undefined>): void {
  const { path, query } = read(window.location.hash);
  for (const [name, value] of Object.entries(changes)) {
    if (value) query.set(name, value);
    else query.delete(name);
  }
  const text = query.toString();
  window.history.replaceState(null, "", `#${path}${text ? `?${text}` : ""}`);
  window.dispatchEvent(new HashChangeEvent("hashchange"));
}

/** The parts of a path that a pattern such as `/keys/:id` names; `null`: it is another path. */
export function match(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split("/");
  const parts = path.split("/");
  if (wanted.length !== parts.length) return null;
  const found: Record<string, string> = {};
  for (const [place, want] of wanted.entries()) {
    const part = parts[place] ?? "";
    if (want.startsWith(":")) {
      try {
        found[want.slice(1)] = decodeURIComponent(part);
      } catch {
        return null;
      }
    } else if (want !== part) {
      return null;
    }
  }
  return found;
}

interface LinkProps extends AnchorHTMLAttributes<HTMLAnchorElement> {
  to: string;
  children: ReactNode;
}

export function Link({ to, children, ...rest }: LinkProps) {
  return (
    <a href={`#${to}`} {...rest}>
      {children}
    </a>
  );
}
