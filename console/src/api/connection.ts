// Whether the server answers. Pages show it once, and ask everything anew when it is back.
import { store } from "../lib/store";

export const connection = store<"up" | "down">("up");

const AGAIN_AFTER_MS = 2000;
let asking = false;

/** A request had no answer; `path` is what anybody may ask for, to see when there is one again. */
export function lost(path = "/health"): void {
  connection.set("down");
  if (!asking) {
    asking = true;
    setTimeout(ask, AGAIN_AFTER_MS, path);
  }
}

async function ask(path: string): Promise<void> {
  try {
    const answer = await fetch(path, { cache: "no-store" });
    if (answer.ok) {
      asking = false;
      connection.set("up");
      return;
    }
  } catch {
    // Not yet.
  }
  setTimeout(ask, AGAIN_AFTER_MS, path);
}
