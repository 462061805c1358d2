// A few bars of parts, as HTML: sharp at any size, readable without seeing them.
import { brief, number } from "../lib/words";

interface Bar {
  name: string;
  parts: readonly { kind: "allowed" | "refused" | "failed"; value: number }[];
}

export function Bars({ caption, bars }: { caption: string; bars: readonly Bar[] }) {
  const total = (bar: Bar): number => bar.parts.reduce((sum, part) => sum + part.value, 0);
  const most = Math.max(1, ...bars.map(total));
  const told = (bar: Bar): string => bar.parts.map((part) => `${number(part.value)} ${part.kind}`).join(", ");
  return (
    <ul className="bars" aria-label={caption}>
      {bars.map((bar) => (
        <li key={bar.name} title={`${bar.name}: ${told(bar)}`}>
          <span className="bars-value number" aria-hidden="true">
            {total(bar) > 0 ? brief(total(bar)) : ""}
          </span>
          <span className="bars-stack" aria-hidden="true">
            {[...bar.parts].reverse().map((part) => (
              <i key={part.kind} data-kind={part.kind} style={{ height: `${(100 * part.value) / most}%` }} />
            ))}
          </span>
          <span className="bars-name">
            {bar.name}
            <span className="hidden-text">: {told(bar)}</span>
          </span>
        </li>
      ))}
    </ul>
  );
}
