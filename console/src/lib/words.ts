// Numbers in words.
const whole = new Intl.NumberFormat("en");
const short = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });

export function number(value: number): string {
  return value < 100_000 ? whole.format(value) : short.format(value);
}

/** Where there is little room. */
export function brief(value: number): string {
  return value < 10_000 ? whole.format(value) : short.format(value);
}

export function count(value: number, noun: string): string {
  return `${number(value)} ${noun}${value === 1 ? "" : "s"}`;
}

export function percent(part: number, of: number): string {
  if (of === 0) return "0 %";
  const share = (100 * part) / of;
  return `${share > 0 && share < 10 ? share.toFixed(1) : Math.round(share)} %`;
}

export function millis(value: number | null | undefined): string {
  if (value === null || value === undefined) return "–";
  return value < 10
    ? `${value.toFixed(1)} ms`
    : value < 10_000
      ? `${Math.round(value)} ms`
      : `${Math.round(value / 1000)} s`;
}

export function bytes(value: number): string {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let left = value;
  let unit = 0;
  while (left >= 1024 && unit < units.length - 1) {
    left /= 1024;
    unit += 1;
  }
  return `${unit === 0 ? left : left.toFixed(1)} ${units[unit]}`;
}

const SPANS: readonly (readonly [string, number])[] = [
  ["day", 86_400],
  ["hour", 3600],
  ["minute", 60],
  ["second", 1],
];

/** `86400` as `1 day`. */
export function span(seconds: number): string {
  for (const [noun, length] of SPANS) {
    if (seconds >= length && seconds % length === 0) return count(seconds / length, noun);
  }
  return `${seconds} s`;
}

/** `86400` as `in each day`, and twice as much as `in each 2 days`. */
export function inEach(seconds: number): string {
  return `in each ${span(seconds).replace(/^1 /, "")}`;
}
