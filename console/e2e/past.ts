// Figures of past days, put into the files of a Keyward that does not run, so that charts look as they do after a week. The tables are those
// of crates/store/migrations.
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import type { Keyward } from "./server";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const QUARTER = 6 * HOUR;
const DAY = 24 * HOUR;
const DAYS = 8;

/** A key, whose it is, and how much of the traffic comes with it. */
export interface Source {
  key: string;
  owner: string;
  share: number;
}

/** Of a thousand requests, on an ordinary day. */
const OUTCOMES = [
  ["allowed", 955],
  ["NoCredential", 17],
  ["Rejected", 13],
  ["Limited", 9],
  ["Forbidden", 5],
  ["upstream timed out", 1],
] as const;
const OF_NOBODY: readonly string[] = ["NoCredential", "Rejected"];
const ROUTES = [
  ["orders", 0.56],
  ["invoices", 0.29],
  ["catalogue", 0.15],
] as const;

/** The same pictures each time. */
function chances(): () => number {
  let state = 20_261;
  return () => {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    return state / 2 ** 31;
  };
}

/** How many requests a minute brings: few at night, most before noon and in the afternoon, less on Sundays. */
function busy(at: number, chance: number): number {
  const date = new Date(at);
  const hour = date.getUTCHours() + date.getUTCMinutes() / 60;
  const hill = (middle: number, width: number): number => Math.exp(-(((hour - middle) / width) ** 2));
  const rest = [0, 6].includes(date.getUTCDay()) ? 0.55 : 1;
  return (38 + rest * (150 * hill(10, 2.6) + 190 * hill(15.5, 3.4))) * (0.82 + 0.36 * chance);
}

/** As crates/engine/src/figures.rs tells spans apart. */
function classOf(micros: number): number {
  if (micros < 8) return micros;
  const doublings = 31 - Math.clz32(micros);
  return (doublings - 2) * 8 + ((micros >> (doublings - 3)) & 7);
}

/** How many of so many requests fall into which class. */
function spread(count: number, isSlow: boolean, chance: () => number): [number, number][] {
  const median = isSlow ? 210_000 : 18_000 + 9_000 * chance();
  const at = (factor: number): number => classOf(Math.round(median * factor));
  const late = Math.floor(count * 0.03 + chance());
  const middle = Math.floor((count - late) / 2);
  return [
    [at(0.8), count - late - middle],
    [at(1.15), middle],
    [at(3.5 + 2 * chance()), late],
  ];
}

class Sums {
  private readonly of = new Map<string, number>();

  add(count: number, ...row: (string | number)[]): void {
    if (count === 0) return;
    const key = row.map((one) => (typeof one === "number" ? one : `'${one}'`)).join(",");
    this.of.set(key, (this.of.get(key) ?? 0) + count);
  }

  into(table: string): string {
    return [...this.of].map(([key, count]) => `INSERT OR REPLACE INTO ${table} VALUES (${key},${count});`).join("\n");
  }
}

/** A week's traffic of these keys, up to a few minutes ago. */
export function fill(keyward: Keyward, sources: readonly Source[]): void {
  const chance = chances();
  const [figures, spans, usage] = [new Sums(), new Sums(), new Sums()];
  const now = Date.now();
  const whole = (value: number): number => Math.floor(value + chance());
  for (let at = now - DAYS * DAY - (now % MINUTE); at < now - 3 * MINUTE; at += MINUTE) {
    const requests = busy(at, chance());
    // Yesterday's trouble behind Keyward, and one caller that was too fast for a while.
    const [isSlow, isFast] = [within(at, now - 9 * HOUR, 40 * MINUTE), within(at, now - 4.5 * HOUR, 30 * MINUTE)];
    const kept = at > now - 2 * DAY ? [MINUTE, HOUR, QUARTER] : [HOUR, QUARTER];
    for (const [route, part] of ROUTES) {
      for (const [outcome, share] of OUTCOMES) {
        const more = (isSlow && outcome.startsWith("upstream") ? 60 : 1) * (isFast && outcome === "Limited" ? 22 : 1);
        const count = whole((requests * part * share * more) / 1000);
        for (const span of kept) figures.add(count, span, at - (at % span), route, outcome);
        const own = OF_NOBODY.includes(outcome) ? [{ key: "", owner: "", share: 1 }] : sources;
        for (const { key, owner, share } of own) {
          usage.add(whole(count * share), at - (at % HOUR), owner, key, route, outcome);
        }
        for (const [of, times] of outcome === "allowed" ? spread(count, isSlow, chance) : []) {
          for (const span of kept) spans.add(times, span, at - (at % span), of);
        }
      }
    }
  }
  write(keyward, "decisions.db", [figures.into("figures"), spans.into("spans"), usage.into("usage")]);
}

/** Keys that were made some days ago and are in use; each a day or two older than the one before it. */
export function age(keyward: Keyward, keys: readonly string[]): void {
  write(
    keyward,
    "keyward.db",
    keys.map((key, place) => {
      const [before, used] = [(9 + 13 * place) * DAY, (1 + place ** 3) * MINUTE];
      return `UPDATE api_keys SET created_at = created_at - ${before}, expires_at = expires_at - ${before},
        last_used_at = ${Date.now() - used} WHERE id = '${key}';`;
    }),
  );
}

function within(at: number, begin: number, length: number): boolean {
  return at >= begin && at < begin + length;
}

function write(keyward: Keyward, file: string, statements: string[]): void {
  const text = ["BEGIN;", ...statements, "COMMIT;"].join("\n");
  execFileSync("sqlite3", ["-bail", join(keyward.folder, "keyward-data", file)], {
    input: text,
    stdio: ["pipe", "ignore", "inherit"],
  });
}
