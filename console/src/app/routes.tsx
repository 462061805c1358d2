// Which page a path leads to.
import { type ComponentType, lazy } from "react";
import { match, usePlace } from "../lib/router";
import { Keys } from "../pages/keys";
import { Nothing } from "../pages/nothing";

type Page = ComponentType<{ id: string }>;
const page = (load: () => Promise<{ default: ComponentType<{ id: string }> }>): Page => lazy(load);

const ROUTES: readonly (readonly [string, Page])[] = [
  ["/", page(() => import("../pages/overview"))],
  ["/keys", Keys],
  ["/keys/new", page(() => import("../pages/key-new"))],
  ["/keys/:id", page(() => import("../pages/key"))],
  ["/decisions", page(() => import("../pages/decisions"))],
  ["/decisions/:id", page(() => import("../pages/decision"))],
  ["/explain", page(() => import("../pages/explain"))],
  ["/users", page(() => import("../pages/users"))],
  ["/users/:id", page(() => import("../pages/user"))],
  ["/accounts", page(() => import("../pages/accounts"))],
  ["/accounts/:id", page(() => import("../pages/account"))],
  ["/plans", page(() => import("../pages/plans"))],
  ["/roles", page(() => import("../pages/roles"))],
  ["/sessions", page(() => import("../pages/sessions"))],
  ["/signing-keys", page(() => import("../pages/signing-keys"))],
  ["/audit", page(() => import("../pages/audit"))],
  ["/configuration", page(() => import("../pages/configuration"))],
  ["/health", page(() => import("../pages/health"))],
  ["/account", page(() => import("../pages/me"))],
  ["/start", page(() => import("../pages/start"))],
];

export function Routes() {
  const { path } = usePlace();
  for (const [pattern, Shown] of ROUTES) {
    const parts = match(pattern, path);
    if (parts) return <Shown key={path} id={parts.id ?? ""} />;
  }
  return <Nothing />;
}
