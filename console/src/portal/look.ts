// What the operator's pages look like: name, colour and picture. Colours are set for the whole document, because dialogs lie beside the page.
import { useEffect } from "react";
import type { Settings } from "./client";

/** Black or white, whichever is read more easily on a colour. */
function readable(color: string): string {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((place) => {
    const part = Number.parseInt(color.slice(place, place + 2), 16) / 255;
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000" : "#fff";
}

export function useLook(settings: Settings | undefined): void {
  useEffect(() => {
    if (!settings) return;
    const { name, color, logo } = settings;
    document.title = name ?? "API access";
    const { style } = document.documentElement;
    if (color && /^#[0-9a-f]{6}$/i.test(color)) {
      style.setProperty("--brand", color);
      style.setProperty("--on-brand", readable(color));
    }
    const icon = document.querySelector<HTMLLinkElement>("link[rel=icon]");
    if (icon && logo) icon.href = `./${logo}`;
  }, [settings]);
}
