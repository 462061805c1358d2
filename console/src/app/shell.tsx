// The frame: navigation, who is signed in, whether the server answers, and the page.
import { Dialog } from "@base-ui/react/dialog";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { Suspense, useState } from "react";
import { api, ask, letGo } from "../api/client";
import { connection } from "../api/connection";
import { go, Link, usePlace } from "../lib/router";
import { useStore } from "../lib/store";
import { chooseTheme, type Theme, theme } from "../lib/theme";
import { Brand } from "../ui/brand";
import { Icon } from "../ui/icon";
import { type Action, Menu } from "../ui/menu";
import { Crash } from "./crash";
import { Nav } from "./nav";
import { Routes } from "./routes";
import { useSession } from "./session";

export function Shell() {
  const isDown = useStore(connection) === "down";
  const { path } = usePlace();
  return (
    <>
      <button type="button" className="skip" onClick={() => document.getElementById("main")?.focus()}>
        To the page
      </button>
      {isDown && (
        <div className="band" role="status">
          <Icon name="warn" />
          Keyward does not answer. This page goes on by itself once it does.
        </div>
      )}
      <div className="shell">
        <div className="side">
          <Link to="/" className="home" aria-label="Keyward, overview">
            <Brand />
          </Link>
          <Nav />
          <Who />
        </div>
        <TopBar />
        <main className="main" id="main" tabIndex={-1}>
          <Crash key={path}>
            <Suspense fallback={<div aria-busy="true" />}>
              <Routes />
            </Suspense>
          </Crash>
        </main>
      </div>
    </>
  );
}

function TopBar() {
  const [isOpen, setIsOpen] = useState(false);
  return (
    <header className="top">
      <Link to="/" className="home" aria-label="Keyward, overview">
        <Brand />
      </Link>
      <Dialog.Root open={isOpen} onOpenChange={setIsOpen}>
        <Dialog.Trigger className="button" data-kind="plain" data-size="icon" aria-label="Menu">
          <Icon name="menu" />
        </Dialog.Trigger>
        <Dialog.Portal>
          <Dialog.Backdrop className="shade" />
          <Dialog.Popup className="drawer" aria-label="Menu">
            <Dialog.Close className="button" data-kind="plain" data-size="icon" aria-label="Close the menu">
              <Icon name="cross" />
            </Dialog.Close>
            <Nav onGo={() => setIsOpen(false)} />
            <Who onGo={() => setIsOpen(false)} />
          </Dialog.Popup>
        </Dialog.Portal>
      </Dialog.Root>
    </header>
  );
}

const THEMES: readonly (readonly [Theme, string])[] = [
  ["system", "Theme: as the system"],
  ["light", "Theme: light"],
  ["dark", "Theme: dark"],
];

function Who({ onGo }: { onGo?: () => void }) {
  const { user, roles } = useSession();
  const now = useStore(theme);
  const queries = useQueryClient();
  const signOut = useMutation({
    mutationFn: () => ask(api.DELETE("/admin/v1/session")),
    onSuccess: () => {
      letGo();
      queries.clear();
      window.location.replace(window.location.pathname);
    },
  });
  const open = (to: string) => () => {
    onGo?.();
    go(to);
  };
  const themes = THEMES.filter(([one]) => one !== now).map(
    ([one, text]): Action => ({ text, icon: one === "dark" ? "moon" : "sun", run: () => chooseTheme(one) }),
  );
  return (
    <div className="side-foot">
      <Menu
        label="Your account"
        trigger={
          <button type="button" className="who">
            <span className="who-letter" aria-hidden="true">
              {user.username.charAt(0).toUpperCase()}
            </span>
            <span className="who-name">
              <b>{user.username}</b>
              <small>{roles.join(", ")}</small>
            </span>
          </button>
        }
        actions={[
          { text: "Account and security", icon: "role", run: open("/account") },
          "line",
          ...themes,
          "line",
          { text: "Sign out", icon: "leave", run: () => signOut.mutate() },
        ]}
      />
    </div>
  );
}
