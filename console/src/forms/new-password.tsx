// A password that somebody chooses, to be seen while it is typed if they like.
import { useState } from "react";
import { Check, Field } from "../ui/field";

interface NewPasswordProps {
  label?: string;
  value: string;
  onValue: (value: string) => void;
  autoFocus?: boolean;
}

export function NewPassword({ label = "New password", value, onValue, autoFocus }: NewPasswordProps) {
  const [isShown, setIsShown] = useState(false);
  return (
    <div className="field">
      <Field
        label={label}
        type={isShown ? "text" : "password"}
        value={value}
        onValue={onValue}
        autoComplete="new-password"
        minLength={8}
        maxLength={1024}
        required
        autoFocus={autoFocus}
        hint="At least 8 characters. Four words that do not belong together make a good one."
      />
      <Check label="Show it" checked={isShown} onChecked={setIsShown} />
    </div>
  );
}
