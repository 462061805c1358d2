// The life of a key, by the pages: generated, shown once, used, rotated, paused, revoked.
import type { Keyward } from "./server";
import { done, expect, generate, open, test } from "./test";

test("a key is shown once, opens the API, and is never shown again", async ({ console: page, keyward, context }) => {
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const key = await generate(page, keyward, "billing worker");
  expect(key).toMatch(/^kw_live_/);
  await page.getByRole("button", { name: "Copy", exact: true }).click();
  await expect(page.getByRole("button", { name: "Copied", exact: true })).toBeVisible();
  expect(await page.evaluate(() => navigator.clipboard.readText())).toBe(key);
  const code = page.locator("pre");
  for (const [language, text] of [
    ["curl", `-H 'X-API-Key: ${key}'`],
    ["Python", `"X-API-Key": "${key}"`],
    ["JavaScript", `"X-API-Key": "${key}"`],
  ] as const) {
    await page.getByRole("button", { name: language, exact: true }).click();
    await expect(code).toContainText(text);
    await expect(code).toContainText(keyward.dataUrl);
  }
  expect(await keyward.call("/orders")).toBe(401);
  expect(await keyward.call("/orders", key)).toBe(200);
  await done(page);
  await expect(page.getByRole("heading", { name: "billing worker" })).toBeVisible();
  await page.goBack();
  await page.reload();
  expect(await page.content()).not.toContain(key);
  await open(page, keyward, "/keys");
  await expect(page.getByRole("link", { name: "billing worker" })).toBeVisible();
  expect(await page.content()).not.toContain(key);
});

test("a key is paused, woken, and revoked for ever once its name is typed", async ({ console: page, keyward }) => {
  const key = await generate(page, keyward, "paused");
  await done(page);
  await page.getByRole("button", { name: "Disable" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Disable" }).click();
  await expect(page.getByText(/refused by 1\/1 node, \d+ ms/)).toBeVisible();
  expect(await keyward.call("/orders", key)).toBe(401);
  await page.getByRole("button", { name: "Enable" }).click();
  await page.getByRole("alertdialog").getByRole("button", { name: "Enable" }).click();
  await expect(page.getByText(/accepted by 1\/1 node/)).toBeVisible();
  expect(await keyward.call("/orders", key)).toBe(200);

  await page.getByRole("button", { name: "Revoke" }).click();
  const sure = page.getByRole("alertdialog");
  await sure.getByLabel("Reason").fill("left with a laptop");
  await expect(sure.getByRole("button", { name: "Revoke for ever" })).toBeDisabled();
  await sure.getByLabel(/to confirm/).fill("paused");
  await sure.getByRole("button", { name: "Revoke for ever" }).click();
  await expect(page.getByText("Revoked for ever")).toBeVisible();
  await expect(page.getByText("left with a laptop")).toBeVisible();
  expect(await keyward.call("/orders", key)).toBe(401);
});

test("a rotated key and its successor both count for the overlap", async ({ console: page, keyward }) => {
  const old = await generate(page, keyward, "rotated");
  await done(page);
  await page.getByRole("button", { name: "Rotate" }).click();
  await page.getByRole("radio", { name: "1 hour" }).check();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  const next = (await page.locator("[data-secret]").first().textContent()) ?? "";
  expect(next).not.toBe(old);
  await done(page);
  expect(await keyward.call("/orders", old, { "User-Agent": "old-client/1.0" })).toBe(200);
  expect(await keyward.call("/orders", next)).toBe(200);
  await expect(page.getByRole("heading", { name: "It was replaced" })).toBeVisible();
  await expect(async () => {
    await page.reload();
    await expect(page.getByText("old-client/1.0")).toBeVisible({ timeout: 1000 });
  }).toPass({ timeout: 15_000 });
});

/** What `POST token` gives for a pair; `undefined`: nothing. */
async function token(keyward: Keyward, [key, secret]: readonly string[]): Promise<string | undefined> {
  const headers = { Authorization: `Basic ${btoa(`${key}:${secret}`)}` };
  const body = new URLSearchParams({ grant_type: "client_credentials" });
  const answer = await fetch(`${keyward.dataUrl}/_keyward/token`, { method: "POST", headers, body });
  return ((await answer.json()) as { access_token?: string }).access_token;
}

test("a pair shows key and secret once, is told apart in the list, and has another secret once it is rotated", async ({
  console: page,
  keyward,
}) => {
  const secrets = page.locator("[data-secret]");
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("a pair");
  await page.getByText("Addresses, budget and more").click();
  await page.getByRole("checkbox", { name: /^With a secret/ }).check();
  await page.getByRole("button", { name: "Generate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  const pair = (await secrets.allTextContents()).slice(0, 2);
  const [key = "", secret = ""] = pair;
  await expect(secrets.nth(2)).toContainText(`curl -u '${key}:${secret}'`);
  expect(await keyward.call("/orders", key), "the key alone opens nothing").toBe(401);
  const bearer = { Authorization: `Bearer ${await token(keyward, pair)}` };
  expect(await keyward.call("/orders", undefined, bearer)).toBe(200);
  await done(page);
  await expect(page.getByRole("heading", { name: "a pair" })).toBeVisible();
  await expect(page.getByText("pair", { exact: true })).toBeVisible();
  await page.reload();
  await expect(page.getByRole("heading", { name: "a pair" })).toBeVisible();
  for (const part of pair) expect(await page.content()).not.toContain(part);
  await page.getByRole("button", { name: "Rotate" }).click();
  await page.getByRole("dialog").getByRole("button", { name: "Rotate" }).click();
  await expect(page.getByText("Copy it now")).toBeVisible();
  const next = (await secrets.allTextContents()).slice(0, 2);
  expect(next.filter((part) => pair.includes(part))).toEqual([]);
  expect(await token(keyward, next)).toBeDefined();
  expect(await token(keyward, [next[0] ?? "", secret])).toBeUndefined();
  await done(page);
  await open(page, keyward, "/keys?search=a%20pair");
  await expect(page.getByRole("row").filter({ hasText: "a pair" }).getByText("pair", { exact: true })).toHaveCount(2);
});

test("what the server refuses is said with its decision", async ({ console: page, keyward }) => {
  await open(page, keyward, "/keys/new");
  await page.getByLabel("Name").fill("with a scope that nobody has");
  await page.getByRole("radio", { name: "Only some scopes" }).check();
  await page.getByLabel("Another scope").fill('bad"scope');
  await page.getByRole("button", { name: "Add" }).click();
  await page.getByRole("button", { name: "Generate" }).click();
  const alert = page.getByRole("alert");
  await expect(alert).toBeVisible();
  await expect(alert).toContainText("Decision");
  await expect(page.getByLabel("Name")).toHaveValue("with a scope that nobody has");
});
