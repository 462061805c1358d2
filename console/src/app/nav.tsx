// The way to each page. What one may not read is left out.
import { Link, usePlace } from "../lib/router";
import { Icon, type IconName } from "../ui/icon";
import { useMay } from "./session";

interface Entry {
  to: string;
  text: string;
  icon: IconName;
  /** The scope that its first question needs. */
  needs?: string;
}

const GROUPS: readonly (readonly [string, readonly Entry[]])[] = [
  [
    "Traffic",
    [
      { to: "/", text: "Overview", icon: "overview", needs: "usage:read" },
      { to: "/decisions", text: "Decisions", icon: "decisions", needs: "decisions:read" },
      { to: "/explain", text: "Try a request", icon: "explain", needs: "decisions:read" },
    ],
  ],
  [
    "Access",
    [
      { to: "/keys", text: "API keys", icon: "key", needs: "keys:read" },
      { to: "/users", text: "Users", icon: "users", needs: "users:read" },
      { to: "/accounts", text: "Accounts", icon: "account", needs: "accounts:read" },
      { to: "/plans", text: "Plans", icon: "plan", needs: "accounts:read" },
      { to: "/roles", text: "Roles", icon: "role", needs: "users:read" },
      { to: "/sessions", text: "Sessions", icon: "session", needs: "sessions:read" },
    ],
  ],
  [
    "System",
    [
      { to: "/signing-keys", text: "Signing keys", icon: "signing", needs: "signing-keys:read" },
      { to: "/audit", text: "Audit log", icon: "audit", needs: "audit:read" },
      { to: "/configuration", text: "Configuration", icon: "config", needs: "config:read" },
      { to: "/health", text: "Health", icon: "health", needs: "nodes:read" },
      { to: "/start", text: "First steps", icon: "start" },
    ],
  ],
];

export function Nav({ onGo }: { onGo?: () => void }) {
  const { path } = usePlace();
  const may = useMay();
  const isHere = (to: string): boolean => (to === "/" ? path === "/" : path === to || path.startsWith(`${to}/`));
  return (
    <nav className="nav" aria-label="Pages">
      {GROUPS.map(([title, entries]) => {
        const open = entries.filter((entry) => !entry.needs || may(entry.needs));
        if (open.length === 0) return null;
        return (
          <section key={title} aria-label={title}>
            <h2>{title}</h2>
            <ul>
              {open.map((entry) => (
                <li key={entry.to}>
                  <Link to={entry.to} aria-current={isHere(entry.to) ? "page" : undefined} onClick={onGo}>
                    <Icon name={entry.icon} />
                    {entry.text}
                  </Link>
                </li>
              ))}
            </ul>
          </section>
        );
      })}
      <ul className="nav-out">
        <li>
          <a href="./reference/">
            <Icon name="book" />
            API reference
          </a>
        </li>
      </ul>
    </nav>
  );
}
