// A few things by how many: a bar each, the largest first.
import type { ReactNode } from "react";
import { number } from "../lib/words";

interface Share {
  id: string;
  name: ReactNode;
  count: number;
  tone?: "bad" | "warn";
}

export function Shares({ of, none }: { of: readonly Share[]; none: string }) {
  if (of.length === 0) return <p className="quiet">{none}</p>;
  const most = Math.max(...of.map((one) => one.count), 1);
  return (
    <ul className="shares">
      {of.map((one) => (
        <li key={one.id}>
          <div className="row spread">
            <span className="break">{one.name}</span>
            <span className="number quiet">{number(one.count)}</span>
          </div>
          <div className="share" data-tone={one.tone} aria-hidden="true">
            <span style={{ width: `${Math.max(0.5, (100 * one.count) / most)}%` }} />
          </div>
        </li>
      ))}
    </ul>
  );
}
