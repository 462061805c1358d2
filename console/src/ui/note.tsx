// A remark within a page, and an error with the decision that explains it.
import type { ReactNode } from "react";
import { Problem } from "../api/problem";
import { Copy } from "./copy";
import { Icon, type IconName } from "./icon";

const ICONS: Record<string, IconName> = { good: "check", warn: "warn", bad: "warn", info: "info" };

interface NoteProps {
  kind?: "good" | "warn" | "bad" | "info";
  title?: string;
  children?: ReactNode;
  role?: "alert" | "status";
}

export function Note({ kind = "info", title, children, role }: NoteProps) {
  return (
    <div className="note" data-kind={kind} role={role}>
      <Icon name={ICONS[kind] ?? "info"} />
      <div className="break">
        {title && <b>{title}</b>}
        {children}
      </div>
    </div>
  );
}

export function ProblemNote({ error }: { error: unknown }) {
  if (!error) return null;
  const problem = Problem.from(error);
  return (
    <Note kind={problem.isNoAnswer ? "warn" : "bad"} title={problem.title} role="alert">
      {problem.detail && <p>{sentence(problem.detail)}</p>}
      {problem.retryAfter && <p>Try again in {problem.retryAfter} s.</p>}
      {problem.decision && (
        <p className="row faint">
          Decision <code>{problem.decision}</code>
          <Copy text={problem.decision} what="the decision's id" />
        </p>
      )}
    </Note>
  );
}

export function sentence(text: string): string {
  const whole = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(whole) ? whole : `${whole}.`;
}
