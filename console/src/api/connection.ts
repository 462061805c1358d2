// Whether the server answers. Pages show it once, and ask everything anew when it is back.
import { store } from "../lib/store";

export const connection = store<"up" | "down">("up");

const AGAIN_AFTER_MS = 2000;
let asking = false;

export function lost(): void {
  connection.set("down");
  if (!asking) {
    asking = true;
    setTimeout(ask, AGAIN_AFTER_MS);
  }
}

async function ask(): Promise<void> {
  try {
    const answer = await fetch("/health", { cache: "no-store" });
    if (answer.ok) {
      asking = false;
      connection.set("up");
      return;
    }
  } catch {
    // Not yet.
  }
  setTimeout(ask, AGAIN_AFTER_MS);
}
