// Names and values of one's own, one `name=value` in each line.
import { TextArea } from "../ui/field";

export type Metadata = Record<string, string>;

export function asText(metadata: Metadata | null | undefined): string {
  return Object.entries(metadata ?? {})
    .map(([name, value]) => `${name}=${value}`)
    .join("\n");
}

/** What the lines say; a line without `=` is a name with an empty value. Of a name that comes twice the last counts. */
export function asMetadata(text: string): Metadata {
  const pairs = text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line): [string, string] => {
      const at = line.indexOf("=");
      return at < 0 ? [line.trim(), ""] : [line.slice(0, at).trim(), line.slice(at + 1)];
    });
  return Object.fromEntries(pairs);
}

interface MetadataProps {
  text: string;
  onText: (text: string) => void;
  autoFocus?: boolean;
}

export function MetadataField({ text, onText, autoFocus }: MetadataProps) {
  return (
    <TextArea
      label="Metadata"
      optional
      hint="Yours to choose, one name=value in each line. Operators see it; whoever has the key does not."
      placeholder={"team=billing\nticket=1042"}
      rows={4}
      className="mono"
      value={text}
      onValue={onText}
      autoFocus={autoFocus}
    />
  );
}
