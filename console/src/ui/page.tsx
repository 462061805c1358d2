// A page's head: its name, which gets the focus when one comes to it, what it is for, and what can be done.
import { type ReactNode, useEffect, useRef } from "react";
import { Link } from "../lib/router";
import { Icon } from "./icon";

interface PageProps {
  title: string;
  text?: ReactNode;
  beside?: ReactNode;
  actions?: ReactNode;
  back?: readonly [to: string, text: string];
  children: ReactNode;
}

export function Page({ title, text, beside, actions, back, children }: PageProps) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Keyward`;
  }, [title]);
  useEffect(() => {
    // A page whose first field already has the focus keeps it there.
    if (!document.activeElement?.closest("form")) heading.current?.focus({ preventScroll: true });
    window.scrollTo(0, 0);
  }, []);
  return (
    <>
      <header className="page-head">
        <div>
          {back && (
            <Link to={back[0]} className="crumb">
              <Icon name="back" />
              {back[1]}
            </Link>
          )}
          <div className="page-title">
            <h1 ref={heading} tabIndex={-1} className="break">
              {title}
            </h1>
            {beside}
          </div>
          {text && <p>{text}</p>}
        </div>
        {actions && <div className="row">{actions}</div>}
      </header>
      {children}
    </>
  );
}

export function Card({
  title,
  text,
  actions,
  children,
}: Omit<PageProps, "title" | "beside" | "back"> & { title?: string }) {
  return (
    <section className="card" aria-label={title}>
      {title && (
        <div className="card-head">
          <div>
            <h2>{title}</h2>
            {text && <p>{text}</p>}
          </div>
          {actions && <div className="row">{actions}</div>}
        </div>
      )}
      {children}
    </section>
  );
}
