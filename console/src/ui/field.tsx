// A labelled control with its hint and what is wrong with it, tied together for screen readers.
import type { InputHTMLAttributes, ReactNode, SelectHTMLAttributes, TextareaHTMLAttributes } from "react";
import { useId } from "react";
import { Select } from "./select";

interface Around {
  label: string;
  hint?: ReactNode;
  wrong?: string;
  optional?: boolean;
}

interface Tied {
  id: string;
  "aria-describedby": string | undefined;
  "aria-invalid": true | undefined;
}

function Frame({ label, hint, wrong, optional, control }: Around & { control: (tied: Tied) => ReactNode }) {
  const id = useId();
  const described = [hint && `${id}-hint`, wrong && `${id}-wrong`].filter(Boolean).join(" ") || undefined;
  return (
    <div className="field">
      <label htmlFor={id}>
        {label} {optional && <span className="optional">optional</span>}
      </label>
      {control({ id, "aria-describedby": described, "aria-invalid": wrong ? true : undefined })}
      {hint && (
        <div className="hint" id={`${id}-hint`}>
          {hint}
        </div>
      )}
      {wrong && (
        <div className="wrong" id={`${id}-wrong`}>
          {wrong}
        </div>
      )}
    </div>
  );
}

type Valued<T> = Around & Omit<T, "onChange"> & { onValue: (value: string) => void };

export function Field(props: Valued<InputHTMLAttributes<HTMLInputElement>>) {
  const { label, hint, wrong, optional, onValue, className = "", ...rest } = props;
  return (
    <Frame
      {...{ label, hint, wrong, optional }}
      control={(tied) => (
        <input
          {...rest}
          {...tied}
          className={`input ${className}`}
          onChange={(event) => onValue(event.currentTarget.value)}
        />
      )}
    />
  );
}

export function TextArea(props: Valued<TextareaHTMLAttributes<HTMLTextAreaElement>>) {
  const { label, hint, wrong, optional, onValue, className = "", ...rest } = props;
  return (
    <Frame
      {...{ label, hint, wrong, optional }}
      control={(tied) => (
        <textarea
          {...rest}
          {...tied}
          className={`input ${className}`}
          onChange={(event) => onValue(event.currentTarget.value)}
        />
      )}
    />
  );
}

export function SelectField(props: Valued<SelectHTMLAttributes<HTMLSelectElement>>) {
  const { label, hint, wrong, optional, onValue, ...rest } = props;
  return (
    <Frame {...{ label, hint, wrong, optional }} control={(tied) => <Select {...rest} {...tied} onValue={onValue} />} />
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  value: T;
  options: readonly (readonly [T, string])[];
  onValue: (value: T) => void;
  hint?: ReactNode;
}

/** One of a few, all of them to be seen. */
export function Choice<T extends string>({ label, value, options, onValue, hint }: ChoiceProps<T>) {
  const name = useId();
  return (
    <fieldset className="field">
      <legend className="legend">{label}</legend>
      <div className="choices">
        {options.map(([one, text]) => (
          <label className="choice" key={one}>
            <input type="radio" name={name} value={one} checked={one === value} onChange={() => onValue(one)} />
            <span>{text}</span>
          </label>
        ))}
      </div>
      {hint && <div className="hint">{hint}</div>}
    </fieldset>
  );
}

interface CheckProps {
  label: ReactNode;
  hint?: ReactNode;
  checked: boolean;
  onChecked: (checked: boolean) => void;
  disabled?: boolean;
}

export function Check({ label, hint, checked, onChecked, disabled }: CheckProps) {
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChecked(event.currentTarget.checked)}
      />
      <span>
        {label}
        {hint && <small>{hint}</small>}
      </span>
    </label>
  );
}
