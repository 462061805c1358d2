// What else can be done with a thing, behind one button.
import { Menu as Base } from "@base-ui/react/menu";
import type { ReactElement } from "react";
import { Icon, type IconName } from "./icon";

export interface Action {
  text: string;
  icon?: IconName;
  tone?: "bad";
  run: () => void;
}

interface MenuProps {
  label: string;
  actions: readonly (Action | "line")[];
  trigger?: ReactElement;
}

export function Menu({ label, actions, trigger }: MenuProps) {
  const dots = (
    <button type="button" className="button" data-kind="plain" data-size="icon" aria-label={label}>
      <Icon name="more" />
    </button>
  );
  return (
    <Base.Root modal={false}>
      <Base.Trigger render={trigger ?? dots} />
      <Base.Portal>
        <Base.Positioner className="menu-place" align="end" sideOffset={6}>
          <Base.Popup className="menu">
            {actions.map((action, place) =>
              action === "line" ? (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines have no name
                <Base.Separator key={place} className="menu-line" />
              ) : (
                <Base.Item key={action.text} className="menu-item" data-tone={action.tone} onClick={action.run}>
                  {action.icon && <Icon name={action.icon} />}
                  {action.text}
                </Base.Item>
              ),
            )}
          </Base.Popup>
        </Base.Positioner>
      </Base.Portal>
    </Base.Root>
  );
}
