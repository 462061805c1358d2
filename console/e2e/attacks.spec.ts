// What others put into names, and what other pages try with this one.
import type { Page } from "@playwright/test";
import { elsewhere } from "./server";
import { expect, open, SCRIPTS, signIn, test } from "./test";

test("text stays text, whoever wrote it", async ({ console: page, keyward }) => {
  for (const text of SCRIPTS) keyward.run("key", "create", text);
  const agent = SCRIPTS[0] ?? "";
  await keyward.call(`/${encodeURIComponent("<b>")}`, undefined, { "User-Agent": agent });
  await open(page, keyward, "/keys");
  for (const text of SCRIPTS) await expect(page.getByText(text, { exact: true })).toBeVisible();
  await page.getByRole("link", { name: agent, exact: true }).click();
  await expect(page.getByRole("heading", { name: agent })).toBeVisible();
  expect(await page.locator("main img, main script, main svg[onload]").count()).toBe(0);
});

/** Nothing of what was written became more than text. */
async function onlyText(page: Page, where: string): Promise<void> {
  await expect(page.locator("[aria-busy=true]"), where).toHaveCount(0);
  await expect(page.locator("h1"), where).toHaveCount(1);
  expect(await page.locator("img[onerror], svg[onload], main :is(img, script, iframe)").count(), where).toBe(0);
  expect(await page.locator('a[href*="javascript:" i]:not([href^="#"])').count(), where).toBe(0);
}

test("text stays text of whoever calls, signs in or is refused", async ({ console: page, keyward }) => {
  test.setTimeout(90_000);
  const [image = "", script = "", link = "", , template = ""] = SCRIPTS;
  // What operators and their customers write.
  keyward.run("account", "add", image, "--external-id", script);
  keyward.run("user", "add", "mallory", "--roles", "self", "--external-id", link, "--no-password");
  const made = JSON.parse(keyward.run("key", "create", template, "--external-id", image, "--json"));
  const ended = JSON.parse(keyward.run("key", "create", link, "--json"));
  keyward.run("key", "revoke", ended.id, "--reason", script);
  // What callers say that they are: kept of whoever still uses a key that was replaced.
  keyward.run("key", "rotate", made.id);
  for (const agent of SCRIPTS) {
    expect(await keyward.call("/orders", made.key, { "User-Agent": agent })).toBe(200);
  }
  // What strangers ask for, as it is and as browsers write it, and who they say that they are when they sign in.
  const path = "/<img/src=x/onerror=alert(1)>";
  const hostile = { "User-Agent": image, "X-Forwarded-For": script, Referer: link, Forwarded: `for="${script}"` };
  for (const target of [path, encodeURI(path), `/orders?q=${script}`, "/<b>bold</b>"]) {
    await keyward.raw(keyward.dataUrl, "GET", target.replaceAll(" ", "%20"), hostile);
  }
  const json = { ...hostile, "Content-Type": "application/json" };
  for (const username of [image, "admin"]) {
    const body = JSON.stringify({ username, password: script });
    expect(await keyward.raw(keyward.dataUrl, "POST", "/_keyward/login", json, body)).toBe(401);
    expect(await keyward.raw(keyward.adminUrl, "POST", "/admin/v1/session", json, body)).toBe(401);
  }

  const shown = (text: string) => page.getByText(text, { exact: true }).first();
  const isNoted = (): boolean => {
    const told = keyward.run("key", "show", made.id, "--json");
    return SCRIPTS.every((agent) => told.includes(JSON.stringify(agent)));
  };
  await expect.poll(isNoted, { timeout: 30_000 }).toBe(true);
  await open(page, keyward, `/keys/${made.id}`);
  for (const agent of SCRIPTS) await expect(shown(agent)).toBeVisible();
  await onlyText(page, "who uses a key");
  await open(page, keyward, "/accounts");
  await page.getByRole("link", { name: image, exact: true }).click();
  await expect(page.getByRole("heading", { name: image })).toBeVisible();
  await onlyText(page, "an account");
  await open(page, keyward, "/users");
  await page.getByRole("link", { name: "mallory" }).click();
  await expect(page.getByRole("heading", { name: "mallory" })).toBeVisible();
  await onlyText(page, "a user");
  await open(page, keyward, `/keys/${ended.id}`);
  await expect(page.getByText(script).first()).toBeVisible();
  await onlyText(page, "why a key was revoked");
  await open(page, keyward, "/decisions");
  await expect(page.getByRole("link", { name: "<b>bold</b>" }).first()).toBeVisible({ timeout: 15_000 });
  await onlyText(page, "decisions");
  await page.getByRole("link", { name: "<b>bold</b>" }).first().click();
  await onlyText(page, "a decision");
  for (const where of ["/", "/keys", "/sessions", "/audit", "/configuration", "/health", "/account"]) {
    await open(page, keyward, where);
    await onlyText(page, where);
  }
  await open(page, keyward, "/decisions?live=yes");
  await expect(page.getByText("live", { exact: true })).toBeVisible();
  await keyward.raw(keyward.dataUrl, "GET", "/<b>alive</b>", hostile);
  await expect(page.getByRole("link", { name: "<b>alive</b>" })).toBeVisible();
  await onlyText(page, "decisions as they come");
});

test("no page of another origin can hold the console in a frame", async ({ browser, keyward }) => {
  const frame = await elsewhere(`<iframe src="${keyward.consoleUrl}" width="800" height="600"></iframe>`);
  const page = await browser.newPage();
  await page.goto(frame.url);
  await expect.poll(() => page.frames()[1]?.url()).toContain("chrome-error:");
  await page.close();
  frame.close();
});

test("no page of another origin can use the session", async ({ browser, keyward }) => {
  const context = await browser.newContext();
  const page = await context.newPage();
  await signIn(page, keyward);
  const evil = await elsewhere("<p>hello</p>");
  await page.goto(evil.url);
  const tried = await page.evaluate(async (admin) => {
    const send = async (path: string, init: RequestInit): Promise<string> => {
      try {
        return String((await fetch(`${admin}/admin/v1${path}`, { credentials: "include", ...init })).status);
      } catch {
        return "blocked";
      }
    };
    return [
      await send("/keys", {}),
      await send("/keys", {
        method: "POST",
        body: '{"name":"forged"}',
        headers: { "Content-Type": "application/json" },
      }),
      await send("/keys", { method: "POST", body: '{"name":"forged"}', mode: "no-cors" }),
      await send("/session", { method: "DELETE" }),
    ];
  }, keyward.adminUrl);
  expect(tried.filter((one) => one !== "blocked" && one !== "0")).toEqual([]);
  expect(keyward.run("key", "list", "--json")).not.toContain("forged");
  await open(page, keyward, "/keys");
  await expect(page.getByRole("navigation", { name: "Pages" })).toBeVisible();
  await context.close();
  evil.close();
});
