// Each page in both themes and on a phone: nothing that keeps anybody out (axe), nothing wider than the screen, one heading.
import AxeBuilder from "@axe-core/playwright";
import type { Page } from "@playwright/test";
import type { Keyward } from "./server";
import { expect, generate, open, signIn, test } from "./test";

const PAGES = [
  "/",
  "/decisions",
  "/decisions?live=yes",
  "/explain",
  "/keys",
  "/keys/new",
  "/users",
  "/accounts",
  "/plans",
  "/roles",
  "/sessions",
  "/signing-keys",
  "/audit",
  "/configuration",
  "/health",
  "/account",
  "/start",
  "/nowhere",
];

async function looks(page: Page, path: string): Promise<void> {
  await expect(page.locator("[aria-busy=true]"), path).toHaveCount(0);
  await expect(page.locator("h1"), path).toHaveCount(1);
  const { violations } = await new AxeBuilder({ page }).analyze();
  const serious = violations.filter((one) => one.impact === "serious" || one.impact === "critical");
  expect(
    serious.map((one) => `${path}: ${one.id}: ${one.nodes.map((node) => node.html).join(" ")}`),
    path,
  ).toEqual([]);
}

for (const colorScheme of ["light", "dark"] as const) {
  test(`nobody is kept out of a page (${colorScheme})`, async ({ page, keyward }) => {
    test.setTimeout(180_000);
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    await page.goto(keyward.consoleUrl);
    await expect(page.getByRole("button", { name: "Sign in" })).toBeVisible();
    await looks(page, "sign-in");
    await signIn(page, keyward);
    await generate(page, keyward, `seen in ${colorScheme}`);
    await looks(page, "a key just made");
    for (const path of PAGES) {
      await open(page, keyward, path);
      await looks(page, path);
    }
    await open(page, keyward, "/keys");
    await page.getByRole("link", { name: `seen in ${colorScheme}` }).click();
    await expect(page.getByRole("heading", { name: `seen in ${colorScheme}` })).toBeVisible();
    await looks(page, "a key");
    await page.getByRole("button", { name: "Revoke" }).click();
    await expect(page.getByRole("alertdialog")).toBeVisible();
    await looks(page, "a question");
    await people(page, keyward, colorScheme);
    await page.goto(`${keyward.consoleUrl}reference/`);
    await page.getByText("/admin/v1/keys", { exact: true }).first().click();
    await expect(page.getByRole("button", { name: "Send GET" })).toBeVisible();
    await looks(page, "the reference");
  });
}

/** The page of one user, of one account, and of somebody who is invited: on a phone, too. */
async function people(page: Page, keyward: Keyward, colorScheme: string): Promise<void> {
  const [account, user] = [`Of ${colorScheme}`, `una.${colorScheme}`];
  keyward.run("account", "add", account, "--budget", "1000/30d");
  keyward.run("user", "add", user, "--roles", "auditor", "--account", account, "--no-password");
  await open(page, keyward, "/users");
  await page.getByRole("link", { name: user }).click();
  await expect(page.getByRole("heading", { name: user })).toBeVisible();
  await looks(page, "a user");
  await fits(page, "a user");
  await open(page, keyward, "/accounts");
  await page.getByRole("link", { name: account }).click();
  await expect(page.getByRole("heading", { name: account })).toBeVisible();
  await looks(page, "an account");
  await fits(page, "an account");
  await page.goto("about:blank");
  // A command knows the port of the configuration, not the one that the system chose.
  const [, place = ""] = keyward.run("user", "invite", user).trim().split("#");
  await page.goto(`${keyward.consoleUrl}#${place}`);
  await expect(page.getByLabel("New password")).toBeVisible();
  await looks(page, "an invitation");
  await fits(page, "an invitation");
  await page.goto("about:blank");
  await page.goto(`${keyward.consoleUrl}#/invite/kwinv_guess`);
  await expect(page.getByRole("alert")).toBeVisible();
  await looks(page, "an invitation that is none");
}

async function fits(page: Page, path: string): Promise<void> {
  const before = page.viewportSize();
  await page.setViewportSize({ width: 390, height: 844 });
  const wide = () => page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
  await expect.poll(wide, path).toBeLessThanOrEqual(0);
  if (before) await page.setViewportSize(before);
}

test("each page fits on a phone", async ({ page, keyward }) => {
  test.setTimeout(90_000);
  await page.setViewportSize({ width: 390, height: 844 });
  await page.goto(keyward.consoleUrl);
  await page.getByLabel("Username").fill("admin");
  await page.getByLabel("Password").fill("correct horse battery");
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.getByRole("button", { name: "Menu" }).click();
  await page.getByRole("dialog").getByRole("link", { name: "API keys" }).click();
  await expect(page.getByRole("heading", { name: "API keys", exact: true })).toBeVisible();
  for (const path of PAGES) {
    await open(page, keyward, path);
    await expect(page.locator("[aria-busy=true]"), path).toHaveCount(0);
    await fits(page, path);
  }
});

test("the keyboard is enough", async ({ page, keyward }) => {
  await page.goto(keyward.consoleUrl);
  await expect(page.getByLabel("Username")).toBeFocused();
  await page.keyboard.type("admin");
  await page.keyboard.press("Tab");
  await page.keyboard.type("correct horse battery");
  await page.keyboard.press("Enter");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await open(page, keyward, "/keys/new");
  await expect(page.getByLabel("Name")).toBeFocused();
  await page.keyboard.type("by keyboard");
  await page.keyboard.press("Enter");
  await expect(page.getByText("Copy it now")).toBeVisible();
  await expect(page.getByRole("heading", { level: 1 })).toBeFocused();
  await open(page, keyward, "/keys");
  const dots = page.getByRole("button", { name: "Actions for by keyboard" });
  await dots.focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  await expect(page.getByRole("menuitem", { name: "Disable…" })).toBeFocused();
  await page.keyboard.press("Enter");
  await expect(page.getByRole("alertdialog")).toBeVisible();
  await page.keyboard.press("Escape");
  await expect(page.getByRole("alertdialog")).toBeHidden();
});
