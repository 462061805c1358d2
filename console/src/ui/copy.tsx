// Copies a text, and says that it did.
import { useEffect, useState } from "react";
import { Button } from "./button";

export function Copy({ text, what, label }: { text: string; what: string; label?: string }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return;
    const timer = setTimeout(() => setDone(false), 2000);
    return () => clearTimeout(timer);
  }, [done]);
  return (
    <>
      <Button
        kind={label ? undefined : "plain"}
        size={label ? "small" : "icon"}
        icon={done ? "check" : "copy"}
        aria-label={label ? undefined : `Copy ${what}`}
        onClick={async () => setDone(await copied(text))}
      >
        {label && (done ? "Copied" : label)}
      </Button>
      <span className="hidden-text" role="status">
        {done ? `Copied ${what}` : ""}
      </span>
    </>
  );
}

async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Plain HTTP from another machine has no clipboard of its own: the old way is left.
    return copiedByHand(text);
  }
}

function copiedByHand(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  area.className = "hidden-text";
  (document.querySelector("[role=dialog]") ?? document.body).append(area);
  area.select();
  const done = document.execCommand("copy");
  area.remove();
  return done;
}
