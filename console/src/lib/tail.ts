// Decisions as they come: a stream of the server's, carried on after it was cut, and held back while one reads.
import { useEffect, useState } from "react";
import type { Decision } from "../api/types";

const KEPT = 200;

export function useTail(isOn: boolean, query: string): { rows: Decision[]; isOpen: boolean } {
  const [rows, setRows] = useState<Decision[]>([]);
  const [isOpen, setIsOpen] = useState(false);
  useEffect(() => {
    if (!isOn) return;
    setRows([]);
    const source = new EventSource(`/admin/v1/decisions/tail${query ? `?${query}` : ""}`);
    // One drawing for many that come at once.
    let waiting: Decision[] = [];
    const draw = setInterval(() => {
      if (waiting.length === 0) return;
      const come = waiting.reverse();
      waiting = [];
      setRows((before) => [...come, ...before].slice(0, KEPT));
    }, 250);
    source.onopen = () => setIsOpen(true);
    source.onerror = () => setIsOpen(false);
    source.onmessage = (event: MessageEvent<string>) => {
      waiting.push(JSON.parse(event.data) as Decision);
      if (waiting.length > KEPT) waiting.shift();
    };
    return () => {
      source.close();
      clearInterval(draw);
      setIsOpen(false);
    };
  }, [isOn, query]);
  return { rows, isOpen };
}
