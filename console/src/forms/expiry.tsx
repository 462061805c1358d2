// How long a key lives: a few spans, a day of one's own, or without end.
import { Choice, Field } from "../ui/field";

const LIVES = [
  ["30d", "30 days"],
  ["90d", "90 days"],
  ["1y", "1 year"],
  ["date", "Until a day"],
  ["never", "No end"],
] as const;
export type Life = (typeof LIVES)[number][0];

/** As the server takes it: a span, the end of a local day, or nothing. */
export function endOf(life: Life, until: string): string | undefined {
  if (life === "never") return undefined;
  if (life !== "date") return life === "1y" ? "365d" : life;
  return until ? new Date(`${until}T23:59:59`).toISOString() : undefined;
}

interface ExpiryProps {
  life: Life;
  until: string;
  onLife: (life: Life, until: string) => void;
}

export function ExpiryField({ life, until, onLife }: ExpiryProps) {
  return (
    <>
      <Choice
        label="Expires"
        value={life}
        options={LIVES}
        onValue={(next) => onLife(next, until)}
        hint={life === "never" ? "A key without end is one that nobody remembers. Rotate it now and then." : undefined}
      />
      {life === "date" && (
        <Field
          label="Last day"
          type="date"
          value={until}
          onValue={(day) => onLife(life, day)}
          min={new Date().toISOString().slice(0, 10)}
          required
        />
      )}
    </>
  );
}
