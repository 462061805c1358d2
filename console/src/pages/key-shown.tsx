// A key just made, shown this once, with calls ready to paste.
import type { CreatedKey } from "../api/types";
import { useSession } from "../app/session";
import { Button } from "../ui/button";
import { CallCode, Secret } from "../ui/code";
import { Note } from "../ui/note";

/** Where callers come, and how they show a key: as the server says, else as it is when nobody said otherwise. */
export function useDataPlane(): { url: string; header: string; prefix: string } {
  const { dataPlane } = useSession();
  return {
    url: dataPlane?.url ?? `http://${window.location.hostname}:8080`,
    header: dataPlane?.header ?? "X-API-Key",
    prefix: dataPlane?.prefix ?? "",
  };
}

export function NewKeyShown({ made, onDone }: { made: CreatedKey; onDone: () => void }) {
  const { url, header, prefix } = useDataPlane();
  const token = `curl -u '${made.key}:${made.secret ?? ""}' -d grant_type=client_credentials ${url}/_keyward/token`;
  return (
    <div className="stack">
      <Note kind="warn" title="Copy it now">
        <p>Keyward keeps a digest only. Once you leave this page nobody can show it again.</p>
      </Note>
      <Secret label="API key" text={made.key} />
      {made.secret && <Secret label="Secret" text={made.secret} />}
      {made.secret ? (
        <Secret label="Ask for a token with the pair" text={token} />
      ) : (
        <div className="field">
          <span className="legend">A first call with it</span>
          <CallCode call={{ url: `${url}/`, header, value: prefix + made.key }} />
        </div>
      )}
      <div className="row end">
        <Button kind="primary" icon="check" onClick={onDone}>
          I have copied it
        </Button>
      </div>
    </div>
  );
}
