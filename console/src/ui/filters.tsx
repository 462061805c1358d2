// What narrows a list.
import type { ReactNode } from "react";
import { Icon } from "./icon";
import { Select } from "./select";

export function Filters({ children }: { children: ReactNode }) {
  return <search className="filters">{children}</search>;
}

interface SearchProps {
  label: string;
  value: string;
  onValue: (value: string) => void;
}

export function Search({ label, value, onValue }: SearchProps) {
  return (
    <div className="search">
      <Icon name="search" />
      <input
        type="search"
        className="input"
        data-size="small"
        aria-label={label}
        placeholder={label}
        value={value}
        onChange={(event) => onValue(event.currentTarget.value)}
      />
    </div>
  );
}

interface OneOfProps extends SearchProps {
  options: readonly (readonly [string, string])[];
}

export function OneOf({ label, value, onValue, options }: OneOfProps) {
  return (
    <Select data-size="small" aria-label={label} value={value} onValue={onValue}>
      <option value="">{label}: any</option>
      {options.map(([one, text]) => (
        <option key={one} value={one}>
          {text}
        </option>
      ))}
    </Select>
  );
}

interface TextFilterProps extends SearchProps {
  list?: readonly string[];
}

export function TextFilter({ label, value, onValue }: TextFilterProps) {
  return (
    <input
      className="input"
      data-size="small"
      aria-label={label}
      placeholder={label}
      value={value}
      onChange={(event) => onValue(event.currentTarget.value)}
    />
  );
}
