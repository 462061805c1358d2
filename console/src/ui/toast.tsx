// Short news of what was done, at the edge of the page.
import { Toast } from "@base-ui/react/toast";
import type { ReactNode } from "react";
import type { Receipt } from "../api/types";
import { Icon } from "./icon";

const news = Toast.createToastManager();

export function say(title: string, description?: string): void {
  news.add({ title, description, timeout: 6000 });
}

/** How far a change has come: `in force on 1/1 nodes after 3 ms`. */
export function told(receipt: Receipt | undefined, verb = "in force on"): string {
  const nodes = receipt?.nodes ?? [];
  if (nodes.length === 0) return "";
  const said = nodes.filter((node) => node.acknowledged).length;
  const millis = Math.max(...nodes.map((node) => node.millis));
  return `${verb} ${said}/${nodes.length} ${nodes.length === 1 ? "node" : "nodes"}, ${millis} ms`;
}

export function Toasts({ children }: { children: ReactNode }) {
  return (
    <Toast.Provider toastManager={news} limit={3}>
      {children}
      <Toast.Portal>
        <Toast.Viewport className="toasts">
          <Shown />
        </Toast.Viewport>
      </Toast.Portal>
    </Toast.Provider>
  );
}

function Shown() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className="toast" data-type={toast.type}>
      <Icon name="check" />
      <Toast.Content className="toast-text">
        <Toast.Title render={<b />} />
        <Toast.Description />
      </Toast.Content>
      <Toast.Close className="button" data-kind="plain" data-size="icon" aria-label="Dismiss">
        <Icon name="cross" />
      </Toast.Close>
    </Toast.Root>
  ));
}
