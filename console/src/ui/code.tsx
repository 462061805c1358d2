// A request ready to paste, in the languages that people ask for first.
import { useState } from "react";
import { Copy } from "./copy";

const LANGUAGES = ["curl", "Python", "JavaScript"] as const;
type Language = (typeof LANGUAGES)[number];

export interface Call {
  url: string;
  /** None: a call without a credential. */
  header?: string;
  value?: string;
}

function written(language: Language, { url, header, value }: Call): string {
  switch (language) {
    case "curl":
      return `curl -i ${url}${header ? ` \\\n  -H '${header}: ${value}'` : ""}`;
    case "Python": {
      const headers = header ? `\n    headers={"${header}": "${value}"},` : "";
      return `import requests\n\nanswer = requests.get(\n    "${url}",${headers}\n)\nprint(answer.status_code, answer.text)`;
    }
    case "JavaScript": {
      const headers = header ? `, {\n  headers: { "${header}": "${value}" },\n}` : "";
      return `const answer = await fetch("${url}"${headers});\nconsole.log(answer.status, await answer.text());`;
    }
  }
}

export function CallCode({ call }: { call: Call }) {
  const [language, setLanguage] = useState<Language>("curl");
  const text = written(language, call);
  return (
    <div className="code">
      <div className="code-head">
        <fieldset className="tabs" aria-label="Language">
          {LANGUAGES.map((one) => (
            <button
              type="button"
              key={one}
              className="tab"
              aria-pressed={one === language}
              onClick={() => setLanguage(one)}
            >
              {one}
            </button>
          ))}
        </fieldset>
        <Copy text={text} what={`the ${language} code`} />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
      <pre tabIndex={0}>{text}</pre>
    </div>
  );
}

/** A text that is shown this once. */
export function Secret({ label, text }: { label: string; text: string }) {
  return (
    <div className="field">
      <span className="legend">{label}</span>
      <div className="secret">
        <code data-secret>{text}</code>
        <Copy text={text} what={label.toLowerCase()} label="Copy" />
      </div>
    </div>
  );
}
