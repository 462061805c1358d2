// The pictures of the documentation, of the real console with made-up customers: `IMAGES=1 cargo test -p keyward --test console_pages`.
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { Keyward } from "./server";
import { expect, open, signIn, test } from "./test";

const FOLDER = fileURLToPath(new URL("../../docs/images", import.meta.url));
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const CALLERS = ["Acme, production", "Acme, staging", "Globex", "Mobile app", "Nightly export", "Billing worker"];

test.skip(!process.env.IMAGES, "IMAGES=1 draws them");

async function busy(keyward: Keyward): Promise<void> {
  keyward.run("account", "add", "Acme");
  const keys = CALLERS.map((name) => keyward.run("key", "create", name, "--expires", "90d").trim());
  for (let turn = 0; turn < 400; turn += 1) {
    const key = keys[Math.floor(turn ** 1.3) % keys.length];
    await keyward.call(["/orders", "/orders/17", "/invoices"][turn % 3] ?? "/", turn % 9 === 0 ? undefined : key);
    if (turn % 31 === 0) await keyward.call("/orders", "kw_live_notakey");
  }
}

async function draw(
  page: Page,
  keyward: Keyward,
  name: string,
  path: string,
  ready: () => Promise<void>,
): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await open(page, keyward, path);
    await ready();
    await page.waitForTimeout(400);
    await page.screenshot({ path: `${FOLDER}/console-${name}-${size}.png` });
  }
}

test("the pictures of the documentation", async ({ page }) => {
  test.setTimeout(180_000);
  const keyward = new Keyward();
  await keyward.start();
  try {
    await busy(keyward);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await signIn(page, keyward);
    const row = page.getByRole("link", { name: "Acme, production" }).first();
    await draw(page, keyward, "overview", "/?span=1h", () => expect(row).toBeVisible());
    await draw(page, keyward, "keys", "/keys", () => expect(row).toBeVisible());
    await draw(page, keyward, "decisions", "/decisions", () =>
      expect(page.locator("tbody").getByText("NoCredential").first()).toBeVisible(),
    );
    await page.emulateMedia({ colorScheme: "dark" });
    await draw(page, keyward, "keys-dark", "/keys", () => expect(row).toBeVisible());
    await page.setViewportSize(SIZES.wide);
    await open(page, keyward, "/decisions?outcome=Rejected");
    await page.locator("tbody a").first().click();
    await expect(page.getByRole("heading", { name: "Why" })).toBeVisible();
    await page.emulateMedia({ colorScheme: "light" });
    await page.screenshot({ path: `${FOLDER}/console-why-wide.png` });
  } finally {
    await keyward.away();
  }
});
