// The pictures of the documentation, of the real pages with made-up customers. They are drawn where they are asked for, and need sqlite3:
// `IMAGES=1 cargo test --workspace --test console_pages`.
import { fileURLToPath } from "node:url";
import type { Page } from "@playwright/test";
import { age, fill } from "./past";
import { COLOR, row as keyRow, LOGO, OPERATOR, signIn as signInToPortal } from "./portal";
import { Keyward, PASSWORD } from "./server";
import { expect, open, signIn, test } from "./test";

const FOLDER = fileURLToPath(new URL("../../docs/images", import.meta.url));
const SIZES = { wide: { width: 1440, height: 900 }, phone: { width: 390, height: 844 } };
const SHARES = [0.31, 0.17, 0.2, 0.14, 0.11, 0.07];
const CUSTOMERS = [
  ["Acme", "nora@acme.example", ["Production", "Staging"]],
  ["Globex", "li@globex.example", ["Mobile app", "Nightly export", "Billing worker"]],
  ["Initech", "peter@initech.example", ["Reports"]],
] as const;
const [[, CUSTOMER]] = CUSTOMERS;

function configuration(keyward: Keyward): string {
  return `
portal: {path: /portal, name: ${OPERATOR}, color: "${COLOR}", logo_file: ${keyward.file("logo.svg", LOGO)}}
plans: {starter: {limits: [{requests: 600, window: 1m}]}}
accounts: {default_plan: starter}
routes:
  - {name: orders, path: /orders/**}
  - {name: invoices, path: /invoices/**}
  - {name: catalogue, path: /**}
`;
}

interface Made {
  id: string;
  key: string;
}

function make(keyward: Keyward, name: string, owner: string): Made {
  return JSON.parse(keyward.run("key", "create", name, "--owner", owner, "--expires", "90d", "--json")) as Made;
}

function idOf(keyward: Keyward, user: string): string {
  return (JSON.parse(keyward.run("user", "show", user, "--json")) as { id: string }).id;
}

/** A week of traffic of six keys of three customers, and some of this minute. */
async function busy(keyward: Keyward): Promise<void> {
  await keyward.start(configuration(keyward));
  const password = keyward.file("password", PASSWORD);
  const made = CUSTOMERS.flatMap(([account, user, names]) => {
    keyward.run("account", "add", account);
    keyward.run("user", "add", user, "--roles", "self", "--account", account, "--password-file", password);
    return names.map((name) => ({ ...make(keyward, name, user), owner: idOf(keyward, user) }));
  });
  await keyward.stop();
  const shares = made.map(({ id, owner }, place) => ({ key: id, owner, share: SHARES[place] ?? 0 }));
  fill(keyward, shares);
  const ids = made.map((one) => one.id);
  age(keyward, ids);
  await keyward.start();
  for (let turn = 0; turn < 400; turn += 1) {
    const key = made[Math.floor(turn ** 1.3) % made.length]?.key;
    await keyward.call(["/orders/18", "/orders/17", "/invoices/4"][turn % 3] ?? "/", turn % 9 === 0 ? undefined : key);
    if (turn % 31 === 0) await keyward.call("/orders/18", "kw_live_notakey");
  }
}

async function draw(page: Page, name: string, go: () => Promise<void>): Promise<void> {
  for (const [size, viewport] of Object.entries(SIZES)) {
    await page.setViewportSize(viewport);
    await go();
    await expect(page.locator("[aria-busy=true]")).toHaveCount(0);
    await page.evaluate(() => document.fonts.ready);
    await page.mouse.move(0, 0);
    await page.screenshot({ path: `${FOLDER}/${name}-${size}.png`, animations: "disabled" });
  }
}

test("the pictures of the documentation", async ({ page, browser }) => {
  test.setTimeout(180_000);
  const keyward = new Keyward();
  try {
    await busy(keyward);
    await page.emulateMedia({ reducedMotion: "reduce" });
    await signIn(page, keyward);
    const row = page.getByRole("link", { name: "Production" }).first();
    const to = (path: string, seen: typeof row) => async () => {
      await open(page, keyward, path);
      await expect(seen).toBeVisible();
    };
    await draw(page, "console-overview", to("/?span=24h", row));
    await draw(page, "console-keys", to("/keys", row));
    const refused = page.locator("tbody").getByText("NoCredential").first();
    await draw(page, "console-decisions", to("/decisions", refused));
    await page.emulateMedia({ colorScheme: "dark" });
    await draw(page, "console-keys-dark", to("/keys", row));
    await page.setViewportSize(SIZES.wide);
    await open(page, keyward, "/decisions?outcome=Rejected");
    await page.locator("tbody a").first().click();
    await expect(page.getByRole("heading", { name: "Why" })).toBeVisible();
    await page.emulateMedia({ colorScheme: "light" });
    await page.screenshot({ path: `${FOLDER}/console-why-wide.png` });

    const theirs = await (await browser.newContext({ timezoneId: "Europe/Paris", locale: "en-GB" })).newPage();
    await signInToPortal(theirs, keyward, CUSTOMER);
    await draw(theirs, "portal", async () => {
      await expect(keyRow(theirs, "Production")).toBeVisible();
    });
    await theirs.context().close();
  } finally {
    await keyward.away();
  }
});
