// How much is left of something.
import { number } from "../lib/words";

interface MeterProps {
  name: string;
  left: number;
  of: number;
  text?: string | null;
}

export function Meter({ name, left, of, text }: MeterProps) {
  const share = of > 0 ? left / of : 0;
  const tone = share <= 0 ? "bad" : share < 0.2 ? "warn" : "good";
  return (
    <div>
      <div className="row spread">
        <b className="break">{name}</b>
        <span className="number quiet">
          {number(left)} of {number(of)} left
        </span>
      </div>
      <div
        className="meter"
        data-tone={tone}
        role="meter"
        aria-label={name}
        aria-valuemin={0}
        aria-valuemax={of}
        aria-valuenow={left}
      >
        <span style={{ width: `${Math.min(100, 100 * share)}%` }} />
      </div>
      {text && <p className="faint">{text}</p>}
    </div>
  );
}
