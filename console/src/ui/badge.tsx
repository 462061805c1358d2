// States and names in a word.
type Tone = "good" | "warn" | "bad" | "accent" | undefined;

const TONES: Record<string, Tone> = {
  active: "good",
  allowed: "good",
  ready: "good",
  serving: "good",
  disabled: "warn",
  expired: "warn",
  announced: "accent",
  checking: "warn",
  revoked: "bad",
  test: "accent",
};

export function Badge({ text, tone }: { text: string; tone?: Tone }) {
  return (
    <span className="badge" data-tone={tone ?? TONES[text]}>
      {text}
    </span>
  );
}

export function Tags({ of, none }: { of: readonly string[]; none?: string }) {
  if (of.length === 0) return <span className="faint">{none}</span>;
  return (
    <span className="tags">
      {of.map((text) => (
        <span className="tag" key={text}>
          {text}
        </span>
      ))}
    </span>
  );
}
