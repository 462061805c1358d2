// Which page a path leads to.
import { type ComponentType, lazy } from "react";
import { match, usePlace } from "../lib/router";
import { Keys } from "../pages/keys";
import { Nothing } from "../pages/nothing";

type Page = ComponentType<{ id: string }>;
const page = (load: () => Promise<{ default: ComponentType<{ id: string }> }>): Page => lazy(load);

const ROUTES: readonly (readonly [string, Page])[] = [
  ["/keys", Keys],
  ["/keys/new", page(() => import("../pages/key-new"))],
  ["/keys/:id", page(() => import("../pages/key"))],
];

export function Routes() {
  const { path } = usePlace();
  for (const [pattern, Shown] of ROUTES) {
    const parts = match(pattern, path);
    if (parts) return <Shown key={path} id={parts.id ?? ""} />;
  }
  return <Nothing />;
}
