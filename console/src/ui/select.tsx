// The browser's own list of choices, which phones and screen readers know best, with our arrow.
import type { SelectHTMLAttributes } from "react";
import { Icon } from "./icon";

export interface SelectProps extends Omit<SelectHTMLAttributes<HTMLSelectElement>, "onChange"> {
  onValue: (value: string) => void;
  "data-size"?: "small";
}

export function Select({ onValue, ...rest }: SelectProps) {
  return (
    <span className="select">
      <select {...rest} className="input" onChange={(event) => onValue(event.currentTarget.value)} />
      <Icon name="chevron" />
    </span>
  );
}
