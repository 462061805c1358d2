// A button, and a link that looks like one.
import type { ButtonHTMLAttributes, ReactNode } from "react";
import { Link } from "../lib/router";
import { Icon, type IconName } from "./icon";

type Kind = "primary" | "danger" | "danger-solid" | "plain";

interface ButtonProps extends ButtonHTMLAttributes<HTMLButtonElement> {
  kind?: Kind;
  size?: "small" | "icon";
  icon?: IconName;
  /** What it began is not done yet: it takes no second press, and keeps its focus. */
  busy?: boolean;
}

export function Button({ kind, size, icon, busy, children, onClick, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      className="button"
      data-kind={kind}
      data-size={size}
      aria-disabled={busy || undefined}
      aria-busy={busy || undefined}
      onClick={(event) => {
        if (busy) event.preventDefault();
        else onClick?.(event);
      }}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  );
}

interface LinkButtonProps {
  to: string;
  kind?: Kind;
  size?: "small";
  icon?: IconName;
  children: ReactNode;
}

export function LinkButton({ to, kind, size, icon, children }: LinkButtonProps) {
  return (
    <Link to={to} className="button" data-kind={kind} data-size={size}>
      {icon && <Icon name={icon} />}
      {children}
    </Link>
  );
}
