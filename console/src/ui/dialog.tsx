// A question over the page, and the confirmation of what cannot be undone.
import { AlertDialog } from "@base-ui/react/alert-dialog";
import { Dialog as Base } from "@base-ui/react/dialog";
import { type FormEvent, type ReactNode, useState } from "react";
import { expired } from "../api/expired";
import { Button } from "./button";
import { Field } from "./field";
import { ProblemNote } from "./note";

interface DialogProps {
  title: string;
  text?: ReactNode;
  wide?: boolean;
  onClose: () => void;
  children: ReactNode;
}

/** Escape closes a dialog, but not the one below that where somebody has to sign in again: what was typed there stays. */
function closing(onClose: () => void): (open: boolean) => void {
  return (open) => !open && !expired.get() && onClose();
}

/** What had the focus before a dialog opened, and gets it back. A dialog that follows another one has the same. */
let opener: HTMLElement | null = null;

function remember(): null {
  const now = document.activeElement;
  if (now instanceof HTMLElement && now !== document.body && !now.closest("[role=dialog], [role=alertdialog]")) {
    opener = now.closest("[role=menu]") ? document.querySelector<HTMLElement>("button[data-popup-open]") : now;
  }
  return null;
}

/** What is gone, such as the button of a list that is empty no more, leaves it to the page's heading. */
function giveBack(): HTMLElement | boolean {
  return opener?.isConnected ? opener : (document.querySelector<HTMLElement>("h1[tabindex]") ?? true);
}

/** Open for as long as it is there. */
export function Dialog({ title, text, wide, onClose, children }: DialogProps) {
  useState(remember);
  return (
    <Base.Root open onOpenChange={closing(onClose)} disablePointerDismissal>
      <Base.Portal>
        <Base.Backdrop className="shade" />
        <Base.Popup className="dialog" data-wide={wide || undefined} finalFocus={giveBack}>
          <Base.Title>{title}</Base.Title>
          {text ? <Base.Description className="dialog-text">{text}</Base.Description> : <div className="dialog-text" />}
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

interface FormDialogProps extends DialogProps {
  action: string;
  busy: boolean;
  error: unknown;
  danger?: boolean;
  disabled?: boolean;
  onSubmit: () => void;
}

/** Over everything else, dialogs among it: it is answered, not closed. */
export function Demand({ title, text, children }: Omit<DialogProps, "wide" | "onClose">) {
  return (
    <Base.Root open disablePointerDismissal>
      <Base.Portal>
        <Base.Backdrop className="shade" data-over />
        <Base.Popup className="dialog" data-over>
          <Base.Title>{title}</Base.Title>
          <Base.Description className="dialog-text">{text}</Base.Description>
          {children}
        </Base.Popup>
      </Base.Portal>
    </Base.Root>
  );
}

/** A dialog that is a form: its fields, then to leave it or to do it. */
export function FormDialog({ action, busy, error, danger, disabled, onSubmit, children, ...rest }: FormDialogProps) {
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!busy && !disabled) onSubmit();
  };
  return (
    <Dialog {...rest}>
      <form className="form" onSubmit={submit}>
        {children}
        <ProblemNote error={error} />
        <div className="dialog-end">
          <Button onClick={rest.onClose}>Cancel</Button>
          <Button type="submit" kind={danger ? "danger-solid" : "primary"} busy={busy} disabled={disabled}>
            {action}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

interface ConfirmProps {
  title: string;
  text: ReactNode;
  action: string;
  /** What has to be typed first: for what cannot be undone. */
  typed?: string;
  danger?: boolean;
  busy: boolean;
  error: unknown;
  onConfirm: () => void;
  onClose: () => void;
  children?: ReactNode;
}

export function Confirm(props: ConfirmProps) {
  const { title, text, action, typed, danger = true, busy, error, onConfirm, onClose, children } = props;
  useState(remember);
  const [word, setWord] = useState("");
  const isHeld = typed !== undefined && word.trim() !== typed;
  const submit = (event: FormEvent): void => {
    event.preventDefault();
    if (!isHeld && !busy) onConfirm();
  };
  return (
    <AlertDialog.Root open onOpenChange={closing(onClose)}>
      <AlertDialog.Portal>
        <AlertDialog.Backdrop className="shade" />
        <AlertDialog.Popup className="dialog" finalFocus={giveBack}>
          <AlertDialog.Title>{title}</AlertDialog.Title>
          <AlertDialog.Description className="dialog-text">{text}</AlertDialog.Description>
          <form className="form" onSubmit={submit}>
            {children}
            {typed !== undefined && (
              <Field
                label={`Type “${typed}” to confirm`}
                value={word}
                onValue={setWord}
                autoComplete="off"
                spellCheck={false}
              />
            )}
            <ProblemNote error={error} />
            <div className="dialog-end">
              <Button onClick={onClose}>Cancel</Button>
              <Button type="submit" kind={danger ? "danger-solid" : "primary"} busy={busy} disabled={isHeld}>
                {action}
              </Button>
            </div>
          </form>
        </AlertDialog.Popup>
      </AlertDialog.Portal>
    </AlertDialog.Root>
  );
}
