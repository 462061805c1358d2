// What each test starts from: a server, a page that watches itself, and somebody who is signed in.
import { test as base, expect, type Page } from "@playwright/test";
import { Keyward, PASSWORD } from "./server";

interface Worker {
  keyward: Keyward;
}

interface Fixtures {
  /** What a page must never do: break its policy, ask another host, or fail by itself. */
  watched: undefined;
  /** The console, with `admin` signed in. */
  console: Page;
}

export const test = base.extend<Fixtures, Worker>({
  keyward: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names from it
    async ({}, use) => {
      const keyward = new Keyward();
      await keyward.start();
      await use(keyward);
      await keyward.away();
    },
    { scope: "worker" },
  ],
  watched: [
    async ({ page }, use) => {
      const wrong = watch(page);
      await use(undefined);
      expect(wrong, "what the page did that it must not").toEqual([]);
    },
    { auto: true },
  ],
  console: async ({ page, keyward }, use) => {
    await signIn(page, keyward);
    await use(page);
  },
});

export { expect };

/** What runs where a text is taken for more than a text. */
export const SCRIPTS = [
  "<img src=x onerror=alert(1)>",
  "<script>alert(1)</script>",
  "javascript:alert(1)",
  '"><svg onload=alert(1)>',
  "{{constructor.constructor('alert(1)')()}}",
];

export function watch(page: Page): string[] {
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(`error: ${error.message}`));
  page.on("console", (message) => {
    if (/Content.Security.Policy|TrustedHTML|TrustedScript/.test(message.text())) wrong.push(message.text());
  });
  page.on("dialog", (dialog) => wrong.push(`dialog: ${dialog.message()}`));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("http://127.0.0.1:")) wrong.push(`asked ${url}`);
  });
  return wrong;
}

export async function signIn(page: Page, keyward: Keyward, username = "admin", password = PASSWORD): Promise<void> {
  await page.goto(keyward.consoleUrl);
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
}

export async function open(page: Page, keyward: Keyward, path: string): Promise<void> {
  await page.goto(`${keyward.consoleUrl}#${path}`);
}

/** Generates a key by the form, and reads it while it is shown. */
export async function generate(page: Page, keyward: Keyward, name: string): Promise<string> {
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  return (await page.locator("[data-secret]").first().textContent()) ?? "";
}

export async function done(page: Page): Promise<void> {
  await page.getByRole("button", { name: "I have copied it" }).click();
}
