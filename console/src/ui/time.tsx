// A point in time: how long ago or in how long, in local words; the exact local time and UTC on hover.
const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["year", 31_536_000],
  ["month", 2_592_000],
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];
const relative = new Intl.RelativeTimeFormat("en", { numeric: "always" });
const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const precise = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const clock = new Intl.DateTimeFormat(undefined, { timeStyle: "medium", hour12: false });

export function ago(at: string, now = Date.now()): string {
  const seconds = (Date.parse(at) - now) / 1000;
  for (const [unit, length] of STEPS) {
    // Days say more than "2 months", which may be nearly three.
    const least = unit === "month" ? 4 * length : length;
    if (Math.abs(seconds) >= least || unit === "second") return relative.format(Math.trunc(seconds / length), unit);
  }
  return "";
}

interface TimeProps {
  at: string | null | undefined;
  none?: string;
  as?: "ago" | "exact" | "clock";
}

export function Time({ at, none = "never", as = "ago" }: TimeProps) {
  if (!at) return <span className="faint">{none}</span>;
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return <span>{at}</span>;
  const text = as === "ago" ? ago(at) : (as === "exact" ? exact : clock).format(date);
  const utc = date
    .toISOString()
    .replace("T", " ")
    .replace(/\.\d+Z$/, " UTC");
  return (
    <time dateTime={at} title={`${precise.format(date)} here · ${utc}`} className="number-text">
      {text}
    </time>
  );
}
