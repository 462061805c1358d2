// A Keyward with a customer portal, its people, and the ways in.
import type { Locator, Page } from "@playwright/test";
import { Keyward, PASSWORD } from "./server";
import { test as base, expect } from "./test";

export const OPERATOR = "Orbital Weather";
export const COLOR = "#0b57d0";
export const LOGO = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 96 30" width="96" height="30">
<circle cx="15" cy="15" r="12" fill="${COLOR}"/><path d="M30 21h60M30 11h44" stroke="${COLOR}" stroke-width="5"/></svg>`;

export interface Customized {
  name?: string;
  logo?: string | null;
}

/** With users `ada`, who may make keys, and `rob`, who may only look. */
export async function withPortal({ name = OPERATOR, logo = LOGO }: Customized = {}): Promise<Keyward> {
  const keyward = new Keyward();
  const picture = logo === null ? "" : `, logo_file: ${keyward.file("logo.svg", logo)}`;
  await keyward.start(
    [
      `portal: {path: /portal, name: ${JSON.stringify(name)}, color: "${COLOR}"${picture}}`,
      "plans: {free: {limits: [{requests: 60, window: 1m}, {requests: 1000, window: 1d}]}}",
      "accounts: {default_plan: free}",
      "roles: {self: ['self:*'], onlooker: ['self:keys:read', 'self:usage:read'], admin: ['*', 'keyward:keys:read']}",
    ].join("\n"),
  );
  const password = keyward.file("password", PASSWORD);
  for (const account of ["Acme", "Globex"]) keyward.run("account", "add", account);
  for (const [username, roles] of [
    ["ada", "self"],
    ["rob", "onlooker"],
  ] as const) {
    keyward.run("user", "add", username, "--roles", roles, "--account", "Acme", "--password-file", password);
  }
  return keyward;
}

export const test = base.extend<object, { portal: Keyward }>({
  portal: [
    // biome-ignore lint/correctness/noEmptyPattern: Playwright reads the names from it
    async ({}, use) => {
      const keyward = await withPortal();
      await use(keyward);
      await keyward.away();
    },
    { scope: "worker" },
  ],
});

export { expect };

export function portalUrl(keyward: Keyward): string {
  return `${keyward.dataUrl}/portal/`;
}

export async function signIn(page: Page, keyward: Keyward, username = "ada"): Promise<void> {
  await page.goto(portalUrl(keyward));
  await page.getByLabel("Username").fill(username);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await expect(page.getByRole("heading", { name: "Your API keys" })).toBeVisible();
}

export function link(keyward: Keyward, account = "Acme"): string {
  return keyward.dataUrl + keyward.run("account", "portal-link", account).trim();
}

export async function comeIn(page: Page, keyward: Keyward, account = "Acme"): Promise<void> {
  // Another place behind # alone is no new page.
  await page.goto("about:blank");
  await page.goto(link(keyward, account));
  await page.getByRole("button", { name: "Come in" }).click();
  await expect(page.getByRole("heading", { name: "Your API keys" })).toBeVisible();
}

/** Generates a key by the form, and reads it while it is shown. */
export async function generate(page: Page, name: string): Promise<string> {
  await page.getByRole("button", { name: "Generate API key" }).click();
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Generate", exact: true }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  return (await page.locator("[data-secret]").textContent()) ?? "";
}

export function row(page: Page, key: string): Locator {
  return page.getByRole("row").filter({ hasText: key });
}

export async function act(page: Page, key: string, action: string): Promise<void> {
  await page.getByRole("button", { name: `Actions for ${key}` }).click();
  await page.getByRole("menuitem", { name: action }).click();
}
