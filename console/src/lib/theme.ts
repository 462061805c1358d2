// Light, dark, or as the system has it. Kept in this browser.
import { store } from "./store";

export type Theme = "system" | "light" | "dark";
const PLACE = "keyward-theme";

function kept(): Theme {
  const text = localStorage.getItem(PLACE);
  return text === "light" || text === "dark" ? text : "system";
}

export const theme = store<Theme>(kept());

export function applyTheme(): void {
  const now = theme.get();
  if (now === "system") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = now;
}

export function chooseTheme(next: Theme): void {
  if (next === "system") localStorage.removeItem(PLACE);
  else localStorage.setItem(PLACE, next);
  theme.set(next);
  applyTheme();
}

export function isDark(): boolean {
  const now = theme.get();
  return now === "dark" || (now === "system" && matchMedia("(prefers-color-scheme: dark)").matches);
}
